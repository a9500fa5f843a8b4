//! The sheepdog command: simulate a fleet, look at a map, read a ledger.
