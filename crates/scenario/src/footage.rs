//! Where everybody was at every tick, in a few bytes each.
//!
//! Positions are kept in millimetres and milliradians. The first tick of a block is written whole; each later one says how
//! far bodies are from where they would be had they gone on as before, and leaves out those that are there. Numbers are
//! variable-length, so a robot that drives evenly takes no byte and one that turns takes four or five.

use std::fmt;

use serde::{Deserialize, Serialize};
use sheepdog_core::{AgentId, LevelId};
use sheepdog_sim::{BodyKind, Truth};

/// A body at one tick, as footage has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pose {
    /// Its id in the fleet; walkers have none.
    pub agent: Option<AgentId>,
    /// What it is.
    pub kind: BodyKind,
    /// The level.
    pub level: LevelId,
    /// Centre, millimetres along x.
    pub x_mm: i64,
    /// Centre, millimetres along y.
    pub y_mm: i64,
    /// Heading, milliradians.
    pub yaw_mrad: i64,
}

impl Pose {
    /// A body as it truly is, rounded.
    pub fn of(truth: &Truth) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a site is smaller than 2⁶³ millimetres")]
        let milli = |value: f64| libm::round(value * 1e3) as i64;
        Self {
            agent: truth.agent,
            kind: truth.kind,
            level: truth.level,
            x_mm: milli(truth.x_m),
            y_mm: milli(truth.y_m),
            yaw_mrad: milli(truth.yaw_rad),
        }
    }

    fn is_of(self, other: Self) -> bool {
        (self.agent, self.kind) == (other.agent, other.kind)
    }

    fn numbers(self) -> [i64; 3] {
        [self.x_mm, self.y_mm, self.yaw_mrad]
    }
}

impl fmt::Display for Pose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match (self.kind, self.agent) {
            (BodyKind::Robot, Some(agent)) => format!("robot {}", agent.0),
            (BodyKind::Person, Some(agent)) => format!("person {}", agent.0),
            (BodyKind::Robot | BodyKind::Person | BodyKind::Walker, _) => "passer-by".to_owned(),
        };
        let Self { level, x_mm, y_mm, yaw_mrad, .. } = self;
        write!(f, "{who:<12} {level}  {x_mm:>8} {y_mm:>8} mm  {yaw_mrad:>6} mrad")
    }
}

/// The ticks of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Footage {
    bytes: Vec<u8>,
    ticks: u32,
}

/// Everybody at the last tick, and how far each went in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Motion {
    poses: Vec<Pose>,
    steps: Vec<[i64; 3]>,
}

impl Motion {
    /// Whether the same bodies are there in the same order.
    fn fits(&self, poses: &[Pose]) -> bool {
        self.poses.len() == poses.len() && self.poses.iter().zip(poses).all(|(one, other)| one.is_of(*other))
    }

    /// Where a body is if it goes on as before.
    fn expected(&self, index: usize) -> Option<Pose> {
        let (pose, [x, y, yaw]) = (self.poses.get(index)?, self.steps.get(index)?);
        Some(Pose {
            x_mm: pose.x_mm.wrapping_add(*x),
            y_mm: pose.y_mm.wrapping_add(*y),
            yaw_mrad: pose.yaw_mrad.wrapping_add(*yaw),
            ..*pose
        })
    }

    fn advance(&mut self, poses: Vec<Pose>) {
        let fits = self.fits(&poses);
        let step = |(now, before): (&Pose, &Pose)| {
            let [a, b] = [now.numbers(), before.numbers()];
            std::array::from_fn(|axis| number(&a, axis).wrapping_sub(number(&b, axis)))
        };
        self.steps =
            if fits { poses.iter().zip(&self.poses).map(step).collect() } else { vec![[0; 3]; poses.len()] };
        self.poses = poses;
    }
}

impl Footage {
    /// How many ticks it has.
    pub(crate) const fn ticks(&self) -> u32 {
        self.ticks
    }

    /// Adds a tick after those that led to `motion`.
    pub(crate) fn add(&mut self, motion: &mut Motion, poses: Vec<Pose>) {
        if self.ticks == 0 {
            *motion = Motion::default();
        }
        if self.ticks != 0 && motion.fits(&poses) {
            self.add_changes(motion, &poses);
        } else {
            self.add_whole(&poses);
        }
        self.ticks += 1;
        motion.advance(poses);
    }

    fn add_whole(&mut self, poses: &[Pose]) {
        put(&mut self.bytes, WHOLE);
        put(&mut self.bytes, poses.len() as u64);
        for pose in poses {
            put(&mut self.bytes, pose.kind as u64);
            put(&mut self.bytes, pose.agent.map_or(0, |agent| u64::from(agent.0) + 1));
            put(&mut self.bytes, u64::from(pose.level.0));
            pose.numbers().into_iter().for_each(|number| put(&mut self.bytes, zigzag(number)));
        }
    }

    fn add_changes(&mut self, motion: &Motion, poses: &[Pose]) {
        let changes: Vec<(usize, Pose, &Pose)> = poses
            .iter()
            .enumerate()
            .filter_map(|(index, pose)| Some((index, motion.expected(index)?, pose)))
            .filter(|(_, expected, pose)| expected != *pose)
            .collect();
        put(&mut self.bytes, changes.len() as u64 + CHANGES);
        let mut next = 0;
        for (index, expected, pose) in changes {
            let moves_level = expected.level != pose.level;
            put(&mut self.bytes, ((index - next) as u64) << 1 | u64::from(moves_level));
            next = index + 1;
            if moves_level {
                put(&mut self.bytes, u64::from(pose.level.0));
            }
            for (was, is) in expected.numbers().into_iter().zip(pose.numbers()) {
                put(&mut self.bytes, zigzag(is.wrapping_sub(was)));
            }
        }
    }

    /// Every tick in turn; `None` for one whose bytes no recorder has written, and for those after it.
    pub(crate) fn poses(&self) -> impl Iterator<Item = Option<Vec<Pose>>> + '_ {
        let mut bytes = self.bytes.as_slice();
        let mut motion = Motion::default();
        (0..self.ticks).map(move |_| {
            let poses = match take(&mut bytes)? {
                WHOLE => whole(&mut bytes)?,
                changes => changed(&mut bytes, &motion, changes - CHANGES)?,
            };
            motion.advance(poses.clone());
            Some(poses)
        })
    }
}

/// A tick that is written whole begins with this; another with the number of changes and [`CHANGES`].
const WHOLE: u64 = 0;
const CHANGES: u64 = 1;
/// Bodies of a tick at most; one takes six bytes or more.
const BODY_BYTES_MIN: usize = 6;

fn whole(bytes: &mut &[u8]) -> Option<Vec<Pose>> {
    let count = usize::try_from(take(bytes)?).ok().filter(|count| *count <= bytes.len() / BODY_BYTES_MIN)?;
    let mut poses = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = match take(bytes)? {
            0 => BodyKind::Robot,
            1 => BodyKind::Person,
            2 => BodyKind::Walker,
            _ => return None,
        };
        let agent = take(bytes)?.checked_sub(1).map(u32::try_from).transpose().ok()?.map(AgentId);
        let level = LevelId(u32::try_from(take(bytes)?).ok()?);
        let [x_mm, y_mm, yaw_mrad] = [unzigzag(take(bytes)?), unzigzag(take(bytes)?), unzigzag(take(bytes)?)];
        poses.push(Pose { agent, kind, level, x_mm, y_mm, yaw_mrad });
    }
    Some(poses)
}

fn changed(bytes: &mut &[u8], motion: &Motion, changes: u64) -> Option<Vec<Pose>> {
    let mut poses: Vec<Pose> = (0..motion.poses.len()).filter_map(|index| motion.expected(index)).collect();
    let mut next = 0_usize;
    for _ in 0..changes {
        let head = take(bytes)?;
        let index = next.checked_add(usize::try_from(head >> 1).ok()?)?;
        next = index.checked_add(1)?;
        let pose = poses.get_mut(index)?;
        if head & 1 == 1 {
            pose.level = LevelId(u32::try_from(take(bytes)?).ok()?);
        }
        for number in [&mut pose.x_mm, &mut pose.y_mm, &mut pose.yaw_mrad] {
            *number = number.wrapping_add(unzigzag(take(bytes)?));
        }
    }
    Some(poses)
}

fn number(numbers: &[i64; 3], axis: usize) -> i64 {
    numbers.get(axis).copied().unwrap_or(0)
}

/// Small numbers of either sign as small numbers: 0, −1, 1, −2 … as 0, 1, 2, 3 …
const fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -((number & 1).cast_signed())
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = (number & 0x7F).to_le_bytes()[0];
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7F)
            .checked_shl(shift)
            .filter(|part| part >> shift == u64::from(byte & 0x7F))?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pose() -> impl Strategy<Value = Pose> {
        let coordinate = || prop_oneof![-50_i64..50, any::<i64>()];
        let kind = prop::sample::select(vec![BodyKind::Robot, BodyKind::Person, BodyKind::Walker]);
        let agent = prop::option::of((0..4_u32).prop_map(AgentId));
        (agent, kind, 0..3_u32, coordinate(), coordinate(), coordinate()).prop_map(
            |(agent, kind, level, x_mm, y_mm, yaw_mrad)| Pose {
                agent,
                kind,
                level: LevelId(level),
                x_mm,
                y_mm,
                yaw_mrad,
            },
        )
    }

    proptest! {
        /// Whatever bodies do, footage shows it as it was.
        #[test]
        fn what_was_filmed_is_shown(ticks in prop::collection::vec(prop::collection::vec(pose(), 0..4), 0..12)) {
            let (mut footage, mut motion) = (Footage::default(), Motion::default());
            for poses in &ticks {
                footage.add(&mut motion, poses.clone());
            }
            prop_assert_eq!(footage.poses().collect::<Option<Vec<_>>>(), Some(ticks));
        }

        /// Bytes that nobody wrote are refused or read, never a panic, and never more bodies than bytes.
        #[test]
        fn any_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..60), ticks in 0..5_u32) {
            let footage = Footage { bytes, ticks };
            prop_assert!(footage.poses().flatten().all(|poses| poses.len() <= footage.bytes.len()));
        }
    }

    #[test]
    fn what_goes_on_as_before_takes_one_byte() {
        let (mut footage, mut motion) = (Footage::default(), Motion::default());
        let at = |tick: i64| Pose {
            agent: Some(AgentId(0)),
            kind: BodyKind::Robot,
            level: LevelId(0),
            x_mm: 50 * tick,
            y_mm: 0,
            yaw_mrad: 0,
        };
        for tick in 0..100 {
            footage.add(&mut motion, vec![at(tick)]);
        }
        assert!(footage.bytes.len() < 120, "{}", footage.bytes.len());
    }
}
