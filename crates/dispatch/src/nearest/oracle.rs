//! Travel times over a site for several profiles, exact while the world changes.

use sheepdog_core::{DoorId, LaneId, LevelId, LiftId, Micros, WaypointId};
use sheepdog_map::{
    CompiledSite,
    travel::{TravelProfile, Waits, lane_time},
};

use super::{AgentSet, Anchors, Finder, Found, LANE_MS_MAX, RoadError, Roads, Standings};

/// The greatest congestion of a lane, permille of the time that it takes when it is free: a hundredfold. What is slower is
/// closed.
pub const CONGESTION_MAX: u32 = 100_000;

/// The congestion of a free lane.
const FREE: u32 = 1_000;
/// The driving time of a lane that a profile cannot use.
const NEVER: u64 = u64::MAX;

/// Travel times over a compiled site for several profiles, such as two classes of robot and people, while lanes get
/// congested, are closed and opened, and waits for doors and lifts change.
///
/// A lane takes the time that [`lane_time`] says, rounded up to milliseconds, where congestion stretches the driving and not
/// the waits. It is closed for a profile that cannot use it, for everybody while somebody has closed it, and while it would
/// take longer than [`LANE_MS_MAX`]: so a door whose wait is [`Micros::MAX`] is out of order. Congestion never makes a lane
/// quicker than it is when free.
///
/// Every answer is that of a search on the times of now. An edit takes constant time for each lane that it concerns and each
/// profile. On 3 600 places with 14 160 lanes and 200 doors, for three profiles: 11 to 64 ns for an edit, 69 µs for a time
/// between two places, 3 µs for that with 4 MB of anchors each, 5.5 ms for a matrix of 50 by 50 (release build, the best of
/// five on a busy two-core x86-64 machine).
///
/// ```
/// use sheepdog_core::{DoorId, Micros, Mm, MmPerS};
/// use sheepdog_dispatch::nearest::{AgentSet, Found, Standings, TravelOracle};
/// use sheepdog_map::{
///     CompileOptions, Site,
///     model::{Door, Lane, Level, Waypoint},
///     travel::{NominalWaits, TravelProfile},
/// };
///
/// // A ward with a door, and a one-way corridor around it:
/// //
/// //     store ---4 m--- | ---- bed      a door that opens in 3 s
/// //       ^                     |
/// //       +--3 m-- hall <--5 m--+
/// let mut site = Site::new("ward");
/// site.levels.push(Level::new("0", 0.0));
/// for (name, x_m, y_m) in [("store", 0.0, 0.0), ("bed", 4.0, 0.0), ("hall", 0.0, 3.0)] {
///     site.waypoints.push(Waypoint::new(name, "0", x_m, y_m));
/// }
/// site.doors.push(Door { opening_s: 3.0, ..Door::new("door", "0", [2.0, -0.5], [2.0, 0.5]) });
/// site.lanes.push(Lane::two_way("store", "bed"));
/// site.lanes.push(Lane::one_way("bed", "hall"));
/// site.lanes.push(Lane::one_way("hall", "store"));
/// // One lane is one lane: none is split.
/// let options = CompileOptions { spacing: Mm(10_000), ..CompileOptions::default() };
/// let site = site.compile(&options).unwrap();
/// let [store, bed, hall] = ["store", "bed", "hall"].map(|name| site.waypoint_named(name).unwrap());
///
/// // A porter and a nurse, who walk at different speeds.
/// let profiles = [500, 1_000].map(|speed| TravelProfile::person(MmPerS(speed)));
/// let mut oracle = TravelOracle::new(&site, &profiles, &NominalWaits(&site))?;
/// assert_eq!(oracle.between(0, store, bed), Some(8_000 + 3_000));
/// assert_eq!(oracle.between(1, store, bed), Some(4_000 + 3_000));
///
/// // The way back leads through the door as well, until that is out of order: then it leads through the hall.
/// assert_eq!(oracle.between(1, bed, store), Some(7_000));
/// assert!(oracle.set_door_wait(DoorId(0), Micros::MAX)?);
/// assert_eq!(oracle.between(1, bed, store), Some(5_000 + 3_000));
/// assert_eq!(oracle.between(1, store, bed), None);
///
/// // A crowd in the corridor, from the bed to the hall: half as fast. Saying it again changes nothing.
/// let corridor = site.lanes_from(bed).iter().copied().find(|lane| site.lane(*lane).unwrap().to == hall).unwrap();
/// assert!(oracle.set_congestion(corridor, 2_000)?);
/// assert!(!oracle.set_congestion(corridor, 2_000)?);
/// assert_eq!(oracle.version(), 2);
///
/// // Nurse 7 is halfway through the crowd: five of ten seconds are left, and she cannot go back. Nurse 9 is at the bed.
/// let mut standings = Standings::new(oracle.places());
/// standings.place(7, &oracle.on_lane(1, corridor, 500)?);
/// standings.place(9, &[(bed.0, 0)]);
/// let nurses = AgentSet::from_iter([7, 9]);
/// let found = oracle.nearest(1, &standings, &nurses, store, 2);
/// assert_eq!(found, [Found { time_ms: 5_000 + 3_000, agent: 7 }, Found { time_ms: 10_000 + 3_000, agent: 9 }]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TravelOracle {
    profiles: Vec<Profile>,
    /// By number; those that are retired are closed.
    lanes: Vec<Lane>,
    /// By number.
    doors: Vec<Option<Passage>>,
    /// In order.
    rides: Vec<(Ride, Passage)>,
    places: u32,
    version: u64,
}

/// A lift from one level to another.
type Ride = (LiftId, LevelId, LevelId);

#[derive(Clone, Debug)]
struct Profile {
    roads: Roads,
    finder: Finder,
    /// By lane, microseconds on it when it is free, without waits; [`NEVER`] where the profile cannot use it, nothing in lifts.
    driving: Vec<u64>,
}

/// What is the same for all profiles.
#[derive(Clone, Debug)]
struct Lane {
    from: u32,
    to: u32,
    reverse: Option<LaneId>,
    through: Through,
    /// All that one waits for doors and lifts on it.
    waits: Micros,
    congestion: u32,
    is_closed: bool,
}

/// What a lane leads through.
#[derive(Clone, Debug)]
enum Through {
    Doors(Vec<DoorId>),
    Lift,
    /// It is retired: nobody gets through.
    Nothing,
}

/// A door or a ride.
#[derive(Clone, Debug)]
struct Passage {
    wait: Micros,
    lanes: Vec<LaneId>,
}

/// Why an edit or a question was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TravelError {
    /// The site has no such lane, or no more.
    #[error("lane is {lane}, there is no such lane")]
    Lane {
        /// The lane.
        lane: LaneId,
    },
    /// The site has no such door, or no more.
    #[error("door is {door}, there is no such door")]
    Door {
        /// The door.
        door: DoorId,
    },
    /// No lane is a ride of that lift between those levels.
    #[error("lift is {lift}, it takes nobody from {from} to {to}")]
    Lift {
        /// The lift.
        lift: LiftId,
        /// From where.
        from: LevelId,
        /// To where.
        to: LevelId,
    },
    /// There are fewer profiles.
    #[error("profile is {profile}, there are {profiles}")]
    Profile {
        /// The profile.
        profile: usize,
        /// How many there are.
        profiles: usize,
    },
    /// Quicker than free, or slower than slow.
    #[error("congestion of {lane} is {permille} permille, not between 1000 and {CONGESTION_MAX}")]
    Congestion {
        /// The lane.
        lane: LaneId,
        /// The congestion.
        permille: u32,
    },
    /// How long a ride takes is what one waits for the lift.
    #[error("congestion of {lane} is set, and it is a ride: its lift has a wait")]
    Ride {
        /// The lane.
        lane: LaneId,
    },
    /// Nobody is farther along a lane than its end.
    #[error("along is {permille} permille, at most 1000")]
    Along {
        /// How far along.
        permille: u32,
    },
}

/// Nobody waits: what is left of a lane's time is driving.
struct NoWaits;

impl Waits for NoWaits {
    fn door(&self, _: DoorId) -> Micros {
        Micros::ZERO
    }

    fn lift(&self, _: LiftId, _: LevelId, _: LevelId) -> Micros {
        Micros::ZERO
    }
}

impl TravelOracle {
    /// All lanes free and open, waits as they are told. Profiles are numbered in the order given.
    ///
    /// O((lanes + waypoints) · profiles)
    ///
    /// # Errors
    /// [`RoadError::Size`].
    pub fn new(
        site: &CompiledSite,
        profiles: &[TravelProfile],
        waits: &dyn Waits,
    ) -> Result<Self, RoadError> {
        let places = u32::try_from(site.waypoints().len()).unwrap_or(u32::MAX);
        let mut oracle = Self {
            profiles: Vec::with_capacity(profiles.len()),
            lanes: Vec::with_capacity(site.lanes().len()),
            doors: (0..site.doors().len()).map(|_| None).collect(),
            rides: Vec::new(),
            places,
            version: 0,
        };
        for ((id, _), slot) in (0..).map(DoorId).zip(site.doors()).zip(&mut oracle.doors) {
            *slot = site.door(id).map(|_| Passage { wait: waits.door(id), lanes: Vec::new() });
        }
        oracle.rides = rides(site, waits);
        for (id, lane) in (0..).map(LaneId).zip(site.lanes()) {
            oracle.add_lane(site, id, lane);
        }
        for profile in profiles {
            let driving = (0..).map(LaneId).zip(&oracle.lanes).map(|(id, lane)| {
                let time = lane_time(site, *profile, &NoWaits, id).map_or(NEVER, Micros::as_micros);
                // The microsecond that every lane takes is no driving.
                if matches!(lane.through, Through::Lift) && time != NEVER { 0 } else { time }
            });
            let driving: Vec<u64> = driving.collect();
            let times = oracle.lanes.iter().zip(&driving);
            let lanes = times.map(|(lane, driving)| (lane.from, lane.to, lane.time_ms(*driving)));
            let roads = Roads::of_times(places, lanes)?;
            oracle.profiles.push(Profile { roads, finder: Finder::new(), driving });
        }
        Ok(oracle)
    }

    /// The same with bounds by which far fewer places are searched, where few may go and between two places; up to so many
    /// bytes for each profile. See [`Anchors::new`] for what that costs.
    #[must_use]
    pub fn with_anchors(mut self, bytes_each: usize) -> Self {
        for Profile { roads, finder, .. } in &mut self.profiles {
            *finder = Finder::with_anchors(Anchors::new(roads, bytes_each));
        }
        self
    }

    fn add_lane(&mut self, site: &CompiledSite, id: LaneId, lane: &sheepdog_map::Lane) {
        let (through, waits) = match (site.lane(id), ride_of(site, lane)) {
            (None, _) => (Through::Nothing, Micros::MAX),
            (Some(_), Some(ride)) => {
                let wait = self.ride_mut(ride).map(|passage| {
                    passage.lanes.push(id);
                    passage.wait
                });
                (Through::Lift, wait.unwrap_or(Micros::MAX))
            }
            (Some(_), None) => {
                for door in &lane.doors {
                    if let Some(Some(passage)) = self.doors.get_mut(door.index()) {
                        passage.lanes.push(id);
                    }
                }
                (Through::Doors(lane.doors.clone()), self.wait_for(&lane.doors))
            }
        };
        let (from, to, reverse) = (lane.from.0, lane.to.0, lane.reverse);
        self.lanes.push(Lane { from, to, reverse, through, waits, congestion: FREE, is_closed: false });
    }

    /// How many profiles there are.
    pub fn profiles(&self) -> usize {
        self.profiles.len()
    }

    /// How many places there are: the waypoints of the site, by number.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// How often something has been changed: what was asked at this version is still true. Every edit that is accepted raises
    /// it by one, unless it repeats what is so already.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The lanes of a profile with their times of now, for a [`Finder`] of one's own.
    pub fn roads(&self, profile: usize) -> Option<&Roads> {
        self.profiles.get(profile).map(|profile| &profile.roads)
    }

    /// What a lane takes a profile now, milliseconds; `None` where it is closed to it or unknown.
    pub fn time_ms(&self, profile: usize, lane: LaneId) -> Option<u32> {
        self.roads(profile)?.time_ms(lane.0)
    }

    /// Says how much longer than on a free lane it takes to drive along one, permille: from 1000, which is free, to
    /// [`CONGESTION_MAX`]. It holds for every profile, and while the lane is closed it is remembered. O(profiles)
    ///
    /// Returns whether that is a change.
    ///
    /// # Errors
    /// [`TravelError::Lane`], [`TravelError::Ride`], [`TravelError::Congestion`]; then nothing is changed.
    pub fn set_congestion(&mut self, lane: LaneId, permille: u32) -> Result<bool, TravelError> {
        let known = self.lane_mut(lane)?;
        if matches!(known.through, Through::Lift) {
            return Err(TravelError::Ride { lane });
        }
        if !(FREE..=CONGESTION_MAX).contains(&permille) {
            return Err(TravelError::Congestion { lane, permille });
        }
        let before = std::mem::replace(&mut known.congestion, permille);
        Ok(self.edited(before != permille, &[lane]))
    }

    /// Closes a lane to everybody; its other direction, if it has one, is a lane of its own. O(profiles)
    ///
    /// Returns whether it was open.
    ///
    /// # Errors
    /// [`TravelError::Lane`].
    pub fn close(&mut self, lane: LaneId) -> Result<bool, TravelError> {
        let before = std::mem::replace(&mut self.lane_mut(lane)?.is_closed, true);
        Ok(self.edited(!before, &[lane]))
    }

    /// Opens a lane that somebody has closed, for those who can use it. O(profiles)
    ///
    /// Returns whether it was closed.
    ///
    /// # Errors
    /// [`TravelError::Lane`].
    pub fn open(&mut self, lane: LaneId) -> Result<bool, TravelError> {
        let before = std::mem::replace(&mut self.lane_mut(lane)?.is_closed, false);
        Ok(self.edited(before, &[lane]))
    }

    /// Takes a lane from a profile for good: it may not be where the lane leads.
    ///
    /// Returns whether the profile could use it.
    ///
    /// # Errors
    /// [`TravelError::Profile`], [`TravelError::Lane`].
    pub fn bar(&mut self, profile: usize, lane: LaneId) -> Result<bool, TravelError> {
        self.lane_mut(lane)?;
        let profiles = self.profiles();
        let known = self.profiles.get_mut(profile).ok_or(TravelError::Profile { profile, profiles })?;
        let driving = known.driving.get_mut(lane.index()).ok_or(TravelError::Lane { lane })?;
        let before = std::mem::replace(driving, NEVER);
        Ok(self.edited(before != NEVER, &[lane]))
    }

    /// Says how long one waits in front of a door until it is open; lanes that would take longer than [`LANE_MS_MAX`] are
    /// closed as long as that is so. O(profiles) for each lane through it, and for each other door of those lanes
    ///
    /// Returns whether that is a change.
    ///
    /// # Errors
    /// [`TravelError::Door`].
    pub fn set_door_wait(&mut self, door: DoorId, wait: Micros) -> Result<bool, TravelError> {
        let known = self.doors.get_mut(door.index()).and_then(Option::as_mut);
        let passage = known.ok_or(TravelError::Door { door })?;
        if std::mem::replace(&mut passage.wait, wait) == wait {
            return Ok(false);
        }
        let lanes = std::mem::take(&mut passage.lanes);
        for lane in &lanes {
            let doors = self.lanes.get(lane.index()).map(|lane| &lane.through);
            let Some(Through::Doors(doors)) = doors else { continue };
            let waits = self.wait_for(doors);
            self.lanes.get_mut(lane.index()).into_iter().for_each(|lane| lane.waits = waits);
        }
        self.edited(true, &lanes);
        if let Some(Some(passage)) = self.doors.get_mut(door.index()) {
            passage.lanes = lanes;
        }
        Ok(true)
    }

    /// Says how long it takes from standing in front of a lift at one level to its door being open at another, the ride
    /// included, as [`Waits::lift`] does. [`Micros::MAX`] for one that is out of order. O(log rides), and O(profiles) for each
    /// such ride
    ///
    /// Returns whether that is a change.
    ///
    /// # Errors
    /// [`TravelError::Lift`].
    pub fn set_lift_wait(
        &mut self,
        lift: LiftId,
        from: LevelId,
        to: LevelId,
        wait: Micros,
    ) -> Result<bool, TravelError> {
        let passage = self.ride_mut((lift, from, to)).ok_or(TravelError::Lift { lift, from, to })?;
        if std::mem::replace(&mut passage.wait, wait) == wait {
            return Ok(false);
        }
        let lanes = std::mem::take(&mut passage.lanes);
        for lane in &lanes {
            self.lanes.get_mut(lane.index()).into_iter().for_each(|lane| lane.waits = wait);
        }
        self.edited(true, &lanes);
        if let Some(passage) = self.ride_mut((lift, from, to)) {
            passage.lanes = lanes;
        }
        Ok(true)
    }

    /// Lets bounds catch up with lanes that have got quicker than they ever were. Answers are right without it; see
    /// [`Anchors::catch_up`] for what it costs. Nothing without anchors.
    pub fn catch_up(&mut self) {
        for Profile { roads, finder, .. } in &mut self.profiles {
            finder.anchors_mut().into_iter().for_each(|anchors| anchors.catch_up(roads));
        }
    }

    /// Where an agent can be, and when in milliseconds, that is somewhere along a lane: what [`Standings::place`] takes.
    /// `along` is the part of the lane that lies behind it, permille.
    ///
    /// At either end it is there. Between, it is at the end of the lane after the rest of its time, and back at the begin after
    /// a part of that of the other direction: not where the lane is one-way, nor in a lift, which arrives first. What is
    /// closed to its profile now it does not travel, so it may be nowhere. Where on a lane its doors are is not known here, so
    /// waits are spread evenly over it. Ask again when lanes change. Times are rounded up. O(1)
    ///
    /// # Errors
    /// [`TravelError::Profile`], [`TravelError::Lane`], [`TravelError::Along`].
    pub fn on_lane(&self, profile: usize, lane: LaneId, along: u32) -> Result<Vec<(u32, u32)>, TravelError> {
        let profiles = self.profiles();
        let roads = self.roads(profile).ok_or(TravelError::Profile { profile, profiles })?;
        let known = self.lanes.get(lane.index()).filter(|lane| lane.is_there());
        let known = known.ok_or(TravelError::Lane { lane })?;
        let behind = match along {
            0 => return Ok(vec![(known.from, 0)]),
            1_000 => return Ok(vec![(known.to, 0)]),
            1..1_000 => known.reverse.filter(|_| !matches!(known.through, Through::Lift)),
            _ => return Err(TravelError::Along { permille: along }),
        };
        // Times are below 2^30 and parts below 2^10: the product fits into 64 bits, and the part into the time.
        let part = |time_ms: u32, permille: u32| {
            let part = (u64::from(time_ms) * u64::from(permille)).div_ceil(1_000);
            u32::try_from(part).unwrap_or(time_ms)
        };
        let ahead = roads.time_ms(lane.0).map(|time| (known.to, part(time, 1_000 - along)));
        let behind =
            behind.and_then(|reverse| roads.time_ms(reverse.0)).map(|time| (known.from, part(time, along)));
        Ok(ahead.into_iter().chain(behind).collect())
    }

    /// The `most` members of a set that are at a place first, in order of time and then of number, if they travel as a profile
    /// does: the set is of such. Nobody for an unknown place or profile. See [`Finder::nearest`].
    pub fn nearest(
        &mut self,
        profile: usize,
        standings: &Standings,
        set: &AgentSet,
        place: WaypointId,
        most: usize,
    ) -> &[Found] {
        self.profiles
            .get_mut(profile)
            .map_or(&[], |Profile { roads, finder, .. }| finder.nearest(roads, standings, set, place.0, most))
    }

    /// How long it takes a profile from one place to another, milliseconds; `None` where there is no way, or no such place or
    /// profile, or a way of 49 days and more. See [`Finder::between`].
    pub fn between(&mut self, profile: usize, from: WaypointId, to: WaypointId) -> Option<u32> {
        let Profile { roads, finder, .. } = self.profiles.get_mut(profile)?;
        finder.between(roads, from.0, to.0)
    }

    /// How long it takes a profile from each of some places to one, in their order; see [`Finder::times_to`]. Nothing for an
    /// unknown profile.
    pub(crate) fn times_to<'a>(
        &'a mut self,
        profile: usize,
        from: &'a [u32],
        to: WaypointId,
    ) -> impl Iterator<Item = Option<u32>> + 'a {
        let known = self.profiles.get_mut(profile);
        known.into_iter().flat_map(move |Profile { roads, finder, .. }| finder.times_to(roads, from, to.0))
    }

    /// How long it takes a profile from each source, a row each, to each target, milliseconds; `None` as
    /// [`between`](Self::between) says it. A search for each target; see [`Finder::times_to`].
    pub fn matrix(
        &mut self,
        profile: usize,
        sources: &[WaypointId],
        targets: &[WaypointId],
    ) -> Vec<Vec<Option<u32>>> {
        let mut rows = vec![vec![None; targets.len()]; sources.len()];
        let Some(Profile { roads, finder, .. }) = self.profiles.get_mut(profile) else { return rows };
        let sources: Vec<u32> = sources.iter().map(|source| source.0).collect();
        for (column, target) in targets.iter().enumerate() {
            for (row, time) in rows.iter_mut().zip(finder.times_to(roads, &sources, target.0)) {
                row.get_mut(column).into_iter().for_each(|slot| *slot = time);
            }
        }
        rows
    }

    fn lane_mut(&mut self, lane: LaneId) -> Result<&mut Lane, TravelError> {
        let known = self.lanes.get_mut(lane.index()).filter(|lane| lane.is_there());
        known.ok_or(TravelError::Lane { lane })
    }

    fn ride_mut(&mut self, ride: Ride) -> Option<&mut Passage> {
        let at = self.rides.binary_search_by_key(&ride, |known| known.0).ok()?;
        self.rides.get_mut(at).map(|known| &mut known.1)
    }

    fn wait_for(&self, doors: &[DoorId]) -> Micros {
        let wait = |door: &DoorId| self.doors.get(door.index())?.as_ref().map(|passage| passage.wait);
        doors.iter().fold(Micros::ZERO, |sum, door| sum.saturating_add(wait(door).unwrap_or(Micros::MAX)))
    }

    /// Counts a change, and gives its lanes their new times.
    fn edited(&mut self, is_change: bool, lanes: &[LaneId]) -> bool {
        if is_change {
            self.version = self.version.saturating_add(1);
            for Profile { roads, driving, .. } in &mut self.profiles {
                for id in lanes {
                    let lane = self.lanes.get(id.index()).zip(driving.get(id.index()));
                    let time_ms = lane.and_then(|(lane, driving)| lane.time_ms(*driving));
                    if time_ms != roads.time_ms(id.0) {
                        let is_known = roads.set(id.0, time_ms);
                        debug_assert!(is_known, "every lane is a road, and its time is one of a lane");
                    }
                }
            }
        }
        is_change
    }
}

impl Lane {
    fn is_there(&self) -> bool {
        !matches!(self.through, Through::Nothing)
    }

    /// What it takes somebody now who drives along it for so long when it is free.
    fn time_ms(&self, driving: u64) -> Option<u32> {
        if self.is_closed || driving == NEVER {
            return None;
        }
        let driving = driving.saturating_mul(self.congestion.into()).div_ceil(FREE.into());
        let time = self.waits.saturating_add(Micros::new(driving)).max(Micros::new(1));
        u32::try_from(time.as_micros().div_ceil(1_000)).ok().filter(|time| *time <= LANE_MS_MAX)
    }
}

/// Between which levels a ride is.
fn ride_of(site: &CompiledSite, lane: &sheepdog_map::Lane) -> Option<Ride> {
    Some((lane.ride?, site.waypoint(lane.from)?.level, site.waypoint(lane.to)?.level))
}

/// Every lift from every level to every other that it serves by a lane.
fn rides(site: &CompiledSite, waits: &dyn Waits) -> Vec<(Ride, Passage)> {
    let mut rides: Vec<Ride> = site.live_lanes().filter_map(|(_, lane)| ride_of(site, lane)).collect();
    rides.sort_unstable();
    rides.dedup();
    let passage = |(lift, from, to)| Passage { wait: waits.lift(lift, from, to), lanes: Vec::new() };
    rides.into_iter().map(|ride| (ride, passage(ride))).collect()
}

#[cfg(test)]
mod tests;
