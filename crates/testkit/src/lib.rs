//! Strategies and invariant checkers for property tests of fleets, drivers and sites.
