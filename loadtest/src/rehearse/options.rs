//! What can be asked for on the command line, and its way to a plan.

use std::path::{Path, PathBuf};
use std::time::Duration;

use admission::name::LaneId;
use admission::rules::{LANES_MAX, Mode, Rules};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use proxy::config::{self, RoomConfig, duration};

use super::arrivals::Arrivals;
use super::crowd::Habits;
use super::page::page;
use super::shop::ShopModel;
use super::stay::Stay;
use super::table::Table;
use super::{AFTERWARDS_MAX, FANS_MAX, Plan};

/// How many fans come where nothing is said.
const FANS: usize = 100_000;
/// Longest time that an option may name.
const TIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// What is rehearsed, and where the figures go.
#[derive(Clone, Debug, Args)]
pub struct RehearseArgs {
    /// The file of the rooms, as the edge reads it.
    #[arg(default_value = "config/rooms.toml")]
    rooms: PathBuf,
    /// The room; needed where the file has several.
    #[arg(long)]
    room: Option<String>,
    /// How many fans come: 100,000 where nothing is said, or as many as a .csv file of arrivals has.
    #[arg(long, value_parser = fans)]
    fans: Option<usize>,
    /// When they come, from the opening on: burst:3m (most at once, three minutes after it on average), ramp:10m (more
    /// and more), constant:1h, prequeue (evenly before the opening), or a .csv file of seconds,count. Several are put
    /// together: prequeue=60%,burst:5m
    #[arg(long, default_value = "burst:3m", value_name = "ARRIVALS")]
    arrivals: String,
    /// The share of fans who close the page while they wait.
    #[arg(long, default_value = "5%", value_parser = share)]
    leavers: f64,
    /// After how long in line they do so, on average.
    #[arg(long, default_value = "20m", value_parser = time)]
    patience: Duration,
    /// The share of fans who do not take their turn when it comes.
    #[arg(long, default_value = "3%", value_parser = share)]
    no_shows: f64,
    /// The share of fans whose browser runs no script: their page asks again every twenty seconds.
    #[arg(long, default_value = "1%", value_parser = share)]
    without_script: f64,
    /// How long fans stay in the shop: 4m (half of them shorter, a few far longer), fixed:4m, or 1m-10m (evenly).
    #[arg(long, default_value = "4m")]
    stay: Stay,
    /// The share of fans whose place the shop frees when they finish. The others hold it until their session ends.
    #[arg(long, default_value = "70%", value_parser = share)]
    finish: f64,
    /// The share of all fans who are invited to a lane, such as member=20%. May be given several times.
    #[arg(long, value_name = "LANE=SHARE", value_parser = invited)]
    invited: Vec<(LaneId, f64)>,
    /// Requests a second that the shop can answer. As many as come where nothing is said.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    shop_capacity: Option<u32>,
    /// How long the shop takes to answer while it has little to do.
    #[arg(long, default_value = "60ms", value_parser = time)]
    shop_latency: Duration,
    /// Requests a minute of a fan who is in the shop.
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=6000))]
    fan_requests: u16,
    /// How long it goes on after the last fan came, at most.
    #[arg(long, default_value = "24h", value_parser = afterwards)]
    afterwards: Duration,
    /// Repeats the crowd of an earlier rehearsal.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Writes the figures as a page with plots, which loads nothing from elsewhere.
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Prints the figures as JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl RehearseArgs {
    /// Rehearses, and tells what came of it.
    ///
    /// # Errors
    /// When the file or what is asked for cannot be used, or the page cannot be written.
    pub async fn run(self) -> Result<String> {
        let plan = self.plan()?;
        let figures = super::run(&plan).await?;
        if let Some(report) = &self.report {
            std::fs::write(report, page(&figures, &self.arrivals))
                .with_context(|| format!("{} cannot be written", report.display()))?;
        }
        if self.json {
            return Ok(serde_json::to_string_pretty(&figures)?);
        }
        Ok(Table { figures: &figures, arrivals: &self.arrivals }.to_string())
    }

    /// What is to be rehearsed.
    ///
    /// # Errors
    /// When the file cannot be used, or the room is not in it.
    pub fn plan(&self) -> Result<Plan> {
        let RoomConfig { id, rules, .. } = room(&self.rooms, self.room.as_deref())?;
        let arrivals: Arrivals =
            self.arrivals.parse().map_err(|error: String| anyhow::anyhow!("--arrivals: {error}"))?;
        let invited: f64 = self.invited.iter().map(|(_, share)| share).sum();
        if self.invited.len() > LANES_MAX || invited > 1.0 + 1e-9 {
            bail!("--invited: the shares are {:.0} % together; at most 100 % is right", invited * 100.0);
        }
        let other_mode = (!rules.mode.admits()).then_some(rules.mode);
        let rules = if other_mode.is_some() { Rules { mode: Mode::Auto, ..rules } } else { rules };
        Ok(Plan {
            room: id,
            rules,
            other_mode,
            fans: self.fans.or_else(|| arrivals.count()).unwrap_or(FANS),
            arrivals,
            habits: Habits {
                leavers: self.leavers,
                patience: self.patience,
                no_shows: self.no_shows,
                without_script: self.without_script,
                stay: self.stay,
                finish: self.finish,
                invited: self.invited.clone(),
            },
            shop: ShopModel {
                requests_per_second: self.shop_capacity.map(f64::from),
                latency: self.shop_latency,
                fan_requests_per_minute: f64::from(self.fan_requests),
            },
            afterwards: self.afterwards,
            seed: self.seed,
        })
    }
}

/// The room of this id in the file; the only one where none is named.
fn room(file: &Path, id: Option<&str>) -> Result<RoomConfig> {
    let mut rooms = config::load_rooms(file)?;
    let names = rooms.iter().map(|room| room.id.to_string()).collect::<Vec<_>>().join(", ");
    let at = match id {
        Some(id) => rooms.iter().position(|room| room.id.as_str() == id),
        None if rooms.len() == 1 => Some(0),
        None => bail!("{} has several rooms; --room names one of: {names}", file.display()),
    };
    match at {
        Some(at) => Ok(rooms.swap_remove(at)),
        None => bail!("{} has no room `{}`; there are: {names}", file.display(), id.unwrap_or_default()),
    }
}

fn fans(text: &str) -> Result<usize, String> {
    let number = text.replace(['_', ','], "").parse::<usize>().ok();
    number
        .filter(|fans| (1..=FANS_MAX).contains(fans))
        .ok_or_else(|| format!("a whole number from 1 to {FANS_MAX} is needed"))
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "a percentage from 0% to 100% is needed".to_owned())
}

fn time(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|time| *time <= TIME_MAX)
        .ok_or_else(|| "a time such as 250ms, 30s, 10m or 2h is needed, at most 24h".to_owned())
}

fn afterwards(text: &str) -> Result<Duration, String> {
    duration::parse(text)
        .filter(|time| *time <= AFTERWARDS_MAX)
        .ok_or_else(|| "a time such as 10m or 2h is needed, at most 7d".to_owned())
}

fn invited(text: &str) -> Result<(LaneId, f64), String> {
    let (lane, percent) = text.split_once('=').ok_or("a lane and a share are needed, such as member=20%")?;
    let lane = LaneId::parse(lane).map_err(|error| error.to_string())?;
    Ok((lane, share(percent)?))
}
