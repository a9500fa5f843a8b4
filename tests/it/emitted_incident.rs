// off by one, sheepdog-testkit 0.1.0: DRV-01.
#[rustfmt::skip]
pub fn off_by_one<D: sheepdog_testkit::contract::DriverUnderTest>(
    make: impl FnOnce(&sheepdog_testkit::contract::Course) -> D,
) {
    #[allow(unused_imports)]
    use sheepdog_testkit::{
        contract::{Act, Case, Course, Deed, Limits, Pace, rehearse},
        map::{FootprintClass, Site},
        vocabulary::{Micros, Mm, MmPerS, MmPerS2},
    };
    let site = Site::from_toml(r####"schema = 2
name = "drill"
wall = []
station = []

[[level]]
id = "L0"
elevation_m = 0.0

[[level]]
id = "L1"
elevation_m = 4.0

[[room]]
id = "west"
level = "L0"
kind = "room"
polygon = [[0.0, 0.0], [8.0, 0.0], [8.0, 6.0], [0.0, 6.0]]
walled = true

[[room]]
id = "east"
level = "L0"
kind = "room"
polygon = [[8.0, 0.0], [16.0, 0.0], [16.0, 6.0], [8.0, 6.0]]
walled = true

[[room]]
id = "cabin"
level = "L0"
kind = "room"
polygon = [[16.0, 3.5], [18.0, 3.5], [18.0, 5.5], [16.0, 5.5]]
walled = true

[[room]]
id = "upper"
level = "L1"
kind = "room"
polygon = [[8.0, 0.0], [16.0, 0.0], [16.0, 6.0], [8.0, 6.0]]
walled = true

[[room]]
id = "upper cabin"
level = "L1"
kind = "room"
polygon = [[16.0, 3.5], [18.0, 3.5], [18.0, 5.5], [16.0, 5.5]]
walled = true

[[door]]
id = "door"
level = "L0"
from = [8.0, 3.8]
to = [8.0, 5.2]
kind = "sliding"
swing = "both"
opening_s = 2.0
fire_rated = false
exit = false

[[lift]]
id = "lift"
at = [17.0, 4.5]
yaw_rad = 0.0
width_m = 1.8
depth_m = 1.8
door_s = 2.0
speed_mps = 1.0

[[lift.door]]
level = "L0"
from = [16.0, 3.8]
to = [16.0, 5.2]

[[lift.door]]
level = "L1"
from = [16.0, 3.8]
to = [16.0, 5.2]

[[waypoint]]
id = "dock"
level = "L0"
at = [1.5, 1.5]

[[waypoint]]
id = "corner"
level = "L0"
at = [5.0, 1.5]

[[waypoint]]
id = "west"
level = "L0"
at = [5.0, 4.5]

[[waypoint]]
id = "lobby"
level = "L0"
at = [14.0, 4.5]

[[waypoint]]
id = "cabin"
level = "L0"
at = [17.0, 4.5]
lift = "lift"

[[waypoint]]
id = "upper cabin"
level = "L1"
at = [17.0, 4.5]
lift = "lift"

[[waypoint]]
id = "upper"
level = "L1"
at = [10.0, 4.5]

[[lane]]
from = "dock"
to = "corner"
bidirectional = true

[[lane]]
from = "corner"
to = "west"
bidirectional = true

[[lane]]
from = "west"
to = "lobby"
bidirectional = true

[[lane]]
from = "lobby"
to = "cabin"
bidirectional = true

[[lane]]
from = "upper cabin"
to = "upper"
bidirectional = true
"####).unwrap();
    let (radius, half_width, margin) = (Mm(250), Mm(250), Mm(100));
    let class = FootprintClass { name: "cart".to_owned(), radius, half_width, margin };
    let course = Course::new(&site, class, "dock", "upper").unwrap();
    let acts = vec![
        Act { deed: Deed::Release(1), then: Micros::from_millis(100) },
        Act { deed: Deed::Perform, then: Micros::from_millis(700) },
        Act { deed: Deed::Meet(0, Micros::from_millis(400)), then: Micros::from_millis(100) },
    ];
    let case = Case { seed: 2566986547201898736, acts };
    let limits = Limits { speed: MmPerS(1000), acceleration: MmPerS2(500), deceleration: MmPerS2(1000), reaction: Micros::new(200000), actuation: Micros::new(50000), report_every: Micros::new(1000000), pose_error: Mm(15), track_error: Mm(100), pace: Pace::Virtual };
    let played = rehearse(&mut make(&course), &course, &limits, &case);
    assert_eq!(played.breach, None, "{case}");
}
