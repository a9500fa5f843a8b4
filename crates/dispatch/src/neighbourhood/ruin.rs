//! Taking pieces out of routes.

use super::Random;

/// Where pieces are, and what they have to do with each other.
pub(crate) trait Layout {
    /// Pieces that are in routes, in order.
    fn served(&self) -> Vec<u32>;
    /// How far apart two pieces are in space and time.
    fn unlike(&self, one: u32, other: u32) -> i64;
    /// What a served piece adds to the cost of its route.
    fn detour(&self, piece: u32) -> i64;
    /// Pieces that lie near one, the nearest first.
    fn near(&self, piece: u32) -> &[u32];
    /// The route of a piece that is served.
    fn route_of(&self, piece: u32) -> Option<u32>;
    /// The pieces of a route, each once.
    fn pieces_in(&self, route: u32) -> Vec<u32>;
    /// The piece of each stop of a route.
    fn stops_in(&self, route: u32) -> Vec<u32>;
    /// Where the ends of a served piece are among the stops of its route.
    fn ends(&self, piece: u32) -> [usize; 2];
}

/// Which pieces are taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruin {
    /// Any.
    Any,
    /// Such as could take each other's place: near each other at the same time (Shaw 1997).
    Alike,
    /// Such as make the longest way round.
    Worst,
    /// A whole route, and its neighbours.
    Route,
    /// Strings of neighbouring routes (Christiaens and Vanden Berghe 2020).
    Strings,
}

impl Ruin {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Any, Self::Alike, Self::Worst, Self::Route, Self::Strings];

    /// About so many served pieces, to be taken out.
    pub(crate) fn choose(
        self,
        layout: &impl Layout,
        count: usize,
        random: &mut Random,
        chosen: &mut Vec<u32>,
    ) {
        chosen.clear();
        let served = layout.served();
        if served.is_empty() {
            return;
        }
        let Some(&seed) = served.get(random.below(served.len())) else { return };
        match self {
            Self::Any => {
                let mut served = served;
                random.shuffle(&mut served);
                chosen.extend(served.iter().take(count));
            }
            Self::Alike => {
                let mut ranked: Vec<(i64, u32)> =
                    served.iter().map(|&other| (layout.unlike(seed, other), other)).collect();
                take(&mut ranked, count, 3, random, chosen);
            }
            Self::Worst => {
                let mut ranked: Vec<(i64, u32)> =
                    served.iter().map(|&piece| (-layout.detour(piece), piece)).collect();
                take(&mut ranked, count, 3, random, chosen);
            }
            Self::Route => routes(layout, seed, count, chosen),
            Self::Strings => strings(layout, seed, count, random, chosen),
        }
    }
}

/// So many of those that rank first, the first ones likelier.
fn take(ranked: &mut Vec<(i64, u32)>, count: usize, draws: u32, random: &mut Random, chosen: &mut Vec<u32>) {
    let room = (4 * count).min(ranked.len());
    if 0 < room && room < ranked.len() {
        ranked.select_nth_unstable(room - 1);
        ranked.truncate(room);
    }
    ranked.sort_unstable();
    while chosen.len() < count && !ranked.is_empty() {
        chosen.push(ranked.remove(random.early(ranked.len(), draws)).1);
    }
}

/// The route of the seed, and those of its neighbours while there is room.
fn routes(layout: &impl Layout, seed: u32, count: usize, chosen: &mut Vec<u32>) {
    let mut done: Vec<u32> = Vec::new();
    for &piece in std::iter::once(&seed).chain(layout.near(seed)) {
        let Some(route) = layout.route_of(piece).filter(|route| !done.contains(route)) else { continue };
        let pieces = layout.pieces_in(route);
        if !done.is_empty() && count < chosen.len() + pieces.len() {
            break;
        }
        done.push(route);
        chosen.extend(pieces);
    }
}

/// From each route near the seed a run of stops, and the pieces that they belong to.
fn strings(layout: &impl Layout, seed: u32, count: usize, random: &mut Random, chosen: &mut Vec<u32>) {
    let longest = 2 + random.below(9);
    let mut done: Vec<u32> = Vec::new();
    for &piece in std::iter::once(&seed).chain(layout.near(seed)) {
        let Some(route) = layout.route_of(piece).filter(|route| !done.contains(route)) else { continue };
        done.push(route);
        let stops = layout.stops_in(route);
        let length = (1 + random.below(longest)).min(stops.len());
        let [first, second] = layout.ends(piece);
        let through = if random.below(2) == 0 { first } else { second };
        // Any run of that length that has the stop in it.
        let (low, high) = ((through + 1).saturating_sub(length), through.min(stops.len() - length));
        let start = low + random.below(high + 1 - low);
        for &piece in stops.iter().skip(start).take(length) {
            if !chosen.contains(&piece) {
                chosen.push(piece);
            }
        }
        if count <= chosen.len() {
            break;
        }
    }
}
