//! Varnish in front of the edge, with the configuration that ships.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message;

use crate::cdn::{self, Cache, SHIPPED_PORT, edge, edge_with, fan, server, shipped, with};
use crate::harness::{Edge, PATIENCE, STANDING, navigate, set_cookie};
use crate::live::{next, open_at};
use crate::shop::Shop;

/// One place in the shop, and turns for whoever comes.
const ONE_PLACE: &str = "drain_per_minute = 6000\nburst = 100\nmax_active = 1";

fn varnish(edge: &Edge) -> Cache {
    let folder = tempfile::tempdir().unwrap();
    let port = edge.address.port();
    let vcl = with(&shipped("varnish.vcl"), &[(&format!("\"{SHIPPED_PORT}\""), format!("\"{port}\""))]);
    let (file, work) = (folder.path().join("varnish.vcl"), folder.path().join("work"));
    std::fs::write(&file, vcl).unwrap();
    let mut command = server("varnishd");
    // In the foreground, as the user that the test is, with little memory.
    command.args(["-F", "-j", "none", "-a", "127.0.0.1:0", "-s", "malloc,16m", "-p", "vsl_space=4m"]);
    command.arg("-f").arg(&file).arg("-n").arg(&work);
    Cache::start(command, folder, address)
}

/// Where it listens, once it does.
fn address(folder: &Path) -> Option<SocketAddr> {
    let mut ask = std::process::Command::new("varnishadm");
    let told = ask.arg("-n").arg(folder.join("work")).arg("debug.listen_address").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let mut words = told.split_whitespace().skip(1);
    format!("{}:{}", words.next()?, words.next()?).parse().ok()
}

#[tokio::test]
async fn the_line_is_kept_nowhere() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    cdn::the_line_is_kept_nowhere(&varnish(&edge), &edge).await;
}

#[tokio::test]
async fn the_shop_behind_the_line_is_kept_nowhere() {
    let shop = Shop::start().await;
    let edge = edge(&shop, ONE_PLACE);
    cdn::the_shop_behind_the_line_is_kept_nowhere(&varnish(&edge), &shop).await;
}

#[tokio::test]
async fn facts_are_asked_for_once_for_all() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    cdn::facts_are_collapsed(&varnish(&edge), &edge, Duration::from_millis(1100)).await;
}

#[tokio::test]
async fn open_paths_are_kept_as_the_shop_says() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    cdn::open_paths_are_kept_as_the_shop_says(&varnish(&edge), &shop).await;
}

#[tokio::test]
async fn the_address_is_the_clients_own() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    cdn::the_address_is_the_clients(&varnish(&edge), &edge, &shop).await;
}

#[tokio::test]
async fn public_assets_are_kept_for_everybody() {
    let shop = Shop::start().await;
    let edge = edge(&shop, &format!("{ONE_PLACE}\npublic_paths = [\"/events/demo/public\"]"));
    cdn::public_assets_are_kept(&varnish(&edge), &shop).await;
}

#[tokio::test]
async fn positions_are_live_through_it() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    let varnish = varnish(&edge);
    let page = navigate(&fan(), &varnish.url("/events/demo")).await;
    let ticket = set_cookie(&page, "wr-ticket-demo").unwrap();
    let url = format!("ws://{}/.waiting-room/demo/live", varnish.address);
    let mut socket = open_at(&url, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["position"], 1);
    let mut shops = open_at(&format!("ws://{}/ws", varnish.address), &[]).await.unwrap();
    shops.send(Message::text("hello")).await.unwrap();
    let echo = tokio::time::timeout(PATIENCE, shops.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(echo, Message::text("hello"));
}

/// A connection that is piped goes around the rules of the cache; nothing but the one request may go that way.
#[tokio::test]
async fn a_refused_upgrade_is_no_way_around() {
    let shop = Shop::start().await;
    let edge = edge_with(&shop, STANDING, "");
    let varnish = varnish(&edge);
    for path in ["/.waiting-room/demo/live", "/events/demo", "/.waiting-room/demo"] {
        refuses_only(&varnish, path).await;
    }
    assert!(shop.asked().is_empty(), "{:?}", shop.asked());
}

async fn refuses_only(varnish: &Cache, path: &str) {
    let mut stream = tokio::net::TcpStream::connect(varnish.address).await.unwrap();
    let upgrade =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    let second = "GET /smuggled HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n";
    stream.write_all(format!("{upgrade}{second}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}
