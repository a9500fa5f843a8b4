//! Typed ids. Dense ids index the tables of one compiled site or one fleet; looking one up returns `Option`.

use core::fmt;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident($repr:ty, $prefix:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(transparent))]
        pub struct $name(pub $repr);

        impl $name {
            /// The id as an index into a dense table.
            #[allow(
                clippy::cast_possible_truncation,
                reason = "tables are smaller than the address space; only 64-bit ids trigger the lint, on 32-bit targets"
            )]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    )*};
}

id! {
    /// A robot, technician or nurse of one fleet. Never reused: whoever leaves keeps the number.
    AgentId(u32, "a");
    /// A task of one fleet. Never reused.
    TaskId(u64, "t");
    /// Somebody who gives operator inputs. The name behind it lives in a key table that can be erased.
    ActorId(u32, "p");
    /// A long computation asked of the host.
    JobId(u64, "j");
    /// A level of a compiled site.
    LevelId(u32, "level ");
    /// A room of a compiled site.
    RoomId(u32, "room ");
    /// A door of a compiled site.
    DoorId(u32, "door ");
    /// A lift of a compiled site.
    LiftId(u32, "lift ");
    /// A zone of a compiled site: an area with a meaning of its own.
    ZoneId(u32, "zone ");
    /// A station (named place of service) of a compiled site.
    StationId(u32, "station ");
    /// A waypoint of a compiled site's roadmap.
    WaypointId(u32, "w");
    /// A directed lane of a compiled site's roadmap.
    LaneId(u32, "lane ");
    /// Something that at most one robot may hold: a place, an overlap, a doorway, a lift, a corridor.
    ResourceId(u32, "r");
    /// A robot's route lives in an epoch; releases grow monotonically within it.
    Epoch(u32, "e");
    /// The running number of a stop order; the highest wins and a reset names it.
    StopGeneration(u32, "g");
}

/// Content hash (SHA-256) of a compiled site: the only thing that says two machines mean the same map.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(transparent))]
pub struct SiteVersion(pub [u8; 32]);

impl fmt::Display for SiteVersion {
    /// The first eight bytes in hexadecimal: enough to tell versions of one site apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SiteVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SiteVersion({self})")
    }
}
