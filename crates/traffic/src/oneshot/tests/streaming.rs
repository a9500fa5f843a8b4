//! Ways with the stream are the cheapest ones.

use proptest::prelude::*;

use super::{instance, questions};
use crate::oneshot::{Search, fields::Fields, instance::NONE, lanes::Lanes, sipp::Traveller};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// A way costs as little as any, by relaxing all edges until nothing changes.
    #[test]
    fn streams_are_cheapest((grid, trips, seed) in questions(7, 2, 12)) {
        let instance = instance(&grid, &trips);
        let network = &*instance.network;
        let distances = Search::new(&instance, seed).distances().to_vec();
        let mut fields = Fields::new(instance.raster.clone(), instance.goals.clone(), 1 << 20);
        let mut lanes = Lanes::new(instance.vertices());
        let mut chosen: Vec<Vec<u32>> = Vec::new();
        for (robot, &distance) in distances.iter().enumerate() {
            let (start, goal) = (instance.starts[robot], instance.goals[robot]);
            if distance == NONE {
                continue;
            }
            let price = |from: u32, to: u32| {
                let meets = chosen.iter().flat_map(|way| way.windows(2)).filter(|pair| *pair == [to, from]);
                4 + meets.count().min(12)
            };
            let mut least = vec![usize::MAX; instance.vertices()];
            least[start as usize] = 0;
            for _ in 0..instance.vertices() {
                for from in (0..).take(instance.vertices()) {
                    for &to in network.neighbours(from) {
                        let cost = least[from as usize].saturating_add(price(from, to));
                        least[to as usize] = least[to as usize].min(cost);
                    }
                }
            }
            let who = Traveller { robot: u32::try_from(robot).unwrap(), start, goal, distance };
            let way = lanes.way(network, &mut fields, who);
            prop_assert_eq!((way[0], way[way.len() - 1]), (start, goal));
            prop_assert!(way.windows(2).all(|pair| network.neighbours(pair[0]).contains(&pair[1])));
            let cost: usize = way.windows(2).map(|pair| price(pair[0], pair[1])).sum();
            prop_assert_eq!(cost, least[goal as usize]);
            lanes.count(network, &way, 1);
            chosen.push(way.to_vec());
        }
    }
}
