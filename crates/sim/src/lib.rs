//! The simulated plant: robots, people, sensors, doors, lifts and radio.
