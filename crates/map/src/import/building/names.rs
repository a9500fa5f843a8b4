//! Unique names from names that need not be unique.

use std::collections::{BTreeMap, BTreeSet};

use crate::import::SharedName;

/// What a thing is called in the file, where it is, and what to call it when it has no name.
#[derive(Debug)]
pub(super) struct Called<'a> {
    /// Its name in the file; empty when it has none.
    pub(super) name: &'a str,
    /// The level it is on.
    pub(super) level: &'a str,
    /// A name from its level and index.
    pub(super) fallback: String,
}

/// A unique name for each thing: its own if nothing else has it, `name@level` if nothing else on the level has it,
/// `name@level_index` otherwise.
///
/// Things with a name of their own keep it, whatever the generated names are. Linear in the things, times log.
pub(super) fn unique(things: &[Called<'_>]) -> Vec<String> {
    let mut everywhere = BTreeMap::new();
    let mut on_level = BTreeMap::new();
    for thing in things.iter().filter(|thing| !thing.name.is_empty()) {
        *everywhere.entry(thing.name).or_insert(0_usize) += 1;
        *on_level.entry((thing.name, thing.level)).or_insert(0_usize) += 1;
    }
    let alone = |thing: &Called<'_>| everywhere.get(thing.name) == Some(&1);
    let mut taken: BTreeSet<String> =
        things.iter().filter(|thing| alone(thing)).map(|thing| thing.name.to_owned()).collect();
    things
        .iter()
        .map(|thing| {
            if alone(thing) {
                return thing.name.to_owned();
            }
            let wanted = if thing.name.is_empty() {
                thing.fallback.clone()
            } else if on_level.get(&(thing.name, thing.level)) == Some(&1) {
                format!("{}@{}", thing.name, thing.level)
            } else {
                format!("{}@{}", thing.name, thing.fallback)
            };
            take(&mut taken, &wanted)
        })
        .collect()
}

/// The names that several things bear, in the order of their first bearers, with the unique names they got.
pub(super) fn shared(kind: &'static str, things: &[Called<'_>], unique: &[String]) -> Vec<SharedName> {
    let mut bearers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, thing) in things.iter().enumerate().filter(|(_, thing)| !thing.name.is_empty()) {
        bearers.entry(thing.name).or_default().push(index);
    }
    let mut several: Vec<_> = bearers.into_iter().filter(|(_, bearers)| 1 < bearers.len()).collect();
    several.sort_by_key(|(_, bearers)| bearers.first().copied());
    let names = |bearers: Vec<usize>| bearers.into_iter().filter_map(|index| unique.get(index).cloned());
    several
        .into_iter()
        .map(|(name, bearers)| SharedName { kind, name: name.to_owned(), became: names(bearers).collect() })
        .collect()
}

fn take(taken: &mut BTreeSet<String>, wanted: &str) -> String {
    let mut name = wanted.to_owned();
    let mut attempt = 2_usize;
    while !taken.insert(name.clone()) {
        name = format!("{wanted}_{attempt}");
        attempt += 1;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called<'a>(name: &'a str, level: &'a str, index: usize) -> Called<'a> {
        Called { name, level, fallback: format!("{level}_v{index}") }
    }

    #[test]
    fn own_names_win_over_generated_ones() {
        let things =
            [called("", "L1", 0), called("L1_v0", "L1", 1), called("a", "L1", 2), called("a", "L2", 2)];
        assert_eq!(unique(&things), ["L1_v0_2", "L1_v0", "a@L1", "a@L2"]);
    }

    #[test]
    fn twins_on_one_level_are_told_apart_by_index() {
        let things = [called("a", "L1", 3), called("a", "L1", 7), called("a", "L2", 3)];
        let ids = unique(&things);
        assert_eq!(ids, ["a@L1_v3", "a@L1_v7", "a@L2"]);
        let shared = shared("waypoint", &things, &ids);
        assert_eq!(shared.len(), 1);
        assert_eq!((shared[0].name.as_str(), &shared[0].became), ("a", &ids));
    }
}
