//! A fleet in real time: the only clock and the only threads.
