//! What a picture shows and what it leaves out.

use std::{fmt, str::FromStr};

/// A layer of a picture. Its name is the class of the groups that hold it in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Rooms, tinted by kind.
    Rooms,
    /// Zones, hatched by kind.
    Zones,
    /// Sensors and what they see.
    Sensors,
    /// What stands on the floor.
    Obstacles,
    /// Stairs, ramps and escalators.
    Connectors,
    /// Lifts.
    Lifts,
    /// Lanes, with their directions.
    Lanes,
    /// Walls.
    Walls,
    /// Doors and the way their leaves move.
    Doors,
    /// Waypoints and what they are for.
    Waypoints,
    /// Stations.
    Stations,
    /// Names of rooms, zones, lifts and stations.
    Labels,
    /// What colours and signs mean.
    Legend,
}

impl Layer {
    /// All layers, from the lowest up.
    pub const ALL: [Self; 13] = [
        Self::Rooms,
        Self::Zones,
        Self::Sensors,
        Self::Obstacles,
        Self::Connectors,
        Self::Lifts,
        Self::Lanes,
        Self::Walls,
        Self::Doors,
        Self::Waypoints,
        Self::Stations,
        Self::Labels,
        Self::Legend,
    ];

    /// Its name, as people write it and as the document has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Zones => "zones",
            Self::Sensors => "sensors",
            Self::Obstacles => "obstacles",
            Self::Connectors => "connectors",
            Self::Lifts => "lifts",
            Self::Lanes => "lanes",
            Self::Walls => "walls",
            Self::Doors => "doors",
            Self::Waypoints => "waypoints",
            Self::Stations => "stations",
            Self::Labels => "labels",
            Self::Legend => "legend",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// There is no layer of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no layer {name:?}; there are: rooms, zones, sensors, obstacles, connectors, lifts, lanes, walls, doors, \
         waypoints, stations, labels, legend"
)]
pub struct UnknownLayer {
    /// The name.
    pub name: String,
}

impl FromStr for Layer {
    type Err = UnknownLayer;

    fn from_str(name: &str) -> Result<Self, UnknownLayer> {
        let found = Self::ALL.into_iter().find(|layer| layer.name() == name);
        found.ok_or_else(|| UnknownLayer { name: name.to_owned() })
    }
}

/// A set of layers.
///
/// ```
/// # use sheepdog_map::svg::{Layer, Layers};
/// let plan = Layers::ALL.without(Layer::Lanes).without(Layer::Waypoints);
/// assert!(plan.contains(Layer::Walls) && !plan.contains(Layer::Lanes));
/// assert_eq!("walls".parse(), Ok(Layer::Walls));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers(u16);

impl Layers {
    /// All of them.
    pub const ALL: Self = Self((1 << Layer::ALL.len()) - 1);
    /// None: headings and the scale alone.
    pub const NONE: Self = Self(0);

    /// The set with one more layer.
    #[must_use]
    pub const fn with(self, layer: Layer) -> Self {
        Self(self.0 | 1 << layer as u16)
    }

    /// The set without a layer.
    #[must_use]
    pub const fn without(self, layer: Layer) -> Self {
        Self(self.0 & !(1 << layer as u16))
    }

    /// Whether a layer is in the set.
    pub const fn contains(self, layer: Layer) -> bool {
        self.0 & 1 << layer as u16 != 0
    }
}

impl Default for Layers {
    /// All of them.
    fn default() -> Self {
        Self::ALL
    }
}

impl FromIterator<Layer> for Layers {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        layers.into_iter().fold(Self::NONE, Self::with)
    }
}
