//! Whether routes keep every rule, and what they cost: plain code that shares nothing with the search.

use super::{Cost, DEPOT, PairId, Problem, Solution, StopId, Vehicles};

/// Which rule a solution breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// More routes than vehicles.
    #[error("{routes} routes for {vehicles} vehicles")]
    Vehicles {
        /// How many routes there are.
        routes: usize,
        /// How many vehicles there are.
        vehicles: u32,
    },
    /// A route without stops.
    #[error("route {route} is empty")]
    Empty {
        /// Its place among the routes.
        route: usize,
    },
    /// A stop that is not there, or the depot within a route.
    #[error("route {route} has {stop}, which is not there")]
    UnknownStop {
        /// The route's place among the routes.
        route: usize,
        /// What it has.
        stop: StopId,
    },
    /// A stop that is served twice.
    #[error("{stop} is served a second time in route {route}")]
    Twice {
        /// Which stop.
        stop: StopId,
        /// The later route.
        route: usize,
    },
    /// Service that begins too late.
    #[error("{stop} in route {route} is reached at {arrival}, due at {due}")]
    Late {
        /// The route's place among the routes.
        route: usize,
        /// Where; the depot, if the vehicle is back too late.
        stop: StopId,
        /// When it is reached.
        arrival: i64,
        /// When it should be.
        due: i64,
    },
    /// Too much on board.
    #[error("after {stop} route {route} carries {load}, allowed is {capacity}")]
    Load {
        /// The route's place among the routes.
        route: usize,
        /// After which stop.
        stop: StopId,
        /// What is on board.
        load: i64,
        /// What may be.
        capacity: i64,
    },
    /// A pair that is not served by one vehicle, pickup first, and not unserved either; or both.
    #[error("{pair} is neither served by one vehicle in its order nor unserved as a whole")]
    Split {
        /// Which one.
        pair: PairId,
    },
    /// A pair that is not there, or named twice, among the unserved.
    #[error("{pair} among the unserved is not there or named before")]
    Unserved {
        /// Which one.
        pair: PairId,
    },
}

/// Where a stop stands: route and place in it.
type Seen = Option<(usize, usize)>;

impl Problem {
    /// Holds a solution to all rules; linear in its size.
    ///
    /// # Errors
    /// The first [`Fault`], routes in their order, then pairs.
    pub fn check(&self, solution: &Solution) -> Result<Cost, Fault> {
        let vehicles = self.vehicles().count;
        if u32::try_from(solution.routes.len()).map_or(true, |routes| vehicles < routes) {
            return Err(Fault::Vehicles { routes: solution.routes.len(), vehicles });
        }
        let mut seen: Vec<Seen> = vec![None; 2 * self.pairs().len() + 1];
        let mut distance = 0;
        for (number, route) in solution.routes.iter().enumerate() {
            distance += self.drive(number, route, &mut seen)?;
        }
        let mut left = vec![false; self.pairs().len()];
        for &pair in &solution.unserved {
            let fault = Fault::Unserved { pair };
            let slot = left.get_mut(pair.0 as usize).filter(|left| !**left).ok_or(fault)?;
            *slot = true;
        }
        for ((id, pair), unserved) in (0..).map(PairId).zip(self.pairs()).zip(left) {
            let at = |stop: StopId| seen.get(stop.0 as usize).copied().flatten();
            let whole = match (at(pair.pickup), at(pair.delivery)) {
                (None, None) => unserved,
                (Some(pickup), Some(delivery)) => {
                    !unserved && pickup.0 == delivery.0 && pickup.1 < delivery.1
                }
                (None, Some(_)) | (Some(_), None) => false,
            };
            if !whole {
                return Err(Fault::Split { pair: id });
            }
        }
        Ok(Cost { unserved: solution.unserved.len(), vehicles: solution.routes.len(), distance })
    }

    /// Follows one vehicle; the distance that it drives.
    fn drive(&self, route: usize, stops: &[StopId], seen: &mut [Seen]) -> Result<i64, Fault> {
        let Vehicles { capacity, ready, due, .. } = self.vehicles();
        if stops.is_empty() {
            return Err(Fault::Empty { route });
        }
        let (mut here, mut now, mut load, mut distance) = (DEPOT, ready, 0, 0);
        for (place, &id) in stops.iter().enumerate() {
            let unknown = Fault::UnknownStop { route, stop: id };
            let (stop, leg) = self
                .stop(id)
                .filter(|_| id != DEPOT)
                .and_then(|stop| Some((stop, self.leg(here, id)?)))
                .ok_or_else(|| unknown.clone())?;
            let slot = seen.get_mut(id.0 as usize).ok_or(unknown)?;
            if slot.replace((route, place)).is_some() {
                return Err(Fault::Twice { stop: id, route });
            }
            let arrival = now + leg.duration();
            if stop.due < arrival {
                return Err(Fault::Late { route, stop: id, arrival, due: stop.due });
            }
            load += stop.demand;
            if capacity < load {
                return Err(Fault::Load { route, stop: id, load, capacity });
            }
            now = arrival.max(stop.ready) + stop.service;
            distance += leg.distance();
            here = id;
        }
        let home = self.leg(here, DEPOT).unwrap_or_default();
        let arrival = now + home.duration();
        if due < arrival {
            return Err(Fault::Late { route, stop: DEPOT, arrival, due });
        }
        Ok(distance + home.distance())
    }
}
