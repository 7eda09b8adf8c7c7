//! A fan who was away and came back: how long answers took is told of the answers, not of the absence.

use std::sync::Arc;
use std::time::Duration;

use loadtest::fan::{Absence, Fan, Plan, Venue};
use loadtest::meter::Step;
use loadtest::random::Dice;
use loadtest::run::scenario::Waits;
use loadtest::stack::Payments;
use loadtest::story::{Ending, Watch};
use loadtest::tally::Tally;
use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// So long that no busy machine takes it for an answer.
const AWAY: Duration = Duration::from_secs(8);
const IN_LINE: &str = "HTTP/1.1 202 Accepted\r\nSet-Cookie: wr-ticket-demo=v1.a.b; Path=/\r\nContent-Type: text/html\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";

/// An edge that answers whatever is asked with a place in the line.
async fn edge() -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 8192];
                let _ = socket.read(&mut head).await;
                let _ = socket.write_all(IN_LINE.as_bytes()).await;
                let _ = socket.shutdown().await;
            });
        }
    });
    Url::parse(&format!("http://{address}/")).unwrap()
}

#[tokio::test]
async fn an_absence_is_no_latency() {
    let tally = Arc::new(Tally::default());
    let venue = Venue {
        edges: Arc::from([edge().await]),
        room: "demo".to_owned(),
        event: "demo".to_owned(),
        payments: Payments::Sandbox,
        watch: Watch::start(),
        tally: Arc::clone(&tally),
    };
    let away = Absence { after: Duration::ZERO, away: AWAY, elsewhere: false };
    let plan = Plan {
        waits: Waits::Page,
        absences: vec![away],
        patience: Some(AWAY),
        ..Plan::neighbour(&mut Dice::new(1))
    };
    let (_going_on, stop) = watch::channel(false);
    let story = Fan::new(venue, 1, plan, 1).unwrap().live(stop).await;
    assert_eq!((story.returns, &story.ending), (1, &Ending::LeftLine), "{story:?}");
    let counted = tally.meter.take();
    let joins = counted.times.iter().filter(|(step, _)| *step == Step::Join);
    let joins: Vec<_> = joins.flat_map(|(_, times)| times.clone()).collect();
    assert_eq!(joins.iter().map(|(_, count)| count).sum::<u64>(), 2, "{counted:?}");
    let slowest = joins.iter().map(|(micros, _)| *micros).max().unwrap();
    assert!(Duration::from_micros(slowest) < AWAY, "{counted:?}");
}
