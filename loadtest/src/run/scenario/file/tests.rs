use std::path::Path;

use super::*;
use crate::run::scenario::Waits;

const WHOLE: &str = r#"
name = "small"
about = "A small sale."
seed = 7

[system]
proxies = 2
line = "redis"
database = "postgres"
seats = "redis"
drain_per_minute = 1200
burst = 20
session = "5m"
rows = 10
seats_per_row = 20

[crowd]
processes = 2
networks = 10
patience = "1m"

[[fans]]
name = "buyers"
share = 90
does = "buy"
declined = 12.5

[[fans]]
name = "lookers"
share = 10
does = "look"
waits = "poll"

[[phase]]
name = "opening"
length = "5s"
arrivals = "burst"
fans = 100

[[phase]]
name = "after"
length = "10s"
arrivals = "ramp"
from = 10
to = 0.5
only = ["lookers"]

[[fault]]
at = "9s"
what = "redis-stopped"
lasts = "2s"

[[fault]]
at = "2s"
what = "proxy-killed"
"#;

fn parsed(text: &str) -> Result<Scenario, String> {
    parse(text, Path::new("."))
}

#[test]
fn a_whole_file_is_read() {
    let scenario = parsed(WHOLE).unwrap();
    let room = scenario.room().unwrap();
    assert_eq!((room.drain_per_minute, room.burst, room.session_seconds), (1200, 20, 300));
    assert_eq!((scenario.seed, scenario.processes, scenario.networks), (Some(7), Some(2), 10));
    assert_eq!(scenario.kinds[0].declined, 0.125);
    assert_eq!((scenario.kinds[1].waits, scenario.kinds[1].errand), (Waits::Poll, Errand::Look));
    assert_eq!(scenario.phases[1].kinds, [1]);
    assert_eq!(scenario.length(), Duration::from_secs(15));
    let faults: Vec<_> = scenario.faults.iter().map(|fault| (fault.at.as_secs(), fault.fault)).collect();
    assert_eq!(faults, [(2, Fault::ProxyKilled), (9, Fault::RedisStopped)]);
    let arrivals = scenario.arrivals(7);
    assert_eq!(arrivals, scenario.arrivals(7));
    assert_ne!(arrivals, scenario.arrivals(8));
    assert_eq!(arrivals.len(), 100 + 53);
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.at_us));
    assert!(arrivals.iter().skip(100).all(|arrival| arrival.kind == 1));
}

#[test]
fn a_mistake_names_line_and_field_and_what_would_be_right() {
    for (from, to, told) in [
        ("proxies = 2", "proxies = 0", "7: proxies: found 0; a whole number from 1 to 8 is needed"),
        ("proxies = 2", "proxies = \"two\"", "7: proxies: found \"two\"; a whole number"),
        ("proxies = 2", "proxy = 2", "7: proxy: unknown field `proxy`, expected one of `proxies`"),
        (
            "line = \"redis\"",
            "line = \"disk\"",
            "8: line: unknown variant `disk`, expected `memory` or `redis`",
        ),
        (
            "session = \"5m\"",
            "opens_after = \"20s\"",
            "13: opens_after: found 20 s; at least 35 s, as long as",
        ),
        ("session = \"5m\"", "opens_after = \"1m\"", "and less than the 15 s of all phases are needed"),
        ("session = \"5m\"", "session = 5", "13: session: found 5; a time such as \"500ms\", \"90s\""),
        ("session = \"5m\"", "session = \"2d\"", "13: session: found \"2d\"; a time"),
        ("share = 10", "share = 20", "the shares are 110 % together; 100 % is needed"),
        ("share = 90", "share = 190", "24: share: found 190; a percentage"),
        ("name = \"lookers\"", "name = \"buyers\"", "found \"buyers\" twice"),
        ("does = \"look\"", "does = \"sleep\"", "31: does: unknown variant `sleep`, expected one of `buy`"),
        ("fans = 100", "", "fans: is missing; `arrivals = \"burst\"` needs it"),
        ("to = 0.5", "within = \"5s\"", "within: means nothing with `arrivals = \"ramp\"`; `from` and `to`"),
        ("to = 0.5", "to = -1", "45: to: found -1; a number from 0 to 100000 is needed"),
        ("only = [\"lookers\"]", "only = [\"nobody\"]", "only: there are no fans named \"nobody\""),
        ("\"redis-stopped\"", "\"storm\"", "what: found \"storm\"; one of flushall, "),
        ("\"redis-stopped\"", "\"payments-killed\"", "what: payments-killed needs `payments = \"provider\"`"),
        ("at = \"9s\"", "at = \"15s\"", "at: is after the last phase, which ends at 15 s"),
        ("fans = 100", "fans = 2000000", "found 2000052 fans in all phases"),
        ("about = \"A small sale.\"", "about = 'x' 5", "3: "),
        (
            "[[phase]]\nname = \"after\"",
            "[[phase]]\nname = \"after all\"",
            "found \"after all\"; a name of 1 to 32",
        ),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        let mistake = parsed(&WHOLE.replacen(from, to, 1)).expect_err(to);
        assert!(mistake.contains(told), "{to}: {mistake}");
    }
    let many = WHOLE.replace("rows = 10", "rows = 500").replace("seats_per_row = 20", "seats_per_row = 500");
    let mistake = parsed(&many).err().unwrap();
    assert!(mistake.starts_with("15: seats_per_row: found 250000 seats in all"), "{mistake}");
    assert!(parsed("").err().unwrap().contains("missing field `name`"));
}

#[test]
fn arrivals_can_be_recorded() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("old.csv"), "seconds,count\n0,10\n2,5\n4,0\n").unwrap();
    let text =
        WHOLE.replace("arrivals = \"burst\"\nfans = 100", "arrivals = \"recorded\"\nfile = \"old.csv\"");
    let scenario = parse(&text, folder.path()).unwrap();
    let arrivals = scenario.arrivals(1);
    assert_eq!(arrivals.iter().filter(|arrival| arrival.at_us < 2_000_000).count(), 10);
    assert_eq!(arrivals.len(), 15 + 53);
    assert!(parse(&text, Path::new("/nowhere")).err().unwrap().contains("cannot be read"));
}
