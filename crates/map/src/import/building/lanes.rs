//! Lanes of a level.

use crate::model::{Lane, Orientation};

use super::{
    At, ImportError, ImportReport,
    content::Link,
    params::{self, edge},
};

/// Open-RMF exports roadmaps 0 to 8; 9 is where the editor keeps the lanes of people.
const ROADMAPS: std::ops::RangeInclusive<i64> = 0..=8;

// Open-RMF's reader takes it so; its editor draws both ways.
const ONE_WAY: &str = "it does not say whether it is bidirectional; it is one-way";

/// A lane between two vertices of a level.
#[derive(Debug)]
pub(super) struct Drawn<'a> {
    at: At<'a>,
    pub(super) start: usize,
    pub(super) end: usize,
    lane: Lane,
}

impl<'a> Drawn<'a> {
    /// Reads a lane; `None` when robots do not use it.
    pub(super) fn read(
        at: At<'a>,
        vertices: usize,
        report: &mut ImportReport,
    ) -> Result<Option<Self>, ImportError> {
        let (start, end, params) = edge(&at, vertices)?;
        let mut lane = Lane::one_way("", "");
        let mut graph = None;
        if params.as_ref().and_then(|params| params.get("bidirectional")).is_none() {
            at.warn(report, ONE_WAY);
        }
        if let Some(params) = params {
            lane.bidirectional = params::flag(&params, "bidirectional")?;
            graph = params::integer(&params, "graph_idx")?;
            lane.speed_limit_mps = speed_limit(&params)?;
            lane.mutex = params::mutex(&params)?;
            lane.orientation = read_orientation(&params)?;
        }
        let graph = graph.unwrap_or_else(|| {
            at.warn(report, "it does not name its roadmap; it went into roadmap 0");
            0
        });
        let why = if !ROADMAPS.contains(&graph) {
            format!("roadmap {graph} is not for robots (0 to 8 are); the lane was left out")
        } else if start == end {
            "it ends where it starts and was left out".to_owned()
        } else {
            lane.roadmap = Some(graph.to_string());
            return Ok(Some(Self { at, start, end, lane }));
        };
        at.warn(report, why);
        at.leave_all_behind();
        Ok(None)
    }

    pub(super) fn link(self, place: impl Copy + Fn(usize) -> usize) -> Link<'a> {
        Link { at: self.at, from: place(self.start), to: place(self.end), lane: self.lane }
    }
}

fn speed_limit(params: &At<'_>) -> Result<Option<f64>, ImportError> {
    let Some(value) = params::number(params, "speed_limit")? else { return Ok(None) };
    if value < 0.0 {
        return Err(params.out_of_range(value, "a speed, or 0 for no limit"));
    }
    if value <= 0.0 {
        params::left(params, "speed_limit", true);
    }
    Ok((0.0 < value).then_some(value))
}

fn read_orientation(params: &At<'_>) -> Result<Orientation, ImportError> {
    match params::string(params, "orientation")? {
        "" => Ok(Orientation::Any),
        "forward" => Ok(Orientation::Forward),
        "backward" => Ok(Orientation::Backward),
        other => Err(params.unknown(other, "forward, backward or nothing")),
    }
}
