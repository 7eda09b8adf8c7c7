//! What goes on, in the terminal: redrawn in place where there is one, a line every few seconds otherwise.

use std::collections::VecDeque;
use std::io::{IsTerminal as _, Write};

use rustix::termios::tcgetwinsize;

use super::figures::is_crowd;
use super::words::{bytes, figure, number, time};
use crate::run::record::{ProcessSample, Second};

/// How often a line is written where nothing can be redrawn.
const LINE_EVERY: u64 = 5;
/// Over how many seconds turns are counted to tell a rate.
const RATE_SECONDS: usize = 10;
/// How wide the bar is.
const BAR: usize = 30;
/// How wide a terminal is that does not say so.
const COLUMNS: usize = 100;

/// The view of a run that goes on. What cannot be written is not: a terminal that went away ends no run.
pub struct Live {
    out: Box<dyn Write + Send>,
    /// Lines that are on the terminal and are drawn anew; none where nothing can be redrawn.
    drawn: Option<usize>,
    columns: fn() -> usize,
    total_seconds: u64,
    seconds: u64,
    sums: Second,
    turns: VecDeque<u64>,
}

impl Live {
    /// On standard error, for a run that is to take so long.
    pub fn new(total_seconds: u64) -> Self {
        let terminal =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self::on(Box::new(std::io::stderr()), terminal, columns, total_seconds)
    }

    fn on(out: Box<dyn Write + Send>, is_terminal: bool, columns: fn() -> usize, total_seconds: u64) -> Self {
        let (sums, turns) = (Second::default(), VecDeque::with_capacity(RATE_SECONDS));
        Self { out, drawn: is_terminal.then_some(0), columns, total_seconds, seconds: 0, sums, turns }
    }

    /// One second is over; `processes` are the last samples of each.
    pub fn second(&mut self, second: &Second, processes: &[(&str, ProcessSample)]) {
        self.seconds += 1;
        for (sum, part) in [
            (&mut self.sums.arrived, second.arrived),
            (&mut self.sums.admitted, second.admitted),
            (&mut self.sums.held, second.held),
            (&mut self.sums.bought, second.bought),
            (&mut self.sums.left, second.left),
            (&mut self.sums.answers, second.answers),
            (&mut self.sums.errors, second.errors),
        ] {
            *sum += part;
        }
        if self.turns.len() >= RATE_SECONDS {
            self.turns.pop_front();
        }
        self.turns.push_back(second.admitted);
        if self.drawn.is_some() {
            let view = self.view(second, processes);
            self.draw(&view);
        } else if self.seconds.is_multiple_of(LINE_EVERY) {
            let line = self.line(second, processes);
            let _ = writeln!(self.out, "{line}");
        }
    }

    /// Tells of something that happened, such as a phase that begins or a fault; it stays where it is written.
    pub fn note(&mut self, text: &str) {
        self.erase();
        let _ = writeln!(self.out, "{:>11}  {text}", time(self.seconds as f64));
    }

    /// The run is over: what is on the terminal stays.
    pub fn finish(&mut self) {
        if let Some(drawn) = &mut self.drawn {
            *drawn = 0;
        }
        let _ = self.out.flush();
    }

    fn a_minute(&self) -> u64 {
        let turns: u64 = self.turns.iter().sum();
        turns * 60 / self.turns.len().max(1) as u64
    }

    fn line(&self, second: &Second, processes: &[(&str, ProcessSample)]) -> String {
        let cores = processes.iter().map(|(name, sample)| format!("{name} {:.2}", sample.cores));
        format!(
            "{:>11}  {} came, {} in line, {} inside, {} let in a minute, {} bought, {} answers a second, {} errors; cores: {}",
            time(self.seconds as f64),
            number(self.sums.arrived),
            number(second.waiting),
            number(second.inside),
            number(self.a_minute()),
            number(self.sums.bought),
            number(second.answers),
            number(self.sums.errors),
            cores.collect::<Vec<_>>().join(", ")
        )
    }

    fn view(&self, second: &Second, processes: &[(&str, ProcessSample)]) -> Vec<String> {
        let share = (self.seconds as f64 / self.total_seconds.max(1) as f64).min(1.0);
        let done = (share * BAR as f64).round() as usize;
        let bar = format!("{}{}", "█".repeat(done), "░".repeat(BAR - done));
        let over = self.seconds.saturating_sub(self.total_seconds);
        let over = if over > 0 { format!(", {} longer", time(over as f64)) } else { String::new() };
        let (sums, now) = (&self.sums, second);
        let mut view = vec![
            format!(
                "{bar} {:>3.0} %  {} of {}{over}",
                share * 100.0,
                time(self.seconds as f64),
                time(self.total_seconds as f64)
            ),
            format!(
                "fans      {} came ({} a second), {} in line, {} inside, {} live connections",
                number(sums.arrived),
                number(now.arrived),
                number(now.waiting),
                number(now.inside),
                number(now.sockets)
            ),
            format!(
                "turns     {} ({} a minute); {} held seats, {} bought, {} left",
                number(sums.admitted),
                number(self.a_minute()),
                number(sums.held),
                number(sums.bought),
                number(sums.left)
            ),
            format!(
                "requests  {} answered a second; {} errors, {} of them now",
                number(now.answers),
                number(sums.errors),
                number(now.errors)
            ),
        ];
        let (crowd, system): (Vec<_>, Vec<_>) = processes.iter().partition(|(name, _)| is_crowd(name));
        let used = |(name, sample): &(&str, ProcessSample)| {
            format!("{name} {:.2} {}", sample.cores, bytes(sample.memory_bytes))
        };
        if !system.is_empty() {
            view.push(format!("cores     {}", system.into_iter().map(used).collect::<Vec<_>>().join(", ")));
        }
        if !crowd.is_empty() {
            let cores = crowd.iter().map(|(_, sample)| sample.cores).sum();
            let memory = crowd.iter().map(|(_, sample)| sample.memory_bytes).sum();
            let many = crowd.len();
            let processes = if many == 1 { "1 process".to_owned() } else { format!("{many} processes") };
            view.push(format!("crowd     {} {} in {processes}", figure(cores), bytes(memory)));
        }
        view
    }

    fn draw(&mut self, view: &[String]) {
        self.erase();
        let columns = (self.columns)().max(2) - 1;
        let mut text = String::new();
        for line in view {
            text.extend(line.chars().take(columns));
            text.push('\n');
        }
        let _ = self.out.write_all(text.as_bytes());
        let _ = self.out.flush();
        if let Some(drawn) = &mut self.drawn {
            *drawn = view.len();
        }
    }

    /// Takes what is drawn from the terminal.
    fn erase(&mut self) {
        if let Some(drawn) = self.drawn.as_mut().filter(|drawn| **drawn > 0) {
            let up = std::mem::take(drawn);
            let _ = write!(self.out, "\x1b[{up}A\x1b[J");
        }
    }
}

fn columns() -> usize {
    tcgetwinsize(std::io::stderr())
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|wide| *wide > 0)
        .unwrap_or(COLUMNS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Screen {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().clone()).unwrap()
        }
    }

    const SAMPLE: ProcessSample =
        ProcessSample { at_s: 1.0, cores: 0.42, memory_bytes: 3 << 20, descriptors: 9 };

    #[test]
    fn without_a_terminal_there_is_a_line_now_and_then() {
        let screen = Screen::default();
        let mut live = Live::on(Box::new(screen.clone()), false, || 80, 60);
        let second = Second { arrived: 100, admitted: 2, waiting: 900, ..Second::default() };
        for _ in 0..12 {
            live.second(&second, &[("proxy-1", SAMPLE), ("crowd-1", SAMPLE)]);
        }
        live.finish();
        let text = screen.text();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.contains("10 s  1,000 came, 900 in line") && text.contains("120 let in a minute"),
            "{text}"
        );
        assert!(!text.contains('\x1b') && text.contains("proxy-1 0.42"), "{text}");
    }

    #[test]
    fn a_terminal_is_redrawn_in_place_and_never_wraps() {
        let screen = Screen::default();
        let mut live = Live::on(Box::new(screen.clone()), true, || 40, 4);
        let processes = [("proxy-1", SAMPLE), ("crowd-1", SAMPLE), ("crowd-2", SAMPLE)];
        for second in 0..5 {
            live.second(&Second::default(), &processes);
            if second == 1 {
                live.note("Redis is killed");
            }
        }
        live.finish();
        let text = screen.text();
        assert_eq!(text.matches("\x1b[6A\x1b[J").count(), 4, "{text:?}");
        assert!(
            text.contains("2 s  Redis is killed\n")
                && text.contains("50 %")
                && text.contains("crowd     0.84 6 MiB")
        );
        assert!(text.lines().all(|line| line.replace("\x1b[6A\x1b[J", "").chars().count() < 40), "{text:?}");
        assert!(text.ends_with('\n'));
    }
}
