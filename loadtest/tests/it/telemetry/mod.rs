//! What edge and shop tell of themselves: traces to a collector, and logs, of fans who buy.

mod collector;
mod sale;

use std::collections::{BTreeMap, BTreeSet};

use collector::{Collector, Seen};
use sale::{SECRETS_OF_A_FAN, Sale};
use serde_json::Value;

use crate::support::eventually;

const FOREIGN: &str = "0af7651916cd43dd8448eb211c80319c";

/// The payment of one fan, as it was traced: each span with the one that it is part of.
fn payment(spans: &[Seen]) -> Option<BTreeMap<String, (Seen, Option<String>)>> {
    let is_payment = |span: &&Seen| {
        span.service == "stanchion-shop" && span.name == "POST /api/reservations/{reservation}/payment"
    };
    let trace = spans.iter().find(is_payment)?.trace.clone();
    let spans: Vec<&Seen> = spans.iter().filter(|span| span.trace == trace).collect();
    let label = |span: &Seen| format!("{} {} {}", span.service, span.kind, span.name);
    let parent = |span: &Seen| spans.iter().find(|other| other.id == span.parent).map(|other| label(other));
    Some(spans.iter().map(|span| (label(span), ((*span).clone(), parent(span)))).collect())
}

#[tokio::test]
async fn one_trace_leads_from_the_edge_through_the_shop_to_database_and_payment() {
    let collector = Collector::start().await;
    let mut sale = Sale::start(Some(&collector.endpoint)).await;
    sale.buy(&format!("00-{FOREIGN}-b7ad6b7169203331-01")).await;
    let expected = [
        ("stanchion-edge server POST demo", None),
        ("stanchion-edge client POST", Some("stanchion-edge server POST demo")),
        (
            "stanchion-shop server POST /api/reservations/{reservation}/payment",
            Some("stanchion-edge client POST"),
        ),
        (
            "stanchion-shop client reservation begin_payment",
            Some("stanchion-shop server POST /api/reservations/{reservation}/payment"),
        ),
        (
            "stanchion-shop client payment charge",
            Some("stanchion-shop server POST /api/reservations/{reservation}/payment"),
        ),
        ("stanchion-shop client charge ask", Some("stanchion-shop client payment charge")),
        (
            "stanchion-shop client checkout take",
            Some("stanchion-shop server POST /api/reservations/{reservation}/payment"),
        ),
    ];
    let trace = eventually("the trace of a payment", async || {
        let trace = payment(&collector.spans())?;
        expected.iter().all(|(span, _)| trace.contains_key(*span)).then_some(trace)
    })
    .await;
    for (span, parent) in expected {
        assert_eq!(trace[span].1.as_deref(), parent, "{span}");
    }
    let attribute = |span: &str, name: &str| trace[span].0.attributes.get(name).cloned();
    let status = |span| attribute(span, "http.response.status_code");
    assert_eq!(status("stanchion-edge server POST demo").as_deref(), Some("200"));
    assert_eq!(status("stanchion-edge client POST").as_deref(), Some("200"));
    let database = attribute("stanchion-shop client checkout take", "db.system.name");
    assert_eq!(database.as_deref(), Some("sqlite"));
    let claims =
        |spans: &[Seen]| spans.iter().any(|span| span.service == "stanchion-edge" && span.name == "claim");
    eventually("a call of the store in a trace", async || claims(&collector.spans()).then_some(())).await;

    // What a fan says of a trace is not believed, and no span tells what no log may.
    let spans = collector.spans();
    assert!(spans.iter().all(|span| span.trace != FOREIGN), "{spans:?}");
    sale.assert_tells_nothing_of_the_fan("the traces", &format!("{spans:?}"));
    sale.stop().await;
}

#[tokio::test]
async fn logs_have_one_line_for_each_request_that_leads_to_the_shops_and_tell_nothing_of_the_fan() {
    let mut sale = Sale::start(None).await;
    sale.buy("").await;
    let (edge, shop) = sale.stop_and_read().await;
    sale.assert_tells_nothing_of_the_fan("the log of the edge", &edge);
    sale.assert_tells_nothing_of_the_fan("the log of the shop", &shop);
    assert!(SECRETS_OF_A_FAN.len() > 5);

    let requests = |log: &str| -> Vec<Value> {
        let lines =
            log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}")));
        lines.filter(|line| line["message"] == "request").collect()
    };
    let ids = |line: &Value| {
        let text = |name: &str| line[name].as_str().unwrap_or_else(|| panic!("{name}: {line}")).to_owned();
        (text("request_id"), text("trace_id"))
    };
    let at_the_edge: Vec<_> = requests(&edge).iter().map(ids).collect();
    let distinct: BTreeSet<_> = at_the_edge.iter().cloned().collect();
    assert_eq!(distinct.len(), at_the_edge.len(), "one line for each request: {edge}");
    let through_the_edge: Vec<_> =
        requests(&shop).iter().filter(|line| line["request_id"].is_string()).map(ids).collect();
    let of_the_shop: BTreeSet<_> = through_the_edge.iter().cloned().collect();
    assert_eq!(of_the_shop.len(), through_the_edge.len(), "{shop}");
    assert!(of_the_shop.len() > 3 && of_the_shop.is_subset(&distinct), "{of_the_shop:?} {distinct:?}");
}
