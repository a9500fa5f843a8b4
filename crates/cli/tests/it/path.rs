//! `sheepdog map path`.

use serde_json::Value;

use crate::folder::{Folder, ROOMS};

fn path(folder: &Folder, from: &str, to: &str) -> Value {
    let run = folder.sheepdog(&format!("map path rooms.toml --from {from} --to {to} --json"));
    assert_eq!(run.code, Some(0), "{run:?}");
    serde_json::from_str(&run.out).unwrap()
}

fn seconds(value: &Value) -> f64 {
    value["time_s"].as_f64().unwrap()
}

/// Off the roadmap too one stands before a door until it is open: 26 m at 1 m/s, and 30 s at the door.
#[test]
fn a_door_costs_its_time_on_the_roadmap_and_off_it() {
    let folder = Folder::new("path-door");
    folder.write("rooms.toml", ROOMS);
    let answer = path(&folder, "L1:2,5", "L1:28,5");
    assert_eq!(answer["legs"][0]["doors"][0], "slow");
    assert_eq!(answer["legs"][0]["doors"].as_array().unwrap().len(), 1);
    assert!((seconds(&answer) - 56.0).abs() < 0.01, "{answer}");
    assert!((seconds(&path(&folder, "a", "b")["route"]) - 56.0).abs() < 0.01);
    // One way or the other, the route waits at the door once.
    let route = &answer["route"];
    let doors = route["legs"].as_array().unwrap().iter().flat_map(|leg| leg["doors"].as_array().unwrap());
    assert_eq!(doors.collect::<Vec<_>>(), ["slow"]);
    assert!((seconds(route) - 56.0).abs() < 0.01, "{answer}");
    let run = folder.sheepdog("map path rooms.toml --from L1:2,5 --to L1:28,5");
    assert!(
        run.out.lines().any(|line| line.starts_with("any way") && line.ends_with(", doors slow")),
        "{run:?}"
    );
    // In one room there is none.
    let near = path(&folder, "L1:2,5", "L1:8,5");
    assert!(near["legs"][0]["doors"].as_array().unwrap().is_empty() && seconds(&near) < 7.0, "{near}");
}

/// Doors are told in the order in which they are come to, there and back.
#[test]
fn doors_are_in_the_order_of_the_way() {
    let folder = Folder::new("path-order");
    let three =
        ROOMS.replace("door = [", "door = [{ id = \"far\", level = \"L1\", from = [30, 4], to = [30, 6] }, ");
    let three = three.replace(
        "room = [",
        "room = [{ id = \"end\", level = \"L1\", polygon = [[30, 0], [40, 0], [40, 10], [30, 10]], walled = true }, ",
    );
    folder.write("rooms.toml", three);
    for (from, to, doors) in [("L1:2,5", "L1:38,5", ["slow", "far"]), ("L1:38,5", "L1:2,5", ["far", "slow"])]
    {
        let answer = path(&folder, from, to);
        for legs in [&answer["legs"], &answer["route"]["legs"]] {
            let all = legs.as_array().unwrap().iter().flat_map(|leg| leg["doors"].as_array().unwrap());
            assert_eq!(all.collect::<Vec<_>>(), doors);
        }
    }
}
