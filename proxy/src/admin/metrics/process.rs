//! What is told of this process: requests, calls of the store, WebSockets, the shop's instances, and the program itself.

use super::super::Desk;
use super::page::Page;
use crate::live::Load;
use crate::telemetry::{RequestTally, StoreCalls};
use crate::upstream::Upstream;

/// The states of a circuit.
const CIRCUITS: [&str; 3] = ["closed", "open", "half_open"];

/// Requests by room; the room is empty where none protects the path.
pub(super) fn requests(page: &mut Page, desk: &Desk) {
    let in_force = desk.fleet.in_force();
    let rooms = in_force.rooms.iter().map(|room| (room.id.as_str(), &room.tally.requests));
    let all: Vec<(&str, &RequestTally)> =
        std::iter::once(("", &*desk.sights.requests)).chain(rooms).collect();
    let help = "Requests by what became of them, in the words of the log. The room is empty where none protects the path.";
    page.counter("stanchion_requests_total", help, &["room", "outcome"], |family| {
        for (room, tally) in &all {
            tally.outcomes().for_each(|(outcome, total)| family.count(&[room, outcome], total));
        }
    });
    let help = "Answers by the first digit of their status; none where nobody was left to answer.";
    page.counter("stanchion_responses_total", help, &["room", "class"], |family| {
        for (room, tally) in &all {
            tally.classes().for_each(|(class, total)| family.count(&[room, class], total));
        }
    });
    let help = "From the head of a request to the end of its answer, by who answered.";
    page.histogram("stanchion_request_duration_seconds", help, &["room", "by"], |family| {
        for (room, tally) in &all {
            tally.times().for_each(|(by, times)| family.times(&[room, by], &times));
        }
    });
    page.gauge("stanchion_requests_in_flight", "Requests that this proxy is answering.", &[], |family| {
        family.count(&[], desk.sights.load.requests() as u64);
    });
}

/// Calls of the store by verb.
pub(super) fn store(page: &mut Page, calls: &StoreCalls) {
    let help = "Calls of the store by verb, for all rooms: how long they took, whatever came of them.";
    page.histogram("stanchion_store_call_duration_seconds", help, &["verb"], |family| {
        calls.times().for_each(|(verb, times)| family.times(&[verb], &times));
    });
    let help = "Calls of the store that failed: unavailable, unknown_room, unreadable, timeout.";
    page.counter("stanchion_store_call_errors_total", help, &["verb", "error"], |family| {
        calls.errors().for_each(|(verb, error, total)| family.count(&[verb, error], total));
    });
}

/// Fans' WebSockets.
pub(super) fn sockets(page: &mut Page, load: &Load) {
    page.gauge("stanchion_websockets", "WebSockets of fans that are open at this proxy.", &[], |family| {
        family.count(&[], load.sockets() as u64);
    });
    let [opened, sent] = load.tally.traffic();
    let help = "WebSockets of fans that were opened.";
    page.counter("stanchion_websockets_opened_total", help, &[], |family| family.count(&[], opened));
    let help = "Messages that were sent to fans.";
    page.counter("stanchion_websocket_messages_total", help, &[], |family| family.count(&[], sent));
    let help = "WebSockets that ended, by why; `slow` did not read what they were sent.";
    page.counter("stanchion_websockets_closed_total", help, &["reason"], |family| {
        load.tally.ends().for_each(|(reason, total)| family.count(&[reason], total));
    });
}

/// The shop's instances, by their addresses: a label `instance` is Prometheus's own, and says which edge it is.
pub(super) fn upstream(page: &mut Page, shop: &Upstream) {
    let help =
        "Requests that were sent to an instance of the shop: the class of the answer, or why there was none.";
    page.counter("stanchion_upstream_requests_total", help, &["address", "outcome"], |family| {
        for (instance, _, _, tally) in shop.instances() {
            tally.fates().for_each(|(fate, total)| family.count(&[instance, fate], total));
        }
    });
    let help = "From the end of a request to the beginning of its answer, by instance of the shop.";
    page.histogram("stanchion_upstream_response_duration_seconds", help, &["address"], |family| {
        shop.instances().for_each(|(instance, _, _, tally)| family.times(&[instance], &tally.times()));
    });
    let help = "Requests whose answer by the instance has not begun.";
    page.gauge("stanchion_upstream_requests_awaited", help, &["address"], |family| {
        shop.instances().for_each(|(instance, _, _, tally)| family.count(&[instance], tally.awaited()));
    });
    let help = "Whether the instance is not known to be down: 1, or 0.";
    page.gauge("stanchion_upstream_up", help, &["address"], |family| {
        shop.instances().for_each(|(instance, is_up, _, _)| family.is(&[instance], is_up));
    });
    let help = "How often looks at the instance said that it is down.";
    page.counter("stanchion_upstream_ejections_total", help, &["address"], |family| {
        shop.instances().for_each(|(instance, _, _, tally)| family.count(&[instance], tally.troubles()[1]));
    });
    let help = "The circuit of the instance: 1 for the state that it is in.";
    page.gauge("stanchion_upstream_circuit_state", help, &["address", "state"], |family| {
        for (instance, _, state, _) in shop.instances() {
            CIRCUITS.iter().for_each(|name| family.is(&[instance, name], *name == state));
        }
    });
    let help = "How often the circuit of the instance opened.";
    page.counter("stanchion_upstream_circuit_opened_total", help, &["address"], |family| {
        shop.instances().for_each(|(instance, _, _, tally)| family.count(&[instance], tally.troubles()[0]));
    });
}

/// The program and its configuration.
pub(super) fn program(page: &mut Page, desk: &Desk) {
    let help = "Which configuration of the rooms is in force at this proxy.";
    let revision = desk.fleet.in_force().configuration.revision;
    page.gauge("stanchion_configuration_revision", help, &[], |family| family.count(&[], revision));
    let help = "Configurations that were refused because something was wrong with them.";
    page.counter("stanchion_configurations_refused_total", help, &[], |family| {
        family.count(&[], desk.fleet.refused());
    });
    page.gauge("stanchion_build_info", "The version of the program.", &["version"], |family| {
        family.count(&[env!("CARGO_PKG_VERSION")], 1);
    });
    page.process();
}
