//! Lanes with times that change.
#![expect(clippy::indexing_slicing, reason = "ends of lanes are checked on entry")]

use super::{LANE_MS_MAX, PLACES_MAX};

/// The lanes of one travel profile, with their times in milliseconds.
///
/// Times may change at any time; [`version`](Self::version) counts how often they have.
#[derive(Clone, Debug)]
pub struct Roads {
    places: u32,
    /// Where lanes come from, and their time. So many for each place that they lead to, closed ones where it has fewer; then
    /// those for which there was no room.
    lanes: Vec<(u32, u32)>,
    /// By place, where those begin for which there was no room; and where the last ends.
    first: Vec<u32>,
    /// By place, one bit: whether there are such.
    has_more: Vec<u64>,
    /// By lane, where it is in `lanes`.
    slots: Vec<u32>,
    /// By place in `lanes`: where a lane leads, and the least that it ever took.
    floors: Vec<(u32, u32)>,
    /// How much all floors have sunk together.
    sunk_ms: u64,
    extremes: (u32, u32),
    version: u64,
    /// Of places, lanes and times as they were given, to tell these roads from others.
    origin: u64,
}

/// Stands for a lane that is closed.
const CLOSED: u32 = u32::MAX;
/// With those that are kept for each place, they have numbers.
const LANES_MAX: usize = 1 << 30;
/// Where the room leads that is kept for a lane and has none.
const NO_PLACE: u32 = u32::MAX;
/// Lanes of one place that are found without a look at where they are: those of a raster.
const AT_HAND: usize = 4;

/// A lane that is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoadError {
    /// There is no such place.
    #[error("lane {lane}: place {place} is none of the {places} places")]
    Place {
        /// The lane, in the order given.
        lane: usize,
        /// The place.
        place: u32,
        /// How many there are.
        places: u32,
    },
    /// A lane takes no time, or too much.
    #[error("lane {lane}: {time_ms} ms is not between 1 and {LANE_MS_MAX} ms")]
    Time {
        /// The lane, in the order given.
        lane: usize,
        /// Its time.
        time_ms: u32,
    },
    /// More places than [`PLACES_MAX`], or more lanes than have numbers.
    #[error("{places} places, at most {PLACES_MAX}, and {lanes} lanes are too many")]
    Size {
        /// How many places there are.
        places: u32,
        /// How many lanes there are.
        lanes: usize,
    },
}

impl Roads {
    /// One-way lanes between places, each from, to and its time in milliseconds.
    ///
    /// # Errors
    /// [`RoadError`] for the first lane that is refused.
    pub fn new(places: u32, lanes: &[(u32, u32, u32)]) -> Result<Self, RoadError> {
        if PLACES_MAX < places || LANES_MAX < lanes.len() {
            return Err(RoadError::Size { places, lanes: lanes.len() });
        }
        for (lane, &(from, to, time_ms)) in lanes.iter().enumerate() {
            if let Some(place) = [from, to].into_iter().find(|place| places <= *place) {
                return Err(RoadError::Place { lane, place, places });
            }
            if time_ms == 0 || LANE_MS_MAX < time_ms {
                return Err(RoadError::Time { lane, time_ms });
            }
        }
        Ok(Self::collect(places, lanes))
    }

    /// The same, of lanes whose ends have been checked; without a time they are closed.
    pub(super) fn of_times(
        places: u32,
        lanes: impl Iterator<Item = (u32, u32, Option<u32>)>,
    ) -> Result<Self, RoadError> {
        let lanes: Vec<(u32, u32, u32)> =
            lanes.map(|(from, to, time_ms)| (from, to, time_ms.unwrap_or(CLOSED))).collect();
        if PLACES_MAX < places || LANES_MAX < lanes.len() {
            return Err(RoadError::Size { places, lanes: lanes.len() });
        }
        Ok(Self::collect(places, &lanes))
    }

    fn collect(places: u32, given: &[(u32, u32, u32)]) -> Self {
        let at_hand = places as usize * AT_HAND;
        let mut lanes_of = vec![0_usize; places as usize];
        let numbers: Vec<usize> = given
            .iter()
            .map(|&(_, to, _)| {
                lanes_of[to as usize] += 1;
                lanes_of[to as usize] - 1
            })
            .collect();
        let (mut first, mut end) = (Vec::with_capacity(lanes_of.len() + 1), at_hand);
        let mut has_more = vec![0_u64; lanes_of.len().div_ceil(64)];
        for (place, lanes) in lanes_of.iter().enumerate() {
            first.push(u32::try_from(end).unwrap_or(u32::MAX));
            has_more[place / 64] |= u64::from(AT_HAND < *lanes) << (place % 64);
            end += lanes.saturating_sub(AT_HAND);
        }
        first.push(u32::try_from(end).unwrap_or(u32::MAX));
        let (mut lanes, mut floors) = (vec![(0, CLOSED); end], vec![(NO_PLACE, CLOSED); end]);
        let mut slots = Vec::with_capacity(given.len());
        for (&(from, to, time_ms), number) in given.iter().zip(numbers) {
            let slot = match number.checked_sub(AT_HAND) {
                None => to as usize * AT_HAND + number,
                Some(beyond) => first[to as usize] as usize + beyond,
            };
            lanes[slot] = (from, time_ms);
            floors[slot] = (to, time_ms);
            slots.push(u32::try_from(slot).unwrap_or(u32::MAX));
        }
        let origin = given.iter().flat_map(|&(from, to, time)| [from, to, time]).fold(
            u64::from(places),
            |sum, part| {
                // Fowler, Noll, Vo, by parts instead of bytes.
                (sum ^ u64::from(part)).wrapping_mul(0x0000_0100_0000_01B3)
            },
        );
        let open = || given.iter().map(|lane| lane.2).filter(|time| *time != CLOSED);
        let extremes = (open().min().unwrap_or(1), open().max().unwrap_or(1));
        Self { places, lanes, first, has_more, slots, floors, sunk_ms: 0, extremes, version: 0, origin }
    }

    /// Changes the time of a lane, or closes it; an unknown lane, and a time beyond 1 to [`LANE_MS_MAX`] milliseconds, is
    /// refused. Constant time. Returns whether it was accepted.
    pub fn set(&mut self, lane: u32, time_ms: Option<u32>) -> bool {
        let Some(&slot) = self.slots.get(lane as usize) else { return false };
        let time_ms = match time_ms {
            None => CLOSED,
            Some(time_ms) if (1..=LANE_MS_MAX).contains(&time_ms) => time_ms,
            Some(_) => return false,
        };
        self.lanes[slot as usize].1 = time_ms;
        self.version += 1;
        if time_ms != CLOSED {
            self.extremes = (self.extremes.0.min(time_ms), self.extremes.1.max(time_ms));
            let (_, floor) = &mut self.floors[slot as usize];
            if time_ms < *floor {
                // A lane that has never been open may have been the only way: then no bound holds.
                let sunk = if *floor == CLOSED { u64::from(u32::MAX) } else { u64::from(*floor - time_ms) };
                self.sunk_ms = self.sunk_ms.saturating_add(sunk);
                *floor = time_ms;
            }
        }
        true
    }

    /// What a lane takes now; `None` when it is closed or unknown.
    pub fn time_ms(&self, lane: u32) -> Option<u32> {
        let slot = *self.slots.get(lane as usize)?;
        Some(self.lanes[slot as usize].1).filter(|time| *time != CLOSED)
    }

    /// How often times have been changed.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many places there are.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// The least and the greatest time that an open lane has had.
    pub(super) fn extremes(&self) -> (u32, u32) {
        self.extremes
    }

    /// How much less any way may take than floors said when nothing had sunk.
    pub(super) fn sunk_ms(&self) -> u64 {
        self.sunk_ms
    }

    /// Open lanes that lead to a place: where from, and how long they take.
    #[inline]
    pub(super) fn into(&self, place: u32) -> impl Iterator<Item = (u32, u32)> + '_ {
        let place = place as usize;
        let more = if self.has_more[place / 64] >> (place % 64) & 1 == 0 {
            &[]
        } else {
            &self.lanes[self.first[place] as usize..self.first[place + 1] as usize]
        };
        let at_hand = &self.lanes[place * AT_HAND..][..AT_HAND];
        at_hand.iter().chain(more).copied().filter(|lane| lane.1 != CLOSED)
    }

    /// Tells these roads from others, whatever has been changed since.
    pub(super) fn origin(&self) -> u64 {
        self.origin
    }

    /// By place in the table: where a lane comes from, where it leads, and the least that it ever took, if it was ever open.
    /// Where there is no lane, it leads to no place.
    pub(super) fn floors(&self) -> impl Iterator<Item = (u32, u32, Option<u32>)> + '_ {
        let both = self.lanes.iter().zip(&self.floors);
        both.map(|(lane, &(to, floor))| (lane.0, to, Some(floor).filter(|floor| *floor != CLOSED)))
    }
}
