//! What an on-sale needs, for a terminal and for the docs.

use std::fmt::Write as _;

use super::Ask;
use super::limits::{first, limits};
use super::measured::TABLE;
use super::model::{Needs, needs};
use super::sizes::{EDGES_MAX, SHOPS_MAX};
use crate::report::words::{bytes, figure, number, share, time};

const MIB: f64 = 1024.0 * 1024.0;

/// The on-sales of the docs: how many fans, let in a minute, and seats. All come within five minutes.
const EXAMPLES: [(f64, f64, f64); 4] =
    [(1e4, 600.0, 4e3), (1e5, 1500.0, 2e4), (1e6, 5000.0, 6e4), (1e7, 20_000.0, 1e5)];

/// What a request may work at a shop that is not ours.
const SLOW_SHOP_MS: f64 = 3.0;

fn count(value: f64) -> String {
    number(value.round() as u64)
}

fn bits(value: f64) -> String {
    if value >= 1e9 {
        format!("{} Gbit/s", figure(value / 1e9))
    } else {
        format!("{} Mbit/s", figure((value / 1e6).ceil()))
    }
}

fn cores(value: f64) -> String {
    if value >= 10.0 { figure(value) } else { format!("{value:.2}") }
}

/// What happens and what is needed, by name.
fn rows(ask: &Ask, needs: &Needs) -> Vec<(&'static str, String)> {
    let load = &needs.load;
    let node = needs
        .line
        .map_or("none is enough for one room".to_owned(), |node| format!("{}, one shard", node.name));
    let database = needs.database.map_or("none is enough".to_owned(), |database| database.name.to_owned());
    let sold_out = load.sold_out_s.map_or("seats are left".to_owned(), |at| format!("after {}", time(at)));
    let more = |many: f64, most: f64| {
        if many > most { format!(" ({} are allowed)", count(most)) } else { String::new() }
    };
    vec![
        ("fans in line, at most", count(load.waiting)),
        ("last one let in", format!("after {}", time(load.gone_after_s))),
        ("sold out", sold_out),
        ("joins in the busiest second", count(load.joins)),
        ("messages a second", count(load.messages)),
        ("polls a second", count(load.polls)),
        ("fans in the shop", count(load.inside)),
        ("requests to the shop a second", count(load.passed)),
        ("purchases a second", figure(load.purchases)),
        (
            "**edges**",
            format!(
                "{} of {} vCPU, {} GiB, `sockets_max = {}`{}",
                count(needs.edges),
                figure(needs.edge.cores),
                figure(needs.edge.memory_mib / 1024.0),
                needs.edge.sockets_max,
                more(needs.edges, EDGES_MAX)
            ),
        ),
        ("cores that all edges keep busy", cores(needs.edge_cores)),
        ("memory of an edge, a zone lost", bytes((needs.edge_mib * MIB) as u64)),
        ("descriptors of an edge, a zone lost", count(needs.edge_descriptors)),
        ("an edge sends", bits(needs.edge_bits)),
        ("**line**", node),
        ("its memory", bytes((needs.line_mib * MIB) as u64)),
        ("its calls a second", count(needs.line_calls)),
        ("its main thread", share(needs.line_busy, 1.0)),
        ("**inventory**: its main thread", share(needs.inventory_busy, 1.0)),
        ("**shops** of 1 vCPU", format!("{}{}", count(needs.shops), more(needs.shops, SHOPS_MAX))),
        ("cores that all shops keep busy", cores(needs.shop_cores)),
        ("shops where a request works 3 ms", {
            let slow = super::model::needs(&Ask { shop_ms: SLOW_SHOP_MS, ..*ask });
            format!("{}{}", count(slow.shops), more(slow.shops, SHOPS_MAX))
        }),
        ("**database**", database),
        ("of two cores it takes", share(needs.database_busy, 1.0)),
        ("**breaks first**", breaks(ask)),
    ]
}

fn breaks(ask: &Ask) -> String {
    let limits = limits(ask);
    first(&limits).map_or_else(
        || "nothing".to_owned(),
        |limit| format!("{}, at {} fans", limit.name, rounded(limit.at_fans.unwrap_or_default())),
    )
}

/// Two digits are enough of what is an estimate.
fn rounded(fans: f64) -> String {
    let power = 10_f64.powf((fans.max(1.0).log10()).floor() - 1.0);
    count((fans / power).floor() * power)
}

/// One on-sale, for a terminal.
pub fn terminal(ask: &Ask) -> String {
    let needs = needs(ask);
    let mut text = format!(
        "{} fans within {}, {} let in a minute, {} seats{}{}\n\n",
        count(ask.fans),
        time(ask.window_s),
        count(ask.drain_per_minute),
        count(ask.seats),
        if ask.is_drawn { ", by a draw" } else { "" },
        if ask.is_tls { "" } else { ", no TLS at the edge" }
    );
    for (name, value) in rows(ask, &needs) {
        let plain = |text: &str| text.replace(['*', '`'], "");
        let _ = writeln!(text, "  {:<38}{}", plain(name), plain(&value));
    }
    let _ = writeln!(text, "\n  {:<46}{:>8}   gone at", "what can run out", "used");
    for limit in limits(ask) {
        let at = limit
            .at_fans
            .map_or_else(|| "no number of fans".to_owned(), |at| format!("{} fans", rounded(at)));
        let _ = writeln!(text, "  {:<46}{:>8}   {at}", limit.name, share(limit.used, 1.0));
    }
    for limit in limits(ask).iter().filter(|limit| limit.used >= 1.0) {
        let _ = writeln!(text, "\n  ! {} does not last: {}", limit.name, limit.then);
    }
    text
}

/// The tables of `docs/capacity.md`.
pub fn tables() -> String {
    let asks = EXAMPLES.map(|(fans, drain_per_minute, seats)| Ask {
        fans,
        drain_per_minute,
        seats,
        ..Ask::default()
    });
    let mut text = String::from("## What it takes\n\n| fans |");
    for ask in &asks {
        let _ = write!(text, " {} |", count(ask.fans));
    }
    text.push_str("\n|---|---|---|---|---|\n| let in a minute |");
    for ask in &asks {
        let _ = write!(text, " {} |", count(ask.drain_per_minute));
    }
    text.push_str("\n| seats |");
    for ask in &asks {
        let _ = write!(text, " {} |", count(ask.seats));
    }
    text.push('\n');
    let columns: Vec<_> = asks.iter().map(|ask| rows(ask, &needs(ask))).collect();
    let names: Vec<_> = columns.first().into_iter().flatten().map(|(name, _)| *name).collect();
    for (index, name) in names.into_iter().enumerate() {
        let _ = write!(text, "| {name} |");
        for column in &columns {
            let _ = write!(text, " {} |", column.get(index).map_or("", |(_, value)| value.as_str()));
        }
        text.push('\n');
    }
    text.push_str("\n## What breaks first\n\n| what can run out | used with a million fans | gone at | gone at, after a draw | then |\n|---|---|---|---|---|\n");
    let million = Ask { fans: 1e6, drain_per_minute: 5000.0, seats: 6e4, ..Ask::default() };
    let drawn = limits(&Ask { is_drawn: true, ..million });
    let at = |fans: Option<f64>| fans.map_or_else(|| "no number of fans".to_owned(), rounded);
    for limit in limits(&million) {
        let after_a_draw =
            drawn.iter().find(|drawn| drawn.name == limit.name).and_then(|drawn| drawn.at_fans);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            limit.name,
            share(limit.used, 1.0),
            at(limit.at_fans),
            at(after_a_draw),
            limit.then
        );
    }
    text.push_str("\n## What was measured\n\n| | | source |\n|---|---|---|\n");
    for cost in TABLE {
        let _ = writeln!(text, "| {} | {} {} | {} |", cost.name, figure(cost.value), cost.unit, cost.source);
    }
    text
}
