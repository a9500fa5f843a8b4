//! One measured figure.

use std::fmt;

use serde::Serialize;

/// A value with its unit, and a peer's value where one was measured in the same run.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    pub(crate) suite: &'static str,
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) peer: Option<&'static str>,
    pub(crate) peer_value: Option<f64>,
    /// Ours to the peer's.
    pub(crate) ratio: Option<f64>,
}

impl Figure {
    /// A figure without a peer.
    pub(crate) fn alone(
        suite: &'static str,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
    ) -> Self {
        Self { suite, name: name.into(), value, unit, peer: None, peer_value: None, ratio: None }
    }

    /// The same beside the figure of a peer from the same run.
    pub(crate) fn beside(self, peer: &'static str, value: f64) -> Self {
        let ratio = (0.0 < value).then_some(self.value / value);
        Self { peer: Some(peer), peer_value: Some(value), ratio, ..self }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10} {:<24} {:>12.3} {}", self.suite, self.name, self.value, self.unit)?;
        if let (Some(peer), Some(value), Some(ratio)) = (self.peer, self.peer_value, self.ratio) {
            write!(f, "   {peer} {value:.3} {}, ratio {ratio:.3}", self.unit)?;
        }
        Ok(())
    }
}
