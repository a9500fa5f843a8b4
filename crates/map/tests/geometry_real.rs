//! The geometry kernel over the public Open-RMF demonstration maps, when they are at hand.
#![cfg(feature = "rmf")]
#![expect(clippy::expect_used, reason = "fixtures of tests")]

mod data;

use nalgebra::Point2;
use sheepdog_map::{
    CompileOptions, CompiledSite,
    geometry::{FreeSpace, PathError, Scratch},
    import::import_building,
};

fn site(name: &str) -> Option<CompiledSite> {
    let (site, _) = import_building(&data::building(name)?).expect("the map is importable");
    Some(site.compile(&CompileOptions::default()).expect("the map compiles"))
}

/// Waypoints are joined exactly within a component, by paths that a disc can follow.
#[test]
fn paths_on_real_maps_are_free() {
    for name in ["office", "hotel", "clinic", "airport_terminal"] {
        let Some(site) = site(name) else { return };
        let mut scratch = Scratch::new();
        for (number, level) in (0..).map(sheepdog_core::LevelId).zip(site.levels()) {
            let free = FreeSpace::new(&level.geometry, 0.25).expect("a free space");
            let ways = site.waypoints().iter().filter(|way| way.level == number);
            let places: Vec<Point2<f64>> = ways.map(|way| way.at).step_by(3).take(24).collect();
            for a in &places {
                for b in &places {
                    match free.path(*a, *b, &mut scratch) {
                        Ok(path) => {
                            assert_eq!(free.component(*a), free.component(*b), "{name}");
                            assert!((b - a).norm() <= path.length_m + 1e-9, "{name}");
                            for leg in path.points.windows(2) {
                                let [from, to] = *leg else { continue };
                                assert!(
                                    level.geometry.sweep_free(from, to, 0.25 - 1e-9),
                                    "{name} {from} {to}"
                                );
                            }
                        }
                        Err(PathError::Disconnected { .. }) => {
                            assert_ne!(free.component(*a), free.component(*b), "{name}");
                        }
                        Err(_) => assert!(!free.contains(*a) || !free.contains(*b), "{name}"),
                    }
                }
            }
        }
    }
}
