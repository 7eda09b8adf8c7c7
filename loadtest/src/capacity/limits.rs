//! What breaks first: each thing that can run out, how much of it is used, and at how many fans it is gone.

use super::Ask;
use super::model::{Needs, needs};
use super::sizes::{CDN_REQUESTS, DRAW_NUMBERS, EDGES_MAX, SHOPS_MAX};

/// More fans than anybody thinks of.
const FANS_BEYOND: f64 = 1e9;
/// Steps of the search for the number of fans.
const STEPS: usize = 60;

/// Something that can run out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// What.
    pub name: &'static str,
    /// How much of it is used; 1 is all.
    pub used: f64,
    /// At how many fans it is gone, all else alike; none where more fans do not matter.
    pub at_fans: Option<f64>,
    /// What can be done then.
    pub then: &'static str,
}

/// What runs out, and how much of it a plan uses.
type Kind = (&'static str, fn(&Ask, &Needs) -> f64, &'static str);

const KINDS: [Kind; 8] = [
    (
        "the main thread of the line's Redis",
        |_, needs| needs.line_busy,
        "A room lives on one node. Fewer, larger edges read it less often; several rooms spread over a cluster",
    ),
    ("edges, as terraform allows them", |_, needs| needs.edges / EDGES_MAX, "raise `tasks_max` of the edge"),
    ("memory of an edge", |_, needs| needs.edge_mib / needs.edge.memory_mib, "more memory for each task"),
    (
        "memory of the line's Redis",
        |_, needs| needs.line_mib / super::sizes::NODES.last().map_or(1.0, |node| node.memory_mib / 2.0),
        "a larger node",
    ),
    (
        "numbers of the draw",
        |ask, _| if ask.is_drawn { ask.fans / (DRAW_NUMBERS / 2.0) } else { 0.0 },
        "two rooms: beyond half of the numbers, most fans need several tries",
    ),
    (
        "requests a second at CloudFront",
        |_, needs| {
            let load = &needs.load;
            (load.joins * REQUESTS_OF_A_JOIN + load.polls + load.passed) / CDN_REQUESTS
        },
        "ask AWS for more, or let fans come over a longer time (a pre-queue)",
    ),
    (
        "shops, as terraform allows them",
        |_, needs| needs.shops / SHOPS_MAX,
        "let in fewer a minute, or raise `tasks_max` of the shop",
    ),
    (
        "the largest database",
        |_, needs| {
            let cores = super::sizes::DATABASES.last().map_or(1.0, |database| database.cores);
            needs.database_busy * 2.0 / cores
        },
        "let in fewer a minute",
    ),
];
/// A page, its parts, and the join.
const REQUESTS_OF_A_JOIN: f64 = 5.0;

/// All of them, most used first.
pub fn limits(ask: &Ask) -> Vec<Limit> {
    let now = needs(ask);
    let mut limits: Vec<Limit> = KINDS
        .into_iter()
        .map(|(name, used, then)| Limit { name, used: used(ask, &now), at_fans: at_fans(ask, used), then })
        .collect();
    limits.sort_by(|one, other| other.used.total_cmp(&one.used));
    limits
}

/// What breaks first as more fans come.
pub fn first(limits: &[Limit]) -> Option<&Limit> {
    limits.iter().filter(|limit| limit.at_fans.is_some()).min_by(|one, other| {
        let at = |limit: &Limit| limit.at_fans.unwrap_or(f64::MAX);
        at(one).total_cmp(&at(other))
    })
}

/// The smallest number of fans at which all of it is used, by halving: more fans never use less.
fn at_fans(ask: &Ask, used: fn(&Ask, &Needs) -> f64) -> Option<f64> {
    let with = |fans: f64| {
        let ask = Ask { fans, ..*ask };
        used(&ask, &needs(&ask))
    };
    let (mut few, mut many) = (1.0, FANS_BEYOND);
    if with(many) < 1.0 {
        return None;
    }
    for _ in 0..STEPS {
        let middle = f64::midpoint(few, many);
        if with(middle) < 1.0 { few = middle } else { many = middle }
    }
    Some(many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_first_is_found() {
        let ask = Ask { fans: 1e6, drain_per_minute: 5000.0, ..Ask::default() };
        let limits = limits(&ask);
        assert!(limits.is_sorted_by(|one, next| one.used >= next.used));
        let first = first(&limits).unwrap();
        let at = first.at_fans.unwrap();
        let used = KINDS.into_iter().find(|kind| kind.0 == first.name).unwrap().1;
        let with = |fans: f64| {
            let ask = Ask { fans, ..ask };
            used(&ask, &needs(&ask))
        };
        assert!(with(at * 0.99) < 1.0 && with(at * 1.01) >= 1.0, "{first:?}");
    }

    #[test]
    fn what_depends_on_the_rate_alone_breaks_by_no_number_of_fans() {
        let limits = limits(&Ask::default());
        let database = limits.iter().find(|limit| limit.name == "the largest database").unwrap();
        assert_eq!(database.at_fans, None);
    }
}
