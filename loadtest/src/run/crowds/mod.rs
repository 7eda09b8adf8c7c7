//! The fans, in processes of their own: one may not hold enough descriptors for all. What those processes are told, and what
//! they tell.
//!
//! - [`inside`] is such a process.
//! - [`outside`] is how the one that started them sees them.
//!
//! A process reads its [`Order`] as one line, says `ready`, reads when the run begins, and then writes a [`Beat`] for each
//! second. When its fans are gone, it ends; when there is nothing more to read, it sends them home first. What they saw is in
//! a file, a [`Told`] after another.

pub mod inside;
pub mod outside;
mod passing;

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read as _, Write as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::checks::entry::Attempt;
use crate::meter::Counted;
use crate::story::Story;

/// Longest entry of a file that is read, in bytes.
const TOLD_MAX: u32 = 64 * 1024 * 1024;

/// What a process of fans is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The scenario, as its file has it, and where that is.
    pub scenario: String,
    /// The folder of that file.
    pub folder: PathBuf,
    /// What the fans follow from.
    pub seed: u64,
    /// Which process it is, from 0, of how many.
    pub nth: usize,
    /// How many there are.
    pub of: usize,
    /// Where the fans go.
    pub edges: Vec<String>,
    /// Where what they saw goes.
    pub stories: PathBuf,
}

/// What happened in one second, in one process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Which second of the run.
    pub second: usize,
    /// Fans who came in it.
    pub arrived: u64,
    /// Fans who were told that their turn had come.
    pub admitted: u64,
    /// Fans who held seats.
    pub held: u64,
    /// Fans who bought.
    pub bought: u64,
    /// Fans who left the line, or were sent away.
    pub left: u64,
    /// Fans in line at its end.
    pub waiting: u64,
    /// Fans in the shop at its end.
    pub inside: u64,
    /// WebSockets at its end.
    pub sockets: u64,
    /// What was asked and answered.
    pub counted: Counted,
    /// How late this process was with anything so far.
    pub late_ms: u64,
}

/// What is kept of what fans saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Told {
    /// What one of them saw.
    Story(Box<Story>),
    /// What one of them tried.
    Attempt(Attempt),
    /// That is all, from so many fans.
    End(u64),
}

/// The address from which fan `number` comes, out of so many networks of 250.
pub fn address(number: u32, networks: u32) -> Ipv4Addr {
    let network = number % networks.max(1);
    let byte = |number: u32| u8::try_from(number % 250).unwrap_or_default();
    let second = 16_u8.saturating_add(u8::try_from(network / 250).unwrap_or(200));
    Ipv4Addr::new(127, second, byte(network), 1 + byte(number / networks.max(1)))
}

/// Writes entries to a file.
struct Writer(std::io::BufWriter<File>);

impl Writer {
    fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self(std::io::BufWriter::new(file)))
    }

    fn write(&mut self, told: &Told) -> Result<()> {
        let bytes = postcard::to_stdvec(told).context("a story cannot be written down")?;
        let length = u32::try_from(bytes.len()).context("a story is too long")?;
        self.0.write_all(&length.to_le_bytes())?;
        self.0.write_all(&bytes)?;
        Ok(())
    }

    fn finish(&mut self, fans: u64) -> Result<()> {
        self.write(&Told::End(fans))?;
        self.0.flush().context("the stories cannot be written")
    }
}

/// All that a file has. One that breaks off is an error.
pub fn read(path: &Path) -> Result<(Vec<Story>, Vec<Attempt>)> {
    let name = path.display();
    let file = File::open(path).with_context(|| format!("{name} cannot be read"))?;
    let mut file = BufReader::new(file);
    let (mut stories, mut attempts, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let mut length = [0; 4];
        match file.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            other => other.with_context(|| format!("{name} cannot be read"))?,
        }
        let length = u32::from_le_bytes(length);
        ensure!(length <= TOLD_MAX, "{name} is damaged");
        bytes.resize(length as usize, 0);
        file.read_exact(&mut bytes).with_context(|| format!("{name} breaks off"))?;
        match postcard::from_bytes(&bytes).with_context(|| format!("{name} is damaged"))? {
            Told::Story(story) => stories.push(*story),
            Told::Attempt(attempt) => attempts.push(attempt),
            Told::End(fans) => {
                ensure!(stories.len() as u64 == fans, "{name} has {} stories of {fans}", stories.len());
                return Ok((stories, attempts));
            }
        }
    }
    anyhow::bail!("{name} breaks off")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn fans_come_from_as_many_networks_as_are_asked_for() {
        let all: BTreeSet<Ipv4Addr> = (0..100_000).map(|number| address(number, 400)).collect();
        assert_eq!(all.len(), 100_000);
        let networks: BTreeSet<[u8; 3]> = all
            .iter()
            .map(|address| [address.octets()[0], address.octets()[1], address.octets()[2]])
            .collect();
        assert_eq!(networks.len(), 400);
        assert!(all.iter().all(|address| address.is_loopback() && address.octets()[3] > 0));
        assert!(address(u32::MAX, 4000).is_loopback());
    }

    #[test]
    fn what_was_written_is_read_and_what_breaks_off_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stories");
        let mut writer = Writer::create(&path).unwrap();
        let story = Story { fan: 7, asked_ms: Some(5), ..Story::default() };
        writer.write(&Told::Story(Box::new(story.clone()))).unwrap();
        writer.finish(1).unwrap();
        assert_eq!(read(&path).unwrap().0, [story]);
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 3, 9, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(read(&path).is_err(), "{length}");
        }
    }
}
