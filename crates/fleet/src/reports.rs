//! What agents say, and what their silence means.

use std::collections::BTreeSet;

use sheepdog_core::{
    AgentId, Epoch, LaneId, LevelId, Mm, RuleId, StopGeneration, WaypointId,
    wire::{Beat, DoorState, Motion, Passage, Pose, Release, Report, ToAgent, ToFleet},
};
use sheepdog_map::CompiledSite;

use crate::{
    fleet::Fleet,
    input::{InputError, Output},
    parking::lift_entered,
    passages::leads_through,
    record::Record,
    rules,
    state::{AgentState, Hold, RobotState, Standing, Storage},
};

/// A report whose number is further ahead than this is nonsense: it would mute the robot for ever.
const REPORT_JUMP_MAX: u32 = 1_000_000;

/// An idle robot begins a new epoch when its route has grown this long, so that no route grows for ever.
const ROUTE_MAX: usize = 1_000;

impl RobotState {
    /// A robot that begins an epoch at a waypoint.
    pub(crate) fn standing_at(site: &CompiledSite, class: usize, at: WaypointId) -> Self {
        let pose = site
            .waypoint(at)
            .map(|waypoint| Pose {
                level: waypoint.level,
                x_mm: waypoint.x_mm,
                y_mm: waypoint.y_mm,
                yaw_mrad: 0,
            })
            .unwrap_or_default();
        Self {
            class,
            epoch: Epoch(1),
            origin: at,
            route: Vec::new(),
            done: 0,
            known: 0,
            boot: None,
            report_seq: 0,
            proof: (site.version(), Mm::MAX),
            stop_seq: 0,
            pose,
            motion: Motion::Waiting,
            stopped_since: None,
            stalled: false,
            hold: Hold::No,
            stop_ack: StopGeneration(0),
            reset_ack: None,
            held: None,
            waits_for_lamp: None,
            barred: None,
            beat: 0,
            storage: Storage::default(),
        }
    }

    /// Begins a new epoch at `at`, keeping what does not belong to the route.
    pub(crate) fn begin_epoch(&mut self, at: WaypointId) {
        self.epoch = Epoch(self.epoch.0.saturating_add(1));
        self.origin = at;
        self.route.clear();
        self.done = 0;
        self.known = 0;
        self.held = None;
        self.hold = Hold::No;
    }

    /// Whether a report follows the last one: of a later boot, or later in the same one and not absurdly so.
    fn is_next(&self, report: &Report) -> bool {
        match self.boot {
            None => true,
            Some(boot) if boot == report.boot => {
                self.report_seq < report.seq && report.seq - self.report_seq < REPORT_JUMP_MAX
            }
            Some(boot) => boot < report.boot && report.boot - boot < REPORT_JUMP_MAX,
        }
    }

    /// Whether the last report proves that the robot stands at the waypoint.
    pub(crate) fn proves_standing_at(&self, site: &CompiledSite, at: WaypointId) -> bool {
        let (of_site, pose_error) = self.proof;
        of_site == site.version() && is_at(site, self.class, at, self.pose, pose_error)
    }

    /// Released lanes that the robot has not completed.
    pub(crate) fn ahead(&self) -> &[LaneId] {
        self.route.get(self.done as usize..).unwrap_or(&[])
    }

    /// The waypoint at which the robot will have completed `lanes` lanes of its route.
    fn after(&self, site: &CompiledSite, lanes: u32) -> Option<WaypointId> {
        match (lanes as usize).checked_sub(1) {
            None => Some(self.origin),
            Some(last) => site.lane(*self.route.get(last)?).map(|lane| lane.to),
        }
    }

    /// Whether the robot has completed all that was released.
    pub(crate) fn is_at_end(&self) -> bool {
        self.done as usize == self.route.len()
    }
}

impl Fleet {
    pub(crate) fn agent_message(&mut self, agent: AgentId, message: ToFleet) -> Result<(), InputError> {
        let now = self.state.now;
        let levels = self.site.levels().len();
        let state = self.state.agents.get_mut(&agent).ok_or(InputError::UnknownAgent(agent))?;
        if let ToFleet::Report(report) = &message {
            let Some(robot) = &mut state.robot else { return Ok(()) };
            if report.pose.level.index() >= levels || !robot.is_next(report) {
                return Ok(());
            }
            robot.proof = (report.site, report.pose_error);
            if state.standing == Standing::Removed {
                // It is nobody's business but its own where it is carried; its pose will prove where it comes back.
                robot.pose = report.pose;
            }
        }
        if state.standing == Standing::Removed {
            return Ok(());
        }
        state.seen = now;
        if matches!(state.standing, Standing::Silent | Standing::Lost) {
            state.standing = Standing::Well;
            self.state.dispatch_due = true;
            self.state.planning.due = true;
            self.record(&Record::Agent { agent, rule: rules::SILENT, text: "is heard of again".to_owned() });
        }
        match message {
            ToFleet::Report(report) => self.report(agent, &report),
            ToFleet::StoppableAt { epoch, lanes } => self.stoppable_at(agent, epoch, lanes),
            ToFleet::Answer { token, accepted } => self.answer(agent, token, accepted),
            ToFleet::Performed(token) => self.performed(agent, token),
            ToFleet::Position(at) => self.person_moved(agent, at),
            ToFleet::Lamp(ask) => self.lamp_asks(agent, ask),
            // Of the chain, the record of the message is all that is asked for.
            ToFleet::Anchor(anchor) => self.robot_storage(agent, anchor.used),
        }
        Ok(())
    }

    fn report(&mut self, agent: AgentId, report: &Report) {
        let Some(robot) = self.robot_mut(agent) else { return };
        let rebooted = robot.boot.is_some_and(|boot| boot != report.boot);
        let remembers = robot.boot != Some(report.boot) && robot.stop_ack < report.stop_ack;
        let news = robot.stop_ack != report.stop_ack;
        robot.boot = Some(report.boot);
        robot.report_seq = report.seq;
        robot.pose = report.pose;
        // A robot that restarted has forgotten which stops it knew.
        robot.stop_ack = if rebooted { report.stop_ack } else { robot.stop_ack.max(report.stop_ack) };
        if rebooted {
            robot.stop_seq = 0;
        }
        robot.reset_ack = report.reset_ack;
        if news {
            self.hear_of_stop(agent, report.stop_ack, remembers);
        }
        if let Some(ack) = report.reset_ack {
            self.confirm_start(agent, ack);
        }
        self.note_stops(agent, report);
        if rebooted {
            self.rebooted(agent, report);
        } else {
            self.note_progress(agent, report);
        }
        self.note_motion(agent, report.motion);
        self.note_battery(agent, report);
        if let Some(token) = report.performed {
            self.performed(agent, token);
        }
        self.send_missing_lanes(agent, report);
    }

    fn note_stops(&mut self, agent: AgentId, report: &Report) {
        let Some(robot) = self.robot_mut(agent) else { return };
        let last = robot.stop_seq;
        robot.stop_seq = report.stops.iter().map(|event| event.seq).max().unwrap_or(last).max(last);
        for event in report.stops.iter().filter(|event| last < event.seq) {
            self.record(&Record::Stop { agent, event: *event });
        }
    }

    /// Frees what the robot has proven to have cleared.
    fn note_progress(&mut self, agent: AgentId, report: &Report) {
        let site = std::sync::Arc::clone(&self.site);
        let Some(robot) = self.robot_mut(agent) else { return };
        if report.epoch != robot.epoch || report.done <= robot.done {
            return;
        }
        let proven = report.done as usize <= robot.route.len()
            && report.site == site.version()
            && is_near_route(&site, robot, report);
        if !proven {
            let text = format!(
                "reports {} lanes done at ({}, {}) mm on {}, which its route does not bear out",
                report.done, report.pose.x_mm, report.pose.y_mm, report.pose.level
            );
            self.agent_note(agent, rules::NO_EVIDENCE, text);
            return;
        }
        let passes = robot.ahead().iter().any(|lane| leads_through(&site, *lane));
        robot.done = report.done;
        let at = robot.after(&site, report.done);
        self.state.peripherals_due |= passes;
        if self.executor.complete(agent, report.done) {
            self.state.grants_due = true;
        }
        if let (Some(state), Some(at)) = (self.state.agents.get_mut(&agent), at) {
            state.profile.at = at;
        }
        self.end_shrunk_epoch(agent);
    }

    /// A robot that has answered a hold and come to the end of what it kept begins a new epoch there.
    fn end_shrunk_epoch(&mut self, agent: AgentId) {
        let site = std::sync::Arc::clone(&self.site);
        let Some(robot) =
            self.robot_mut(agent).filter(|robot| robot.hold == Hold::Answered && robot.is_at_end())
        else {
            return;
        };
        let Some(at) = robot.after(&site, robot.done) else { return };
        if self.executor.relocate(agent, at).is_ok()
            && let Some(robot) = self.robot_mut(agent)
        {
            robot.begin_epoch(at);
            self.state.planning.due = true;
        }
    }

    fn note_motion(&mut self, agent: AgentId, motion: Motion) {
        let now = self.state.now;
        let Some(robot) = self.robot_mut(agent) else { return };
        let before = robot.motion;
        robot.motion = motion;
        match motion {
            Motion::Stopped(_) | Motion::Latched(_) => {
                robot.stopped_since = robot.stopped_since.or(Some(now));
            }
            Motion::Waiting | Motion::Moving | Motion::Performing => {
                robot.stopped_since = None;
                if std::mem::take(&mut robot.stalled) {
                    self.state.planning.due = true;
                }
            }
            Motion::Failed => {}
        }
        if let Motion::Latched(rule) = motion
            && before != motion
            && !self.is_stopped(agent)
        {
            let task = self.agent(agent).and_then(|agent| agent.job).map(|token| token.task);
            let text = format!(
                "{} has latched for {rule}; stop and reset it once the cause is gone",
                self.name(agent)
            );
            self.alert(rules::LATCHED, Some(agent), task, text);
        }
        if motion == Motion::Failed && before != Motion::Failed {
            self.lose(agent, Standing::Failed, rules::FAILED, "has failed");
        }
    }

    fn note_battery(&mut self, agent: AgentId, report: &Report) {
        if let Some(battery) =
            self.state.agents.get_mut(&agent).and_then(|agent| agent.profile.battery.as_mut())
        {
            battery.charge = report.battery;
        }
    }

    /// A robot that restarted stands where its pose proves it stands, or a person must help.
    fn rebooted(&mut self, agent: AgentId, report: &Report) {
        let site = std::sync::Arc::clone(&self.site);
        let Some(robot) = self.robot_mut(agent) else { return };
        let reached = robot.done.max(report.done.min(u32::try_from(robot.route.len()).unwrap_or(u32::MAX)));
        let class = robot.class;
        let stands = (robot.done..=reached)
            .rev()
            .filter_map(|lanes| Some((lanes, robot.after(&site, lanes)?)))
            .chain((0..=robot.route.len()).rev().filter_map(|lanes| {
                let lanes = u32::try_from(lanes).ok()?;
                Some((lanes, robot.after(&site, lanes)?))
            }))
            .find(|(lanes, at)| {
                robot.done <= *lanes
                    && report.site == site.version()
                    && is_at(&site, class, *at, report.pose, report.pose_error)
            });
        match stands {
            Some((_, at)) if self.executor.relocate(agent, at).is_ok() => {
                if let Some(robot) = self.robot_mut(agent) {
                    robot.begin_epoch(at);
                }
                if let Some(state) = self.state.agents.get_mut(&agent) {
                    state.profile.at = at;
                }
                self.state.planning.due = true;
                self.state.grants_due = true;
                self.agent_note(agent, rules::RESTARTED, format!("restarted and stands at {at}"));
            }
            Some(_) | None => {
                self.lose(
                    agent,
                    Standing::Failed,
                    rules::RESTARTED,
                    "restarted where no waypoint of its route is",
                );
            }
        }
    }

    /// The answer to a hold frees what lies beyond it.
    fn stoppable_at(&mut self, agent: AgentId, epoch: Epoch, lanes: u32) {
        let site = std::sync::Arc::clone(&self.site);
        let Some(robot) = self.robot_mut(agent) else { return };
        let class = robot.class;
        let ends_at =
            robot.after(&site, lanes).filter(|_| robot.epoch == epoch && robot.hold != Hold::Answered);
        let may_stop =
            ends_at.is_some_and(|at| site.classes().get(class).is_some_and(|claims| claims.may_stop(at)));
        if !may_stop || self.executor.shrink(agent, lanes).is_err() {
            return;
        }
        if let Some(robot) = self.robot_mut(agent) {
            robot.route.truncate(lanes as usize);
            robot.known = robot.known.min(lanes);
            robot.hold = Hold::Answered;
        }
        self.state.peripherals_due = true;
        self.state.planning.due = true;
        self.state.grants_due = true;
        self.agent_note(
            agent,
            rules::STALLED,
            format!("keeps {lanes} lanes of its release and gives back the rest"),
        );
        self.end_shrunk_epoch(agent);
    }

    /// Sends again what the robot does not know of its release.
    fn send_missing_lanes(&mut self, agent: AgentId, report: &Report) {
        let site = self.site.version();
        let well = self.agent(agent).is_some_and(|agent| agent.standing == Standing::Well);
        if !well || self.is_stopped(agent) {
            return;
        }
        let Some(robot) = self.robot_mut(agent) else { return };
        robot.known = if report.epoch == robot.epoch { report.known } else { 0 };
        let missing = robot.route.get(robot.known as usize..).unwrap_or(&[]);
        if missing.is_empty() && report.epoch == robot.epoch {
            return;
        }
        let release = Release {
            boot: report.boot,
            epoch: robot.epoch,
            origin: robot.origin,
            first: robot.known,
            lanes: missing.to_vec(),
            site,
        };
        self.output(Output::ToAgent { agent, message: ToAgent::Release(release) });
    }

    /// An agent drops out: its task goes on with somebody else, its claims stay held.
    pub(crate) fn lose(&mut self, agent: AgentId, standing: Standing, rule: RuleId, text: &str) {
        let Some(state) = self.state.agents.get_mut(&agent) else { return };
        if state.standing == standing {
            return;
        }
        state.standing = standing;
        state.errand = crate::state::Errand::None;
        let task = state.job.map(|token| token.task);
        self.state.planning.due = true;
        self.state.dispatch_due = true;
        self.alert(rule, Some(agent), task, format!("{} {text}", self.name(agent)));
        self.agent_note(agent, rule, text.to_owned());
        self.withdraw_from(agent, rule);
    }

    pub(crate) fn agent_note(&mut self, agent: AgentId, rule: RuleId, text: String) {
        self.record(&Record::Agent { agent, rule, text });
    }

    /// Silence and standstill become events.
    pub(crate) fn watch_agents(&mut self) {
        let now = self.state.now;
        let mut silent = Vec::new();
        let mut stalled = Vec::new();
        for (&id, agent) in &mut self.state.agents {
            let Some(robot) = &mut agent.robot else { continue };
            let quiet = now.since(agent.seen).unwrap_or_default();
            match agent.standing {
                Standing::Well if self.config.silent_after < quiet => silent.push((id, Standing::Silent)),
                Standing::Silent if self.config.lost_after < quiet => silent.push((id, Standing::Lost)),
                Standing::Well | Standing::Silent | Standing::Lost | Standing::Failed | Standing::Removed => {
                }
            }
            let standing = robot.stopped_since.and_then(|since| now.since(since)).unwrap_or_default();
            if !robot.stalled && self.config.stalled_after < standing {
                robot.stalled = true;
                stalled.push(id);
            }
        }
        for (agent, standing) in silent {
            match standing {
                Standing::Silent => self.lose(agent, standing, rules::SILENT, "is silent"),
                Standing::Well | Standing::Lost | Standing::Failed | Standing::Removed => {
                    self.lose(agent, standing, rules::LOST, "is lost");
                }
            }
        }
        for agent in stalled {
            self.state.planning.due = true;
            self.agent_note(agent, rules::STALLED, "stands still; others are planned around it".to_owned());
        }
        self.ask_to_hold();
        self.renew_epochs();
    }

    /// Begins a new epoch for idle robots whose route has grown long.
    fn renew_epochs(&mut self) {
        let long = |(id, agent): (&AgentId, &AgentState)| {
            let robot = agent.robot.as_ref()?;
            let due = ROUTE_MAX < robot.route.len() && robot.is_at_end() && agent.job.is_none();
            due.then(|| Some((*id, robot.after(&self.site, robot.done)?))).flatten()
        };
        let due: Vec<(AgentId, WaypointId)> = self.state.agents.iter().filter_map(long).collect();
        for (agent, at) in due {
            if self.executor.relocate(agent, at).is_ok()
                && let Some(robot) = self.robot_mut(agent)
            {
                robot.begin_epoch(at);
                self.state.planning.due = true;
            }
        }
    }

    /// Asks robots to give back what they do not need of their release: those that stand, those that a fire alarm keeps
    /// from driving all of it, and those that no stop reaches. Who was asked is asked until the answer arrives, even if
    /// the reason is gone by then: the robot may have given its lanes back, and then waits for a new epoch.
    pub(crate) fn ask_to_hold(&mut self) {
        let gives_back = |id: AgentId, agent: &AgentState, robot: &RobotState| {
            let stalled = robot.stalled && 1 < robot.ahead().len();
            let reason = || {
                stalled
                    || self.is_deaf(id)
                    || self.should_give_back(id, agent, robot)
                    || self.waits_for_stuck(robot)
            };
            match robot.hold {
                Hold::No => reason(),
                Hold::Asked => true,
                Hold::Answered => false,
            }
        };
        let asked: Vec<(AgentId, Epoch)> = self
            .state
            .agents
            .iter()
            .filter_map(|(id, agent)| Some((*id, agent, agent.robot.as_ref()?)))
            .filter(|(id, agent, robot)| gives_back(*id, agent, robot))
            .map(|(id, _, robot)| (id, robot.epoch))
            .collect();
        for (agent, epoch) in asked {
            if let Some(robot) = self.robot_mut(agent) {
                robot.hold = Hold::Asked;
            }
            self.output(Output::ToAgent { agent, message: ToAgent::Hold(epoch) });
        }
    }

    /// Tells every robot that the fleet is alive, which passages ahead of it are open, and which stop is in force.
    pub(crate) fn beat(&mut self) {
        let boot = self.state.boot;
        let ids: Vec<AgentId> = self.state.agents.keys().copied().collect();
        let shut_by_level = self.shut_passages();
        for agent in ids {
            let Some(robot) = self.state.agents.get(&agent).and_then(|agent| agent.robot.as_ref()) else {
                continue;
            };
            let open = self.open_passages(robot);
            let near = self.levels_ahead(robot).into_iter().filter_map(|level| shut_by_level.get(&level));
            let shut = near.flatten().copied().collect();
            let (stop, reset) = self.stop_for(agent);
            if self.is_deaf(agent) {
                // No number stops it. To a robot, silence of the fleet is a reason to stop; a beat would be none to.
                if let Some(order) = stop {
                    self.output(Output::ToAgent { agent, message: ToAgent::Stop(order) });
                }
                continue;
            }
            let Some(robot) = self.robot_mut(agent) else { continue };
            robot.beat = robot.beat.saturating_add(1);
            let beat = Beat { boot, seq: robot.beat, open, shut, stop, reset };
            self.output(Output::ToAgent { agent, message: ToAgent::Beat(beat) });
        }
        self.repeat_orders();
    }

    /// The level a robot is on, and those its release leads to.
    fn levels_ahead(&self, robot: &RobotState) -> BTreeSet<LevelId> {
        let lanes = robot.ahead().iter().filter_map(|lane| self.site.lane(*lane));
        let ends = lanes.flat_map(|lane| [lane.from, lane.to]).filter_map(|at| self.site.waypoint(at));
        ends.map(|at| at.level).chain([robot.pose.level]).collect()
    }

    /// Passages on the released route that report being open.
    fn open_passages(&self, robot: &RobotState) -> Vec<Passage> {
        let mut open = Vec::new();
        for lane in robot.ahead().iter().filter_map(|lane| self.site.lane(*lane)) {
            for &door in lane.doors.iter().filter(|door| !self.keeps_shut(**door)) {
                if self.state.doors.get(door.index()).is_some_and(|door| door.state == DoorState::Open) {
                    open.push(Passage::Door(door));
                }
            }
            for waypoint in
                [lane.from, lane.to].into_iter().filter_map(|waypoint| self.site.waypoint(waypoint))
            {
                let Some(lift) = waypoint.lift else { continue };
                if lift_entered(&self.site, lane) == Some(lift) && self.keeps_out_of(lift) {
                    continue;
                }
                let here = self.state.lifts.get(lift.index());
                let (now, fresh) = (self.state.now, self.config.lift_fresh);
                if here.is_some_and(|here| here.is_open_at(waypoint.level, now, fresh)) {
                    open.push(Passage::Lift(lift, waypoint.level));
                }
            }
        }
        open.sort_unstable();
        open.dedup();
        open
    }

    pub(crate) fn robot_mut(&mut self, agent: AgentId) -> Option<&mut RobotState> {
        self.state.agents.get_mut(&agent).and_then(|agent| agent.robot.as_mut())
    }

    pub(crate) fn agent(&self, agent: AgentId) -> Option<&AgentState> {
        self.state.agents.get(&agent)
    }

    /// The name of an agent, for sentences.
    pub(crate) fn name(&self, agent: AgentId) -> String {
        self.agent(agent).map_or_else(|| agent.to_string(), |agent| agent.profile.name.clone())
    }
}

/// Whether the reported pose lies within the claim's margin of the route at the reported progress.
fn is_near_route(site: &CompiledSite, robot: &RobotState, report: &Report) -> bool {
    let Some(at) = robot.after(site, report.done) else { return false };
    let next = robot.route.get(report.done as usize).and_then(|lane| site.lane(*lane));
    let Some(margin) = slack(site, robot.class, report.pose_error) else { return false };
    let next_end = next.map_or(at, |lane| lane.to);
    let (Some(from), Some(to)) = (site.waypoint(at), site.waypoint(next_end)) else { return false };
    let to = if to.level == from.level { to } else { from };
    let pose = (i64::from(report.pose.x_mm), i64::from(report.pose.y_mm));
    let a = (i64::from(from.x_mm), i64::from(from.y_mm));
    let b = (i64::from(to.x_mm), i64::from(to.y_mm));
    report.pose.level == from.level && is_within_of_segment(pose, a, b, i64::from(margin.0))
}

/// Whether a pose proves that a robot stands at the waypoint.
fn is_at(site: &CompiledSite, class: usize, at: WaypointId, pose: Pose, pose_error: Mm) -> bool {
    let (Some(waypoint), Some(margin)) = (site.waypoint(at), slack(site, class, pose_error)) else {
        return false;
    };
    let point = (i64::from(pose.x_mm), i64::from(pose.y_mm));
    let place = (i64::from(waypoint.x_mm), i64::from(waypoint.y_mm));
    pose.level == waypoint.level && is_within_of_segment(point, place, place, i64::from(margin.0))
}

/// What remains of a class's margin once the uncertainty of the pose is taken off.
fn slack(site: &CompiledSite, class: usize, pose_error: Mm) -> Option<Mm> {
    let margin = site.classes().get(class)?.class.margin;
    margin.0.checked_sub(pose_error.0).map(Mm)
}

/// Whether `point` is at most `distance` from the segment from `start` to `end`: exact, in integers.
fn is_within_of_segment(point: (i64, i64), start: (i64, i64), end: (i64, i64), distance: i64) -> bool {
    let along = difference(end, start);
    let offset = difference(point, start);
    let limit = i128::from(distance) * i128::from(distance);
    let length2 = dot(along, along);
    let progress = dot(along, offset);
    if progress <= 0 {
        return dot(offset, offset) <= limit;
    }
    if length2 <= progress {
        let beyond = difference(point, end);
        return dot(beyond, beyond) <= limit;
    }
    let cross = along.0 * offset.1 - along.1 * offset.0;
    cross * cross <= limit * length2
}

fn difference(to: (i64, i64), from: (i64, i64)) -> (i128, i128) {
    (i128::from(to.0) - i128::from(from.0), i128::from(to.1) - i128::from(from.1))
}

const fn dot(one: (i128, i128), other: (i128, i128)) -> i128 {
    one.0 * other.0 + one.1 * other.1
}

#[cfg(test)]
mod tests {
    use super::is_within_of_segment;

    #[test]
    fn distance_to_a_segment_is_exact_at_its_limit() {
        let (a, b) = ((0, 0), (1_000, 0));
        assert!(is_within_of_segment((500, 150), a, b, 150));
        assert!(!is_within_of_segment((500, 151), a, b, 150));
        assert!(is_within_of_segment((1_150, 0), a, b, 150));
        assert!(!is_within_of_segment((1_107, 107), a, b, 150));
        assert!(is_within_of_segment((-90, -120), a, b, 150));
        assert!(!is_within_of_segment((-91, -120), a, b, 150));
    }
}
