//! The comparison for a terminal.

use std::fmt;

use super::{Comparison, Difference};
use crate::report::page::outcome;

/// The comparison, as text.
pub struct Table<'a>(pub &'a Comparison);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison { names, verdict, scenario, lines, machine, turned, rows } = self.0;
        writeln!(f, "{verdict}\n\n  first   {}\n  second  {}", names.0, names.1)?;
        for turned in turned {
            let word = |seen: Option<_>| seen.map_or("not there", |seen| outcome(seen).1);
            writeln!(f, "\n  {}: {}, then {}", turned.promise, word(turned.first), word(turned.second))?;
            for told in &turned.told {
                writeln!(f, "    {told}")?;
            }
        }
        for (what, differences) in [("scenario", scenario), ("machine", machine)] {
            let lines = if what == "scenario" {
                [('-', lines.0.as_slice()), ('+', lines.1.as_slice())]
            } else {
                [('-', &[][..]), ('+', &[][..])]
            };
            if differences.is_empty() && lines.iter().all(|(_, lines)| lines.is_empty()) {
                writeln!(f, "\nThe {what} is the same.")?;
                continue;
            }
            writeln!(f, "\nThe {what} differs:")?;
            for Difference { name, first, second } in differences {
                writeln!(f, "  {name}: {first}, then {second}")?;
            }
            for (mark, lines) in lines {
                for line in lines {
                    writeln!(f, "  {mark} {line}")?;
                }
            }
        }
        for (what, rows) in rows.iter().filter(|(_, rows)| !rows.is_empty()) {
            writeln!(f, "\n{what:<44}{:>16}{:>16}{:>9}", "first", "second", "ratio")?;
            for row in rows {
                let ratio = row.ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
                let line = format!(
                    "{:<42}{:>16}{:>16}{ratio:>9}  {}",
                    row.name,
                    row.first,
                    row.second,
                    row.change.word()
                );
                writeln!(f, "  {}", line.trim_end())?;
            }
        }
        Ok(())
    }
}
