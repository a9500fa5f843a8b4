//! Hash-chained envelopes around opaque records.
