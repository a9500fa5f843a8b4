//! A picture of a run whose robots move.

use std::collections::BTreeMap;

use sheepdog_core::{FleetTime, Micros};
use sheepdog_map::svg::{Keyframe, Picture};
use sheepdog_sim::{BodyKind, Truth};

use crate::world::World;

/// Time between two frames.
const FRAME: Micros = Micros::from_millis(500);

/// Played this many times faster than it happened.
const TIME_LAPSE: f64 = 20.0;

/// Colours of robots, in turn.
const COLOURS: [&str; 8] =
    ["#2364aa", "#d1495b", "#3a7d44", "#8f5db7", "#c77d0a", "#0f8b8d", "#7a4b2a", "#5c677d"];

/// Where everybody was, frame by frame; frames that change nothing are left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Film {
    next: FleetTime,
    tracks: BTreeMap<(bool, u32), (f64, Vec<Keyframe>)>,
}

impl Film {
    pub(crate) fn add(&mut self, now: FleetTime, truth: &[Truth]) {
        if now < self.next {
            return;
        }
        self.next = now + FRAME;
        let t_s = Micros::new(now.as_micros()).as_secs_f64();
        for (number, body) in (0..).zip(truth) {
            let robot = body.kind == BodyKind::Robot;
            let key = (!robot, body.agent.map_or(1_000 + number, |agent| agent.0));
            let (_, frames) = self.tracks.entry(key).or_insert_with(|| (body.radius_m, Vec::new()));
            let frame = Keyframe { t_s, level: body.level, x: body.x_m, y: body.y_m, visible: true };
            push(frames, frame);
        }
    }
}

/// Appends a frame; of a run of equal positions only the first and the last are kept.
fn push(frames: &mut Vec<Keyframe>, frame: Keyframe) {
    let still = |a: &Keyframe, b: &Keyframe| {
        a.level == b.level && (a.x - b.x).abs() < 0.005 && (a.y - b.y).abs() < 0.005
    };
    if let [.., before, last] = frames.as_mut_slice()
        && still(before, last)
        && still(last, &frame)
    {
        *last = frame;
        return;
    }
    frames.push(frame);
}

/// An SVG of the site in which robots and people move as they did, twenty times faster.
///
/// Without [`World::with_film`] it shows the site alone.
pub fn film(world: &World) -> String {
    let setup = world.setup();
    let mut picture = Picture::of_site(&setup.site);
    if let Some(film) = world.film() {
        let duration_s = Micros::new(world.now().as_micros()).as_secs_f64() / TIME_LAPSE;
        for ((person, id), (radius_m, frames)) in &film.tracks {
            let frames: Vec<Keyframe> =
                frames.iter().map(|frame| Keyframe { t_s: frame.t_s / TIME_LAPSE, ..*frame }).collect();
            let agent = setup.fleet.agents.iter().find(|agent| agent.id.0 == *id);
            let label = agent.map_or("", |agent| agent.name.as_str());
            let colour = if *person {
                "#444444"
            } else {
                COLOURS.get(*id as usize % COLOURS.len()).copied().unwrap_or("#2364aa")
            };
            picture.moving_disc(&frames, *radius_m, colour, label, duration_s);
        }
    }
    picture.render()
}
