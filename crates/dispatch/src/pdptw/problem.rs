//! What is to be carried: checked once, so that the solver never has to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::DEPOT;

/// The largest distance, duration, point in time, service time, demand or capacity: 2³⁰, which is twelve days in
/// milliseconds or a thousand kilometres in millimetres. With [`STOPS_MAX`] no sum leaves an `i64`.
pub const VALUE_MAX: i64 = 1 << 30;
/// The most stops a problem may have, the depot not counted.
pub const STOPS_MAX: usize = 4_096;

/// A stop: its row in the matrices. Row 0 is the depot, and stop `n` is the `n`-th of the list, counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StopId(pub u32);

impl fmt::Display for StopId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stop {}", self.0)
    }
}

/// A pair: its place in the list of pairs, from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PairId(pub u32);

impl fmt::Display for PairId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pair {}", self.0)
    }
}

/// The vehicles, all alike, which start and end at the depot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vehicles {
    /// How many there are.
    pub count: u32,
    /// What one may carry at a time.
    pub capacity: i64,
    /// When they may leave the depot.
    pub ready: i64,
    /// When they have to be back.
    pub due: i64,
}

/// Somewhere a vehicle has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// What comes on board; negative where it leaves.
    pub demand: i64,
    /// When service may begin; who comes earlier waits.
    pub ready: i64,
    /// When service has to begin at the latest.
    pub due: i64,
    /// How long service takes.
    pub service: i64,
}

/// Something to be taken from one stop to another, by one vehicle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// Where it comes on board.
    pub pickup: StopId,
    /// Where it leaves.
    pub delivery: StopId,
}

/// One of the two matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// What is to be kept small.
    Distance,
    /// What counts against the windows.
    Duration,
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Distance => "distance",
            Self::Duration => "duration",
        })
    }
}

/// Why a problem was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemError {
    /// More stops than [`STOPS_MAX`].
    #[error("there are {stops} stops, {STOPS_MAX} are allowed")]
    Stops {
        /// How many there are.
        stops: usize,
    },
    /// A matrix that is no square of the depot and all stops.
    #[error("the {matrix} matrix has {entries} entries, depot and stops ask for {expected}")]
    Entries {
        /// Which one.
        matrix: Matrix,
        /// How many it has.
        entries: usize,
        /// How many it should have.
        expected: usize,
    },
    /// A negative or too large entry of a matrix.
    #[error("the {matrix} from {from} to {to} is {value}, 0 to {VALUE_MAX} is allowed")]
    Leg {
        /// Which matrix.
        matrix: Matrix,
        /// The row.
        from: StopId,
        /// The column.
        to: StopId,
        /// What it holds.
        value: i64,
    },
    /// A value of a stop that is out of bounds; of the depot, for the vehicles' own.
    #[error("{field} of {stop} is {value}, {least} to {VALUE_MAX} is allowed")]
    Value {
        /// Which stop.
        stop: StopId,
        /// Which of its fields.
        field: &'static str,
        /// What it holds.
        value: i64,
        /// The least that is allowed.
        least: i64,
    },
    /// A window that ends before it begins.
    #[error("{stop} is ready at {ready} and due at {due}, before that")]
    Window {
        /// Which stop; the depot's window is the vehicles' own.
        stop: StopId,
        /// When it begins.
        ready: i64,
        /// When it ends.
        due: i64,
    },
    /// A pair names the depot or a stop that is not there.
    #[error("{pair} names {stop}, which is not there")]
    UnknownStop {
        /// Which pair.
        pair: PairId,
        /// What it names.
        stop: StopId,
    },
    /// A stop that is named twice.
    #[error("{pair} names {stop}, which is named before")]
    SharedStop {
        /// The later one.
        pair: PairId,
        /// What it names.
        stop: StopId,
    },
    /// A stop that no pair names.
    #[error("{stop} belongs to no pair")]
    LoneStop {
        /// Which one.
        stop: StopId,
    },
    /// What is picked up is negative, or not what is delivered.
    #[error("{pair} picks up {pickup} and delivers {delivery}: of opposite sign and equal is allowed")]
    Demand {
        /// Which pair.
        pair: PairId,
        /// The demand of its pickup.
        pickup: i64,
        /// The demand of its delivery.
        delivery: i64,
    },
}

/// From one place to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) distance: u32,
    pub(super) duration: u32,
}

impl Leg {
    pub(super) fn distance(self) -> i64 {
        i64::from(self.distance)
    }

    pub(super) fn duration(self) -> i64 {
        i64::from(self.duration)
    }
}

/// A checked problem: vehicles, stops, pairs, and what lies between.
///
/// Distances and durations are two matrices, since the shorter way may be the slower one: doors and lifts cost time.
/// Neither has to be symmetric nor to obey the triangle inequality.
#[derive(Clone, Debug)]
pub struct Problem {
    pub(super) vehicles: Vehicles,
    /// The depot first.
    pub(super) stops: Vec<Stop>,
    pub(super) pairs: Vec<Pair>,
    /// The pair of each stop; of the depot, one that is not there.
    pub(super) pair_of: Vec<u32>,
    /// Rows of ways from a place.
    from: Vec<Leg>,
    /// Rows of ways to a place: the same, transposed, for the sake of the cache.
    to: Vec<Leg>,
}

impl Problem {
    /// Checks everything and keeps it.
    ///
    /// `stops` are without the depot. Both matrices have rows of `stops + 1` entries, one row after the other; row and
    /// column 0 are the depot, and the diagonal is not read. Units are up to the caller: one for all distances, one
    /// for all times. Takes time and memory in proportion to the matrices.
    ///
    /// Demands above the capacity and windows that nobody can meet are no errors: such pairs stay unserved.
    ///
    /// # Errors
    /// [`ProblemError`] names the first value that breaks a rule.
    pub fn new(
        vehicles: Vehicles,
        stops: &[Stop],
        pairs: &[Pair],
        distances: &[i64],
        durations: &[i64],
    ) -> Result<Self, ProblemError> {
        if STOPS_MAX < stops.len() {
            return Err(ProblemError::Stops { stops: stops.len() });
        }
        let depot = Stop { demand: 0, ready: vehicles.ready, due: vehicles.due, service: 0 };
        bounded(DEPOT, "capacity", vehicles.capacity, 0)?;
        let stops: Vec<Stop> = std::iter::once(depot).chain(stops.iter().copied()).collect();
        for (id, stop) in (0..).map(StopId).zip(&stops) {
            bounded(id, "demand", stop.demand, -VALUE_MAX)?;
            bounded(id, "ready", stop.ready, 0)?;
            bounded(id, "due", stop.due, 0)?;
            bounded(id, "service", stop.service, 0)?;
            if stop.due < stop.ready {
                return Err(ProblemError::Window { stop: id, ready: stop.ready, due: stop.due });
            }
        }
        let pair_of = pair_of(&stops, pairs)?;
        let from = legs(stops.len(), distances, durations)?;
        let to = transposed(stops.len(), &from);
        Ok(Self { vehicles, stops, pairs: pairs.to_vec(), pair_of, from, to })
    }

    /// The vehicles.
    pub fn vehicles(&self) -> Vehicles {
        self.vehicles
    }

    /// The pairs.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// A stop; the depot has the vehicles' window.
    pub fn stop(&self, id: StopId) -> Option<Stop> {
        self.stops.get(id.0 as usize).copied()
    }

    /// The distance from one stop to another; zero from a stop to itself.
    pub fn distance(&self, from: StopId, to: StopId) -> Option<i64> {
        self.leg(from, to).map(Leg::distance)
    }

    /// How long the way from one stop to another takes; zero from a stop to itself.
    pub fn duration(&self, from: StopId, to: StopId) -> Option<i64> {
        self.leg(from, to).map(Leg::duration)
    }

    pub(super) fn leg(&self, from: StopId, to: StopId) -> Option<Leg> {
        self.leaving(from.0).get(to.0 as usize).copied()
    }

    /// The ways from a stop; none from one that is not there.
    pub(super) fn leaving(&self, stop: u32) -> &[Leg] {
        row(&self.from, self.stops.len(), stop)
    }

    /// The ways to a stop; none to one that is not there.
    pub(super) fn reaching(&self, stop: u32) -> &[Leg] {
        row(&self.to, self.stops.len(), stop)
    }
}

fn row(legs: &[Leg], width: usize, stop: u32) -> &[Leg] {
    legs.get(stop as usize * width..).and_then(|rest| rest.get(..width)).unwrap_or_default()
}

fn bounded(stop: StopId, field: &'static str, value: i64, least: i64) -> Result<(), ProblemError> {
    if least <= value && value <= VALUE_MAX {
        return Ok(());
    }
    Err(ProblemError::Value { stop, field, value, least })
}

fn pair_of(stops: &[Stop], pairs: &[Pair]) -> Result<Vec<u32>, ProblemError> {
    let mut owners: Vec<Option<u32>> = vec![None; stops.len()];
    for (number, pair) in (0..).zip(pairs) {
        let id = PairId(number);
        for stop in [pair.pickup, pair.delivery] {
            let unknown = ProblemError::UnknownStop { pair: id, stop };
            let owner = owners.get_mut(stop.0 as usize).filter(|_| stop != DEPOT).ok_or(unknown)?;
            if owner.replace(number).is_some() {
                return Err(ProblemError::SharedStop { pair: id, stop });
            }
        }
        let demand = |stop: StopId| stops.get(stop.0 as usize).map_or(0, |stop| stop.demand);
        let (pickup, delivery) = (demand(pair.pickup), demand(pair.delivery));
        if pickup < 0 || pickup != -delivery {
            return Err(ProblemError::Demand { pair: id, pickup, delivery });
        }
    }
    let lone = (1..).zip(owners.iter().skip(1)).find(|(_, owner)| owner.is_none());
    match lone {
        Some((stop, _)) => Err(ProblemError::LoneStop { stop: StopId(stop) }),
        None => Ok(owners.into_iter().map(|owner| owner.unwrap_or(u32::MAX)).collect()),
    }
}

fn legs(width: usize, distances: &[i64], durations: &[i64]) -> Result<Vec<Leg>, ProblemError> {
    let expected = width * width;
    for (matrix, entries) in [(Matrix::Distance, distances.len()), (Matrix::Duration, durations.len())] {
        if entries != expected {
            return Err(ProblemError::Entries { matrix, entries, expected });
        }
    }
    let mut legs = Vec::with_capacity(expected);
    let rows = distances.chunks_exact(width).zip(durations.chunks_exact(width));
    for (from, (distances, durations)) in (0..).map(StopId).zip(rows) {
        for (to, (&distance, &duration)) in (0..).map(StopId).zip(distances.iter().zip(durations)) {
            if from == to {
                legs.push(Leg::default());
                continue;
            }
            let distance = entry(Matrix::Distance, from, to, distance)?;
            let duration = entry(Matrix::Duration, from, to, duration)?;
            legs.push(Leg { distance, duration });
        }
    }
    Ok(legs)
}

fn entry(matrix: Matrix, from: StopId, to: StopId, value: i64) -> Result<u32, ProblemError> {
    u32::try_from(value).ok().filter(|_| value <= VALUE_MAX).ok_or(ProblemError::Leg {
        matrix,
        from,
        to,
        value,
    })
}

fn transposed(width: usize, legs: &[Leg]) -> Vec<Leg> {
    (0..width).flat_map(|column| legs.iter().skip(column).step_by(width).copied()).collect()
}
