//! The files of the League of Robot Runners. Errors name the file, the line or field, the value and the rule.

use std::{fs, path::Path};

use serde::Deserialize;
use sheepdog_traffic::oneshot::Grid;

/// An instance, checked: all starts and errands are free cells, starts differ.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) map: Map,
    /// Row · width + column, by robot.
    pub(super) starts: Vec<usize>,
    /// Errands in order, by task.
    pub(super) tasks: Vec<Vec<usize>>,
    /// How many tasks are known and not finished at any time.
    pub(super) known: usize,
    pub(super) ticks_per_action: u32,
    /// Side of a robot in thousandths of a cell, at most 1 000.
    pub(super) side_thousandths: i64,
    pub(super) delays: DelayRule,
}

#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) width: usize,
    pub(super) free: Vec<bool>,
}

/// How delays are drawn.
#[derive(Clone, Debug)]
pub(super) struct DelayRule {
    pub(super) seed: u64,
    /// Ticks of the shortest and the longest delay.
    pub(super) min: u32,
    pub(super) max: u32,
    pub(super) events: Events,
    /// Of a robot and tick.
    pub(super) chance: f64,
    pub(super) durations: Durations,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Events {
    /// One draw a tick.
    Bernoulli,
    /// So many events a tick on average.
    Poisson,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Durations {
    Uniform,
    /// As shares of the span from the shortest to the longest; cut off there.
    Gaussian {
        mean: f64,
        deviation: f64,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    map_file: String,
    agent_file: String,
    team_size: usize,
    task_file: String,
    num_tasks_reveal: f64,
    agent_counter: u32,
    agent_size: f64,
    delay_config: DelayConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DelayConfig {
    seed: u64,
    min_delay: u32,
    max_delay: u32,
    event_model: String,
    p_delay: f64,
    duration_model: String,
    gauss_mean_ratio: f64,
    gauss_std_ratio: f64,
}

impl Instance {
    /// Reads an instance and the three files that it names, which lie beside it.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        let read =
            |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
        let file: Head = serde_json::from_str(&read(path)?).map_err(|error| format!("{name}: {error}"))?;
        let beside = |other: &str| path.parent().unwrap_or(Path::new("")).join(other);
        let (map_file, agent_file, task_file) =
            (beside(&file.map_file), beside(&file.agent_file), beside(&file.task_file));
        let map = Map::parse(&map_file.display().to_string(), &read(&map_file)?)?;
        let starts = agents(&agent_file.display().to_string(), &read(&agent_file)?, &map, file.team_size)?;
        let tasks = tasks(&task_file.display().to_string(), &read(&task_file)?, &map)?;
        let wrong = |field: &str, value: &dyn std::fmt::Display, rule: &str| {
            Err(format!("{name}: {field} is {value}, the rule asks for {rule}"))
        };
        if !(1.0..=1e3).contains(&file.num_tasks_reveal) {
            return wrong("numTasksReveal", &file.num_tasks_reveal, "1 to 1000");
        }
        if !(1..=1_000).contains(&file.agent_counter) {
            return wrong("agentCounter", &file.agent_counter, "1 to 1000");
        }
        if !(0.001..=1.0).contains(&file.agent_size) {
            return wrong("agentSize", &file.agent_size, "0.001 to 1, a robot within a cell");
        }
        let config = &file.delay_config;
        if config.max_delay < config.min_delay || 1_000_000 < config.max_delay {
            return wrong("delayConfig.maxDelay", &config.max_delay, "minDelay to 1000000");
        }
        if !(0.0..=1.0).contains(&config.p_delay) {
            return wrong("delayConfig.pDelay", &config.p_delay, "0 to 1");
        }
        let ratios = [("gaussMeanRatio", config.gauss_mean_ratio), ("gaussStdRatio", config.gauss_std_ratio)];
        if let Some((field, value)) = ratios.into_iter().find(|(_, value)| !(0.0..=1e3).contains(value)) {
            return wrong(&format!("delayConfig.{field}"), &value, "0 to 1000");
        }
        let events = match config.event_model.as_str() {
            "bernoulli" => Events::Bernoulli,
            "poisson" => Events::Poisson,
            other => return wrong("delayConfig.eventModel", &other, "bernoulli or poisson"),
        };
        let durations = match config.duration_model.as_str() {
            "uniform" => Durations::Uniform,
            "gaussian" => {
                Durations::Gaussian { mean: config.gauss_mean_ratio, deviation: config.gauss_std_ratio }
            }
            other => return wrong("delayConfig.durationModel", &other, "uniform or gaussian"),
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "within the bounds that were just checked"
        )]
        let (known, side_thousandths) = (
            libm::round(file.num_tasks_reveal * starts.len() as f64) as usize,
            libm::ceil(1e3 * file.agent_size) as i64,
        );
        Ok(Self {
            map,
            starts,
            tasks,
            known,
            ticks_per_action: file.agent_counter,
            side_thousandths,
            delays: DelayRule {
                seed: config.seed,
                min: config.min_delay,
                max: config.max_delay,
                events,
                chance: config.p_delay,
                durations,
            },
        })
    }
}

impl Map {
    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let grid = Grid::parse(text, name).map_err(|error| error.to_string())?;
        Ok(Self { width: grid.width() as usize, free: grid.free().to_vec() })
    }

    /// The free cell that a word names.
    fn cell(&self, name: &str, line: usize, word: &str) -> Result<usize, String> {
        let cell = word.trim().parse::<usize>().ok().filter(|&cell| self.free.get(cell) == Some(&true));
        cell.ok_or_else(|| {
            format!("{name}:{line}: {word:?}, the rule asks for row · width + column of a free cell")
        })
    }
}

/// Lines without comments, the first of which says how many follow.
fn counted<'a>(name: &str, text: &'a str) -> Result<Vec<(usize, &'a str)>, String> {
    let mut lines =
        (1..).zip(text.lines().map(str::trim)).filter(|(_, row)| !row.is_empty() && !row.starts_with('#'));
    let (line, first) = lines.next().ok_or_else(|| format!("{name}: there is no count"))?;
    let count =
        first.parse::<usize>().map_err(|_| format!("{name}:{line}: {first:?}, the rule asks for a count"))?;
    let rows: Vec<(usize, &str)> = lines.collect();
    if rows.len() == count && 0 < count {
        Ok(rows)
    } else {
        Err(format!(
            "{name}:{line}: {} lines follow, the count is {count}, the rule asks for as many, at least 1",
            rows.len()
        ))
    }
}

fn agents(name: &str, text: &str, map: &Map, team: usize) -> Result<Vec<usize>, String> {
    let rows = counted(name, text)?;
    if rows.len() < team || team == 0 {
        return Err(format!("{name}: {} robots, teamSize asks for {team}, at least 1", rows.len()));
    }
    let mut taken = vec![false; map.free.len()];
    let mut starts = Vec::new();
    for (line, row) in rows.into_iter().take(team) {
        let cell = map.cell(name, line, row)?;
        if let Some(taken) = taken.get_mut(cell) {
            if *taken {
                return Err(format!(
                    "{name}:{line}: {cell} is the start of another robot, the rule asks for one each"
                ));
            }
            *taken = true;
        }
        starts.push(cell);
    }
    Ok(starts)
}

fn tasks(name: &str, text: &str, map: &Map) -> Result<Vec<Vec<usize>>, String> {
    let rows = counted(name, text)?;
    rows.into_iter()
        .map(|(line, row)| row.split(',').map(|word| map.cell(name, line, word)).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> Map {
        Map::parse("m", "type octile\nheight 2\nwidth 3\nmap\n.@.\nES.\n").unwrap()
    }

    #[test]
    fn files_are_read() {
        assert_eq!(map().free, [true, false, true, true, true, true]);
        assert_eq!(agents("a", "# said\n2\n0\n5\n", &map(), 2).unwrap(), [0, 5]);
        assert_eq!(tasks("t", "2\n0,5\n3,4,2\n", &map()).unwrap(), [vec![0, 5], vec![3, 4, 2]]);
    }

    #[test]
    fn faults_name_file_line_value_and_rule() {
        let short = Map::parse("m", "type octile\nheight 1\nwidth 3\nmap\n..\n").unwrap_err();
        assert!(short.starts_with("m:5:3: \"..\""), "{short}");
        let letter = Map::parse("m", "type octile\nheight 1\nwidth 1\nmap\nx\n").unwrap_err();
        assert!(letter.starts_with("m:5:1: \"x\""), "{letter}");
        let wall = agents("a", "# said\n2\n0\n1\n", &map(), 2).unwrap_err();
        assert!(wall.starts_with("a:4: \"1\""), "{wall}");
        assert!(agents("a", "2\n0\n0\n", &map(), 2).unwrap_err().starts_with("a:3: 0 is the start"));
        assert!(agents("a", "2\n0\n", &map(), 2).unwrap_err().starts_with("a:1: 1 lines follow"));
        assert!(tasks("t", "1\n0,-1\n", &map()).unwrap_err().starts_with("t:2: \"-1\""));
        assert!(tasks("t", "", &map()).unwrap_err().contains("no count"));
    }
}
