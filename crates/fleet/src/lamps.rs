//! UV-C lamps: who asks for leave, what the fleet knows of the room, and who has to stay out of it.

use std::{collections::BTreeMap, sync::Arc};

use sheepdog_core::{
    AgentId, LaneId, Micros, RuleId, ZoneId,
    wire::{DoorState, LampAsk, LampLease, ToAgent, Witness},
};
use sheepdog_map::{ClassClaims, CompiledSite};

use crate::{
    config::FleetConfig,
    fleet::Fleet,
    input::Output,
    record::Record,
    rules,
    state::{AgentState, Leave, Standing},
    uvc::{Surroundings, UvcRoom},
};

/// A lamp that asked for leave so long ago does not want it any more.
const LAMP_PATIENCE: Micros = Micros::from_secs(5);

impl Fleet {
    /// Takes in what a sensor has seen of a room. What speaks against the lamp switches it off at once.
    pub(crate) fn witnessed(&mut self, witness: &Witness) {
        let config = Arc::clone(&self.config);
        let Some(room) = config.uvc.iter().find(|room| room.zone == witness.room) else { return };
        let now = self.state.now;
        self.state.lamps.entry(room.zone).or_default().treatment.witness(room, witness, now);
        self.watch_lamps();
    }

    /// A lamp asks for leave. Only the lamp of the room gets it.
    pub(crate) fn lamp_asks(&mut self, agent: AgentId, ask: LampAsk) {
        let config = Arc::clone(&self.config);
        let site = Arc::clone(&self.site);
        let Some(room) = config.uvc.iter().find(|room| room.zone == ask.room && room.lamp == agent) else {
            return;
        };
        let doors = site.zone(room.zone).map_or(&[][..], |zone| &zone.doors);
        let (around, now) = (self.surroundings(room), self.state.now);
        let lamp = self.state.lamps.entry(room.zone).or_default();
        match lamp.treatment.ask(room, doors, around, ask, now) {
            Ok(lease) => {
                self.send_lease(room, lease);
                self.note_lamp(room, None, "the room is proven empty and closed");
            }
            Err(refused) => {
                let withdrawal = lamp.treatment.withdraw();
                self.end_lease(room, withdrawal, refused.rule, refused.reason);
            }
        }
    }

    /// Withdraws the leave of every lamp that may not have it any more.
    pub(crate) fn watch_lamps(&mut self) {
        let config = Arc::clone(&self.config);
        let site = Arc::clone(&self.site);
        let now = self.state.now;
        for room in &config.uvc {
            let around = self.surroundings(room);
            let doors = site.zone(room.zone).map_or(&[][..], |zone| &zone.doors);
            let Some(lamp) = self.state.lamps.get_mut(&room.zone) else { continue };
            if !lamp.treatment.is_leased(now) {
                continue;
            }
            if let Err(refused) = lamp.treatment.check(room, doors, around, now) {
                let withdrawal = lamp.treatment.withdraw();
                self.end_lease(room, withdrawal, refused.rule, refused.reason);
            }
        }
    }

    fn send_lease(&mut self, room: &UvcRoom, lease: LampLease) {
        self.output(Output::ToAgent { agent: room.lamp, message: ToAgent::Lamp(lease) });
    }

    fn end_lease(&mut self, room: &UvcRoom, withdrawal: Option<LampLease>, rule: RuleId, reason: &str) {
        if let Some(withdrawal) = withdrawal {
            self.send_lease(room, withdrawal);
            let name = self.site.zone(room.zone).map(|zone| zone.name.clone()).unwrap_or_default();
            let text = format!("the lamp in {name} is switched off: {reason}");
            self.alert(rule, Some(room.lamp), None, text);
        }
        self.note_lamp(room, Some(rule), reason);
    }

    /// Writes down whether a lamp has leave, when that or its reason changes.
    fn note_lamp(&mut self, room: &UvcRoom, refused: Option<RuleId>, reason: &str) {
        let now = self.state.now;
        let lamp = self.state.lamps.entry(room.zone).or_default();
        let leave = refused.map_or(Leave::Given, Leave::Refused);
        if lamp.said.replace(leave) == Some(leave) {
            return;
        }
        let dose_mj_per_m2 = lamp.treatment.dose_mj_per_m2(now);
        let (zone, agent, reason) = (room.zone, room.lamp, reason.to_owned());
        self.record(&Record::Lamp { room: zone, agent, refused, reason, dose_mj_per_m2 });
    }

    /// What the fleet knows of a room beside its sources.
    fn surroundings(&self, room: &UvcRoom) -> Surroundings {
        let Some(zone) = self.site.zone(room.zone) else { return Surroundings::default() };
        let is_open = |door: &sheepdog_core::DoorId| {
            self.state.doors.get(door.index()).is_none_or(|door| door.state != DoorState::Closed)
        };
        let others = self.state.agents.iter().filter(|(id, _)| **id != room.lamp);
        Surroundings {
            lamp_stands_inside: self.stands_inside(room),
            others: others.into_iter().any(|(_, agent)| self.may_be_in(room.zone, agent)),
            open_door: zone.doors.iter().any(is_open),
        }
    }

    /// Whether the lamp's robot stands in the room with nothing more to drive, and nothing holds it.
    fn stands_inside(&self, room: &UvcRoom) -> bool {
        let Some(state) = self.agent(room.lamp) else { return false };
        let Some(robot) = &state.robot else { return false };
        let inside = self.site.zone(room.zone).is_some_and(|zone| zone.waypoints.contains(&state.profile.at));
        inside
            && robot.is_at_end()
            && state.standing == Standing::Well
            && !self.is_stopped(room.lamp)
            && self.parks_for(room.lamp, state).is_none()
    }

    /// Whether an agent is in a zone or was released into it; of a person the last known place counts.
    fn may_be_in(&self, zone: ZoneId, agent: &AgentState) -> bool {
        let at = agent.profile.at;
        let Some(robot) = &agent.robot else {
            return self.site.zone(zone).is_some_and(|zone| zone.waypoints.contains(&at));
        };
        let Some(claims) = self.site.classes().get(robot.class) else { return true };
        let ahead = robot.ahead().iter().any(|lane| claims.zones_along(*lane).contains(&zone));
        agent.standing != Standing::Removed && (claims.zones_at(at).contains(&zone) || ahead)
    }

    /// Rooms that nobody but their lamp gets into now.
    pub(crate) fn rooms_kept_empty(&self) -> BTreeMap<ZoneId, AgentId> {
        let now = self.state.now;
        let keeps = |room: &&UvcRoom| {
            let lamp = self.state.lamps.get(&room.zone);
            lamp.is_some_and(|lamp| lamp.treatment.keeps_others_out(now, LAMP_PATIENCE))
        };
        let config: &FleetConfig = &self.config;
        config.uvc.iter().filter(keeps).map(|room| (room.zone, room.lamp)).collect()
    }

    /// Whether an agent's lamp may be on: it does not move before that is over, nor is a door opened for it.
    pub(crate) fn has_lit_lamp(&self, agent: AgentId) -> bool {
        let now = self.state.now;
        let lit = |room: &UvcRoom| {
            self.state.lamps.get(&room.zone).is_some_and(|lamp| lamp.treatment.may_be_lit(now))
        };
        self.config.uvc.iter().any(|room| room.lamp == agent && lit(room))
    }

    /// Writes down, once for each room, that its lamp keeps a robot from where its way leads.
    pub(crate) fn note_room(&mut self, agent: AgentId) {
        let lanes = self.executor.next_move(agent);
        let class = self.agent(agent).and_then(|agent| agent.robot.as_ref()).map(|robot| robot.class);
        let claims = class.and_then(|class| self.site.classes().get(class));
        let rooms = self.rooms_kept_empty();
        let room = claims.and_then(|claims| entered_room(&self.site, claims, &rooms, agent, lanes));
        let Some(robot) = self.robot_mut(agent) else { return };
        if std::mem::replace(&mut robot.waits_for_lamp, room) != room
            && let Some(room) = room
        {
            let name = self.site.zone(room).map(|zone| zone.name.clone()).unwrap_or_default();
            self.agent_note(
                agent,
                rules::UVC_ALONE,
                format!("waits outside {name}, which is treated with UV-C"),
            );
        }
    }
}

/// The room into which a move leads that is kept empty for another robot's lamp. Who is inside may leave.
pub(crate) fn entered_room(
    site: &CompiledSite,
    claims: &ClassClaims,
    rooms: &BTreeMap<ZoneId, AgentId>,
    agent: AgentId,
    lanes: &[LaneId],
) -> Option<ZoneId> {
    let from = lanes.first().and_then(|lane| site.lane(*lane)).map(|lane| lane.from);
    let enters = |room: &ZoneId| {
        let inside = from.is_some_and(|from| claims.zones_at(from).contains(room));
        !inside && lanes.iter().any(|lane| claims.zones_along(*lane).contains(room))
    };
    rooms.iter().filter(|(_, lamp)| **lamp != agent).map(|(room, _)| *room).find(|room| enters(room))
}
