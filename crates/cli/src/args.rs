//! The command line.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use sheepdog_map::{import::Raster, svg::Layer};

/// Coordinate fleets of service robots and the people beside them.
#[derive(Debug, Parser)]
#[command(
    name = "sheepdog",
    version,
    after_help = "Exit codes: 0 all is well; 1 the answer is no (tasks left, ledger damaged, replay differs);\n\
                  2 wrong arguments; 3 an input file is bad; 4 a file cannot be read or written;\n\
                  5 there is no answer (another version wrote the ledger)."
)]
pub(crate) struct Sheepdog {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a simulated fleet with random deliveries on a map.
    #[command(after_help = "Examples:\n  \
        sheepdog simulate --map sites/hospital.toml --robots 6 --tasks 20 --seed 1\n  \
        sheepdog simulate --map office.building.yaml --robots 4 --tasks 40 --seed 1 --json --ledger run.ledger\n\n\
        Maps: our own TOML and JSON, Open-RMF buildings and navigation graphs, ROS raster maps, Nav2 route\n        graphs, VDMA LIF, openTCS plant models, IMDF, MovingAI grids.")]
    Simulate(Simulate),
    /// Look at a map.
    #[command(subcommand)]
    Map(MapCommand),
    /// Read a ledger.
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Try the safety interlock.
    #[command(subcommand)]
    Interlock(InterlockCommand),
    /// Look at a recorded run.
    #[command(subcommand)]
    Recording(RecordingCommand),
}

/// A recording is what `simulate --record` writes.
#[derive(Debug, Subcommand)]
pub(crate) enum RecordingCommand {
    /// Play the run again, and compare every tick to the last bit.
    #[command(after_help = "Example:\n  sheepdog recording replay run.sheeprun")]
    Replay {
        /// The recording.
        path: PathBuf,
    },
    /// Say where everybody was at an instant.
    #[command(after_help = "Example:\n  sheepdog recording at run.sheeprun 61.5")]
    At {
        /// The recording.
        path: PathBuf,
        /// Seconds from the start.
        seconds: f64,
    },
    /// Tell what happened: what was asked for, what broke, who stopped and why.
    #[command(after_help = "Example:\n  sheepdog recording timeline run.sheeprun")]
    Timeline {
        /// The recording.
        path: PathBuf,
    },
    /// Find the shortest run that goes wrong the same way.
    #[command(
        after_help = "Example:\n  sheepdog recording shrink run.sheeprun --hope no-overlap --out least.sheeprun \\\n    --test least.rs"
    )]
    Shrink {
        /// The recording.
        path: PathBuf,
        /// What did not come true.
        #[arg(long, value_enum)]
        hope: Outcome,
        /// Where to write the shorter recording.
        #[arg(long, value_name = "OUT")]
        out: PathBuf,
        /// Write a Rust test here that fails as long as the run goes wrong; it reads the shorter recording beside it.
        #[arg(long, value_name = "OUT.rs")]
        test: Option<PathBuf>,
    },
}

/// What should come true of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outcome {
    /// No two footprints overlap.
    NoOverlap,
    /// Every task is done.
    EveryTaskDone,
    /// Every stop, award and wait is explained by its rule.
    EveryStopExplained,
    /// The ledger verifies and replays.
    LedgerHolds,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InterlockCommand {
    /// Say what the interlock would have done to a recorded run: stops per hour by rule, how many of them without need,
    /// and what higher confidence thresholds would cost.
    #[command(after_help = "Examples:\n  \
        sheepdog interlock shadow run.csv\n  \
        sheepdog interlock shadow run.csv --settings robot.toml --radius 300 --svg sweep.svg\n\n\
        The recording is CSV; its first line names the columns: time_s, linear_mps, angular_rps, speed_mps,\n\
        yaw_rate_rps, confidence or confidence@DEGREES, and range@DEGREES for each beam. A stop was needless when the\n\
        robot went on for its whole stopping distance and nothing came within the stop margin of its path.")]
    Shadow(Shadow),
    /// Write the failsafe page: push inputs in a browser and watch state, rule and permitted speed of the real kernel.
    #[command(after_help = "Example:\n  sheepdog interlock page --out failsafe.html")]
    Page {
        /// Where to write it.
        #[arg(long, value_name = "OUT")]
        out: PathBuf,
    },
}

/// A shadow run.
#[derive(Debug, Args)]
pub(crate) struct Shadow {
    /// The recording.
    pub(crate) file: PathBuf,
    /// Settings of the interlock: `name = integer` in TOML, in the units of docs/rules.md. What is not given is as in
    /// the simulator.
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,
    /// Radius of the footprint, millimetres.
    #[arg(long, default_value_t = 300, value_name = "MM", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) radius: u32,
    /// A range from which on a beam has met nothing, millimetres.
    #[arg(long, default_value_t = 10_000, value_name = "MM", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub(crate) sight: u32,
    /// The widest angle between neighbouring beams that is no gap, degrees. Where beams are missing the scan is blind.
    #[arg(long, default_value_t = 10, value_name = "DEGREES", value_parser = clap::value_parser!(u16).range(1..=180))]
    pub(crate) gap: u16,
    /// Print the figures as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a plot of the threshold sweep.
    #[arg(long, value_name = "OUT.svg", value_parser = svg)]
    pub(crate) svg: Option<PathBuf>,
}

/// Random deliveries on a map.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    pub(crate) map: MapFile,
    /// How many robots.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) robots: u16,
    /// How many deliveries, all asked for at the start.
    #[arg(long, default_value_t = 20)]
    pub(crate) tasks: u32,
    /// Seed of everything random: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Threads that step the robots; the result does not depend on it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) workers: u16,
    /// Print the summary as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a picture whose robots move.
    #[arg(long, value_name = "OUT.svg", value_parser = svg)]
    pub(crate) svg: Option<PathBuf>,
    /// Write the ledger.
    #[arg(long, value_name = "OUT")]
    pub(crate) ledger: Option<PathBuf>,
    /// Keep every robot's own ledger in a folder `robot-N` of this folder. Robots have booted for the first time, so the
    /// folder must not hold such ledgers yet.
    #[arg(long, value_name = "DIR")]
    pub(crate) robot_ledgers: Option<PathBuf>,
    /// Record the run, to be played again elsewhere, looked at and shrunk with `sheepdog recording`.
    #[arg(long, value_name = "OUT")]
    pub(crate) record: Option<PathBuf>,
    /// Write where every robot truly was, every 50 ms, as CSV.
    #[arg(long, value_name = "OUT")]
    pub(crate) trace: Option<PathBuf>,
}

/// A map file and how to compile it.
#[derive(Debug, Args)]
pub(crate) struct MapFile {
    /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
    #[arg(long = "map", value_name = "FILE")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) options: MapOptions,
}

/// How to read and compile a map.
#[derive(Debug, Args)]
pub(crate) struct MapOptions {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The roadmap to use when the map has several; the one with most lanes if not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) roadmap: Option<String>,
    #[command(flatten)]
    pub(crate) robot: Robot,
}

/// How to read a map.
#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// What a raster of `map_server` is: `map`, `keepout`, or `speed`. A value v of a speed mask means
    /// BASE + MULTIPLIER * v metres per second; 1.0,-0.01 if not given. The name of the file tells it otherwise.
    #[arg(long = "as", value_name = "map|keepout|speed[:BASE,MULTIPLIER]", value_parser = raster, allow_hyphen_values = true)]
    pub(crate) raster: Option<Raster>,
}

/// Masks that are laid over a map of one level.
#[derive(Debug, Args)]
pub(crate) struct Masks {
    /// A keepout mask of `map_server` to lay over a map of one level: its occupied cells become blocked zones.
    #[arg(long, value_name = "FILE")]
    pub(crate) keepout: Option<PathBuf>,
    /// A speed mask of `map_server` to lay over a map of one level: its cells become speed limits, as with `--as speed`.
    #[arg(long, value_name = "FILE[:BASE,MULTIPLIER]", value_parser = speed_mask)]
    pub(crate) speed: Option<SpeedMask>,
}

/// A speed mask, and what its values mean.
#[derive(Clone, Debug)]
pub(crate) struct SpeedMask {
    pub(crate) path: PathBuf,
    pub(crate) raster: Raster,
}

/// Which robots are meant, and how large they are.
#[derive(Debug, Args)]
pub(crate) struct Robot {
    /// Radius of the robots, millimetres.
    #[arg(long, default_value_t = 250, value_name = "MM", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) radius: u32,
    /// Declared envelope around the robots (tracking, localisation), millimetres.
    #[arg(long, default_value_t = 150, value_name = "MM", value_parser = clap::value_parser!(u32).range(0..=5_000))]
    pub(crate) margin: u32,
    /// Footprint class of the robots: lanes and zones for others do not count for them. If absent it is "robot", or the
    /// first class by name on a map whose lanes are all for named ones.
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MapCommand {
    /// Show what a map contains and what its importer has to say.
    #[command(after_help = "Examples:\n  sheepdog map info sites/hospital.toml\n  \
        sheepdog map info airport_terminal.building.yaml --json")]
    Info {
        /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
        file: PathBuf,
        /// Print all of it as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        options: MapOptions,
    },
    /// Look for faults in a map: geometry, exits and other rules of the building, where robots fit, the roadmap, lifts,
    /// zones, sensors, and what an import got wrong. Every finding has an id of docs/lint.md.
    #[command(after_help = "Examples:\n  \
        sheepdog map check sites/hospital.toml\n  \
        sheepdog map check clinic.building.yaml --exits all --json\n  \
        sheepdog map check ward.toml --profile house-rules.toml --strict\n\n\
        Unlike other commands this one looks at all roadmaps unless one is chosen.\n\
        A map that does not compile is checked as far as possible.\n\n\
        Exit codes: 0 no errors; 1 there are errors, or with --strict any findings; 2 wrong arguments;\n\
        3 the map or the profile cannot be understood; 4 a file cannot be read.")]
    Check(Check),
    /// Write a map in another format, and say what of it that format cannot carry.
    #[command(after_help = "Examples:\n  \
        sheepdog map convert office.building.yaml office.toml\n  \
        sheepdog map convert office.building.yaml office.nav.yaml --roadmap 0\n  \
        sheepdog map convert sites/hospital.toml hospital.map.yaml --level ground --resolution 0.02\n\n\
        Formats, with the names that they go by: toml (.toml), json (.json), nav-graph (.nav.yaml), lif (.lif.json),\n\
        nav2 (.nav2.geojson), map-server (.map.yaml), geojson (.site.geojson), zone-set (.zones.json).\n\
        Pictures are drawn by `sheepdog map render`.\n\n\
        Where a format holds one roadmap or level, several files are written: the roadmap or level stands before the\n\
        ending, as in hospital.ground.map.yaml. Files that are there already are replaced, but for those that are read.\n\n\
        nav-graph, lif and nav2 hold lanes: for a map that has none they are drawn from its rooms, for the robots of\n\
        --radius and --margin.")]
    Convert(Convert),
    /// Draw a map: one picture for each level, and a sheet with all of them.
    #[command(after_help = "Examples:\n  \
        sheepdog map render sites/hospital.toml --out hospital.svg\n  \
        sheepdog map render sites/hospital.toml --out pictures/\n  \
        sheepdog map render sites/hospital.toml --level ground --hide lanes,waypoints --out ground.svg\n\n\
        Layers: rooms, zones, sensors, obstacles, connectors, lifts, lanes, walls, doors, waypoints, stations, labels,\n\
        legend.")]
    Render(Render),
    /// Find the way between two places: the shortest in any direction on one level, and the quickest over the roadmap.
    #[command(after_help = "Examples:\n  \
        sheepdog map path sites/hospital.toml --from pharmacy --to ward-a-1\n  \
        sheepdog map path sites/hospital.toml --from ground:2,8 --to reception --radius 300 --json\n\n\
        Exit code 1 when there is no way.")]
    Path(MapPath),
    /// Say what a roadmap can bear: how many robots it holds, what limits journeys, the busiest lanes, and lanes and waypoints
    /// that cut places off when they are closed. Journeys are those between every two stations.
    #[command(after_help = "Examples:\n  \
        sheepdog map analyse sites/hospital.toml\n  \
        sheepdog map analyse sites/hospital.toml --close g5e g6e\n\n\
        Exit code 1 when a closed lane leaves journeys without a way.")]
    Analyse(Analyse),
}

/// What a roadmap can bear.
#[derive(Debug, Args)]
pub(crate) struct Analyse {
    /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
    pub(crate) file: PathBuf,
    /// Close the lane between two waypoints or stations, both ways, and say what that does.
    #[arg(long, value_names = ["FROM", "TO"], num_args = 2)]
    pub(crate) close: Vec<String>,
    /// Speed on a free lane, millimetres per second.
    #[arg(long, default_value_t = 1_000, value_name = "MM_PER_S", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) speed: u32,
    #[command(flatten)]
    pub(crate) options: MapOptions,
}

/// Pictures of a map.
#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
    pub(crate) file: PathBuf,
    /// Where to write: a file whose name ends in `.svg` (or `.png`, in builds with it) for one picture, else a folder
    /// for all of them.
    #[arg(long, value_name = "OUT", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Draw this level alone.
    #[arg(long, value_name = "NAME", conflicts_with = "sheet")]
    pub(crate) level: Option<String>,
    /// Draw the sheet with all levels alone.
    #[arg(long)]
    pub(crate) sheet: bool,
    /// Draw these layers alone.
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    pub(crate) layers: Vec<Layer>,
    /// Leave these layers out.
    #[arg(long, value_name = "LAYERS", value_delimiter = ',')]
    pub(crate) hide: Vec<Layer>,
    /// Pin what `map check` finds, by the limits of docs/lint.md. As there, all roadmaps are looked at unless one is
    /// chosen, and none is drawn for a map without lanes. Of a map that does not compile the sound part is drawn.
    #[arg(long)]
    pub(crate) check: bool,
    /// Into a folder, write PNG pictures instead of SVG.
    #[cfg(feature = "png")]
    #[arg(long)]
    pub(crate) png: bool,
    /// Width of PNG pictures in pixels; twice that of the drawing if not given.
    #[cfg(feature = "png")]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(64..=20_000))]
    pub(crate) width: Option<u32>,
    #[command(flatten)]
    pub(crate) options: MapOptions,
}

/// A map in another format.
#[derive(Debug, Args)]
pub(crate) struct Convert {
    /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
    pub(crate) file: PathBuf,
    /// Where to write it. Its name tells the format.
    pub(crate) out: PathBuf,
    /// The format, when the name does not tell it.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<String>,
    /// Only this level.
    #[arg(long, value_name = "NAME")]
    pub(crate) level: Option<String>,
    /// Only the lanes of this roadmap, and lanes of none.
    #[arg(long, value_name = "NAME")]
    pub(crate) roadmap: Option<String>,
    #[command(flatten)]
    pub(crate) robot: Robot,
    /// Size of the cells of a raster, metres; 0.05 if not given.
    #[arg(long, value_name = "METRES")]
    pub(crate) resolution: Option<f64>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    #[command(flatten)]
    pub(crate) masks: Masks,
    /// Print what was written and what was not as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A check of a map.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) masks: Masks,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Which doors count as exits; as the profile says if not given.
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) exits: Option<Exits>,
    /// The limits to compare with, in TOML; those of docs/lint.md if not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) profile: Option<PathBuf>,
    /// Let warnings count as errors do.
    #[arg(long)]
    pub(crate) strict: bool,
    #[command(flatten)]
    pub(crate) options: MapOptions,
}

/// Which doors count as exits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Exits {
    /// Those that the map declares.
    Declared,
    /// Every door.
    All,
    /// Those that the map declares, and those with a room on one side only.
    Outside,
}

/// Where from and where to.
#[derive(Debug, Args)]
pub(crate) struct MapPath {
    /// The map: our TOML or JSON, or a format of others (see `simulate --help`).
    pub(crate) file: PathBuf,
    /// Where it starts: LEVEL:x,y in metres, or the name of a station, a waypoint or a room (looked for in that order).
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub(crate) from: String,
    /// Where it ends.
    #[arg(long, value_name = "PLACE", allow_hyphen_values = true)]
    pub(crate) to: String,
    /// Speed on a free lane, millimetres per second.
    #[arg(long, default_value_t = 1_000, value_name = "MM_PER_S", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) speed: u32,
    /// Print the path as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a picture of it.
    #[arg(long, value_name = "OUT.svg", value_parser = svg)]
    pub(crate) svg: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) options: MapOptions,
}

/// A ledger is a file, or the folder of a store with all its segments: a fleet's, or a robot's own.
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check the hash chain: any changed, missing or inserted record is found.
    #[command(after_help = "Examples:\n  sheepdog ledger verify run.ledger\n  \
        sheepdog ledger verify store/ --checkpoint kept-elsewhere.txt\n  \
        sheepdog ledger verify robots/robot-0 --anchors run.ledger\n\n\
        Records missing at the end, and a ledger that was written anew, show only against a checkpoint.\n\
        Signatures on a checkpoint are not checked here: check them with the tool that made them.")]
    Verify {
        /// The ledger.
        path: PathBuf,
        /// A checkpoint that was kept elsewhere, through which the ledger must pass.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// The fleet's ledger, through whose anchors a robot's ledger must pass.
        #[arg(long, value_name = "FLEET")]
        anchors: Option<PathBuf>,
    },
    /// Print what the ledger is now, to be kept where nobody who writes the ledger can change it.
    #[command(after_help = "Example:\n  sheepdog ledger checkpoint run.ledger > kept-elsewhere.txt")]
    Checkpoint {
        /// The ledger.
        path: PathBuf,
        /// What the ledger is called in the checkpoint.
        #[arg(long, value_name = "NAME", default_value = "sheepdog/ledger")]
        origin: String,
    },
    /// Print a proof for somebody who has checkpoints but not the ledger.
    #[command(
        group(ArgGroup::new("what").required(true).args(["record", "since"])),
        after_help = "Examples:\n  sheepdog ledger prove run.ledger --record 17\n  \
            sheepdog ledger prove run.ledger --since kept-elsewhere.txt\n\n\
            Proofs are those of RFC 9162, sections 2.1.3 and 2.1.4; a leaf's hash is the digest of the record."
    )]
    Prove {
        /// The ledger.
        path: PathBuf,
        /// Prove that this record is in the ledger.
        #[arg(long, value_name = "SEQ")]
        record: Option<u64>,
        /// Prove that the ledger only grew since this checkpoint.
        #[arg(long, value_name = "FILE")]
        since: Option<PathBuf>,
    },
    /// Copy a ledger for others.
    #[command(
        after_help = "Example:\n  sheepdog ledger export run.ledger --redact for-the-auditor.ledger\n\n\
        The copy has the same digests, so checkpoints and proofs hold for it too."
    )]
    Export {
        /// The ledger.
        path: PathBuf,
        /// Leave out what may name people, and write here: a file, or a folder for a folder.
        #[arg(long, value_name = "OUT")]
        redact: PathBuf,
    },
    /// Feed the recorded inputs to a new fleet and compare every decision; check every rule on its evidence. Of a robot's
    /// ledger, run every incident through the interlock again.
    #[command(after_help = "Example:\n  sheepdog ledger replay run.ledger\n\n\
        A ledger that another version wrote may come out differently; that is said and is no divergence (exit code 5).")]
    Replay {
        /// The ledger.
        path: PathBuf,
    },
    /// Print records, one a line, as the software sees them.
    #[command(after_help = "Example:\n  sheepdog ledger show run.ledger --from 8000 --count 50")]
    Show {
        /// The ledger.
        path: PathBuf,
        /// Sequence number of the first record.
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// How many.
        #[arg(long, default_value_t = 100)]
        count: usize,
    },
    /// Tell the story of a task: who did it, why they and not the others, what it waited for. Of a robot's ledger: what
    /// stopped it, on what values, and who let it go on.
    #[command(after_help = "Examples:\n  sheepdog ledger explain run.ledger\n  \
        sheepdog ledger explain run.ledger --task delivery-3\n  \
        sheepdog ledger explain robots/robot-0")]
    Explain {
        /// The ledger.
        path: PathBuf,
        /// Name of the task; lists the tasks if not given.
        #[arg(long)]
        task: Option<String>,
    },
}

/// The name of a picture to write.
fn svg(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    let is_svg = path.extension().is_some_and(|is| is.eq_ignore_ascii_case("svg"));
    is_svg.then_some(path).ok_or_else(|| "a picture is written to a file whose name ends in .svg".to_owned())
}

/// A speed of 1 m/s, less one hundredth of it for each unit, as in the example of Nav2.
const SPEED_SCALE: (f64, f64) = (1.0, -0.01);

/// What a raster is.
fn raster(text: &str) -> Result<Raster, String> {
    match text.split_once(':') {
        None if text == "map" => Ok(Raster::Map),
        None if text == "keepout" => Ok(Raster::Keepout),
        None if text == "speed" => Ok(speed(SPEED_SCALE)),
        Some(("speed", scale)) => speed_scale(scale).map(speed),
        _ => Err("it is map, keepout, speed or speed:BASE,MULTIPLIER".to_owned()),
    }
}

fn speed_mask(text: &str) -> Result<SpeedMask, String> {
    let whole = || SpeedMask { path: PathBuf::from(text), raster: speed(SPEED_SCALE) };
    match text.rsplit_once(':') {
        Some((path, scale)) if scale.contains(',') => {
            Ok(SpeedMask { path: PathBuf::from(path), raster: speed(speed_scale(scale)?) })
        }
        _ => Ok(whole()),
    }
}

const fn speed((base_mps, multiplier_mps): (f64, f64)) -> Raster {
    Raster::Speed { base_mps, multiplier_mps }
}

fn speed_scale(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.is_finite());
    let numbers = text.split_once(',').and_then(|(base, multiplier)| number(base).zip(number(multiplier)));
    numbers.ok_or_else(|| format!("{text:?} is not BASE,MULTIPLIER in metres per second"))
}
