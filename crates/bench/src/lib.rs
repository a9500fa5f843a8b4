//! Measured figures, peers side by side.
