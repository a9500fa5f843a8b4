//! The coordinator: a sans-IO state machine over dispatch, traffic and ledger.
