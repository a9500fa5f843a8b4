//! Multi-robot planning, dependency-graph execution and releases.
