//! The summary: one panel that changes in place on a terminal, plain lines elsewhere.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::{Context as _, Result};

/// The figures of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct View {
    pub(super) seconds: u64,
    pub(super) waiting: u64,
    pub(super) active: u64,
    pub(super) drain_per_minute: u64,
    pub(super) measured_per_minute: Option<f64>,
    pub(super) admitted: u64,
    pub(super) sold: u64,
    pub(super) seats: u64,
    pub(super) rises: u64,
    pub(super) places_lost: u64,
    pub(super) shut_out: u64,
}

/// Where the summary goes.
#[derive(Debug)]
pub(super) struct Panel {
    live: bool,
    lines_shown: usize,
}

impl Panel {
    pub(super) const fn new(live: bool) -> Self {
        Self { live, lines_shown: 0 }
    }

    /// Whether the panel changes in place.
    pub(super) const fn is_live(&self) -> bool {
        self.live
    }

    /// Prints a message that stays, above the panel.
    pub(super) fn say(&mut self, message: &str) -> Result<()> {
        let up = self.rewind();
        print(&format!("{up}{message}\n"))
    }

    /// Shows the figures.
    pub(super) fn show(&mut self, view: &View) -> Result<()> {
        if !self.live {
            return print(&format!("{}\n", line(view)));
        }
        let up = self.rewind();
        let text = block(view);
        self.lines_shown = text.lines().count();
        print(&format!("{up}{text}"))
    }

    /// Back to the panel's first line, with everything below it cleared.
    fn rewind(&mut self) -> String {
        match std::mem::take(&mut self.lines_shown) {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        }
    }
}

fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("the terminal is gone")
}

fn measured(view: &View) -> String {
    view.measured_per_minute.map_or("…".to_owned(), |rate| format!("{rate:.0}"))
}

fn line(view: &View) -> String {
    let View {
        seconds,
        waiting,
        active,
        drain_per_minute,
        admitted,
        sold,
        seats,
        rises,
        places_lost,
        shut_out,
        ..
    } = view;
    let measured = measured(view);
    let mut text = format!(
        "{seconds} s: {waiting} waiting, {active} inside, drain {measured} a minute (set {drain_per_minute}), \
         {admitted} admitted, {sold} of {seats} seats sold, positions that went up: {rises}"
    );
    for (count, what) in [(places_lost, "places lost"), (shut_out, "fans shut out")] {
        if *count > 0 {
            let _infallible = write!(text, ", {what}: {count}");
        }
    }
    text
}

/// Lines shorter than any terminal: one that wraps could not be replaced.
fn block(view: &View) -> String {
    let View {
        seconds,
        waiting,
        active,
        drain_per_minute,
        admitted,
        sold,
        seats,
        rises,
        places_lost,
        shut_out,
        ..
    } = view;
    let measured = measured(view);
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!(
        "  waiting   {waiting:>6}   fans in line, you among them\n\
         \x20 inside    {active:>6}   fans in the shop\n\
         \x20 drain     {measured:>6}   a minute measured, {drain_per_minute} configured\n\
         \x20 admitted  {admitted:>6}   simulated fans since the start, {clock} ago\n\
         \x20 sold      {sold:>6}   of {seats} seats\n\
         \x20 broken    {:>6}   (positions up {rises}, places lost {places_lost}, shut out {shut_out})\n",
        rises + places_lost + shut_out
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_told() {
        let view =
            View { waiting: 101, active: 23, measured_per_minute: Some(119.7), sold: 7, ..View::default() };
        let text = line(&view);
        assert!(text.contains("101 waiting, 23 inside, drain 120 a minute"), "{text}");
        assert!(text.contains("positions that went up: 0") && !text.contains("lost"), "{text}");
        assert!(line(&View { places_lost: 2, ..view.clone() }).ends_with("places lost: 2"));
        assert!(block(&view).contains("waiting      101"));
        assert!(block(&view).lines().all(|line| line.chars().count() < 78), "{}", block(&view));
    }

    #[test]
    fn a_live_panel_replaces_itself() {
        let mut panel = Panel { live: true, lines_shown: 6 };
        assert_eq!(panel.rewind(), "\x1b[6A\r\x1b[J");
        assert_eq!(panel.rewind(), "");
    }
}
