//! What the interlock remembers of its sensors: whether they still measure, and what they last saw near the robot.

use sheepdog_core::{Evidence, Micros, Mm, Relation, RobotTime};

use crate::{
    Config, Odometry, SensorReading,
    assess::{age, evidence, micros},
    rules::Code,
    words::structs,
};

/// What is remembered of one sensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sense<const SECTORS: usize> {
    last: Option<Frame>,
    /// How many frames in a row, the last included, brought nothing new.
    same: u16,
    drifting_since: Option<RobotTime>,
    /// By how much it missed its contour when it last said so.
    residual: Option<Mm>,
    /// Sectors of which it has ever spoken.
    covered: u32,
    held: [Held; SECTORS],
}

/// What tells one frame from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Frame {
    taken: RobotTime,
    seq: u64,
    digest: u64,
}

/// The last distance a sensor has given for a sector, and where the robot was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Held {
    distance: Mm,
    travelled: Mm,
    turned_mrad: u32,
}

structs! {
    Sense<SECTORS> { last, same, drifting_since, residual, covered, held }
    Frame { taken, seq, digest }
    Held { distance, travelled, turned_mrad }
}

impl Held {
    const NOTHING: Self = Self { distance: Mm::MAX, travelled: Mm::ZERO, turned_mrad: 0 };
}

/// What one sensor is worth in one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sensed {
    /// The reading's age, or why it does not count.
    pub(crate) usable: Result<Micros, Evidence>,
    /// By how much it misses its contour, when that slows the robot.
    pub(crate) drift: Option<Evidence>,
}

impl Sensed {
    /// A sensor that has said nothing.
    pub(crate) const SILENT: Self =
        Self { usable: Err(evidence(Code::OBS_004, i64::MAX, Relation::Above, 0)), drift: None };
}

impl<const SECTORS: usize> Sense<SECTORS> {
    pub(crate) const NEW: Self = Self {
        last: None,
        same: 0,
        drifting_since: None,
        residual: None,
        covered: 0,
        held: [Held::NOTHING; SECTORS],
    };

    /// Forgets stamps, because the clock they belong to has gone backwards.
    pub(crate) const fn forget_instants(&mut self) {
        self.last = None;
        self.drifting_since = None;
    }

    /// Takes in what the sensor says, or that it says nothing.
    pub(crate) fn observe(
        &mut self,
        config: &Config,
        now: RobotTime,
        reading: Option<&SensorReading<SECTORS>>,
        odometry: Option<Odometry>,
    ) -> Sensed {
        let Some(reading) = reading else {
            return Sensed { drift: self.missed(config), ..Sensed::SILENT };
        };
        let usable = self.judge(config, now, reading);
        let drift = self.drift(config, now, reading, usable.is_ok());
        let usable = match drift {
            Some(drift) if config.drift_for <= self.drifted(now) => usable.and(Err(drift)),
            Some(_) | None => usable,
        };
        let mut bit = 1_u32;
        for sector in &reading.sectors {
            self.covered |= if sector.is_some() { bit } else { 0 };
            bit = bit.wrapping_shl(1);
        }
        let held = self.held.iter_mut().zip(&reading.sectors);
        let spoken = held.filter_map(|(held, sector)| Some((held, (*sector)?.obstacle)));
        // A reading that does not count may bring an obstacle nearer; only one that counts takes it away.
        if usable.is_ok() {
            spoken.for_each(|(held, obstacle)| *held = Held::at(obstacle, odometry));
        } else {
            spoken.for_each(|(held, obstacle)| *held = held.or_nearer(obstacle, odometry, SECTORS));
        }
        Sensed { usable, drift }
    }

    fn judge(
        &mut self,
        config: &Config,
        now: RobotTime,
        reading: &SensorReading<SECTORS>,
    ) -> Result<Micros, Evidence> {
        let age = age(config, now, reading.taken);
        let frame = Frame { taken: reading.taken, seq: reading.seq, digest: reading.digest };
        if let Some(last) = self.last
            && let (None, Some(back)) = (frame.taken.since(last.taken), last.taken.since(frame.taken))
        {
            return Err(evidence(Code::OBS_011, micros(back).saturating_neg(), Relation::Below, 0));
        }
        // A stamp from the future must not make every later reading look old.
        if age.is_ok() {
            self.count(frame);
        }
        let frozen = i64::from(config.frozen_frames).saturating_sub(1);
        let checks = [
            evidence(Code::OBS_006, self.same.into(), Relation::Above, frozen),
            evidence(
                Code::OBS_008,
                reading.invalid.get().into(),
                Relation::Above,
                config.invalid_max.get().into(),
            ),
            evidence(Code::OBS_007, reading.healthy.into(), Relation::Below, 1),
        ];
        let age = age?;
        checks.into_iter().find(Evidence::holds).map_or(Ok(age), Err)
    }

    fn count(&mut self, frame: Frame) {
        self.same = match self.last {
            Some(last) if last.taken == frame.taken => self.same,
            Some(last) if frame.digest == last.digest || frame.seq <= last.seq => self.same.saturating_add(1),
            Some(_) | None => 1,
        };
        self.last = Some(frame);
    }

    fn drift(
        &mut self,
        config: &Config,
        now: RobotTime,
        reading: &SensorReading<SECTORS>,
        counts: bool,
    ) -> Option<Evidence> {
        // A sensor that no longer finds its contour is as wrong as it was, and only a reading that counts says otherwise.
        self.residual =
            if counts { reading.residual.or(self.residual) } else { reading.residual.max(self.residual) };
        let missed = self.missed(config);
        self.drifting_since = missed.and(self.drifting_since.or(Some(now)));
        missed
    }

    /// By how much it misses its contour, when that is too much.
    fn missed(&self, config: &Config) -> Option<Evidence> {
        let residual = self.residual?;
        let drift = evidence(Code::OBS_010, residual.0.into(), Relation::Above, config.drift_max.0.into());
        drift.holds().then_some(drift)
    }

    fn drifted(&self, now: RobotTime) -> Micros {
        self.drifting_since.and_then(|since| now.since(since)).unwrap_or(Micros::ZERO)
    }

    /// The nearest thing the sensor has seen anywhere and not taken back.
    pub(crate) fn nearest(&self, odometry: Option<Odometry>) -> Mm {
        self.held.iter().map(|held| held.now(odometry, SECTORS).0).fold(Mm::MAX, Mm::min)
    }

    /// The nearest thing in the sectors of a mask of which the sensor does not speak now.
    pub(crate) fn unspoken(
        &self,
        mask: u32,
        spoken: Option<&SensorReading<SECTORS>>,
        odometry: Option<Odometry>,
    ) -> Mm {
        let mut nearest = Mm::MAX;
        for (sector, (held, bit)) in self.held.iter().zip(0_u32..).enumerate() {
            if spoken.is_some_and(|reading| reading.sectors.get(sector).is_some_and(Option::is_some)) {
                continue;
            }
            let (distance, anywhere) = held.now(odometry, SECTORS);
            if anywhere || mask.checked_shr(bit).is_some_and(|bits| bits & 1 == 1) {
                nearest = nearest.min(distance);
            }
        }
        nearest
    }

    /// The same with every instant as its age, and frames without number and digest.
    pub(crate) fn aged(mut self, aged: &impl Fn(RobotTime) -> RobotTime) -> Self {
        if let Some(last) = &mut self.last {
            (last.taken, last.seq, last.digest) = (aged(last.taken), 0, 0);
        }
        self.drifting_since = self.drifting_since.map(aged);
        self
    }

    /// The sectors of which it has ever spoken, bit `i` for sector `i`.
    pub(crate) const fn covered(&self) -> u32 {
        self.covered
    }
}

impl Held {
    fn at(distance: Mm, odometry: Option<Odometry>) -> Self {
        match odometry {
            Some(at) => Self { distance, travelled: at.travelled, turned_mrad: at.turned_mrad },
            // Nobody knows how far the robot goes from here.
            None => Self {
                distance: if distance < Mm::MAX { Mm::ZERO } else { distance },
                travelled: Mm::ZERO,
                turned_mrad: 0,
            },
        }
    }

    /// The nearer of what is left of the distance and a new one. What was seen before is still where it was, so the
    /// robot has turned as far from it as before.
    fn or_nearer(self, distance: Mm, odometry: Option<Odometry>, sectors: usize) -> Self {
        let (left, _) = self.now(odometry, sectors);
        let nearer = Self::at(distance.min(left), odometry);
        if self.distance == Mm::MAX || odometry.is_none() {
            nearer
        } else {
            Self { turned_mrad: self.turned_mrad, ..nearer }
        }
    }

    /// What is left of the distance, and whether the robot has turned so far since that it may lie in any sector.
    #[inline]
    fn now(&self, odometry: Option<Odometry>, sectors: usize) -> (Mm, bool) {
        if self.distance == Mm::MAX {
            return (Mm::MAX, false);
        }
        let Some(odometry) = odometry else { return (Mm::ZERO, true) };
        let gone = odometry.travelled.0.checked_sub(self.travelled.0).map_or(Mm::MAX, Mm);
        let turned = odometry.turned_mrad.checked_sub(self.turned_mrad).unwrap_or(u32::MAX);
        let half_sector = 3_142_usize.checked_div(sectors).unwrap_or(0);
        (
            self.distance.saturating_sub(gone),
            usize::try_from(turned).map_or(true, |turned| half_sector < turned),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sheepdog_core::{MmPerS, MradPerS};

    fn turned(turned_mrad: u32) -> Odometry {
        Odometry { speed: MmPerS::ZERO, yaw_rate: MradPerS::ZERO, travelled: Mm::ZERO, turned_mrad }
    }

    /// A stale reading that is handed in at every step must not make the kernel forget that the robot has turned.
    #[test]
    fn readings_that_do_not_count_do_not_hide_how_far_the_robot_has_turned() {
        let mut held = Held::at(Mm(400), Some(turned(0)));
        for angle in (0..=1_600).step_by(100) {
            held = held.or_nearer(Mm(400), Some(turned(angle)), 8);
        }
        assert_eq!(held.now(Some(turned(1_600)), 8), (Mm(400), true));
    }

    #[test]
    fn what_was_seen_while_nobody_knew_the_way_is_here() {
        assert_eq!(Held::at(Mm(400), None).now(Some(turned(0)), 8).0, Mm::ZERO);
        assert_eq!(Held::at(Mm::MAX, None).now(Some(turned(0)), 8), (Mm::MAX, false), "nothing was seen");
    }

    /// What was seen in a sector counts for the masks with that sector and for no other.
    #[test]
    fn a_sector_is_asked_by_its_own_bit() {
        let mut sense = Sense::<4>::NEW;
        sense.held[1] = Held::at(Mm(400), Some(turned(0)));
        for mask in 0..16 {
            let expected = if mask & 0b10 == 0 { Mm::MAX } else { Mm(400) };
            assert_eq!(sense.unspoken(mask, None, Some(turned(0))), expected, "{mask:04b}");
        }
    }

    #[test]
    fn the_first_thing_seen_is_where_it_is_seen_however_far_the_robot_had_turned() {
        let held = Held::NOTHING.or_nearer(Mm(400), Some(turned(1_000)), 8);
        assert_eq!(held.now(Some(turned(1_000)), 8), (Mm(400), false));
    }
}
