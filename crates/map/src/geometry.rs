//! Geometry of one level.

/// Walls and mapped free area of one level.
#[derive(Clone, Debug, Default)]
pub struct LevelGeometry {}
