//! Between metres of a site and the coordinates of its `GeoJSON`.

use crate::{import::tangent::Tangent, model::Georeference};

/// How the coordinates of a file are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plane {
    /// They are metres.
    Metres,
    /// They are longitudes and latitudes; the site's x axis is turned by the yaw, given as cosine and sine.
    Earth { tangent: Tangent, cosine: f64, sine: f64 },
}

impl Plane {
    pub(crate) fn of(georeference: Option<Georeference>) -> Self {
        georeference.map_or(Self::Metres, |at| Self::Earth {
            tangent: Tangent::new([at.longitude_deg, at.latitude_deg]),
            cosine: libm::cos(at.yaw_rad),
            sine: libm::sin(at.yaw_rad),
        })
    }

    /// A place of the site as the file has it; `None` when it is too far from the georeference.
    pub(crate) fn to_file(self, [x, y]: [f64; 2]) -> Option<[f64; 2]> {
        match self {
            Self::Metres => Some([x, y]),
            Self::Earth { tangent, cosine, sine } => {
                tangent.unproject([cosine * x - sine * y, sine * x + cosine * y])
            }
        }
    }

    /// A place of the file in metres of the site; `None` when it is too far from the georeference.
    pub(crate) fn to_site(self, place: [f64; 2]) -> Option<[f64; 2]> {
        match self {
            Self::Metres => Some(place),
            Self::Earth { tangent, cosine, sine } => {
                let [east, north] = tangent.project(place)?;
                Some([cosine * east + sine * north, cosine * north - sine * east])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// There and back again within ten nanometres, which is what a double holds of a longitude.
        #[test]
        fn places_come_back(
            (longitude_deg, latitude_deg) in (-180.0..180.0_f64, -85.0..85.0_f64),
            yaw_rad in -3.2..3.2_f64,
            (x, y) in (-1500.0..1500.0_f64, -1500.0..1500.0_f64),
        ) {
            let plane = Plane::of(Some(Georeference { latitude_deg, longitude_deg, yaw_rad }));
            // Beyond the date line a longitude is no longer one.
            if let Some(place) = plane.to_file([x, y]) {
                let [u, v] = plane.to_site(place).expect("a place near by");
                prop_assert!((u - x).abs() < 1e-8 && (v - y).abs() < 1e-8, "{x} {y} {u} {v}");
            } else {
                prop_assert!(179.0 < longitude_deg.abs());
            }
        }
    }
}
