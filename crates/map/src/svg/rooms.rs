//! Rooms, tinted by kind.

use crate::{
    compiled::Room,
    model::{self, Access, Hygiene, RoomKind},
};

use super::{
    Layer,
    legend::Sign,
    pen::Pen,
    text::{Escaped, Ident, Px, write_to},
};

/// Name and tint of a kind of room: light enough for everything that is drawn on it.
pub(super) const fn look_of(kind: RoomKind) -> (&'static str, &'static str) {
    match kind {
        RoomKind::Room => ("room", "#f6f0e1"),
        RoomKind::Corridor => ("corridor", "#eef2f6"),
        RoomKind::Ward => ("ward", "#d9eaf8"),
        RoomKind::Pharmacy => ("pharmacy", "#d5efd8"),
        RoomKind::Store => ("store", "#e9dfca"),
        RoomKind::Staff => ("staff", "#f6dfeb"),
        RoomKind::Lobby => ("lobby", "#fcf0c4"),
        RoomKind::Floor => ("floor", "#f1f1ee"),
        RoomKind::Theatre => ("operating theatre", "#c9ece8"),
        RoomKind::Laboratory => ("laboratory", "#e2def7"),
        RoomKind::Kitchen => ("kitchen", "#fbe0cb"),
        RoomKind::Bathroom => ("bathroom", "#cfe6f0"),
        RoomKind::Technical => ("technical", "#dcdcdc"),
        RoomKind::Stairwell => ("stairwell", "#e6e1d6"),
        RoomKind::LiftLobby => ("lift lobby", "#e0e4f4"),
        RoomKind::RobotBay => ("robot bay", "#e2f2c8"),
        RoomKind::Outdoor => ("outdoors", "#e3f1dc"),
    }
}

impl Pen<'_> {
    pub(super) fn rooms(&mut self) {
        let level = self.level();
        let site = self.site;
        let mut rooms: Vec<(&Room, &model::Room)> = site
            .rooms()
            .iter()
            .filter(|room| room.level == level)
            .filter_map(|room| Some((room, site.written_room(room)?)))
            .collect();
        // Floors under everything, so that they hide no room.
        rooms.sort_by_key(|(room, _)| room.kind != RoomKind::Floor);
        // Without walls the edge of what is mapped is what there is to see.
        let bare =
            site.level(level).is_none_or(|level| level.geometry.walls().all(|(.., thick)| thick == 0.0));
        let rim = if bare {
            format!(" stroke=\"#79818c\" stroke-width=\"{}\"", Px(0.7 * self.page.zoom))
        } else {
            String::new()
        };
        self.layer(Layer::Rooms, &format!(" fill-rule=\"evenodd\"{rim}"), |pen| {
            for (room, authored) in rooms {
                let rings = std::iter::once(&room.outer).chain(&room.holes);
                let track: String = rings.map(|ring| pen.track(ring.iter().copied(), true)).collect();
                let (_, tint) = look_of(room.kind);
                pen.add(format_args!(
                    "<path id=\"room-{}\" fill=\"{tint}\" d=\"{track}\"><title>{}</title></path>\n",
                    Ident(&room.name),
                    Escaped(&tooltip(room, authored))
                ));
                pen.used.note(Sign::Room(room.kind));
            }
        });
    }
}

fn tooltip(room: &Room, authored: &model::Room) -> String {
    let mut text = format!("{} {}", look_of(room.kind).0, room.name);
    if let Some(label) = authored.label.as_ref().filter(|label| **label != room.name) {
        write_to(&mut text, format_args!(" ({label})"));
    }
    match authored.access {
        Access::Public => {}
        Access::Staff => text.push_str(", staff only"),
        Access::Restricted => text.push_str(", restricted"),
    }
    match authored.hygiene {
        None => {}
        Some(Hygiene::Clean) => text.push_str(", clean"),
        Some(Hygiene::Dirty) => text.push_str(", dirty"),
    }
    if let Some(people) = authored.occupancy_max {
        write_to(&mut text, format_args!(", {people} people"));
    }
    text
}
