#!/usr/bin/env python3
"""Assignment solvers from PyPI on the matrices of `sheepdog-bench dispatch --only lap_dense`.

    python3 -m venv peers && peers/bin/pip install numpy scipy lap lapjv ortools
    peers/bin/python crates/bench/peers.py [RUNS]

Prints one line a solver and size: the least time of some runs in milliseconds, and the cost, which must be the same for
all. Matrices are made before the clock is read; solvers that want reals or arcs get them made.
"""

import sys
import time

import lap
import lapjv
import numpy as np
from ortools.graph.python import linear_sum_assignment as ortools
from scipy.optimize import linear_sum_assignment

KEY = 42 * 0x01000003


def split_mix(state):
    """SplitMix64 of an array (Steele, Lea, Flood 2014)."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def places(group, count):
    """Places in centimetres, and floors."""
    draw = split_mix(np.uint64(KEY) ^ (np.arange(count, dtype=np.uint64) + np.uint64(1 << group)))

    def part(shift, size):
        return ((draw >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int64) * size // 65_536

    return part(0, 20_000), part(16, 10_000), part(32, 4)


def travel_times(size):
    """Ways along the walls between all places, and with the lift."""
    (x, y, floor), (to_x, to_y, to_floor) = places(40, size), places(41, size)
    floors = np.abs(floor[:, None] - to_floor)
    lift = np.where(floors == 0, 0, 2_500 + 600 * floors)
    return np.abs(x[:, None] - to_x) + np.abs(y[:, None] - to_y) + lift + 1


def solve_with_ortools(size, arcs):
    solver = ortools.SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(*arcs)
    assert solver.solve() == solver.OPTIMAL
    return np.array([solver.right_mate(row) for row in range(size)])


def main():
    runs = int(sys.argv[1]) if len(sys.argv) == 2 else 3
    for size in (1_000, 2_000):
        costs = travel_times(size)
        reals = costs.astype(np.float64)
        arcs = (np.repeat(np.arange(size), size), np.tile(np.arange(size), size), costs.ravel())
        solvers = {
            "lap": lambda: lap.lapjv(reals)[1],
            "lapjv": lambda: lapjv.lapjv(reals)[0],
            "scipy": lambda: linear_sum_assignment(reals)[1],
            "ortools": lambda: solve_with_ortools(size, arcs),
        }
        found = set()
        for name, solve in solvers.items():
            least = float("inf")
            for _ in range(runs):
                begun = time.perf_counter()
                columns = solve()
                least = min(least, time.perf_counter() - begun)
            cost = int(costs[np.arange(size), columns].sum())
            found.add(cost)
            print(f"lap_dense_{size}_ms {name:8} {least * 1e3:9.3f} ms, cost {cost}")
        assert len(found) == 1, found


if __name__ == "__main__":
    main()
