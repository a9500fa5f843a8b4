//! Which boundaries of which settings a run has met.

macro_rules! edges {
    ($($name:ident),* $(,)?) => {
        /// A setting whose boundary can be met, named as in the settings.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(non_camel_case_types, reason = "the names are those of the settings")]
        pub(crate) enum Edge { $($name,)* }

        impl Edge {
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The setting's name.
            pub(crate) fn name(self) -> String {
                format!("{self:?}")
            }
        }
    };
}

edges! {
    confidence_stop, confidence_slow, confidence_rearm, decay_ppm_per_ms, fusion, dwell, dwell_up, sample_age_max,
    clock_skew, clock_jump_max, cycle_max, frozen_frames, invalid_max, disagreement_max, disagreement_for, disagreement_within, drift_max,
    drift_for, permit_ttl, actuation_delay, deceleration, separation, speed_max, speed_slow, speed_creep, yaw_rate_max, yaw_deceleration,
    overspeed_percent, overspeed_for, stop_margin, rearm_margin, clearance_creep, person_near, beat_late, beat_timeout,
    command_age_max, standstill, standstill_yaw, standstill_window, standstill_turn, still_for, stop_time_max, stop_distance_percent, chatter_trips,
    chatter_window, reset_press_min, reset_press_max, packs_required, pack_age_max,
}

/// How often each boundary was met from below, exactly and from above: one less than it, it, one more.
#[derive(Clone, Debug)]
pub(crate) struct Edges([[u64; 3]; Edge::ALL.len()]);

impl Default for Edges {
    fn default() -> Self {
        Self([[0; 3]; Edge::ALL.len()])
    }
}

impl Edges {
    pub(crate) fn met(&self, edge: Edge) -> [u64; 3] {
        self.0.get(edge as usize).copied().unwrap_or_default()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().flatten().zip(other.0.iter().flatten()).for_each(|(all, some)| *all += some);
    }

    pub(crate) fn meet(&mut self, edge: Edge, measured: i64, limit: i64) {
        let side = match measured.saturating_sub(limit) {
            -1 => 0,
            0 => 1,
            1 => 2,
            _ => return,
        };
        if let Some(met) = self.0.get_mut(edge as usize).and_then(|sides| sides.get_mut(side)) {
            *met += 1;
        }
    }

    pub(crate) fn above(&mut self, edge: Edge, measured: i64, limit: i64) -> bool {
        self.meet(edge, measured, limit);
        measured > limit
    }

    pub(crate) fn at_least(&mut self, edge: Edge, measured: i64, limit: i64) -> bool {
        self.meet(edge, measured, limit);
        measured >= limit
    }

    pub(crate) fn at_most(&mut self, edge: Edge, measured: i64, limit: i64) -> bool {
        self.meet(edge, measured, limit);
        measured <= limit
    }

    pub(crate) fn below(&mut self, edge: Edge, measured: i64, limit: i64) -> bool {
        self.meet(edge, measured, limit);
        measured < limit
    }
}
