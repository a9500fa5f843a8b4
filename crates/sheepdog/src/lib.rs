//! Coordinate fleets of service robots and the people beside them.
