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

/// Lanes for others and zones that no robot enters are left alone, whichever way the path is looked for.
#[test]
fn nobody_is_led_where_only_others_may_go() {
    let folder = Folder::new("path-closed");
    let closed = format!(
        "{ROOMS}\nzone = [{{ id = \"z\", level = \"L1\", kind = \"human_only\", classes = [\"cart\"], \
         polygon = [[4, -1], [6, -1], [6, 11], [4, 11]] }}]\n"
    );
    folder.write("closed.toml", closed);
    let run = |class: &str| {
        folder.sheepdog(&format!("map path closed.toml --from L1:2,5 --to L1:28,5 --class {class}"))
    };
    assert_eq!(run("robot").code, Some(0));
    let refused = run("cart");
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.out.contains("no way for a robot of radius"), "{refused:?}");
    folder.write("named.toml", ROOMS.replace("lane = [{", "lane = [{ classes = [\"cart\"],"));
    let answer = folder.sheepdog("map path named.toml --from a --to b --json");
    let answer: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(answer["class"], "cart", "every lane is for carts");
    assert!(answer["route"].is_object(), "{answer}");
    let other = folder.sheepdog("map path named.toml --from a --to b --json --class robot");
    let other: Value = serde_json::from_str(&other.out).unwrap();
    assert!(other["route"].is_null(), "{other}");
}
