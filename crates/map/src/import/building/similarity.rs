//! Similarities of the plane, and the one that lays fiducials over each other.

use super::ImportProblem;

/// `p = scale · R(rotation) · q + translation`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Similarity {
    pub(super) scale: f64,
    pub(super) rotation_rad: f64,
    pub(super) translation: [f64; 2],
}

impl Similarity {
    pub(super) const IDENTITY: Self = Self { scale: 1.0, rotation_rad: 0.0, translation: [0.0, 0.0] };

    pub(super) fn apply(&self, point: [f64; 2]) -> [f64; 2] {
        let [x, y] = rotate(point, self.rotation_rad);
        let [tx, ty] = self.translation;
        [self.scale * x + tx, self.scale * y + ty]
    }
}

/// A point turned counter-clockwise about the origin.
pub(super) fn rotate([x, y]: [f64; 2], angle_rad: f64) -> [f64; 2] {
    // The identity stays exact, and almost every level has it.
    if angle_rad.abs() <= 0.0 {
        return [x, y];
    }
    let (sin, cos) = (libm::sin(angle_rad), libm::cos(angle_rad));
    [cos * x - sin * y, sin * x + cos * y]
}

/// Distance of two points.
pub(super) fn distance([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    libm::hypot(bx - ax, by - ay)
}

/// Why points cannot be laid over each other.
#[derive(Debug)]
pub(super) enum Misfit {
    TooFew,
    Coincident,
}

impl Misfit {
    pub(super) fn problem(&self, common: usize, reference: &str) -> ImportProblem {
        match self {
            Self::TooFew => ImportProblem::TooFewFiducials { common, reference: reference.to_owned() },
            Self::Coincident => ImportProblem::Coincident { what: "two fiducials" },
        }
    }
}

/// The similarity that lays `(target, reference)` points over each other, and the largest distance left, metres.
///
/// These are Open-RMF's formulas, not least squares: the mean turn and the mean ratio of lengths over all pairs,
/// then the mean shift.
pub(super) fn fit(pairs: &[([f64; 2], [f64; 2])], reference_scale: f64) -> Result<(Similarity, f64), Misfit> {
    if pairs.len() < 2 {
        return Err(Misfit::TooFew);
    }
    let (mut sin, mut cos, mut ratios) = (0.0, 0.0, Vec::new());
    for (index, (target_a, reference_a)) in pairs.iter().enumerate() {
        for (target_b, reference_b) in pairs.iter().skip(index + 1) {
            let turn = bearing(*target_a, *target_b) - bearing(*reference_a, *reference_b);
            sin += libm::sin(turn);
            cos += libm::cos(turn);
            ratios.push(distance(*target_a, *target_b) / distance(*reference_a, *reference_b));
        }
    }
    let ratio = mean(&ratios).filter(|ratio| ratio.is_finite() && 0.0 < *ratio).ok_or(Misfit::Coincident)?;
    let rotation_rad = 0.0 - libm::atan2(sin, cos);
    let shifts = pairs.iter().map(|(target, reference)| {
        let [x, y] = rotate(*target, rotation_rad);
        let [rx, ry] = *reference;
        [reference_scale * (rx - x / ratio), reference_scale * (ry - y / ratio)]
    });
    let (xs, ys): (Vec<f64>, Vec<f64>) = shifts.map(|[x, y]| (x, y)).unzip();
    let (Some(x), Some(y)) = (mean(&xs), mean(&ys)) else { return Err(Misfit::TooFew) };
    let transform = Similarity { scale: reference_scale / ratio, rotation_rad, translation: [x, y] };
    let residual_m = pairs
        .iter()
        .map(|(target, [rx, ry])| {
            distance(transform.apply(*target), [reference_scale * rx, reference_scale * ry])
        })
        .fold(0.0, f64::max);
    Ok((transform, residual_m))
}

fn bearing([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    libm::atan2(by - ay, bx - ax)
}

pub(super) fn mean(values: &[f64]) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a file cannot hold 2^53 values")]
    let count = values.len() as f64;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
}
