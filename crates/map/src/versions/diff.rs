//! What an edit changes.

use std::{collections::BTreeMap, fmt};

use crate::model::{self, Site};

/// What is different between two authored sites, by kind and then by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteDiff {
    /// Every difference.
    pub changes: Vec<Change>,
}

/// One thing that is different.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What it is: "room", "lane" and so on, as the tables of the file format are called.
    pub kind: &'static str,
    /// Its name; of a lane its ends, of a wall where it runs.
    pub name: String,
    /// What happened to it.
    pub what: Changed,
}

/// What happened to something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Changed {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It lies elsewhere: by this many metres at the place that has moved farthest.
    Moved(f64),
    /// It has other properties, or another number of corners.
    Altered,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, what } = self;
        match what {
            Changed::Added => write!(f, "{kind} {name:?} is new"),
            Changed::Removed => write!(f, "{kind} {name:?} is gone"),
            Changed::Moved(by_m) => write!(f, "{kind} {name:?} has moved by {by_m:.3} m"),
            Changed::Altered => write!(f, "{kind} {name:?} has changed"),
        }
    }
}

impl SiteDiff {
    /// What is different in `after`. O(n log n); the order of tables does not matter.
    ///
    /// ```
    /// # use sheepdog_map::{Site, model::{Level, Waypoint}, versions::{Changed, SiteDiff}};
    /// let mut before = Site::new("hut");
    /// before.levels.push(Level::new("L1", 0.0));
    /// before.waypoints.push(Waypoint::new("a", "L1", 0.0, 0.0));
    /// let mut after = before.clone();
    /// after.waypoints[0].at = [3.0, 4.0];
    /// let diff = SiteDiff::between(&before, &after);
    /// assert_eq!(diff.changes[0].what, Changed::Moved(5.0));
    /// ```
    pub fn between(before: &Site, after: &Site) -> Self {
        macro_rules! compare {
            ($diff:ident; $($kind:literal $table:ident: $name:expr, $places:expr;)*) => {
                $($diff.compare($kind, (&before.$table, &after.$table), $name, $places);)*
            };
        }
        let mut diff = Self::default();
        let frame = |site: &Site| [(site.name.clone(), site.georeference)];
        diff.compare("site", (&frame(before), &frame(after)), |(name, _)| name.clone(), |_| Vec::new());
        compare! { diff;
            "building" buildings: |one| one.id.clone(), |_| Vec::new();
            "level" levels: |one| one.id.clone(), |_| Vec::new();
            "room" rooms: |one| one.id.clone(), |one| one.polygon.clone();
            "wall" walls: wall, |_| Vec::new();
            "door" doors: |one| one.id.clone(), |one| vec![one.from, one.to];
            "lift" lifts: |one| one.id.clone(), |one| vec![one.at];
            "connector" connectors: |one| one.id.clone(), |one| vec![one.from.at, one.to.at];
            "obstacle" obstacles: |one| one.id.clone(), |one| one.polygon.clone();
            "sensor" sensors: |one| one.id.clone(), |one| vec![one.at];
            "zone" zones: |one| one.id.clone(), |one| one.polygon.clone();
            "roadmap" roadmaps: |one| one.id.clone(), |_| Vec::new();
            "waypoint" waypoints: |one| one.id.clone(), |one| vec![one.at];
            "lane" lanes: lane, |_| Vec::new();
            "station" stations: |one| one.id.clone(), |_| Vec::new();
        }
        diff
    }

    /// Whether nothing is different.
    pub const fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    fn compare<T: PartialEq>(
        &mut self,
        kind: &'static str,
        (before, after): (&[T], &[T]),
        name: impl Fn(&T) -> String,
        places: impl Fn(&T) -> Vec<[f64; 2]>,
    ) {
        let (old, new) = (by_name(before, &name), by_name(after, &name));
        let mut found: BTreeMap<&(String, u32), Changed> = BTreeMap::new();
        found.extend(old.keys().filter(|key| !new.contains_key(*key)).map(|key| (key, Changed::Removed)));
        for (key, now) in &new {
            let what = match old.get(key) {
                None => Changed::Added,
                Some(was) if was == now => continue,
                Some(was) => farthest_m(&places(was), &places(now)).map_or(Changed::Altered, Changed::Moved),
            };
            found.insert(key, what);
        }
        let change = |((name, _), what): (&(String, u32), Changed)| Change { kind, name: name.clone(), what };
        self.changes.extend(found.into_iter().map(change));
    }
}

/// A table by name; of several things with one name, which lanes and walls may have, the first is told from the second.
fn by_name<T>(table: &[T], name: impl Fn(&T) -> String) -> BTreeMap<(String, u32), &T> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut key = |one| {
        let name = name(one);
        let count = counts.entry(name.clone()).or_default();
        *count += 1;
        ((name, *count), one)
    };
    table.iter().map(&mut key).collect()
}

/// How far the place that has moved farthest has moved; `None` when none has, or when there are more or fewer.
fn farthest_m(before: &[[f64; 2]], after: &[[f64; 2]]) -> Option<f64> {
    let distance = |([a, b], [c, d]): (&[f64; 2], &[f64; 2])| libm::hypot(c - a, d - b);
    let by_m = before.iter().zip(after).map(distance).fold(0.0, f64::max);
    (before.len() == after.len() && 0.0 < by_m).then_some(by_m)
}

fn wall(wall: &model::Wall) -> String {
    let model::Wall { level, from, to, .. } = wall;
    format!("{level} {from:?} to {to:?}")
}

fn lane(lane: &model::Lane) -> String {
    let roadmap = lane.roadmap.as_deref().map_or_else(String::new, |name| format!(" of {name}"));
    format!("{} > {}{roadmap}", lane.from, lane.to)
}
