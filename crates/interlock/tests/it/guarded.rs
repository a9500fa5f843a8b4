//! The base behind the interlock: what it is told, and when.

use std::{cell::RefCell, rc::Rc};

use proptest::prelude::*;
use sheepdog_interlock::{
    Base, BootNonce, Bounded, Deadman, Guarded, Input, Micros, PERMIT_TTL_MAX, Record, Revocations, Ring,
    RobotTime, Sink, SinkFull, StopCategory, Twist, Verdict, rules::LOG_001,
};

use crate::common::{ARMED, CRUISE, armed, good, inputs};

#[derive(Clone, Debug, PartialEq)]
enum Told {
    Drive(Twist, RobotTime),
    Halt(StopCategory),
    Record(u64),
}

/// Base and sink that write into one diary, so that the order is seen.
#[derive(Clone, Default)]
struct Diary(Rc<RefCell<Vec<Told>>>);

impl Base for Diary {
    fn drive(&mut self, command: Bounded<'_>) {
        assert_eq!(command.linear(), command.twist().linear_mm_per_s);
        assert_eq!(command.angular(), command.twist().angular_mrad_per_s);
        self.0.borrow_mut().push(Told::Drive(command.twist(), command.until()));
    }

    fn halt(&mut self, category: StopCategory) {
        self.0.borrow_mut().push(Told::Halt(category));
    }
}

impl Sink<1, 8> for Diary {
    fn accept(&mut self, record: &Record, input: &Input<1, 8>) -> Result<(), SinkFull> {
        assert_eq!(record.inputs, input.digest());
        self.0.borrow_mut().push(Told::Record(record.seq));
        Ok(())
    }
}

fn guarded() -> (Guarded<Diary, 1, 8>, Diary) {
    let diary = Diary::default();
    (Guarded::new(armed::<1, 8>(), diary.clone(), BootNonce(7)), diary)
}

#[test]
fn the_record_is_written_before_the_base_moves() {
    let (mut robot, diary) = guarded();
    let sink = &mut diary.clone();
    let input = good(ARMED + 100, CRUISE);
    robot.step(&input, sink);
    let twist = Twist { linear_mm_per_s: CRUISE, angular_mrad_per_s: 0 };
    let until = input.now + PERMIT_TTL_MAX;
    assert_eq!(diary.0.borrow().as_slice(), [Told::Record(0), Told::Drive(twist, until)]);
    diary.0.borrow_mut().clear();
    robot.step(&good(ARMED + 200, 0), sink);
    assert_eq!(diary.0.borrow().as_slice(), [Told::Record(1), Told::Halt(StopCategory::Two)]);
}

#[test]
fn a_refused_record_stops_the_base_instead_of_moving_it() {
    let (mut robot, diary) = guarded();
    assert!(format!("{robot:?}").starts_with("Guarded { interlock: Interlock"));
    let mut full = Ring::<0>::new();
    let decision = robot.step(&good(ARMED + 100, CRUISE), &mut full);
    assert_eq!(decision.primary, LOG_001);
    assert_eq!(diary.0.borrow().as_slice(), [Told::Halt(StopCategory::Zero)]);
    assert!(robot.state().needs_person());
}

#[test]
fn a_ring_gives_back_what_it_took_in_order_and_refuses_when_full() {
    let (mut robot, _) = guarded();
    let mut ring = Ring::<3>::new();
    let (mut written, mut read) = (0, 0);
    for step in 1..50 {
        robot.step(&good(ARMED + step * 100, CRUISE), &mut ring);
        written += 1;
        assert!(!ring.is_empty());
        if step % 3 != 1 || ring.len() == 3 {
            assert_eq!(ring.pop().map(|record| record.seq), Some(read));
            read += 1;
        }
    }
    assert!(!robot.state().needs_person() && written - read == u64::try_from(ring.len()).unwrap());
    while let Some(record) = ring.pop() {
        assert_eq!(record.seq, read);
        read += 1;
    }
    assert!(ring.is_empty() && ring.pop().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// The base is told exactly once a step; it drives only on a decision to move, never faster than decided, and
    /// never for longer than a permit lives.
    #[test]
    fn the_base_does_what_was_decided(inputs in inputs::<1, 8>(20)) {
        let (mut robot, diary) = guarded();
        for input in &inputs {
            let mut ring = Ring::<1>::new();
            diary.0.borrow_mut().clear();
            let decision = robot.step(input, &mut ring);
            let record = ring.pop().unwrap();
            prop_assert_eq!((record.decision, record.request), (decision, input.request));
            let told = diary.0.borrow().clone();
            match decision.verdict {
                Verdict::Move => {
                    prop_assert_eq!(told, [Told::Drive(decision.twist, input.now + PERMIT_TTL_MAX)]);
                    prop_assert!(record.until <= Some(input.now + PERMIT_TTL_MAX));
                }
                Verdict::Stop { category, .. } => prop_assert_eq!(told, [Told::Halt(category)]),
                Verdict::Idle => prop_assert_eq!(told, [Told::Halt(StopCategory::Two)]),
            }
        }
    }

    /// Records join up: each begins in the state in which the one before ended.
    #[test]
    fn records_join_up(inputs in inputs::<1, 8>(20)) {
        let (mut robot, _) = guarded();
        let mut ring = Ring::<20>::new();
        let first = robot.state();
        for input in &inputs {
            robot.step(input, &mut ring);
        }
        let mut state = first;
        while let Some(record) = ring.pop() {
            prop_assert_eq!(record.before, state);
            state = record.after;
        }
        prop_assert_eq!(state, robot.state());
    }
}

#[test]
fn taking_back_stops_the_base_and_the_next_step_decides_anew() {
    let (mut robot, diary) = guarded();
    let sink = &mut diary.clone();
    robot.step(&good(ARMED + 100, CRUISE), sink);
    diary.0.borrow_mut().clear();
    robot.revoke(StopCategory::One);
    assert_eq!(diary.0.borrow().as_slice(), [Told::Halt(StopCategory::One)]);
    let mut log = Ring::<1>::new();
    assert_eq!(robot.step(&good(ARMED + 200, CRUISE), &mut log).verdict, Verdict::Move);
    let record = log.pop().unwrap();
    assert_eq!((record.generation, record.boot, record.seq), (1, BootNonce(7), 1));
}

#[test]
fn a_permit_says_where_it_comes_from() {
    struct Reader(Rc<RefCell<Option<(BootNonce, u32)>>>);
    impl Base for Reader {
        fn drive(&mut self, command: Bounded<'_>) {
            *self.0.borrow_mut() = Some((command.boot(), command.generation()));
        }
        fn halt(&mut self, _: StopCategory) {}
    }
    let read = Rc::default();
    let mut robot = Guarded::new(armed::<1, 8>(), Reader(Rc::clone(&read)), BootNonce(7));
    for _ in 0..3 {
        robot.revoke(StopCategory::Two);
    }
    robot.step(&good(ARMED + 100, CRUISE), &mut Ring::<1>::new());
    assert_eq!(*read.borrow(), Some((BootNonce(7), 3)));
    assert_eq!(robot.config(), robot.interlock().config());
    assert!(format!("{robot:?} {:?}", robot.interlock()).contains("Ready"));
}

#[test]
fn records_that_differ_only_in_numbers_and_time_fold() {
    let (mut robot, _) = guarded();
    let mut log = Ring::<4>::new();
    robot.step(&good(ARMED + 100, CRUISE), &mut log);
    robot.step(&good(ARMED + 200, CRUISE - 1), &mut log);
    robot.step(&good(ARMED + 300, 0), &mut log);
    let records: Vec<Record> = std::iter::from_fn(|| log.pop()).collect();
    assert!(records[0].fold_key() == records[1].fold_key());
    assert!(records[1].fold_key() != records[2].fold_key());
    assert_eq!(records[0].until, Some(records[0].at + PERMIT_TTL_MAX));
    assert_eq!((records[2].until, SinkFull.to_string().is_empty()), (None, false));
}

#[test]
fn states_say_what_put_them_there() {
    let (mut robot, _) = guarded();
    assert!(robot.state().cause().is_none() && !robot.state().needs_person());
    robot.step(&Input { beat: None, ..good(ARMED + 100, CRUISE) }, &mut Ring::<1>::new());
    assert_eq!(robot.state().cause().map(|rule| rule.as_str().to_owned()).as_deref(), Some("COM-002"));
    robot.step(&Input { bumper: Some(true), ..good(ARMED + 200, CRUISE) }, &mut Ring::<1>::new());
    assert_eq!(robot.state().cause().map(|rule| rule.as_str().to_owned()).as_deref(), Some("EST-002"));
    assert!(robot.state().needs_person());
}

/// A base-side dead man's switch: alive before its permit lapses, dead at that instant, after a halt and a revocation.
#[test]
fn a_deadman_lets_go() {
    struct Keeper(Rc<RefCell<Deadman>>);
    impl Base for Keeper {
        fn drive(&mut self, command: Bounded<'_>) {
            self.0.borrow_mut().accept(&command);
        }
        fn halt(&mut self, _: StopCategory) {
            self.0.borrow_mut().halt();
        }
    }
    let deadman = Rc::default();
    let mut robot = Guarded::new(armed::<1, 8>(), Keeper(Rc::clone(&deadman)), BootNonce(7));
    let (none, mut one) = (Revocations::default(), Revocations::default());
    one.revoke();
    let input = good(ARMED + 100, CRUISE);
    robot.step(&input, &mut Ring::<1>::new());
    let twist = |micros, count: &Revocations| deadman.borrow().twist(input.now + Micros::new(micros), count);
    assert!(twist(0, &none).is_some() && twist(99_999, &none).is_some());
    assert_eq!((twist(100_000, &none), twist(0, &one)), (None, None));
    assert_ne!(none, one);
    robot.revoke(StopCategory::One);
    assert_eq!(deadman.borrow().twist(input.now, &none), None);
}

/// Of a count that another thread may raise, the same holds.
#[cfg(all(feature = "atomic", not(loom)))]
#[test]
fn a_shared_count_counts() {
    use sheepdog_interlock::{Revocation as _, SharedRevocations};
    static SHARED: SharedRevocations = SharedRevocations::new();
    assert_eq!(SHARED.generation(), 0);
    SHARED.revoke();
    SHARED.revoke();
    assert_eq!(SHARED.generation(), 2);
}
