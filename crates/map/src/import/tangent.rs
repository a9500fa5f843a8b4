//! Longitudes and latitudes of WGS 84 as metres in the plane that touches the Earth at a place.
//!
//! East and north of that plane, so lengths within a kilometre are true to less than a hundredth of a millimetre.

use crate::model::Georeference;

/// Equatorial radius of WGS 84, metres.
const RADIUS_M: f64 = 6_378_137.0;
/// Square of the first eccentricity of WGS 84.
const ECCENTRICITY_2: f64 = 0.006_694_379_990_141_316;
/// Places farther away than this, in degrees, are refused: the plane is no map of them.
pub(crate) const REACH_DEG: f64 = 0.5;

/// A plane that touches the Earth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tangent {
    origin: Georeference,
    centre: [f64; 3],
}

impl Tangent {
    /// The plane at a longitude and a latitude, degrees.
    pub(crate) fn new([longitude_deg, latitude_deg]: [f64; 2]) -> Self {
        let origin = Georeference { latitude_deg, longitude_deg, yaw_rad: 0.0 };
        Self { origin, centre: earth([longitude_deg, latitude_deg]) }
    }

    /// Where the plane touches.
    pub(crate) fn origin(&self) -> Georeference {
        self.origin
    }

    /// A longitude and a latitude in metres east and north; `None` for what is no such pair or too far away.
    pub(crate) fn project(&self, place: [f64; 2]) -> Option<[f64; 2]> {
        let off = [place[0] - self.origin.longitude_deg, place[1] - self.origin.latitude_deg];
        let near = off.iter().all(|off| off.abs() <= REACH_DEG);
        if !near || !is_place(place) {
            return None;
        }
        let [x, y, z] = earth(place);
        let [cx, cy, cz] = self.centre;
        let (dx, dy, dz) = (x - cx, y - cy, z - cz);
        let (lon, lat) = (self.origin.longitude_deg.to_radians(), self.origin.latitude_deg.to_radians());
        let (sin_lon, cos_lon, sin_lat, cos_lat) =
            (libm::sin(lon), libm::cos(lon), libm::sin(lat), libm::cos(lat));
        let outwards = cos_lon * dx + sin_lon * dy;
        Some([cos_lon * dy - sin_lon * dx, cos_lat * dz - sin_lat * outwards])
    }

    /// The longitude and latitude whose projection this is; `None` when they are none or too far away.
    ///
    /// Newton's method with the derivative at the origin: the Earth bends so little that an error shrinks by a factor
    /// of a hundred and more in every step.
    pub(crate) fn unproject(&self, metres: [f64; 2]) -> Option<[f64; 2]> {
        let mut place = [self.origin.longitude_deg, self.origin.latitude_deg];
        let step_deg = 1e-3_f64;
        let [east_m, _] = self.project([place[0] - step_deg.copysign(place[0]), place[1]])?;
        let [_, north_m] = self.project([place[0], place[1] - step_deg.copysign(place[1])])?;
        let per_m = [step_deg / east_m.abs(), step_deg / north_m.abs()];
        for _ in 0..STEPS_MAX {
            let [east, north] = self.project(place)?;
            let off = [metres[0] - east, metres[1] - north];
            let next = [place[0] + off[0] * per_m[0], place[1] + off[1] * per_m[1]];
            if next.map(f64::to_bits) == place.map(f64::to_bits) {
                break;
            }
            place = next;
        }
        self.project(place).map(|_| place)
    }
}

/// Enough for the farthest place in reach.
const STEPS_MAX: usize = 40;

/// Whether this is a longitude and a latitude, in degrees.
pub(crate) fn is_place([longitude_deg, latitude_deg]: [f64; 2]) -> bool {
    longitude_deg.abs() <= 180.0 && latitude_deg.abs() <= 89.0
}

/// A place on the ellipsoid, metres from the middle of the Earth.
fn earth([longitude_deg, latitude_deg]: [f64; 2]) -> [f64; 3] {
    let (lon, lat) = (longitude_deg.to_radians(), latitude_deg.to_radians());
    let (sin_lat, cos_lat) = (libm::sin(lat), libm::cos(lat));
    let normal_m = RADIUS_M / libm::sqrt(1.0 - ECCENTRICITY_2 * sin_lat * sin_lat);
    [
        normal_m * cos_lat * libm::cos(lon),
        normal_m * cos_lat * libm::sin(lon),
        normal_m * (1.0 - ECCENTRICITY_2) * sin_lat,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_is_as_long_as_on_the_ellipsoid() {
        // A thousandth of a degree of longitude and latitude at 45°: 78.847 m and 111.132 m.
        let [x, y] = Tangent::new([10.0, 45.0]).project([10.001, 45.0]).unwrap();
        assert!((x - 78.847).abs() < 0.001 && y.abs() < 0.001, "{x} {y}");
        let [x, y] = Tangent::new([10.0, 45.0]).project([10.0, 45.001]).unwrap();
        assert!((y - 111.132).abs() < 0.001 && x.abs() < 1e-9, "{x} {y}");
        assert_eq!(Tangent::new([10.0, 45.0]).project([11.0, 45.0]), None);
    }
}
