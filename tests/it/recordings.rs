//! Recordings of whole runs: played again, looked at, gone on with, shrunk, damaged.

use proptest::prelude::*;
use sheepdog::fleet::Input;
use sheepdog::map::Site;
use sheepdog::runtime::Pool;
use sheepdog::scenario::{
    DeliveryLoad, Hope, Origin, Pose, Recording, RecordingError, Setup, Summary, World,
};
use sheepdog::sim::{CrowdSpec, Fault, FaultKind, FaultTarget, Kinematics};
use sheepdog::vocabulary::{AgentId, FleetTime, Micros, Mm, MmPerS, Sequential, Workers};

use crate::common::{self, STORY};

/// The small story with work for both robots and two passers-by.
fn story(faults: &str) -> Origin {
    let task = |(from, to): (u32, u32)| {
        format!(
            "[[task]]\nat_s = {from}.0\nname = \"{from}-{to}\"\nfor = \"robots\"\n\
             step = [{{ at = \"station bay-{from}\", action = \"load\", seconds = 5.0 }}, \
             {{ at = \"station bay-{to}\", action = \"unload\", seconds = 5.0 }}]\n"
        )
    };
    let mut text = STORY.replace("duration_s = 1800.0", "duration_s = 240.0");
    text.extend([(0, 3), (5, 2), (1, 4), (3, 0)].map(task));
    text += "[[walker]]\npatrol = [\"bay-1\", \"bay-4\"]\npause_s = 5.0\n";
    text += "[[walker]]\npatrol = [\"bay-3\", \"bay-2\"]\npause_s = 9.0\n";
    text += faults;
    Origin::scenario(&text, &common::site()).unwrap()
}

/// A run with a crash of the coordinator, a fault and an input from outside.
fn eventful(workers: &dyn Workers) -> Recording {
    let mut world = World::recorded(story("")).unwrap();
    while !world.is_over() {
        let now = world.now();
        if now == FleetTime::from_micros(40_000_000) {
            world.crash_and_recover().unwrap();
        }
        if now == FleetTime::from_micros(60_000_000) {
            world.input(Input::Restarted { boot: 7 }).unwrap();
        }
        if now == FleetTime::from_micros(70_000_000) {
            let target = FaultTarget::Agent(common::BERT);
            let (onset, duration) = (Micros::from_secs(70), Some(Micros::from_secs(9)));
            world.inject(Fault { target, onset, duration, kind: FaultKind::RadioSilence });
        }
        world.step(workers).unwrap();
    }
    world.recording().unwrap()
}

/// Twenty robots on three kinds of bases with a crowd among them: enough for two workers to share.
fn crowded(workers: &dyn Workers) -> (Vec<u8>, usize) {
    let site = Site::from_toml(include_str!("../../sites/hospital.toml")).unwrap();
    let mut setup = Setup::random_deliveries(
        &site,
        &Setup::options(Mm(300), Mm(150), None),
        20,
        20,
        DeliveryLoad::default(),
        3,
    )
    .unwrap();
    let agents: Vec<AgentId> = setup.plant.robots.iter().map(|robot| robot.agent).collect();
    for (agent, base) in agents.iter().zip([Kinematics::HUMANOID, Kinematics::DRONE].iter().cycle()).take(10)
    {
        setup.put_on(*agent, *base).unwrap();
    }
    let at = vec![setup.plant.robots[0].at];
    let (speed, pause) = (MmPerS(1_200), Micros::from_secs(2));
    setup.plant.crowds.push(CrowdSpec { people: 6, at, speed, pause });
    let mut world = World::new(setup).unwrap().with_trace();
    for _ in 0..600 {
        world.step(workers).unwrap();
    }
    let moved = world.plant().truth().iter().filter(|body| body.speed_mps != 0.0).count();
    let mut bytes = world.trace().unwrap().csv().as_bytes().to_vec();
    bytes.extend_from_slice(world.ledger());
    (bytes, moved)
}

#[test]
fn two_workers_share_a_run_and_change_nothing() {
    let (alone, moved) = crowded(&Sequential);
    assert!(moved > 2, "{moved} robots move");
    assert!(alone == crowded(&Pool::new(2)).0);
}

#[test]
fn a_recording_has_the_same_bytes_on_two_workers_and_when_it_is_played_again() {
    let recording = eventful(&Sequential);
    let bytes = recording.encode().unwrap();
    let pool = Pool::new(2);
    assert!(bytes == eventful(&pool).encode().unwrap(), "two workers make another run");
    let read = Recording::decode(&bytes).unwrap();
    for workers in [&Sequential as &dyn Workers, &pool] {
        let again = read.replay(workers).unwrap();
        assert_eq!((again.differs_from, again.other_version), (None, None));
    }
    // From the middle on, and to the end.
    let mut middle = read.seek(FleetTime::from_micros(100_000_000), &pool).unwrap();
    assert_eq!(middle.now(), FleetTime::from_micros(100_000_000));
    middle.run(&Sequential).unwrap();
    assert!(bytes == middle.recording().unwrap().encode().unwrap(), "what was sought goes on another way");
}

#[test]
fn every_instant_looks_as_it_was() {
    let mut world = World::recorded(story("")).unwrap();
    let mut seen = Vec::new();
    while !world.is_over() {
        world.step(&Sequential).unwrap();
        let truth = world.plant().truth();
        seen.push((world.now(), truth.iter().map(Pose::of).collect::<Vec<_>>()));
    }
    let recording = world.recording().unwrap();
    assert_eq!(recording.duration(), Micros::from_secs(240));
    for (time, poses) in seen.iter().step_by(97) {
        assert_eq!(recording.at(*time).as_ref(), Some(poses));
    }
    // Between two ticks it looks as at the next one; before the first and after the last there is nothing.
    let (first, poses) = &seen[0];
    assert_eq!(recording.at(FleetTime::from_micros(1)).as_ref(), Some(poses));
    assert_eq!(recording.at(FleetTime::ZERO), None);
    let past = Micros::new(first.as_micros() * (seen.len() as u64 + 1));
    assert_eq!(recording.at(FleetTime::from_micros(past.as_micros())), None);
    // 240 s of four bodies at 20 Hz: no more than three bytes a body and tick.
    let bytes = recording.encode().unwrap().len();
    assert!(bytes < 240 * 20 * 4 * 3, "{bytes} bytes");
}

#[test]
fn a_run_that_goes_wrong_is_shrunk_and_told() {
    // Both robots break down and nobody mends them; one moment of doubt and all but one task have nothing to do with it.
    let origin = story(
        "[[fault]]\nat_s = 20.0\nkind = \"breakdown\"\nrobot = \"anna\"\n\
         [[fault]]\nat_s = 30.0\nfor_s = 2.0\nkind = \"confidence\"\nrobot = \"bert\"\nconfidence_percent = 50.0\n\
         [[fault]]\nat_s = 21.0\nkind = \"breakdown\"\nrobot = \"bert\"\n",
    );
    let mut world = World::recorded(origin).unwrap();
    world.run(&Sequential).unwrap();
    let recording = world.recording().unwrap();
    assert!(matches!(
        recording.shrink(Hope::NoOverlap, &Sequential),
        Err(RecordingError::Holds(Hope::NoOverlap))
    ));
    let least = recording.shrink(Hope::EveryTaskDone, &Sequential).unwrap();
    let mut world = least.replay(&Sequential).unwrap().world;
    let summary = Summary::of(&mut world, 0.0).unwrap();
    assert!(!Hope::EveryTaskDone.holds(&summary));
    assert!(world.setup().script.len() <= 3 && world.setup().plant.walkers.is_empty());
    let told = least.timeline(&Sequential).unwrap();
    assert!(told.contains("is asked for"), "{told}");
    let test = least.rust_test("a_task_is_left", "left.sheeprun", Hope::EveryTaskDone);
    assert!(test.contains("include_bytes!(\"left.sheeprun\")") && test.contains("Hope::EveryTaskDone"));
}

#[test]
fn what_is_no_recording_is_refused() {
    let refusal = |bytes: &[u8]| Recording::decode(bytes).unwrap_err().to_string();
    assert_eq!(refusal(b""), "this is no recording: it does not begin with `sheeprun`");
    assert_eq!(refusal(b"sheeprun"), "the recording is damaged: it is cut off");
    assert_eq!(refusal(b"sheeprun\x02\0\0\0"), "the recording has form 2, this software reads form 1");
    assert_eq!(
        refusal(b"sheeprun\x01\0\0\0 some content, and 32 bytes more of it"),
        "the recording is damaged: its digest is another"
    );
}

fn short() -> Vec<u8> {
    let mut world = World::recorded(story("")).unwrap();
    for _ in 0..30 {
        world.step(&Sequential).unwrap();
    }
    world.recording().unwrap().encode().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// No change of a file goes unnoticed, and none panics.
    #[test]
    fn a_changed_file_is_refused(place in any::<prop::sample::Index>(), bits in 1..=255_u8, cut in any::<bool>()) {
        let mut bytes = short();
        let place = place.index(bytes.len());
        if cut {
            bytes.truncate(place);
        } else {
            bytes[place] ^= bits;
        }
        prop_assert!(Recording::decode(&bytes).is_err());
    }
}
