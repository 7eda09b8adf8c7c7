//! What the controller remembers from one interval to the next.

use std::fmt;
use std::str::FromStr;

/// How many integers a history is.
const NUMBERS: usize = 14;

/// First word of the text, so that a later form cannot be mistaken for this one.
const FORM: &str = "a1";

/// What the controller remembers. It is kept in the store beside the rate, as the text of its `Display`, because
/// the next decision may fall to another proxy. Rates are thousandths of a fan a minute, so that slow steps of a
/// low rate are not lost in rounding; times are milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The rate exactly. Zero: nothing was decided yet.
    pub(super) level: u64,
    /// The rate of admissions, averaged over a shorter time…
    pub(super) admitted_lately: u64,
    /// …and that averaged again: what the load of now comes from, where fans stay for a while.
    pub(super) load_made_by: u64,
    /// Answers a second of late, in thousandths.
    pub(super) answering: u64,
    /// Requests of the last while, in thousandths, older ones counting less.
    pub(super) answered: u64,
    /// Those of them that failed.
    pub(super) failed: u64,
    /// The rate that the shop seemed to be able to take when it last was strained. Zero: it never was.
    pub(super) limit: u64,
    /// How long to stay below that before trying it again.
    pub(super) patience: u64,
    /// For how long the rate has not been lowered.
    pub(super) unlowered: u64,
    /// For how long there has been room for more.
    pub(super) calm: u64,
    /// What an answer a second was worth when it began to be bad: so many thousandths of a fan a minute had made
    /// it.
    pub(super) worth: u64,
    /// How bad it was at its best since it began to be bad, in thousandths of what would be bearable.
    pub(super) strain: u64,
    /// For how long it has not become better than that.
    pub(super) strained: u64,
    /// For how long nothing was asked of the shop.
    pub(super) idle: u64,
}

impl History {
    const fn numbers(&self) -> [u64; NUMBERS] {
        [
            self.level,
            self.admitted_lately,
            self.load_made_by,
            self.answering,
            self.answered,
            self.failed,
            self.limit,
            self.patience,
            self.unlowered,
            self.calm,
            self.worth,
            self.strain,
            self.strained,
            self.idle,
        ]
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(FORM)?;
        self.numbers().iter().try_for_each(|number| write!(f, " {number}"))
    }
}

/// A text is not a [`History`]. Whoever reads one may begin anew with the default: a few intervals later the
/// controller knows again what it needs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryError;

impl fmt::Display for HistoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the history of an adaptive drain")
    }
}

impl std::error::Error for HistoryError {}

impl FromStr for History {
    type Err = HistoryError;

    fn from_str(text: &str) -> Result<Self, HistoryError> {
        let mut words = text.split(' ');
        if words.next() != Some(FORM) {
            return Err(HistoryError);
        }
        // One word more than there may be is enough to tell that there are too many.
        let numbers: Result<Vec<u64>, _> = words.take(NUMBERS + 1).map(str::parse).collect();
        let numbers = <[u64; NUMBERS]>::try_from(numbers.map_err(|_| HistoryError)?);
        let [
            level,
            admitted_lately,
            load_made_by,
            answering,
            answered,
            failed,
            limit,
            patience,
            unlowered,
            calm,
            worth,
            strain,
            strained,
            idle,
        ] = numbers.map_err(|_| HistoryError)?;
        Ok(Self {
            level,
            admitted_lately,
            load_made_by,
            answering,
            answered,
            failed,
            limit,
            patience,
            unlowered,
            calm,
            worth,
            strain,
            strained,
            idle,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let numbers: Vec<String> = (1..=NUMBERS).map(|number| number.to_string()).collect();
        let text = format!("{FORM} {}", numbers.join(" "));
        let history: History = text.parse().unwrap();
        assert_eq!((history.level, history.idle), (1, NUMBERS as u64));
        assert_eq!(history.to_string(), text);
        assert_eq!(History::default().to_string().parse(), Ok(History::default()));
    }

    #[test]
    fn what_is_no_history_is_refused() {
        let good = History::default().to_string();
        for text in
            ["", "a1", "a2 0 0 0 0 0 0 0 0 0 0 0 0 0 0", &format!("{good} 0"), &good.replacen('0', "x", 1)]
        {
            assert_eq!(text.parse::<History>(), Err(HistoryError), "{text}");
        }
    }
}
