//! What the machine is, and what processes use of it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::record::{Machine, ProcessSample, ProcessSeries};
use crate::clock::monotonic;
use crate::stack::{children, tool};

/// Ticks of the kernel's counters a second, and bytes of a page: the same on every Linux that this runs on.
const TICKS: f64 = 100.0;
const PAGE: u64 = 4096;

/// What this machine is.
pub fn machine() -> Machine {
    let read = |file: &str| fs::read_to_string(file).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
    };
    let memory = value(&read("/proc/meminfo"), "MemTotal");
    let kib = memory.and_then(|kib| kib.strip_suffix(" kB")?.trim().parse::<u64>().ok());
    let load = read("/proc/loadavg").split(' ').next().and_then(|load| load.parse().ok());
    Machine {
        began_at: now(),
        processor: value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, Into::into),
        memory_bytes: kib.unwrap_or_default() * 1024,
        kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        release_build: !cfg!(debug_assertions),
        load_before: load.unwrap_or_default(),
    }
}

/// The version that `program` says it has, such as `7.0.15`.
pub fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(tool(program).ok()?).arg(argument).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split(|char: char| char.is_whitespace() || char == '=');
    let is_version =
        |word: &&str| word.contains('.') && word.starts_with(|first: char| first.is_ascii_digit());
    words.into_iter().find(is_version).map(ToOwned::to_owned)
}

#[expect(clippy::disallowed_methods, reason = "when a run began is told as it was")]
fn now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    rfc3339(seconds)
}

/// Seconds since 1970 as a date and a time (Hinnant's `civil_from_days`).
fn rfc3339(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let from_march_0000 = days + 719_468;
    let (era, of_era) = (from_march_0000 / 146_097, from_march_0000 % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// What processes use, sample by sample.
#[derive(Debug, Default)]
pub struct Sampler {
    series: Vec<ProcessSeries>,
    /// What each process had worked when it was last looked at.
    worked: BTreeMap<u32, f64>,
    last_us: Option<u64>,
}

impl Sampler {
    /// Looks at these processes, and at those that they started.
    pub fn sample(&mut self, processes: &[(String, u32)], at_s: f64) {
        let now = monotonic();
        let passed = self.last_us.replace(now).map(|before| (now.saturating_sub(before)) as f64 / 1e6);
        let mut worked = BTreeMap::new();
        for (name, id) in processes {
            let mut all = vec![*id];
            all.extend(children(*id));
            let (mut sample, mut cores) = (ProcessSample { at_s, ..ProcessSample::default() }, 0.0);
            for id in all {
                let Some(seen) = look(id) else { continue };
                let before =
                    self.worked.get(&id).copied().unwrap_or(if passed.is_some() { 0.0 } else { seen.0 });
                cores += (seen.0 - before).max(0.0);
                sample.memory_bytes += seen.1;
                sample.descriptors += seen.2;
                worked.insert(id, seen.0);
            }
            sample.cores = passed.filter(|passed| *passed > 0.0).map_or(0.0, |passed| cores / passed);
            match self.series.iter_mut().find(|series| series.name == *name) {
                Some(series) => series.samples.push(sample),
                None => self.series.push(ProcessSeries { name: name.clone(), samples: vec![sample] }),
            }
        }
        self.worked = worked;
    }

    /// The last sample of each.
    pub fn last(&self) -> Vec<(&str, ProcessSample)> {
        let last = |series: &ProcessSeries| series.samples.last().copied();
        self.series.iter().filter_map(|series| Some((series.name.as_str(), last(series)?))).collect()
    }

    /// All of them.
    pub fn into_series(self) -> Vec<ProcessSeries> {
        self.series
    }
}

/// Seconds worked, bytes of its own that are resident, and open descriptors of a process.
fn look(id: u32) -> Option<(f64, u64, u64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // After the name, which may have anything in it, comes field 3.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    let worked = (ticks(11)? + ticks(12)?) / TICKS;
    let memory = fs::read_to_string(format!("/proc/{id}/statm")).ok()?;
    let mut pages = memory.split_whitespace().skip(1).filter_map(|pages| pages.parse::<u64>().ok());
    let (resident, shared) = (pages.next()?, pages.next()?);
    let descriptors = fs::metadata(format!("/proc/{id}/fd")).map_or(0, |folder| folder.len());
    Some((worked, resident.saturating_sub(shared) * PAGE, descriptors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_people_read_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_795_343_445), "2026-11-22T10:30:45Z");
        assert!(now().starts_with("20"));
    }

    #[test]
    fn what_this_process_uses_is_seen() {
        let mut sampler = Sampler::default();
        let own = [("own".to_owned(), std::process::id()), ("gone".to_owned(), u32::MAX)];
        sampler.sample(&own, 0.0);
        let until = monotonic() + 20_000_000;
        loop {
            let moment = monotonic() + 50_000;
            while monotonic() < moment {}
            sampler.sample(&own, 0.1);
            let (name, sample) = sampler.last()[0];
            assert!(name == "own" && sample.memory_bytes > 100_000 && sample.descriptors > 0, "{sample:?}");
            if sample.cores > 0.0 {
                break;
            }
            assert!(monotonic() < until, "work is not seen");
        }
        assert!(sampler.into_series()[0].samples.len() >= 2);
        let machine = machine();
        assert!(machine.cores > 0 && machine.memory_bytes > 0 && !machine.kernel.is_empty());
    }
}
