//! The comparison as a page.

use super::{Change, Comparison, Difference};
use crate::report::document::{document, table};
use crate::report::page::{outcome, section};
use crate::report::words::escaped;

/// One self-contained page, as that of a run.
pub fn html(comparison: &Comparison) -> String {
    let Comparison { names, verdict, scenario, machine, rows, .. } = comparison;
    let class = if comparison.is_worse() { "broken" } else { "kept" };
    let head = format!(
        "<section id=\"verdict\" class=\"verdict {class}\"><h1>{}</h1><p>First: {}. Second: {}.</p>\
         <p>Figures nearer to each other than a tenth count as alike: one run of each tells no more than that.</p></section>",
        escaped(verdict),
        escaped(&names.0),
        escaped(&names.1)
    );
    let figures = rows.iter().filter(|(_, rows)| !rows.is_empty()).map(|(what, rows)| {
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let ratio = row.ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"));
                let word = row.change.word();
                let word = match row.change {
                    Change::Better | Change::Worse => format!("<b class=\"{word}\">{word}</b>"),
                    Change::Alike | Change::Other => word.to_owned(),
                };
                vec![escaped(&row.name), escaped(&row.first), escaped(&row.second), ratio, word]
            })
            .collect();
        section(
            what,
            &format!("Figures: {what}"),
            &table(&["", "first", "second", "ratio", "the second is"], &rows, true),
        )
    });
    let body = [
        section("promises", "Promises that ended otherwise", &turned(comparison)),
        section(
            "scenario",
            "What differs in what was played",
            &format!("{}{}", differences(scenario), lines(comparison)),
        ),
        section("machine", "What differs in the machine", &differences(machine)),
        figures.collect(),
    ];
    document("Two runs beside each other", &format!("{head}{}", body.concat()))
}

fn turned(comparison: &Comparison) -> String {
    if comparison.turned.is_empty() {
        return "<p>None.</p>".to_owned();
    }
    let word = |seen: Option<_>| {
        let (class, word) = seen.map_or(("unjudged", "not there"), outcome);
        format!("<b class=\"{class}\">{word}</b>")
    };
    let rows: Vec<Vec<String>> = comparison
        .turned
        .iter()
        .map(|turned| {
            let told: String = turned.told.iter().map(|told| format!("<li>{}</li>", escaped(told))).collect();
            let told = if told.is_empty() { told } else { format!("<ul>{told}</ul>") };
            vec![escaped(&turned.promise), word(turned.first), word(turned.second), told]
        })
        .collect();
    table(&["promise", "first", "second", "what was seen"], &rows, false)
}

fn differences(differences: &[Difference]) -> String {
    if differences.is_empty() {
        return "<p>Nothing.</p>".to_owned();
    }
    let rows: Vec<Vec<String>> = differences
        .iter()
        .map(|Difference { name, first, second }| vec![escaped(name), escaped(first), escaped(second)])
        .collect();
    table(&["", "first", "second"], &rows, false)
}

fn lines(comparison: &Comparison) -> String {
    let (first, second) = &comparison.lines;
    if first.is_empty() && second.is_empty() {
        return String::new();
    }
    let marked = |mark: char, lines: &[String]| -> String {
        lines.iter().map(|line| format!("{mark} {}\n", escaped(line))).collect()
    };
    format!(
        "<p>Lines that only one of the scenario files has:</p><pre tabindex=\"0\">{}{}</pre>",
        marked('-', first),
        marked('+', second)
    )
}
