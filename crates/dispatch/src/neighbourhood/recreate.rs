//! Putting pieces back into routes.

use super::{Random, index};

/// Routes into which pieces can be put.
pub(crate) trait Insertion {
    /// A place for a piece in a route.
    type Spot: Copy;

    /// How many routes there are.
    fn slots(&self) -> usize;
    /// Whether a route is one of several that are empty and alike: of those only the first is looked at.
    fn is_spare(&self, slot: usize) -> bool;
    /// The cheapest place of a piece in a route, and what it costs.
    fn spot(&mut self, piece: u32, slot: usize) -> Option<(i64, Self::Spot)>;
    /// Puts a piece where it fits.
    fn insert(&mut self, piece: u32, slot: usize, spot: Self::Spot);
}

/// No route.
const NONE: u32 = u32::MAX;
/// More than any real cost, and small enough to be added up.
const FAR: i64 = 1 << 60;
/// Routes overlooked: one in so many.
const BLINK: usize = 24;

/// Puts pieces in one after the other, each where it is cheapest, a route in so many overlooked by chance (Christiaens and
/// Vanden Berghe 2020); those that fit nowhere stay in the pool.
pub(crate) fn one_by_one(insertion: &mut impl Insertion, pool: &mut Vec<u32>, random: &mut Random) {
    pool.retain(|&piece| match best(insertion, piece, random) {
        Some((slot, spot)) => {
            insertion.insert(piece, slot, spot);
            false
        }
        None => true,
    });
}

/// The cheapest route for a piece, as far as it is looked at.
fn best<I: Insertion>(insertion: &mut I, piece: u32, random: &mut Random) -> Option<(usize, I::Spot)> {
    let mut best: Option<(i64, usize, I::Spot)> = None;
    let mut opened = false;
    for slot in 0..insertion.slots() {
        let spare = insertion.is_spare(slot);
        if (spare && opened) || (!spare && random.below(BLINK) == 0) {
            continue;
        }
        opened |= spare;
        let found = insertion.spot(piece, slot);
        if let Some((cost, spot)) = found.filter(|(cost, _)| best.is_none_or(|(least, ..)| *cost < least)) {
            best = Some((cost, slot, spot));
        }
    }
    best.map(|(_, slot, spot)| (slot, spot))
}

/// The cheapest routes of a piece, in order.
#[derive(Clone, Copy, Debug)]
struct Choices<S> {
    costs: [i64; 3],
    slots: [u32; 3],
    spot: Option<S>,
}

impl<S: Copy> Choices<S> {
    const NONE: Self = Self { costs: [FAR; 3], slots: [NONE; 3], spot: None };

    fn offer(&mut self, cost: i64, slot: u32, spot: S) {
        let ([first, second, third], [one, two, _]) = (self.costs, self.slots);
        if cost < first {
            *self = Self { costs: [cost, first, second], slots: [slot, one, two], spot: Some(spot) };
        } else if cost < second {
            (self.costs, self.slots) = ([first, cost, second], [one, slot, two]);
        } else if cost < third {
            (self.costs, self.slots) = ([first, second, cost], [one, two, slot]);
        }
    }

    /// The higher, the sooner.
    fn urgency(&self, choices: usize) -> (i64, i64) {
        let [first, second, third] = self.costs;
        let regret = match choices {
            0 | 1 => 0,
            2 => second - first,
            _ => second - first + third - first,
        };
        (regret, -first)
    }
}

/// What makes a cost uncertain: at most so much more or less.
struct Noise<'a> {
    most: usize,
    random: &'a mut Random,
}

impl Noise<'_> {
    fn on(&mut self, cost: i64) -> i64 {
        if self.most == 0 {
            return cost;
        }
        cost + i64::from(index(self.random.below(2 * self.most))) - i64::from(index(self.most))
    }
}

/// Puts in first the piece that would lose most if it had to take its second, or third, best route (Ropke and Pisinger
/// 2006), then the next; with one choice the cheapest first. Costs are uncertain by `noise`. Those that fit nowhere stay in the
/// pool.
pub(crate) fn regret<I: Insertion>(
    insertion: &mut I,
    pool: &mut Vec<u32>,
    choices: usize,
    noise: usize,
    random: &mut Random,
) {
    let mut noise = Noise { most: noise, random };
    let mut found: Vec<Choices<I::Spot>> =
        pool.iter().map(|&piece| look(insertion, piece, &mut noise)).collect();
    loop {
        let ranked = found.iter().enumerate().filter(|(_, found)| found.spot.is_some());
        let ranked = ranked.map(|(place, found)| (found.urgency(choices), place, found));
        let next = ranked.max_by_key(|(urgency, place, _)| (*urgency, std::cmp::Reverse(*place)));
        let Some((_, place, &Choices { slots: [slot, ..], spot: Some(spot), .. })) = next else {
            return;
        };
        let opening = insertion.is_spare(slot as usize);
        insertion.insert(pool.swap_remove(place), slot as usize, spot);
        found.swap_remove(place);
        for (&piece, known) in pool.iter().zip(&mut found) {
            // Only one route is another one now. Who had not counted on it need not look at all the others.
            if opening || known.slots.contains(&slot) {
                *known = look(insertion, piece, &mut noise);
            } else if let Some((cost, spot)) = insertion.spot(piece, slot as usize) {
                known.offer(noise.on(cost), slot, spot);
            }
        }
    }
}

fn look<I: Insertion>(insertion: &mut I, piece: u32, noise: &mut Noise<'_>) -> Choices<I::Spot> {
    let mut found = Choices::NONE;
    let mut opened = false;
    for slot in 0..insertion.slots() {
        let spare = insertion.is_spare(slot);
        if spare && opened {
            continue;
        }
        opened |= spare;
        if let Some((cost, spot)) = insertion.spot(piece, slot) {
            found.offer(noise.on(cost), index(slot), spot);
        }
    }
    found
}
