//! What the kernel alone takes for the messages of a row: processes that hold as many sockets as the edges, on the same core,
//! and send as many frames of the same length, without a line, an edge or a thought. Machines differ, and the same one from
//! hour to hour: by this peer of the same run they compare.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::super::cores::{Cores, worked};
use super::holder::Holder;
use super::{Row, SETTLE, here, messages_of, shares};
use crate::random::Dice;
use crate::stack::{Program, answers_tcp};

/// How often frames are sent, as an edge does by default.
const TICK: Duration = Duration::from_millis(250);
/// Bytes of what a frame says: about a status.
const SAID: u16 = 326;
/// How many of the messages are heartbeats, which anybody gets.
const BEATS: f64 = 0.25;
/// How many fans there are for each of the first ones, who are told at every tick: those to whom a tick at 50 turns a second
/// is 1.8 % of their place, of a hundred thousand.
const FANS_PER_FIRST: usize = 144;
/// The connections that come first: of whoever looks whether it listens.
const TRIALS: usize = 1;

/// What to send, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct BarePlan {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many connections to wait for.
    pub fans: usize,
    /// How many frames a second.
    pub messages: usize,
}

/// Sends until it is stopped.
///
/// # Errors
/// When it cannot listen.
pub async fn send(plan: BarePlan) -> Result<()> {
    let listener = TcpListener::bind(plan.listen).await.context("the bare sender cannot listen")?;
    let mut streams = Vec::with_capacity(plan.fans);
    while streams.len() < plan.fans + TRIALS {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    streams.drain(..TRIALS);
    tell(&streams, plan.messages).await
}

async fn tell(streams: &[TcpStream], messages: usize) -> Result<()> {
    let ticks_a_second = (Duration::from_secs(1).as_millis() / TICK.as_millis()) as usize;
    let mut frame = vec![0x81, 126];
    frame.extend(SAID.to_be_bytes());
    frame.resize(frame.len() + usize::from(SAID), b'x');
    let (mut dice, mut ticks) = (Dice::new(7), interval(TICK));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        for _ in 0..messages / ticks_a_second {
            let whom = whom(dice.unit(), dice.unit(), streams.len());
            // Whoever does not read is told less; it is counted at the other end.
            let _ = streams.get(whom).map(|stream| stream.try_write(&frame));
        }
    }
}

/// Who is told, of so many. Each percent that a place changes by is a message: as many go to places 100 to 200 as to 1,000
/// to 2,000, but for the first, who are told at every tick.
fn whom(is_beat: f64, dice: f64, fans: usize) -> usize {
    if is_beat < BEATS {
        return (dice * fans as f64) as usize;
    }
    let first = (fans / FANS_PER_FIRST).max(1) as f64;
    let nth = dice * (1.0 + (fans as f64 / first).ln());
    (if nth < 1.0 { nth * first } else { first * (nth - 1.0).exp() }) as usize
}

/// How long the kernel works for a message like those of `row`, with as many a second.
pub(super) async fn measure(cores: Cores, row: &Row, length: Duration) -> Result<Duration> {
    let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
    let (mut senders, mut holders) = (Vec::new(), Vec::new());
    for (nth, fans) in shares(row.fans, row.edges).enumerate() {
        let listen = here()?;
        let mut sender = cores.start(sender(listen, fans, row, folder.path(), nth)?)?;
        answers_tcp(&mut sender, listen).await?;
        senders.push(sender);
        holders.push(Holder::start(listen, None, fans, None)?);
    }
    for holder in &mut holders {
        holder.ready().await?;
    }
    sleep(SETTLE).await;
    let work = || senders.iter().map(|sender| worked(sender.id())).sum::<Result<Duration>>();
    let (before, worked_before) = (messages_of(&mut holders).await?, work()?);
    sleep(length).await;
    let worked = work()?.saturating_sub(worked_before);
    let sent = messages_of(&mut holders).await?.saturating_sub(before);
    Ok(worked.checked_div(u32::try_from(sent)?).unwrap_or_default())
}

fn sender(listen: SocketAddr, fans: usize, row: &Row, folder: &Path, nth: usize) -> Result<Program> {
    let messages = row.messages_a_second as usize / row.edges.max(1);
    let numbers = [("--fans", fans), ("--messages", messages)];
    let args = ["bench".to_owned(), "bare".to_owned(), format!("--listen={listen}")].into_iter();
    let args = args.chain(numbers.map(|(name, number)| format!("{name}={number}")));
    Ok(Program {
        name: format!("bare-{nth}"),
        executable: std::env::current_exe().context("the path of this executable is unknown")?,
        args: args.map(Into::into).collect(),
        env: Vec::new(),
        log: folder.join(format!("bare-{nth}.log")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_is_told_at_the_front_and_nobody_beyond_the_last() {
        let mut dice = Dice::new(1);
        let mut told = vec![0_u32; 14_400];
        for _ in 0..100_000 {
            told[whom(dice.unit(), dice.unit(), 14_400)] += 1;
        }
        let [first, middle, last] =
            [0..100, 1_000..1_100, 14_000..14_100].map(|places| told[places].iter().sum::<u32>());
        assert!(first > 5 * middle && middle > last && last > 100, "{first} {middle} {last}");
        for fans in [1, 2, 500] {
            assert!(whom(0.0, 0.999_999, fans) < fans && whom(1.0, 0.999_999, fans) < fans);
        }
    }
}
