//! A site with rooms and doors and nothing else is usable at once.

use sheepdog::map::{
    FootprintClass, Site,
    survey::{self, SurveyOptions},
};
use sheepdog::scenario::{DeliveryLoad, Setup, Summary, World};
use sheepdog::vocabulary::{Mm, Sequential};

#[test]
fn robots_deliver_in_a_ward_without_lanes() {
    let site = Site::from_toml(include_str!("../../sites/ward.toml")).unwrap();
    assert!(site.lanes.is_empty());
    let class = FootprintClass::round("robot", Mm(250), Mm(150));
    let (site, report) = survey::generate(&site, &SurveyOptions::new(class)).unwrap();
    assert!(report.unreached.is_empty());
    let options = Setup::options(Mm(250), Mm(150), Some(report.roadmap));
    let setup = Setup::random_deliveries(&site, &options, 3, 8, DeliveryLoad::default(), 1).unwrap();
    let mut world = World::new(setup).unwrap();
    world.run(&Sequential).unwrap();
    let summary = Summary::of(&mut world, 0.0).unwrap();
    assert_eq!((summary.tasks_done, summary.overlaps), (8, 0));
    assert!(summary.ledger_ok);
    assert_eq!(summary.unexplained_stops, 0);
}
