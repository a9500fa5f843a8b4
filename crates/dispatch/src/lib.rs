//! Who does which task: eligibility, bids, awards and their reasons.
