//! Maps that are edited while robots drive: ids that last, who would be stranded, the way back.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "fixtures of tests")]

use std::{cell::RefCell, sync::Arc};

use nalgebra::Point2;
use proptest::prelude::*;
use sheepdog_core::{AgentId, LaneId, LevelId, Mm, SiteVersion, WaypointId};
use sheepdog_map::{
    CompileOptions, CompiledSite, FootprintClass, Part, Site, lint,
    model::{Lane, Level, Role, Room, Station, Wall, Waypoint},
    svg::Picture,
    versions::{Active, Changed, SiteDiff, SwapError, Versions, Why},
};

fn options() -> CompileOptions {
    let slim = FootprintClass { half_width: Mm(200), ..FootprintClass::round("slim", Mm(350), Mm(80)) };
    CompileOptions::new(vec![FootprintClass::round("robot", Mm(250), Mm(100)), slim])
}

/// A hall of 4 x 3 places, 2 m apart, and a lane between any two neighbours.
fn hall() -> Site {
    let mut site = Site::new("hall");
    site.levels.push(Level::new("0", 0.0));
    site.rooms.push(Room::rectangle("hall", "0", -2.0, -2.0, 8.0, 6.0).walled());
    let places = (0..4_u8).flat_map(|x| (0..3_u8).map(move |y| (x, y)));
    for (x, y) in places {
        let name = format!("{x}{y}");
        site.waypoints.push(Waypoint::new(&name, "0", f64::from(x) * 1.5, f64::from(y) * 1.5));
        site.stations.push(Station::new(format!("at {name}"), &name));
        if 0 < x {
            site.lanes.push(Lane::two_way(format!("{}{y}", x - 1), &name));
        }
        if 0 < y {
            site.lanes.push(Lane::two_way(format!("{x}{}", y - 1), &name));
        }
    }
    site
}

/// The hall without some of its places, with one of them elsewhere, and with some new ones.
fn edited(without: &[u8], moved: Option<u8>, new: u8) -> Site {
    let mut site = hall();
    let is_gone = |name: &str| without.iter().any(|gone| name == format!("{}{}", gone / 3 % 4, gone % 3));
    site.waypoints.retain(|waypoint| !is_gone(&waypoint.id));
    site.lanes.retain(|lane| !is_gone(&lane.from) && !is_gone(&lane.to));
    site.stations.retain(|station| !is_gone(&station.waypoint));
    let count = site.waypoints.len();
    if let Some(waypoint) = moved.and_then(|index| site.waypoints.get_mut(usize::from(index) % count.max(1)))
    {
        waypoint.at[0] += 0.25;
    }
    for number in 0..new {
        let name = format!("new {number}");
        site.waypoints.insert(0, Waypoint::new(&name, "0", -1.0, f64::from(number)));
        if let Some(last) = site.waypoints.last() {
            site.lanes.insert(0, Lane::two_way(&name, &last.id));
        }
    }
    site
}

fn site() -> impl Strategy<Value = Site> {
    (prop::collection::vec(0_u8..12, 0..4), prop::option::of(0_u8..12), 0_u8..3)
        .prop_map(|(without, moved, new)| edited(&without, moved, new))
}

/// Everything about the parts of the roadmap that a number could get wrong, by name.
fn described(site: &CompiledSite) -> Vec<String> {
    let name = |id: WaypointId| site.waypoint(id).map_or("?", |waypoint| waypoint.name.as_str());
    let lane_name = |id: LaneId| site.lane(id).map(|lane| format!("{} > {}", name(lane.from), name(lane.to)));
    let mut all = Vec::new();
    for (number, claims) in site.classes().iter().enumerate() {
        let parts = site.live_waypoints().map(|(id, waypoint)| (waypoint.name.clone(), claims.at(id)));
        let lanes = site.live_lanes().map(|(id, _)| (lane_name(id).unwrap(), claims.along(id)));
        let parts: Vec<_> = parts.chain(lanes).collect();
        for (a, held) in &parts {
            for (b, others) in &parts {
                let shared = held.iter().filter(|id| others.contains(id)).count();
                all.push(format!("{number} {a} and {b} share {shared}"));
            }
        }
        for (id, lane) in site.live_lanes() {
            let way = lane_name(id).unwrap();
            let back = lane.reverse.and_then(lane_name);
            all.push(format!("{number} {way}: {} {:?} {back:?}", claims.usable(id), lane.length));
            let zones = claims.zones_along(id).iter().map(|id| site.zone(*id).unwrap().name.clone());
            all.push(format!("{number} {way}: {:?}", zones.collect::<Vec<_>>()));
        }
        for (id, waypoint) in site.live_waypoints() {
            let out: Vec<_> = site.lanes_from(id).iter().filter_map(|lane| lane_name(*lane)).collect();
            let mut sorted = out.clone();
            sorted.sort_unstable();
            all.push(format!("{number} {}: {} {sorted:?}", waypoint.name, claims.may_stop(id)));
        }
    }
    all.extend(site.live_stations().map(|(_, one)| format!("{} at {}", one.name, name(one.waypoint))));
    all.sort_unstable();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// What keeps its name keeps its id, nothing else gets one that was given, and only numbers differ from a site that
    /// follows no other.
    #[test]
    fn ids_last_and_mean_the_same(sites in prop::collection::vec(site(), 2..4)) {
        let mut sites = sites.into_iter();
        let mut previous = sites.next().unwrap().compile(&options()).unwrap();
        for site in sites {
            let next = site.compile_after(&previous, &options()).unwrap();
            let fresh = site.compile(&options()).unwrap();
            prop_assert_eq!(described(&next), described(&fresh));
            for (before, after) in previous.waypoints().iter().zip(next.waypoints()) {
                prop_assert_eq!(&before.name, &after.name);
            }
            prop_assert!(previous.resources().iter().zip(next.resources()).all(|(a, b)| a == b));
            for (id, waypoint) in (0..).map(WaypointId).zip(next.waypoints()) {
                let is_there = fresh.waypoint_named(&waypoint.name).is_some();
                prop_assert_eq!(next.waypoint(id).is_some(), is_there);
                prop_assert_eq!(next.waypoint_named(&waypoint.name), is_there.then_some(id));
                let is_inert = next.lanes_from(id).is_empty() && next.lanes_to(id).is_empty()
                    && next.classes().iter().all(|claims| claims.at(id).is_empty() && !claims.may_stop(id));
                prop_assert!(is_there || is_inert);
            }
            let retired = next.retired();
            prop_assert!(retired.lanes.iter().all(|id| next.lane(*id).is_none() && !next.classes()[0].usable(*id)));
            previous = next;
        }
    }

    /// A site that follows itself is itself, and whatever has come back after two edits has its id again.
    #[test]
    fn nothing_changes_without_an_edit(site in site(), other in site()) {
        let first = site.compile(&options()).unwrap();
        prop_assert_eq!(site.compile_after(&first, &options()).unwrap().version(), first.version());
        let back = site.compile_after(&other.compile_after(&first, &options()).unwrap(), &options()).unwrap();
        for (id, waypoint) in first.live_waypoints() {
            prop_assert_eq!(back.waypoint_named(&waypoint.name), Some(id));
        }
        let named: Vec<&String> = back.live_lanes().map(|(_, lane)| &back.waypoints()[lane.from.index()].name).collect();
        prop_assert_eq!(named.len(), first.lanes().len());
    }

    /// A difference read backwards is the difference the other way round; none is none.
    #[test]
    fn differences_are_symmetric(before in site(), after in site()) {
        let (there, back) = (SiteDiff::between(&before, &after), SiteDiff::between(&after, &before));
        let turned = |what| match what {
            Changed::Added => Changed::Removed,
            Changed::Removed => Changed::Added,
            same @ (Changed::Moved(_) | Changed::Altered) => same,
        };
        let mirrored: Vec<_> = back.changes.iter().map(|one| (one.kind, &one.name, turned(one.what))).collect();
        prop_assert_eq!(there.changes.iter().map(|one| (one.kind, &one.name, one.what)).collect::<Vec<_>>(), mirrored);
        prop_assert!(SiteDiff::between(&before, &before).is_empty());
        prop_assert_eq!(there.is_empty(), before.compile(&options()).unwrap().version() == after.compile(&options()).unwrap().version());
    }
}

/// The hall in force, and a robot on the way from the first place to the second.
struct Scene {
    store: RefCell<Versions>,
    first: Arc<CompiledSite>,
}

impl Scene {
    fn new() -> Self {
        let first = Arc::new(hall().compile(&options()).unwrap());
        Self { store: RefCell::new(Versions::new(Arc::clone(&first))), first }
    }

    fn at(&self, name: &str) -> WaypointId {
        self.first.waypoint_named(name).unwrap()
    }

    fn lane(&self, from: &str, to: &str) -> LaneId {
        let ends = (self.at(from), self.at(to));
        self.first.live_lanes().find(|(_, lane)| (lane.from, lane.to) == ends).unwrap().0
    }

    fn after(&self, site: &Site) -> Arc<CompiledSite> {
        Arc::new(site.compile_after(self.store.borrow().current(), &options()).unwrap())
    }

    fn standing<'a>(&self, name: &str, goals: &'a [WaypointId]) -> Active<'a> {
        let id = self.at(name);
        let at = self.first.waypoint(id).unwrap().at;
        let (robot, level) = (AgentId(7), LevelId(0));
        Active { robot, class: 0, level, at, on: Part::Waypoint(id), released: &[], goals }
    }

    fn swap(&self, next: Arc<CompiledSite>, active: &[Active<'_>]) -> Result<SiteDiff, SwapError> {
        self.store.borrow_mut().swap(next, active)
    }

    /// Why the robot cannot go on in a site.
    fn why(&self, site: &Site, robot: &Active<'_>) -> Why {
        match self.swap(self.after(site), std::slice::from_ref(robot)) {
            Err(SwapError::Stranded(stranded)) => {
                assert_eq!((stranded.len(), stranded[0].robot), (1, AgentId(7)));
                stranded[0].why.clone()
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_robot_under_way_is_never_stranded() {
    let scene = Scene::new();
    let goals = [scene.at("32")];
    let robot = scene.standing("00", &goals);
    let without = |places: &[u8]| edited(places, None, 0);
    assert_eq!(scene.why(&without(&[0]), &robot), Why::Waypoint { name: "00".to_owned() });
    assert_eq!(scene.why(&without(&[11]), &robot), Why::Waypoint { name: "32".to_owned() });
    assert_eq!(scene.why(&without(&[1, 3]), &robot), Why::Unreachable { name: "32".to_owned() });
    assert_eq!(scene.why(&edited(&[], Some(0), 0), &robot), Why::Waypoint { name: "00".to_owned() });
    // A lane it was promised, and the one it is on.
    let way = [scene.lane("00", "10"), scene.lane("10", "20")];
    let promised = Active { released: &way, goals: &[], ..scene.standing("00", &[]) };
    let lane = |from: &str, to: &str| Why::Lane { from: from.to_owned(), to: to.to_owned() };
    assert_eq!(scene.why(&without(&[6]), &promised), lane("10", "20"));
    let at = Point2::new(0.5, 0.0);
    let driving = Active { on: Part::Lane(way[0]), at, ..promised.clone() };
    assert_eq!(scene.why(&without(&[3]), &driving), lane("00", "10"));
    // A wall on its lane, and one where it stands.
    let mut walled = hall();
    walled.walls.push(Wall::new("0", [0.75, -0.5], [0.75, 0.5]));
    assert_eq!(scene.why(&walled, &promised), lane("00", "10"));
    walled.walls[0] = Wall::new("0", [-0.1, -0.5], [-0.1, 0.5]);
    assert_eq!(scene.why(&walled, &promised), Why::Place { x_m: 0.0, y_m: 0.0 });
    // Nothing of that was put in force, and nobody minds what is far away.
    assert_eq!(scene.store.borrow().current().version(), scene.first.version());
    let diff = scene.swap(scene.after(&without(&[10])), &[robot, promised]);
    assert!(matches!(diff, Err(SwapError::Stranded(_))), "both stand on the same place");
    let diff = scene.swap(scene.after(&without(&[10])), &[driving]).unwrap();
    let gone: Vec<&str> = diff.changes.iter().map(|change| change.kind).collect();
    assert_eq!(gone, ["waypoint", "lane", "lane", "lane", "station"]);
}

/// What a robot loses without being under way: the way out of where it is, room to turn, leave to stop.
#[test]
fn a_robot_at_rest_is_not_stranded_either() {
    let scene = Scene::new();
    let idle = scene.standing("00", &[]);
    assert_eq!(scene.why(&edited(&[1, 3], None, 0), &idle), Why::Trapped { name: "00".to_owned() });
    let goals = [scene.at("32")];
    let robot = scene.standing("00", &goals);
    let pass_by = |name: &str| {
        let mut site = hall();
        let waypoint = site.waypoints.iter_mut().find(|waypoint| waypoint.id == name).unwrap();
        waypoint.roles.push(Role::Passthrough);
        site
    };
    for name in ["00", "32"] {
        assert_eq!(scene.why(&pass_by(name), &robot), Why::Stop { name: name.to_owned() });
    }
    // Both goals can be reached from where it stands, the second one not from the first.
    let mut dead_end = hall();
    for lane in dead_end.lanes.iter_mut().filter(|lane| lane.from == "32" || lane.to == "32") {
        if lane.from == "32" {
            std::mem::swap(&mut lane.from, &mut lane.to);
        }
        lane.bidirectional = false;
    }
    let there_and_back = [scene.at("32"), scene.at("11")];
    let why = scene.why(&dead_end, &scene.standing("00", &there_and_back));
    assert_eq!(why, Why::Unreachable { name: "11".to_owned() });
}

/// A long robot needs its whole disc where it could turn before, and no more than it had where it could not.
#[test]
fn a_long_robot_keeps_the_room_to_turn() {
    let long = FootprintClass { half_width: Mm(100), ..FootprintClass::round("robot", Mm(250), Mm(0)) };
    let options = CompileOptions::new(vec![long]);
    let wall = |y_m: f64| {
        let mut site = hall();
        site.walls.push(Wall { thickness_m: 0.0, ..Wall::new("0", [-0.5, y_m], [0.5, y_m]) });
        site
    };
    let swapped = |before: &Site, after: &Site| {
        let first = Arc::new(before.compile(&options).unwrap());
        let at = first.waypoint_named("00").unwrap();
        let next = Arc::new(after.compile_after(&first, &options).unwrap());
        let robot = Active {
            robot: AgentId(7),
            class: 0,
            level: LevelId(0),
            at: Point2::new(0.0, 0.0),
            on: Part::Waypoint(at),
            released: &[],
            goals: &[],
        };
        match Versions::new(first).swap(next, &[robot]) {
            Err(SwapError::Stranded(stranded)) => Err(stranded[0].why.clone()),
            other => Ok(other.is_ok()),
        }
    };
    assert_eq!(swapped(&hall(), &wall(-0.2)), Err(Why::Place { x_m: 0.0, y_m: 0.0 }));
    assert_eq!(swapped(&wall(-0.2), &wall(-0.21)), Ok(true));
}

/// Ids stay given when one goes back, so the next version follows the latest one, whichever is in force.
#[test]
fn going_back_does_not_give_an_id_twice() {
    let scene = Scene::new();
    let second = scene.after(&edited(&[], None, 1));
    scene.swap(Arc::clone(&second), &[]).unwrap();
    let back = scene.store.borrow_mut().back_to(scene.first.version(), &[]);
    assert!(back.is_ok());
    let other = edited(&[], None, 2);
    let forked = Arc::new(other.compile_after(&scene.first, &options()).unwrap());
    assert!(matches!(scene.swap(forked, &[]), Err(SwapError::OtherIds { .. })));
    let shorter = Arc::new(edited(&[2], None, 0).compile_after(&scene.first, &options()).unwrap());
    let error = scene.swap(shorter, &[]).unwrap_err().to_string();
    assert!(error.contains(&format!("compile it after {}", second.version())), "{error}");
    let latest = Arc::clone(scene.store.borrow().latest());
    assert_eq!(latest.version(), second.version());
    let third = Arc::new(other.compile_after(&latest, &options()).unwrap());
    scene.swap(Arc::clone(&third), &[]).unwrap();
    let mut store = scene.store.borrow_mut();
    store.back_to(second.version(), &[]).unwrap();
    store.forget_others();
    assert!(store.version(scene.first.version()).is_none());
    assert!([&second, &third].iter().all(|site| store.version(site.version()).is_some()));
}

#[test]
fn another_footprint_strands_whoever_has_it() {
    let scene = Scene::new();
    let wider = CompileOptions::new(vec![FootprintClass::round("robot", Mm(260), Mm(100))]);
    let next = Arc::new(hall().compile_after(&scene.first, &wider).unwrap());
    let robot = scene.standing("00", &[]);
    let error = scene.swap(Arc::clone(&next), &[robot]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 robots would be stranded, the first: robot a7: its footprint class is not the same"
    );
    assert!(scene.swap(next, &[]).is_ok());
}

/// Places that were far enough apart are not when one has a larger neighbourhood; whoever holds both must not go on.
#[test]
fn robots_that_would_share_a_resource_are_not_left_on_it() {
    let scene = Scene::new();
    let mut site = hall();
    for lane in &mut site.lanes {
        lane.mutex.push("all".to_owned());
    }
    let first = [scene.lane("00", "10")];
    let second = [scene.lane("32", "31")];
    let robots = [
        Active { released: &first, ..scene.standing("00", &[]) },
        Active { robot: AgentId(8), released: &second, ..scene.standing("32", &[]) },
    ];
    let next = scene.after(&site);
    let Err(SwapError::Stranded(stranded)) = scene.swap(Arc::clone(&next), &robots) else { panic!() };
    assert_eq!(stranded.len(), 1);
    let mutex =
        next.live_resources().find(|(_, one)| matches!(one, sheepdog_map::Resource::Group(_))).unwrap().0;
    assert_eq!(
        (stranded[0].robot, &stranded[0].why),
        (AgentId(8), &Why::Shared { resource: mutex, other: AgentId(7) })
    );
    assert!(scene.swap(next, &robots[..1]).is_ok());
}

/// Pictures and findings are those of the site alone, whatever it follows.
#[test]
fn what_is_gone_is_neither_drawn_nor_found_faulty() {
    let first = hall().compile(&options()).unwrap();
    let mut site = edited(&[4, 9], None, 2);
    site.rooms.insert(0, Room::rectangle("annex", "0", -4.0, -2.0, -2.0, 6.0));
    let (next, fresh) = (site.compile_after(&first, &options()).unwrap(), site.compile(&options()).unwrap());
    let found = |site: &CompiledSite| {
        lint::check_compiled(site, &options(), None, &lint::BuildingProfile::default()).findings
    };
    assert_eq!(found(&next), found(&fresh));
    let lines = |site: &CompiledSite| {
        let mut lines: Vec<String> = Picture::of_site(site).render().lines().map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    let of = |word: &str, site: &CompiledSite| lines(site).iter().filter(|line| line.contains(word)).count();
    for word in ["annex", "new 0", "at 11", "at 30"] {
        assert_eq!(of(word, &next), of(word, &fresh), "{word}");
    }
}

#[test]
fn one_can_go_back_to_exactly_what_was() {
    let scene = Scene::new();
    let next = scene.after(&edited(&[4], None, 2));
    scene.swap(Arc::clone(&next), &[]).unwrap();
    assert_eq!(scene.store.borrow().current().version(), next.version());
    // A robot on what only the new version has cannot go back.
    let new = next.waypoint_named("new 0").unwrap();
    let at = next.waypoint(new).unwrap().at;
    let robot = Active { on: Part::Waypoint(new), at, ..scene.standing("00", &[]) };
    let back = scene.store.borrow_mut().back_to(scene.first.version(), &[robot]);
    assert!(matches!(back, Err(SwapError::Stranded(_))));
    let diff = scene.store.borrow_mut().back_to(scene.first.version(), &[]).unwrap();
    assert!(diff.changes.iter().any(|change| change.to_string() == "waypoint \"new 0\" is gone"));
    assert!(Arc::ptr_eq(scene.store.borrow().current(), &scene.first));
    assert_eq!(scene.store.borrow().version(next.version()).map(|site| site.version()), Some(next.version()));
    let unknown = SiteVersion([9; 32]);
    assert_eq!(scene.store.borrow_mut().back_to(unknown, &[]), Err(SwapError::Unknown { version: unknown }));
}

#[test]
fn a_version_with_other_ids_never_takes_over() {
    let scene = Scene::new();
    let next = Arc::new(edited(&[0], None, 0).compile(&options()).unwrap());
    let Err(SwapError::OtherIds { before, after, .. }) = scene.swap(next, &[]) else { panic!() };
    assert_eq!((before.as_str(), after.as_str()), ("at 00", "at 01"));
}
