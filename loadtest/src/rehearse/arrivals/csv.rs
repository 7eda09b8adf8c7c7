//! Arrivals that were counted: a file of seconds,count, such as an earlier sale left behind.

use std::io::Read as _;
use std::path::Path;

use super::Moment;
use crate::random::Dice;
use crate::rehearse::FANS_MAX;

/// Largest file that is read, in bytes.
pub const ARRIVALS_FILE_MAX: u64 = 4 << 20;
/// Furthest from the opening, in seconds.
const SECONDS_MAX: i64 = 7 * 24 * 3600;

/// How many fans come in which stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// From when to when, and how many.
    stretches: Vec<(Moment, Moment, u64)>,
}

impl Counts {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// In words for people, with the line that is wrong.
    pub fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(ARRIVALS_FILE_MAX + 1).read_to_string(&mut text))
            .map_err(|error| format!("{name}: cannot be read: {error}"))?;
        if text.len() as u64 > ARRIVALS_FILE_MAX {
            return Err(format!("{name}: is longer than {ARRIVALS_FILE_MAX} bytes"));
        }
        Self::parse(&text).map_err(|(line, problem)| format!("{name}:{line}: {problem}"))
    }

    /// Reads lines of seconds,count; a first line of other words is a heading. Each count is of the time up to the next
    /// line's seconds; the last as long as the one before it.
    fn parse(text: &str) -> Result<Self, (usize, String)> {
        let mut rows: Vec<(i64, u64)> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let (number, line) = (number + 1, line.trim());
            let is_heading = number == 1 && line.starts_with(|first: char| first.is_ascii_alphabetic());
            if line.is_empty() || line.starts_with('#') || is_heading {
                continue;
            }
            let row = line.split_once(',').and_then(|(seconds, count)| {
                Some((seconds.trim().parse::<i64>().ok()?, count.trim().parse::<u64>().ok()?))
            });
            let Some((seconds, count)) = row.filter(|(seconds, _)| seconds.abs() <= SECONDS_MAX) else {
                let needed = "seconds after the opening (negative before it, at most 7 days) and how many fans come from \
                              then to the next line are needed, such as 60,1500";
                return Err((
                    number,
                    format!("found \"{}\"; {needed}", line.chars().take(60).collect::<String>()),
                ));
            };
            if rows.last().is_some_and(|(before, _)| *before >= seconds) {
                return Err((
                    number,
                    format!("found {seconds} s; a later time than on the line before is needed"),
                ));
            }
            rows.push((seconds, count));
            let total = rows.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
            if total > FANS_MAX as u64 {
                return Err((number, format!("{total} fans up to here; at most {FANS_MAX} fit")));
            }
        }
        let ends = rows.iter().skip(1).map(|(seconds, _)| *seconds);
        let last = match rows.as_slice() {
            [.., (before, _), (last, _)] => last + (last - before),
            [(only, _)] => only + 1,
            [] => 0,
        };
        let stretches: Vec<(Moment, Moment, u64)> = rows
            .iter()
            .zip(ends.chain([last]))
            .map(|((from, count), to)| (from * 1000, to * 1000, *count))
            .collect();
        let counts = Self { stretches };
        if counts.total() == 0 {
            return Err((1, "no fan comes; lines of seconds,count are needed, such as 60,1500".to_owned()));
        }
        Ok(counts)
    }

    /// How many fans these are.
    pub fn total(&self) -> u64 {
        self.stretches.iter().map(|(_, _, count)| count).sum()
    }

    /// Adds the moments at which `fans` fans come, so many of each stretch as its share of all is.
    pub fn moments(&self, fans: usize, dice: &mut Dice, to: &mut Vec<Moment>) {
        let total = self.total().max(1);
        let (mut counted, mut sent) = (0_u64, 0_u64);
        for (from, until, count) in &self.stretches {
            counted += count;
            let due = counted * fans as u64 / total;
            for _ in sent..due {
                to.push(from + (dice.unit() * (until - from) as f64) as Moment);
            }
            sent = due;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_spread_until_the_next_line() {
        let counts = Counts::parse("seconds,count\n-60,10\n\n# the opening\n0,80\n60, 10\n").unwrap();
        assert_eq!(counts.stretches, [(-60_000, 0, 10), (0, 60_000, 80), (60_000, 120_000, 10)]);
        let mut moments = Vec::new();
        counts.moments(1000, &mut Dice::new(1), &mut moments);
        let before = moments.iter().filter(|moment| **moment < 0).count();
        assert_eq!((moments.len(), before), (1000, 100));
        assert!(moments.iter().all(|moment| (-60_000..120_000).contains(moment)));
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, line, part) in [
            ("", 1, "no fan"),
            ("seconds,count\n5;7\n", 2, "found \"5;7\""),
            ("0,10\n0,10\n", 2, "later time"),
            ("0,-1\n", 1, "found \"0,-1\""),
            ("0,1\n99999999,1\n", 2, "7 days"),
            ("0,2000001\n", 1, "at most 2000000"),
            ("0,18446744073709551615\n1,18446744073709551615\n", 1, "at most"),
        ] {
            let (at, problem) = Counts::parse(text).unwrap_err();
            assert!(at == line && problem.contains(part), "{text}: {at}: {problem}");
        }
    }
}
