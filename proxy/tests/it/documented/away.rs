//! What is answered while the store is away.

use serde_json::Value;

use super::witness::Witness;
use crate::harness::{Edge, browser, room};
use crate::live::{next, open_at};
use crate::shop::Shop;
use crate::store_away::{Redis, until};

/// A line that stands, and one that moves.
const ROOMS: &str = "mode = \"always\"\ndrain_per_minute = 0\n[[room]]\nid = \"fast\"\npaths = [\"/fast\"]\nmode = \"always\"\n\
                     drain_per_minute = 6000";

/// Sees it, and gives a provisional ticket of the room `demo`.
pub(super) async fn sees(witness: &mut Witness, shop: &Shop) -> String {
    let redis = Redis::start(None);
    let edge = Edge::start_with(&redis.edge_file(shop), &room(ROOMS));
    let (join, status) = ("post /{room}/ticket", "get /{room}/ticket");
    let (fan, mover, taker, turn) = (browser(), browser(), browser(), browser());
    for fan in [&fan, &mover] {
        assert_eq!(witness.ask(&edge, fan, join, "/demo/ticket", &[]).await.status, 201);
    }
    let link = witness.ask(&edge, &mover, "post /{room}/move", "/demo/move", &[]).await.text("link");
    let take = link.split_once("/.waiting-room").unwrap().1.to_owned();
    assert_eq!(witness.ask(&edge, &taker, "get /{room}/take", &take, &[]).await.status, 200);
    // Somebody whose turn has come, and who has not taken it up.
    let ticket = witness.ask(&edge, &turn, join, "/fast/ticket", &[]).await.text("ticket");
    let live = format!("ws://{}/.waiting-room/fast/live", edge.address);
    let mut socket = open_at(&live, &[("wr-ticket", &ticket)]).await.unwrap();
    while next(&mut socket).await["state"] != "admitted" {}

    redis.signal("STOP");
    let url = edge.url("/.waiting-room/demo/ticket");
    until("the store is away", async || {
        let told: Value = fan.get(&url).send().await.unwrap().json().await.unwrap();
        told["note"] == "store_away"
    })
    .await;
    let noted = witness.ask(&edge, &browser(), join, "/demo/ticket", &[]).await;
    assert_eq!(noted.status, 202);
    let noted = noted.text("ticket");
    let shown = [("wr-ticket", noted.as_str())];
    assert_eq!(witness.ask(&edge, &browser(), status, "/demo/ticket", &shown).await.status, 200);
    let mut handshake = super::lines::HANDSHAKE.to_vec();
    handshake.push(("wr-ticket", &noted));
    let live = witness.ask(&edge, &browser(), "get /{room}/live", "/demo/live", &handshake).await;
    assert_eq!((live.status, live.code()), (409, "provisional"));
    let late = witness.ask(&edge, &browser(), status, "/fast/ticket", &[("wr-ticket", &ticket)]).await;
    assert_eq!((late.status, late.code()), (503, "store_away"));
    assert_eq!(witness.ask(&edge, &taker, "post /{room}/take", &take, &[]).await.status, 503);
    assert_eq!(witness.ask(&edge, &fan, "delete /{room}/ticket", "/demo/ticket", &[]).await.status, 503);
    assert_eq!(witness.ask(&edge, &fan, "post /{room}/leave", "/demo/leave", &[]).await.status, 503);
    redis.signal("CONT");
    noted
}
