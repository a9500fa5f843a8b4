//! The content hash of a compiled site.

use sha2::{Digest, Sha256};
use sheepdog_core::SiteVersion;

use crate::{
    compiled::{CompiledSite, Csr, Part, Resource, Retired},
    geometry::Point,
};

/// SHA-256 over a canonical encoding of everything that can change a decision or a picture.
///
/// Numbers are little-endian and of fixed size, texts and lists are preceded by their length, floats are their
/// bits with a single zero, so the encoding is unambiguous and the same on every machine.
pub(super) fn version(site: &CompiledSite) -> SiteVersion {
    let mut hash = Encoder(Sha256::new());
    hash.text("sheepdog compiled site 4");
    hash.text(&site.authored.canonical_text());
    space(&mut hash, site);
    roadmap(&mut hash, site);
    claims(&mut hash, site);
    retired(&mut hash, &site.retired);
    SiteVersion(hash.0.finalize().into())
}

fn space(hash: &mut Encoder, site: &CompiledSite) {
    hash.list(&site.levels, |hash, level| {
        hash.text(&level.name);
        hash.float(level.elevation_m);
        hash.list(&level.geometry.walls().collect::<Vec<_>>(), |hash, &(a, b, thickness_m)| {
            hash.points(&[a, b]);
            hash.float(thickness_m);
        });
        hash.list(level.geometry.rings(), |hash, ring| hash.points(ring));
    });
    hash.list(&site.rooms, |hash, room| {
        hash.text(&room.name);
        hash.number(room.level.0);
        hash.points(&room.outer);
        hash.list(&room.holes, |hash, hole| hash.points(hole));
    });
    hash.list(&site.doors, |hash, door| {
        hash.text(&door.name);
        hash.number(door.level.0);
        hash.points(&[door.a, door.b]);
        hash.long(door.opening.as_micros());
        hash.flag(door.fire_rated);
        hash.flag(door.exit_width_m.is_some());
        hash.float(door.exit_width_m.unwrap_or(0.0));
    });
    hash.list(&site.lifts, |hash, lift| {
        hash.text(&lift.name);
        hash.points(&[lift.at]);
        hash.floats(&[lift.yaw_rad, lift.width_m, lift.depth_m, lift.speed_mps]);
        hash.long(lift.door_time.as_micros());
        hash.list(&lift.stops, |hash, stop| {
            hash.number(stop.level.0);
            hash.list(&stop.doors, |hash, door| hash.points(door));
            hash.option(stop.waypoint.map(|waypoint| waypoint.0));
        });
    });
    hash.list(&site.zones, |hash, zone| {
        hash.text(&zone.name);
        hash.number(zone.level.0);
        hash.points(&zone.outer);
        hash.list(&zone.doors, |hash, door| hash.number(door.0));
        hash.list(&zone.waypoints, |hash, waypoint| hash.number(waypoint.0));
    });
}

fn roadmap(hash: &mut Encoder, site: &CompiledSite) {
    hash.list(&site.stations, |hash, station| {
        hash.text(&station.name);
        hash.number(station.waypoint.0);
    });
    hash.list(&site.waypoints, |hash, waypoint| {
        hash.text(&waypoint.name);
        hash.flag(waypoint.authored);
        hash.number(waypoint.level.0);
        hash.points(&[waypoint.at]);
        let roles = waypoint.roles;
        for role in [roles.charger, roles.parking, roles.holding, roles.passthrough] {
            hash.flag(role);
        }
        hash.option(waypoint.lift.map(|lift| lift.0));
        hash.list(&waypoint.mutexes, |hash, mutex| hash.number(*mutex));
    });
    hash.list(&site.lanes, |hash, lane| {
        hash.numbers(&[lane.from.0, lane.to.0, lane.length.0]);
        hash.option(lane.speed_limit.map(|limit| limit.0));
        hash.list(&lane.doors, |hash, door| hash.number(door.0));
        hash.option(lane.ride.map(|lift| lift.0));
        hash.option(lane.corridor);
        hash.list(&lane.mutexes, |hash, mutex| hash.number(*mutex));
        hash.option(lane.reverse.map(|reverse| reverse.0));
    });
    hash.list(&site.corridors, |hash, name| hash.text(name));
    hash.list(&site.mutexes, |hash, name| hash.text(name));
}

fn claims(hash: &mut Encoder, site: &CompiledSite) {
    let part = |hash: &mut Encoder, part: &Part| match part {
        Part::Waypoint(id) => hash.numbers(&[0, id.0]),
        Part::Lane(id) => hash.numbers(&[1, id.0]),
    };
    hash.list(&site.resources, |hash, resource| match resource {
        Resource::Place(id) => hash.numbers(&[0, id.0]),
        Resource::Overlap(a, b) => {
            hash.number(1);
            part(hash, a);
            part(hash, b);
        }
        Resource::Door(id) => hash.numbers(&[2, id.0]),
        Resource::Lift(id) => hash.numbers(&[3, id.0]),
        Resource::Corridor(id) => hash.numbers(&[4, *id]),
        Resource::Group(id) => hash.numbers(&[5, *id]),
    });
    hash.list(&site.classes, |hash, claims| {
        hash.text(&claims.class.name);
        hash.numbers(&[claims.class.radius.0, claims.class.half_width.0, claims.class.margin.0]);
        for Csr { start, items } in [&claims.waypoint, &claims.lane] {
            hash.list(start, |hash, start| hash.number(*start));
            hash.list(items, |hash, resource| hash.number(resource.0));
        }
        for zones in [&claims.zones_at, &claims.zones_along] {
            let Csr { start, items } = zones;
            hash.list(start, |hash, start| hash.number(*start));
            hash.list(items, |hash, zone| hash.number(zone.0));
        }
        for flags in [&claims.usable, &claims.may_stop] {
            hash.list(flags, |hash, flag| hash.flag(*flag));
        }
    });
}

fn retired(hash: &mut Encoder, retired: &Retired) {
    let Retired { levels, rooms, doors, lifts, stations, zones, waypoints, lanes, resources } = retired;
    hash.list(levels, |hash, id| hash.number(id.0));
    hash.list(rooms, |hash, id| hash.number(id.0));
    hash.list(doors, |hash, id| hash.number(id.0));
    hash.list(lifts, |hash, id| hash.number(id.0));
    hash.list(stations, |hash, id| hash.number(id.0));
    hash.list(zones, |hash, id| hash.number(id.0));
    hash.list(waypoints, |hash, id| hash.number(id.0));
    hash.list(lanes, |hash, id| hash.number(id.0));
    hash.list(resources, |hash, id| hash.number(id.0));
}

struct Encoder(Sha256);

impl Encoder {
    fn number(&mut self, value: u32) {
        self.0.update(value.to_le_bytes());
    }

    fn long(&mut self, value: u64) {
        self.0.update(value.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.long(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn flag(&mut self, value: bool) {
        self.0.update([u8::from(value)]);
    }

    fn option(&mut self, value: Option<u32>) {
        self.flag(value.is_some());
        self.number(value.unwrap_or(0));
    }

    fn float(&mut self, value: f64) {
        // Adding zero turns the negative zero into the positive one.
        self.long((value + 0.0).to_bits());
    }

    /// Numbers whose count is known from the place.
    fn numbers(&mut self, values: &[u32]) {
        for value in values {
            self.number(*value);
        }
    }

    /// Floats whose count is known from the place.
    fn floats(&mut self, values: &[f64]) {
        for value in values {
            self.float(*value);
        }
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn points(&mut self, points: &[Point]) {
        self.list(points, |hash, p| hash.floats(&[p.x, p.y]));
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.count(items.len());
        for item in items {
            each(self, item);
        }
    }
}
