//! Doors as plans show them: leaves, the arcs of their tips, sliding panels with arrows, badges of exits and fire doors.

use nalgebra::{Point2, Vector2};

use crate::{
    compiled::Door,
    model::{self, DoorControl, DoorKind, Swing},
};

use super::{
    Layer,
    label::Box2,
    legend::Sign,
    pen::Pen,
    text::{Number, Px, width_px},
};

pub(super) const DOOR: &str = "#8a4b08";
pub(super) const FIRE: &str = "#c1121f";
pub(super) const EXIT: &str = "#00704d";
/// Half the length of the ticks at both ends of a door.
const JAMB_M: f64 = 0.1;

/// A leaf that swings to one side: where it turns, its tip when open, its tip when shut.
#[derive(Clone, Copy)]
struct Leaf {
    hinge: Point2<f64>,
    open: Point2<f64>,
    shut: Point2<f64>,
    /// Whether a leaf that swings to both sides is drawn on this one.
    drawn: bool,
}

/// All that a door needs on paper: its ends and how far its leaves reach.
pub(super) fn reach(door: &Door) -> impl Iterator<Item = Point2<f64>> {
    [door.a, door.b]
        .into_iter()
        .chain(leaves(door).into_iter().flat_map(|leaf| [leaf.open, leaf.open + (leaf.shut - leaf.hinge)]))
}

/// For each leaf and each side to which it swings.
fn leaves(door: &Door) -> Vec<Leaf> {
    let along = door.b - door.a;
    let left = Vector2::new(-along.y, along.x);
    let sides: &[(f64, bool)] = match door.swing {
        Swing::Left => &[(1.0, true)],
        Swing::Right => &[(-1.0, true)],
        Swing::Both => &[(1.0, true), (-1.0, false)],
    };
    let hinges = match door.kind {
        DoorKind::Hinged => vec![(door.a, along)],
        DoorKind::DoubleHinged => vec![(door.a, along / 2.0), (door.b, -along / 2.0)],
        DoorKind::Sliding | DoorKind::DoubleSliding | DoorKind::Opening => Vec::new(),
    };
    let leaf = |hinge: Point2<f64>, shut: Vector2<f64>, side: f64, drawn| {
        let open = hinge + left.normalize() * (side * shut.norm());
        Leaf { hinge, open, shut: hinge + shut, drawn }
    };
    hinges
        .into_iter()
        .flat_map(|(hinge, shut)| sides.iter().map(move |(side, drawn)| leaf(hinge, shut, *side, *drawn)))
        .collect()
}

impl Pen<'_> {
    pub(super) fn doors(&mut self) {
        let (hair, leaf) = (Px(0.6 * self.page.zoom), Px(self.page.at_least(0.05, 1.3)));
        let style = format!(" fill=\"none\" stroke=\"{DOOR}\" stroke-width=\"{hair}\"");
        let site = self.site;
        let doors = || {
            let here = site.doors().iter().filter(|door| door.level == self.panel.level);
            here.filter_map(|door| Some((door, site.written_door(door)?)))
        };
        let doors: Vec<_> = doors().collect();
        self.layer(Layer::Doors, &style, |pen| {
            for (door, authored) in &doors {
                pen.element("door", &door.name, &tooltip(door, authored), |pen| pen.door(door, &leaf));
                pen.avoid(reach(door), 1.0);
            }
            // Badges when all doors are known, so that none covers a door.
            for (door, _) in &doors {
                pen.badges(door);
            }
        });
    }

    fn door(&mut self, door: &Door, leaf: &Px) {
        let colour = if door.fire_rated { format!(" stroke=\"{FIRE}\"") } else { String::new() };
        let (bold, mut thin, mut dashed) = match door.kind {
            DoorKind::Hinged | DoorKind::DoubleHinged => self.swinging(door),
            DoorKind::Sliding | DoorKind::DoubleSliding => self.sliding(door),
            DoorKind::Opening => (String::new(), String::new(), String::new()),
        };
        match door.kind {
            DoorKind::Opening => dashed.push_str(&self.track([door.a, door.b], false)),
            DoorKind::Hinged | DoorKind::DoubleHinged | DoorKind::Sliding | DoorKind::DoubleSliding => {}
        }
        let across = across(door) * JAMB_M;
        for end in [door.a, door.b] {
            thin.push_str(&self.track([end - across, end + across], false));
        }
        self.path(&bold, &format!("{colour} stroke-width=\"{leaf}\""));
        self.path(&thin, &colour);
        self.path(&dashed, &format!("{colour} stroke-dasharray=\"3 2\""));
        self.used.note(match door.kind {
            DoorKind::Hinged | DoorKind::DoubleHinged => Sign::Swinging,
            DoorKind::Sliding | DoorKind::DoubleSliding => Sign::Sliding,
            DoorKind::Opening => Sign::Opening,
        });
    }

    /// Open leaves, the arcs on which they shut, and the arcs on the other side of a leaf that swings both ways.
    fn swinging(&self, door: &Door) -> (String, String, String) {
        let (mut bold, mut thin, mut dashed) = (String::new(), String::new(), String::new());
        for leaf in leaves(door) {
            let arc = arc(self.px(leaf.hinge), self.px(leaf.shut), self.px(leaf.open));
            if leaf.drawn {
                bold.push_str(&self.track([leaf.hinge, leaf.open], false));
                thin.push_str(&arc);
            } else {
                dashed.push_str(&arc);
            }
        }
        (bold, thin, dashed)
    }

    /// Shut panels, and beside each an arrow where it slides to.
    fn sliding(&self, door: &Door) -> (String, String, String) {
        let (along, aside) = (door.b - door.a, across(door) * 0.2);
        let at = |share: f64| door.a + along * share;
        let panels: &[[f64; 4]] = match door.kind {
            DoorKind::DoubleSliding => &[[0.0, 0.47, 0.42, 0.1], [1.0, 0.53, 0.58, 0.9]],
            DoorKind::Sliding | DoorKind::Hinged | DoorKind::DoubleHinged | DoorKind::Opening => {
                &[[0.0, 1.0, 0.75, 0.25]]
            }
        };
        let (mut bold, mut thin) = (String::new(), String::new());
        for [from, to, tail, tip] in panels {
            bold.push_str(&self.track([at(*from), at(*to)], false));
            let tip_at = at(*tip) + aside;
            thin.push_str(&self.track([at(*tail) + aside, tip_at], false));
            let back = along.normalize() * (0.12 * (tail - tip).signum());
            let wing = across(door) * 0.07;
            thin.push_str(&self.track([tip_at + back + wing, tip_at, tip_at + back - wing], false));
        }
        (bold, thin, String::new())
    }

    /// The words EXIT and F beside a door, where there is room for them.
    fn badges(&mut self, door: &Door) {
        let mut badges = Vec::new();
        if door.exit_width_m.is_some() {
            self.used.note(Sign::Exit);
            badges.push(("EXIT", EXIT));
        }
        if door.fire_rated {
            self.used.note(Sign::FireDoor);
            badges.push(("F", FIRE));
        }
        for (text, colour) in badges {
            let size = (0.62 * self.page.font_px()).max(self.page.font_min_px());
            let (wide, high) = (width_px(text, size) + 0.7 * size, 1.3 * size);
            let middle = self.px(nalgebra::center(&door.a, &door.b));
            let [x, y] = {
                let across = across(door);
                [across.x, -across.y]
            };
            let half = 0.5 * (wide * x.abs() + high * y.abs());
            let free = [8.0, 14.0, 20.0, 30.0, 40.0]
                .into_iter()
                .flat_map(|off| [-1.0, 1.0].map(|side| side * (off * self.page.zoom + half)))
                .map(|off| [middle[0] + x * off, middle[1] + y * off])
                .find(|at| !self.taken.hits(Box2::around(*at, wide, high)));
            if let Some([x, y]) = free {
                self.taken.add(Box2::around([x, y], wide, high).grown(1.0));
                self.add(format_args!(
                    "<g stroke=\"none\" fill=\"{colour}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" \
                     height=\"{}\" rx=\"2\"/><text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"#fff\" font-weight=\"bold\" \
                     text-anchor=\"middle\">{text}</text></g>\n",
                    Px(x - wide / 2.0),
                    Px(y - high / 2.0),
                    Px(wide),
                    Px(high),
                    Px(x),
                    Px(y + 0.36 * size),
                    Px(size),
                ));
            }
        }
    }
}

/// Left of the way from the first end to the second, one metre.
fn across(door: &Door) -> Vector2<f64> {
    let along = (door.b - door.a).normalize();
    Vector2::new(-along.y, along.x)
}

/// The arc around `hinge` from `from` to `to`, in pixels.
pub(super) fn arc(hinge: [f64; 2], from: [f64; 2], to: [f64; 2]) -> String {
    let (one, other) = ([from[0] - hinge[0], from[1] - hinge[1]], [to[0] - hinge[0], to[1] - hinge[1]]);
    let radius = Px(libm::hypot(one[0], one[1]));
    let sweep = u8::from(0.0 < one[0] * other[1] - one[1] * other[0]);
    format!("M{} {}A{radius} {radius} 0 0 {sweep} {} {}", Px(from[0]), Px(from[1]), Px(to[0]), Px(to[1]))
}

fn tooltip(door: &Door, authored: &model::Door) -> String {
    let kind = match door.kind {
        DoorKind::Hinged => "hinged",
        DoorKind::DoubleHinged => "double hinged",
        DoorKind::Sliding => "sliding",
        DoorKind::DoubleSliding => "double sliding",
        DoorKind::Opening => "no leaf",
    };
    let control = match authored.control {
        DoorControl::Robot => "",
        DoorControl::Automatic => ", automatic",
        DoorControl::Manual => ", opened by hand",
        DoorControl::Badge => ", opened by badge",
    };
    let fire = if door.fire_rated { ", fire door" } else { "" };
    let exit = if door.exit_width_m.is_some() { ", exit" } else { "" };
    format!("door {}: {kind}, {} m clear{control}{fire}{exit}", door.name, Number(door.clear_width_m))
}
