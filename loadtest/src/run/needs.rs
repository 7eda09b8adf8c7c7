//! How many processes a run needs: each may hold only so many descriptors, and every fan on a WebSocket takes one at a proxy
//! and one in the crowd.

use anyhow::{Context as _, Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::scenario::arrivals::Arrival;
use super::scenario::{Kind, Scenario, Waits};
use crate::stack::Store;

/// How many fans with a story one process takes at most, whatever it may hold: one core is enough for them.
const FANS_PER_PROCESS_MAX: u64 = 12_500;
/// Most processes of fans, and most proxies.
const PROCESSES_MAX: u64 = 32;
const PROXIES_MAX: u64 = 8;
/// Descriptors that a process needs for other things: listeners, stores, files; at a proxy also fans who are inside.
const OTHERWISE: u64 = 500;

/// How many processes there have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Proxies.
    pub proxies: usize,
    /// Processes of fans.
    pub crowds: usize,
}

impl Needs {
    /// What `scenario` needs, where a process may have `limit` descriptors.
    ///
    /// # Errors
    /// When it asks for fewer than are needed, or more would be needed than there may be; with what would be right.
    pub fn of(scenario: &Scenario, arrivals: &[Arrival], limit: u64) -> Result<Self> {
        let proxies = proxies(scenario, arrivals, limit)?;
        let crowds = crowds(scenario, arrivals, limit)?;
        Ok(Self { proxies: usize::try_from(proxies)?, crowds: usize::try_from(crowds)? })
    }
}

/// Allows this process, and all that it starts, as many descriptors as the machine does; tells how many.
///
/// # Errors
/// When that is refused.
pub fn descriptors() -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("descriptors are refused")?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// Of so many descriptors, how many fans may take: a fifth is spare, for the line is seldom as long as reckoned.
const fn usable(limit: u64) -> u64 {
    (limit / 5 * 4).saturating_sub(OTHERWISE)
}

fn crowds(scenario: &Scenario, arrivals: &[Arrival], limit: u64) -> Result<u64> {
    let fans =
        arrivals.iter().filter(|arrival| kind(scenario, arrival).is_some_and(Kind::has_a_story)).count();
    let (fans, each) = (fans as u64, usable(limit).min(FANS_PER_PROCESS_MAX));
    let needed = if each > 0 { fans.div_ceil(each).max(1) } else { u64::MAX };
    let given = scenario.processes.map(|given| given as u64);
    match given {
        // Who says how many may say more fans each than are handy, but not more than there are descriptors for.
        Some(given) if fans.div_ceil(given.max(1)) <= usable(limit) => Ok(given),
        Some(given) => bail!(
            "{fans} fans do not fit into {given} processes, of which each may have {limit} descriptors (`ulimit -Hn`): leave \
             `processes` in [crowd] out, and there are as many as it takes, here {needed}"
        ),
        None if needed <= PROCESSES_MAX => Ok(needed),
        None => bail!(
            "{fans} fans would take more than {PROCESSES_MAX} processes, for each may have {limit} descriptors \
             (`ulimit -Hn`): at least {} are needed, or fewer fans",
            limit_for(fans.div_ceil(PROCESSES_MAX))
        ),
    }
}

fn proxies(scenario: &Scenario, arrivals: &[Arrival], limit: u64) -> Result<u64> {
    let (sockets, each) = (sockets(scenario, arrivals), usable(limit));
    let needed = if each > 0 { sockets.div_ceil(each).max(1) } else { u64::MAX };
    let given = scenario.blueprint.proxies as u64;
    let is_alone = scenario.blueprint.store == Store::Memory;
    let (is_chosen, most) = (scenario.proxies_follow, if is_alone { 1 } else { PROXIES_MAX });
    if needed <= given {
        return Ok(given);
    }
    if is_chosen && needed <= most {
        return Ok(needed);
    }
    let wait = format!(
        "some {sockets} fans wait on WebSockets at a time, each of which takes a descriptor at a proxy, and a process may have \
         {limit} (`ulimit -Hn`)"
    );
    if needed > most {
        bail!(
            "{wait}: more proxies would be needed than the {most} there may be; a limit of at least {}, fewer fans at a time, \
             or a higher `drain_per_minute` would be right",
            limit_for(sockets.div_ceil(most))
        );
    }
    bail!(
        "{wait}: `proxies = {given}` in [system] is too few, {needed} are needed; leave it out, and there are as many as it \
         takes"
    )
}

/// The limit with which a process holds so many fans.
fn limit_for(fans: u64) -> u64 {
    ((fans + OTHERWISE).div_ceil(4) * 5).next_multiple_of(1000)
}

fn kind<'a>(scenario: &'a Scenario, arrival: &Arrival) -> Option<&'a Kind> {
    scenario.kinds.get(arrival.kind)
}

/// How many fans wait on WebSockets when the line is longest, if the drain is as set and nobody leaves.
fn sockets(scenario: &Scenario, arrivals: &[Arrival]) -> u64 {
    let rate = scenario.room().map_or(0.0, |room| room.drain_per_minute as f64 / 60.0);
    let opens_s = scenario.opens_after.map_or(0, |after| after.as_secs());
    let mut came = arrivals.iter().peekable();
    // All who wait, and those of them on WebSockets, who leave as all others do.
    let (mut waiting, mut live, mut most) = (0.0_f64, 0.0_f64, 0.0_f64);
    for second in 0.. {
        if came.peek().is_none() {
            break;
        }
        while let Some(arrival) = came.next_if(|arrival| arrival.at_us < (second + 1) * 1_000_000) {
            let Some(kind) = kind(scenario, arrival).filter(|kind| kind.has_a_story()) else { continue };
            waiting += 1.0;
            live += if kind.waits == Waits::Live { 1.0 } else { 0.0 };
        }
        most = most.max(live);
        if second >= opens_s && waiting > 0.0 {
            let stay = 1.0 - (rate / waiting).min(1.0);
            (waiting, live) = (waiting * stay, live * stay);
        }
    }
    most.ceil() as u64
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const LIMIT: u64 = 20_000;

    fn needs(system: &str, crowd: &str, fans: u64, limit: u64) -> Result<Needs, String> {
        let text = format!(
            "name = \"n\"\nabout = \"a\"\n[system]\ndrain_per_minute = 600\n{system}\n[crowd]\n{crowd}\n\
             [[fans]]\nname = \"live\"\nshare = 80\ndoes = \"look\"\n\
             [[fans]]\nname = \"page\"\nshare = 20\ndoes = \"look\"\nwaits = \"page\"\n\
             [[phase]]\nname = \"p\"\nlength = \"100s\"\narrivals = \"burst\"\nfans = {fans}\nwithin = \"10s\"\n"
        );
        let scenario = Scenario::parse(&text, Path::new(".")).unwrap();
        Needs::of(&scenario, &scenario.arrivals(1), limit).map_err(|error| error.to_string())
    }

    #[test]
    fn there_are_as_many_processes_as_the_descriptors_ask_for() {
        let needs = |system, crowd, fans, limit| needs(system, crowd, fans, limit).unwrap();
        let of = |proxies, crowds| Needs { proxies, crowds };
        assert_eq!(needs("", "", 1000, LIMIT), of(2, 1));
        assert_eq!(needs("", "", 50_000, LIMIT), of(3, 4));
        assert_eq!(needs("", "", 100_000, LIMIT), of(6, 8));
        assert_eq!(needs("", "", 100_000, 1 << 20), of(2, 8), "one core is enough for so many");
        assert_eq!(needs("proxies = 7", "processes = 12", 100_000, LIMIT), of(7, 12));
        assert_eq!(needs("line = \"memory\"", "", 1000, LIMIT), of(1, 1));
        assert_eq!(needs("opens_after = \"90s\"", "", 20_000, LIMIT), of(2, 2));
        assert_eq!(needs("opens_after = \"90s\"", "", 42_000, LIMIT), of(3, 4), "nobody is let in before");
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        for (system, crowd, fans, limit, told) in [
            (
                "proxies = 2",
                "",
                100_000,
                LIMIT,
                "`proxies = 2` in [system] is too few, 6 are needed; leave it out",
            ),
            ("", "processes = 2", 100_000, LIMIT, "100000 fans do not fit into 2 processes"),
            (
                "",
                "",
                400_000,
                LIMIT,
                "more proxies would be needed than the 8 there may be; a limit of at least 51000,",
            ),
            ("line = \"memory\"", "", 100_000, LIMIT, "than the 1 there may be"),
            ("proxies = 8", "", 8_000, 1024, "a limit of at least 2000,"),
            ("", "", 100, 600, "more proxies would be needed"),
        ] {
            let mistake = needs(system, crowd, fans, limit).unwrap_err();
            assert!(mistake.contains(told), "{told}: {mistake}");
        }
    }
}
