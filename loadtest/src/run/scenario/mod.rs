//! What is played: a file that says which system, which fans come when, and what fails meanwhile.
//!
//! - `values` are the values that such a file has, with their bounds.
//! - [`Scenario`] is what the file says, with everything that it leaves out filled in.
//! - [`arrivals`] says when which fan comes.

pub mod arrivals;
mod file;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::fault::Fault;
use crate::rehearse::arrivals::Counts;
use crate::stack::{Blueprint, Room, Sale};

/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 256 * 1024;

/// What is played.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it is about.
    pub about: String,
    /// What the fans follow from, where the file says so.
    pub seed: Option<u64>,
    /// What is started.
    pub blueprint: Blueprint,
    /// How long after the run's beginning the room opens, where it does not from the beginning: who comes before gathers in
    /// the pre-queue, and is drawn.
    pub opens_after: Option<Duration>,
    /// Whether there are as many proxies as the fans need, where those of the blueprint are too few.
    pub proxies_follow: bool,
    /// The event that is on sale.
    pub sale: Sale,
    /// In how many processes the fans live, where the file says so.
    pub processes: Option<usize>,
    /// From how many networks they come.
    pub networks: u32,
    /// How long fans may stay after the last phase.
    pub patience: Duration,
    /// The kinds of fans.
    pub kinds: Vec<Kind>,
    /// The phases, one after another.
    pub phases: Vec<Phase>,
    /// What fails, and when, in the order of time.
    pub faults: Vec<Planned>,
}

/// A kind of fans.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// The share of all who come, of 1.
    pub share: f64,
    /// What they come for.
    pub errand: Errand,
    /// How they wait.
    pub waits: Waits,
    /// The share of them who go away while they wait, and come back.
    pub returns: f64,
    /// The share of them who lose patience.
    pub impatient: f64,
    /// The share of them whose first card is declined.
    pub declined: f64,
    /// The share of them who want one of the first seats.
    pub front_row: f64,
    /// Most seats that one of them wants.
    pub seats: usize,
    /// How long they think between two steps, on average.
    pub thinks: Duration,
}

/// What a fan comes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Errand {
    /// To buy seats.
    Buy,
    /// To see what there is, once it is their turn.
    Look,
    /// To hold seats, and give them back.
    Cancel,
    /// To get in without a turn.
    Cheat,
    /// To get a friend in on the same ticket.
    Share,
    /// A page that no room protects, and nothing else: one request.
    Browse,
    /// A place in the line, and nothing else: one request.
    Join,
    /// Seats, held or given back by one of a few who are inside all the time: one request.
    Reserve,
}

/// How a fan waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waits {
    /// On a WebSocket.
    #[default]
    Live,
    /// By asking now and then.
    Poll,
    /// By loading the page again, without script.
    Page,
}

/// A stretch of time in which fans come.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// How long it is.
    pub length: Duration,
    /// When fans come.
    pub arrivals: Arrivals,
    /// Which kinds come, as places in the list of all.
    pub kinds: Vec<usize>,
}

/// When fans come within a phase.
#[derive(Clone, Debug, PartialEq)]
pub enum Arrivals {
    /// Nobody.
    None,
    /// So many within so long.
    Burst(u64, Duration),
    /// So many a second, from the one to the other.
    Ramp(f64, f64),
    /// So many a second by chance.
    Poisson(f64),
    /// So many a second, evenly.
    Constant(f64),
    /// As they were counted once.
    Recorded(Counts),
}

/// Something that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When.
    pub at: Duration,
    /// What.
    pub fault: Fault,
    /// For how long, where it has a length.
    pub lasts: Duration,
}

impl Scenario {
    /// Reads a file, and tells its text too.
    ///
    /// # Errors
    /// When it cannot be read, or says something that cannot be: with line and field, and what would be right.
    pub fn read(path: &Path) -> Result<(Self, String)> {
        let name = path.display();
        let length = std::fs::metadata(path).with_context(|| format!("{name} cannot be read"))?.len();
        ensure!(length <= FILE_MAX, "{name} is longer than {FILE_MAX} bytes");
        let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        let scenario = Self::parse(&text, &folder).map_err(|mistake| anyhow!("{name}:{mistake}"))?;
        Ok((scenario, text))
    }

    /// Reads a text; files that it names are in `folder`.
    ///
    /// # Errors
    /// As `line: field: found …; … is needed`.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        file::parse(text, &PathBuf::from(folder))
    }

    /// How long its phases are together.
    pub fn length(&self) -> Duration {
        self.phases.iter().map(|phase| phase.length).sum()
    }

    /// The room before the event.
    pub fn room(&self) -> Option<&Room> {
        self.blueprint.rooms.first()
    }
}
