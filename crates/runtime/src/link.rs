//! A radio made of two channels.

use crossbeam::channel::{Receiver, Sender, unbounded};
use sheepdog_core::wire::{ToAgent, ToFleet};
use sheepdog_driver::Link;

/// The robot's end.
#[derive(Clone, Debug)]
pub struct ChannelLink {
    out: Sender<ToFleet>,
    inbox: Receiver<ToAgent>,
}

/// The fleet's end.
#[derive(Clone, Debug)]
pub struct FleetEnd {
    /// What the robot sends.
    pub from_robot: Receiver<ToFleet>,
    /// What the robot shall hear.
    pub to_robot: Sender<ToAgent>,
}

/// A link between a robot in this process and a fleet in this process.
pub fn channel_link() -> (ChannelLink, FleetEnd) {
    let (to_fleet, from_robot) = unbounded();
    let (to_robot, inbox) = unbounded();
    (ChannelLink { out: to_fleet, inbox }, FleetEnd { from_robot, to_robot })
}

impl Link for ChannelLink {
    fn send(&mut self, message: ToFleet) {
        // A fleet that is gone does not hear; the robot notices by its beats.
        let _heard = self.out.send(message);
    }

    fn receive(&mut self) -> Option<ToAgent> {
        self.inbox.try_recv().ok()
    }
}
