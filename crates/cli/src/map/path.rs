//! `sheepdog map path`.

use std::path::Path;

use nalgebra::Point2;
use serde_json::{Value, json};
use sheepdog_core::{DoorId, LaneId, LevelId, Micros, MmPerS, RoomId, WaypointId};
use sheepdog_map::{
    CompiledSite, NominalWaits, TravelProfile, Waits as _,
    geometry::{self, FreeSpace, PathError, Scratch},
    lane_time, nearest, shortest_path,
    svg::Picture,
};

use super::{compile, load};
use crate::{
    args::MapPath,
    problem::{Answer, Problem},
};

/// Waypoints from which a point's way onto the roadmap is looked for.
const ENTRIES: usize = 8;

/// Where a path begins or ends.
#[derive(Clone, Copy, Debug)]
struct Place {
    level: LevelId,
    at: Point2<f64>,
    /// When it is on the roadmap.
    waypoint: Option<WaypointId>,
}

/// A part of a path that is covered in one manner.
#[derive(Debug)]
struct Leg {
    kind: &'static str,
    level: LevelId,
    from: String,
    to: String,
    length_m: f64,
    time: Micros,
    points: Vec<Point2<f64>>,
    doors: Vec<String>,
}

/// What is asked, and what it takes to answer.
struct Question<'a> {
    site: &'a CompiledSite,
    profile: TravelProfile,
    radius_m: f64,
    from: Place,
    to: Place,
}

pub(crate) fn run(args: &MapPath) -> Result<Answer, Problem> {
    let loaded = load(&args.file, &args.options)?;
    loaded.sources.spare(args.svg.as_deref())?;
    let site = compile(&args.file, &loaded)?;
    let question = Question {
        profile: TravelProfile::robot(MmPerS(args.speed), 0),
        radius_m: f64::from(args.options.robot.radius) / 1e3,
        from: place(&site, "--from", &args.from)?,
        to: place(&site, "--to", &args.to)?,
        site: &site,
    };
    let direct = question.direct(&args.file)?;
    let route = question.route(&args.file)?;
    if let Some(out) = &args.svg {
        let legs = direct.as_ref().map_or_else(|_| route.as_deref(), |leg| Some(std::slice::from_ref(leg)));
        loaded.sources.write(out, picture(&site, route.as_deref(), legs))?;
    }
    if args.json {
        anstream::println!("{}", question.json(args, &direct, route.as_deref()));
    } else {
        question.print(args, &direct, route.as_deref());
        if let Some(note) = &loaded.generated {
            anstream::println!("note: {note}");
        }
        if let Some(out) = &args.svg {
            anstream::println!("wrote {}", out.display());
        }
    }
    Ok(if direct.is_ok() || route.is_some() { Answer::Yes } else { Answer::No })
}

/// A place by `LEVEL:x,y`, else by the name of a station, a waypoint or a room, in that order.
fn place(site: &CompiledSite, option: &str, text: &str) -> Result<Place, Problem> {
    if let Some((level, at)) = text.rsplit_once(':')
        && let Some((x, y)) = at.split_once(',')
    {
        let number = |text: &str| {
            let refused = || {
                Problem::Usage(format!(
                    "{option} {text:?} is no finite number; a point is LEVEL:x,y in metres"
                ))
            };
            text.trim().parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(refused)
        };
        let at = Point2::new(number(x)?, number(y)?);
        let levels: Vec<&str> = site.levels().iter().map(|level| level.name.as_str()).collect();
        let unknown =
            || Problem::Usage(format!("{option}: no level {level:?}; there are: {}", levels.join(", ")));
        return Ok(Place { level: site.level_named(level).ok_or_else(unknown)?, at, waypoint: None });
    }
    let station = site.station_named(text).and_then(|id| site.station(id)).map(|station| station.waypoint);
    if let Some(id) = station.or_else(|| site.waypoint_named(text))
        && let Some(waypoint) = site.waypoint(id)
    {
        return Ok(Place { level: waypoint.level, at: waypoint.at, waypoint: Some(id) });
    }
    let room = (0..).map(RoomId).zip(site.rooms()).find(|(_, room)| room.name == text);
    match room {
        Some((id, room)) => Ok(Place { level: room.level, at: roomy(site, id), waypoint: None }),
        None => Err(unknown_name(site, option, text)),
    }
}

fn unknown_name(site: &CompiledSite, option: &str, text: &str) -> Problem {
    const SHOWN: usize = 8;
    let stations = site.stations().iter().map(|station| &station.name);
    let rooms = site.rooms().iter().map(|room| &room.name);
    let waypoints =
        site.waypoints().iter().filter(|waypoint| waypoint.authored).map(|waypoint| &waypoint.name);
    let mut names: Vec<&String> = stations.chain(rooms).chain(waypoints).collect();
    names.sort_unstable();
    names.dedup();
    let wanted = text.to_lowercase();
    let like: Vec<&String> = names
        .iter()
        .copied()
        .filter(|name| !wanted.is_empty() && name.to_lowercase().contains(&wanted))
        .collect();
    let (what, shown) =
        if like.is_empty() { ("there are", names) } else { ("there are with that in their names", like) };
    let list: Vec<String> = shown.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let more = shown.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    Problem::Usage(format!(
        "{option}: no station, waypoint or room is named {text:?} (a point is LEVEL:x,y); {what}: {}{more}",
        list.join(", ")
    ))
}

/// The point of a room that is furthest from walls and edges, on a raster.
fn roomy(site: &CompiledSite, id: RoomId) -> Point2<f64> {
    const STEPS: u32 = 40;
    let Some(room) = site.room(id) else { return Point2::origin() };
    let low = room
        .outer
        .iter()
        .fold(Point2::new(f64::MAX, f64::MAX), |p, q| Point2::new(p.x.min(q.x), p.y.min(q.y)));
    let high = room
        .outer
        .iter()
        .fold(Point2::new(f64::MIN, f64::MIN), |p, q| Point2::new(p.x.max(q.x), p.y.max(q.y)));
    let share = |n: u32| f64::from(n) / f64::from(STEPS);
    let raster = (1..STEPS).flat_map(|row| (1..STEPS).map(move |column| (column, row)));
    let points = raster
        .map(|(x, y)| Point2::new(low.x + (high.x - low.x) * share(x), low.y + (high.y - low.y) * share(y)));
    let inside = points.filter(|at| site.room_at(room.level, *at) == Some(id));
    let clearance_m = |at: &Point2<f64>| {
        site.level(room.level).map_or(0.0, |level| {
            level.geometry.wall_clearance(*at).min(level.geometry.boundary_clearance(*at))
        })
    };
    let best = inside.max_by(|p, q| clearance_m(p).total_cmp(&clearance_m(q)));
    best.unwrap_or_else(|| low + (high - low) / 2.0)
}

impl Question<'_> {
    fn level(&self, id: LevelId) -> &str {
        self.site.level(id).map_or("", |level| level.name.as_str())
    }

    fn name(&self, waypoint: WaypointId) -> String {
        self.site.waypoint(waypoint).map(|waypoint| waypoint.name.clone()).unwrap_or_default()
    }

    /// The footprint class asked for.
    fn class(&self) -> &str {
        let claims = self.profile.class.and_then(|class| self.site.classes().get(class));
        claims.map_or("", |claims| claims.class.name.as_str())
    }

    fn free(&self, file: &Path, level: LevelId) -> Result<Option<FreeSpace>, Problem> {
        if !self.site.level(level).is_some_and(|level| level.geometry.has_area()) {
            return Ok(None);
        }
        let space = self.site.free_space(level, self.radius_m, Some(self.class()));
        space.map(Some).map_err(|error| Problem::input(file, error))
    }

    fn driving(&self, length_m: f64) -> Micros {
        let seconds = length_m * 1e3 / f64::from(self.profile.speed.0.max(1));
        Micros::new(
            std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
                .as_micros()
                .try_into()
                .unwrap_or(u64::MAX),
        )
    }

    /// A way off the roadmap. As on a lane one waits at every door.
    fn leg(&self, level: LevelId, from: String, to: String, path: geometry::Path) -> Leg {
        let waits = NominalWaits(self.site);
        let doors = self.site.doors_along(level, &path.points);
        let driving = self.driving(path.length_m);
        Leg {
            kind: "direct",
            level,
            from,
            to,
            length_m: path.length_m,
            time: doors.iter().fold(driving, |sum, door| sum.saturating_add(waits.door(*door))),
            points: path.points,
            doors: self.names(&doors),
        }
    }

    fn names(&self, doors: &[DoorId]) -> Vec<String> {
        doors.iter().filter_map(|door| self.site.door(*door)).map(|door| door.name.clone()).collect()
    }

    /// The shortest path in any direction on one level, or why there is none.
    fn direct(&self, file: &Path) -> Result<Result<Leg, String>, Problem> {
        let level = self.from.level;
        if level != self.to.level {
            let (from, to) = (self.level(level), self.level(self.to.level));
            return Ok(Err(format!("the two are on different levels, {from:?} and {to:?}")));
        }
        let Some(free) = self.free(file, level)? else {
            return Ok(Err(format!(
                "level {:?} has no rooms, so its free floor is not known",
                self.level(level)
            )));
        };
        let mut scratch = Scratch::new();
        Ok(match free.path(self.from.at, self.to.at, &mut scratch) {
            Ok(path) => Ok(self.leg(level, point(self.from.at), point(self.to.at), path)),
            Err(error) => Err(self.spelt_out(&error, &free)),
        })
    }

    /// An error with places in words.
    fn spelt_out(&self, error: &PathError, free: &FreeSpace) -> String {
        let radius_m = self.radius_m;
        let end = |what: &str, place: &Place, nearest_free: &Option<Point2<f64>>| {
            let nearest = nearest_free.map_or_else(
                || "nothing is free on this level".to_owned(),
                |at| format!("the nearest free point is {}, {:.2} m away", point(at), (at - place.at).norm()),
            );
            format!("the {what} {} is blocked for a robot of radius {radius_m} m; {nearest}", point(place.at))
        };
        match error {
            PathError::StartBlocked { nearest_free } => end("start", &self.from, nearest_free),
            PathError::GoalBlocked { nearest_free } => end("goal", &self.to, nearest_free),
            PathError::Disconnected { start_component, goal_component } => format!(
                "no way for a robot of radius {radius_m} m: the start is in component {start_component} and the goal in \
                 component {goal_component} of {} separate ones",
                free.components()
            ),
            _ => error.to_string(),
        }
    }

    /// The quickest way over the roadmap; `None` when there is none.
    fn route(&self, file: &Path) -> Result<Option<Vec<Leg>>, Problem> {
        let waits = NominalWaits(self.site);
        let starts = self.entries(file, &self.from)?;
        let goals = self.entries(file, &self.to)?;
        let offers: Vec<(WaypointId, Micros)> =
            starts.iter().map(|(id, leg)| (*id, time_of(leg.as_ref()))).collect();
        let mut best: Option<(Micros, usize, usize)> = None;
        for (goal, (target, last)) in goals.iter().enumerate() {
            let Some(found) = nearest(self.site, self.profile, &waits, *target, &offers) else { continue };
            let total = found.time.saturating_add(time_of(last.as_ref()));
            if let Some(&start) = found.starts.first()
                && best.is_none_or(|best| total < best.0)
            {
                best = Some((total, start, goal));
            }
        }
        let Some((_, start, goal)) = best else { return Ok(None) };
        let (mut starts, mut goals) = (starts, goals);
        let ((from, first), (to, last)) = (starts.swap_remove(start), goals.swap_remove(goal));
        let Some(lanes) = shortest_path(self.site, self.profile, &waits, from, to) else { return Ok(None) };
        let reversed = last.map(|leg| Leg {
            points: leg.points.iter().rev().copied().collect(),
            doors: leg.doors.iter().rev().cloned().collect(),
            from: leg.to,
            to: leg.from,
            ..leg
        });
        Ok(Some(first.into_iter().chain(self.legs(&lanes)).chain(reversed).collect()))
    }

    /// Why there is no way over the roadmap.
    fn no_route(&self) -> &'static str {
        let is_free = |place: &Place| {
            let level = self.site.level(place.level);
            place.waypoint.is_some()
                || level.is_some_and(|level| level.geometry.disc_free(place.at, self.radius_m))
        };
        match (is_free(&self.from), is_free(&self.to)) {
            (false, _) => "the start is blocked",
            (true, false) => "the goal is blocked",
            (true, true) => "no lanes that the robot fits through lead there",
        }
    }

    /// Waypoints of the roadmap by which a place is left, with the way to them; the place itself when it is one.
    fn entries(&self, file: &Path, place: &Place) -> Result<Vec<(WaypointId, Option<Leg>)>, Problem> {
        if let Some(waypoint) = place.waypoint {
            return Ok(vec![(waypoint, None)]);
        }
        let Some(free) = self.free(file, place.level)? else { return Ok(Vec::new()) };
        let mut near: Vec<(f64, WaypointId)> = (0..)
            .map(WaypointId)
            .zip(self.site.waypoints())
            .filter(|(id, waypoint)| waypoint.level == place.level && !self.site.lanes_from(*id).is_empty())
            .map(|(id, waypoint)| ((waypoint.at - place.at).norm(), id))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut scratch = Scratch::new();
        let mut entries = Vec::new();
        for (_, id) in near {
            let Some(waypoint) = self.site.waypoint(id) else { continue };
            let Ok(path) = free.path(place.at, waypoint.at, &mut scratch) else { continue };
            let leg = self.leg(place.level, point(place.at), waypoint.name.clone(), path);
            entries.push((id, Some(leg)));
            if entries.len() == ENTRIES {
                break;
            }
        }
        Ok(entries)
    }

    /// Lanes as legs: one for each level between rides, one for each ride.
    fn legs(&self, lanes: &[LaneId]) -> Vec<Leg> {
        let waits = NominalWaits(self.site);
        let mut legs: Vec<Leg> = Vec::new();
        for id in lanes {
            let Some(lane) = self.site.lane(*id) else { continue };
            let (Some(from), Some(to)) = (self.site.waypoint(lane.from), self.site.waypoint(lane.to)) else {
                continue;
            };
            let time = lane_time(self.site, self.profile, &waits, *id).unwrap_or_default();
            let kind = if lane.ride.is_some() { "lift" } else { "drive" };
            let doors = self.names(&lane.doors);
            match legs.last_mut().filter(|leg| leg.kind == kind && kind == "drive") {
                Some(leg) => {
                    leg.to = self.name(lane.to);
                    leg.length_m += f64::from(lane.length.0) / 1e3;
                    leg.time = leg.time.saturating_add(time);
                    leg.points.push(to.at);
                    leg.doors.extend(doors);
                }
                None => legs.push(Leg {
                    kind,
                    level: to.level,
                    from: self.name(lane.from),
                    to: self.name(lane.to),
                    length_m: f64::from(lane.length.0) / 1e3,
                    time,
                    points: vec![from.at, to.at],
                    doors,
                }),
            }
        }
        legs
    }

    fn json(&self, args: &MapPath, direct: &Result<Leg, String>, route: Option<&[Leg]>) -> Value {
        let answer = direct.as_ref().map_or_else(|_| route, |leg| Some(std::slice::from_ref(leg)));
        let end =
            |place: &Place| json!({ "level": self.level(place.level), "x_m": place.at.x, "y_m": place.at.y });
        json!({
            "from": end(&self.from),
            "to": end(&self.to),
            "class": self.class(),
            "radius_m": self.radius_m,
            "speed_mps": f64::from(args.speed) / 1e3,
            "legs": answer.map_or_else(Vec::new, |legs| legs.iter().map(|leg| self.leg_json(leg)).collect()),
            "length_m": answer.map(length_m),
            "time_s": answer.map(time_s),
            "problem": direct.as_ref().err(),
            "route_problem": route.is_none().then(|| self.no_route()),
            "route": route.map(|legs| json!({
                "legs": legs.iter().map(|leg| self.leg_json(leg)).collect::<Vec<_>>(),
                "length_m": length_m(legs),
                "time_s": time_s(legs),
            })),
        })
    }

    fn leg_json(&self, leg: &Leg) -> Value {
        json!({
            "kind": leg.kind,
            "level": self.level(leg.level),
            "from": leg.from,
            "to": leg.to,
            "length_m": leg.length_m,
            "time_s": leg.time.as_secs_f64(),
            "doors": leg.doors,
            "points": leg.points.iter().map(|p| [p.x, p.y]).collect::<Vec<_>>(),
        })
    }

    fn print(&self, args: &MapPath, direct: &Result<Leg, String>, route: Option<&[Leg]>) {
        anstream::println!(
            "from {:?} to {:?}, class {:?}, radius {} m, at {} m/s",
            args.from,
            args.to,
            self.class(),
            self.radius_m,
            f64::from(args.speed) / 1e3
        );
        match direct {
            Ok(leg) => {
                let through: Vec<String> = leg.points.iter().map(|at| point(*at)).collect();
                anstream::println!(
                    "any way        {:>8.2} m {:>8.1} s  through {}{}",
                    leg.length_m,
                    leg.time.as_secs_f64(),
                    through.join(" "),
                    doors(leg)
                );
            }
            Err(reason) => anstream::println!("any way        none: {reason}"),
        }
        let Some(legs) = route else {
            anstream::println!("on the roadmap none: {}", self.no_route());
            return;
        };
        anstream::println!("on the roadmap {:>8.2} m {:>8.1} s", length_m(legs), time_s(legs));
        for leg in legs {
            let level = self.level(leg.level);
            anstream::println!(
                "  {:<12} {:>8.2} m {:>8.1} s  {} to {} on {level}{}",
                leg.kind,
                leg.length_m,
                leg.time.as_secs_f64(),
                leg.from,
                leg.to,
                doors(leg)
            );
        }
    }
}

fn time_of(leg: Option<&Leg>) -> Micros {
    leg.map_or(Micros::ZERO, |leg| leg.time)
}

fn length_m(legs: &[Leg]) -> f64 {
    // A sum of nothing would be negative zero.
    legs.iter().fold(0.0, |sum, leg| sum + leg.length_m)
}

fn time_s(legs: &[Leg]) -> f64 {
    legs.iter().fold(0.0, |sum, leg| sum + leg.time.as_secs_f64())
}

/// The doors of a leg, to be added to a line.
fn doors(leg: &Leg) -> String {
    if leg.doors.is_empty() { String::new() } else { format!(", doors {}", leg.doors.join(", ")) }
}

fn point(at: Point2<f64>) -> String {
    format!("({:.2}, {:.2})", at.x, at.y)
}

/// The site with the route, and the answer over it.
fn picture(site: &CompiledSite, route: Option<&[Leg]>, answer: Option<&[Leg]>) -> String {
    let mut picture = Picture::of_site(site);
    for (legs, colour) in [(route, "darkorange"), (answer, "crimson")] {
        for leg in legs.into_iter().flatten().filter(|leg| leg.kind != "lift") {
            let points: Vec<(f64, f64)> = leg.points.iter().map(|p| (p.x, p.y)).collect();
            picture.path(leg.level, &points, colour);
        }
    }
    picture.render()
}
