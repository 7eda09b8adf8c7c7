//! nginx in front of the edge, with the configuration that ships.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use crate::cdn::{self, Cache, SHIPPED_PORT, edge, fan, server, shipped, with};
use crate::harness::{Edge, STANDING, navigate, set_cookie};
use crate::live::{next, open_at};
use crate::shop::Shop;

/// One place in the shop, and turns for whoever comes.
const ONE_PLACE: &str = "drain_per_minute = 6000\nburst = 100\nmax_active = 1";

fn nginx(edge: &Edge) -> Cache {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let address: SocketAddr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = with(
        &shipped("nginx.conf"),
        &[
            ("/var/cache/nginx", path.clone()),
            (&format!("server 127.0.0.1:{SHIPPED_PORT};"), format!("server {};", edge.address)),
            ("listen 80;", format!("listen {address};")),
        ],
    );
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
        .concat();
    let whole = format!(
        "daemon off;\nworker_processes 1;\npid {path}/pid;\nerror_log stderr;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}{site}}}\n"
    );
    let file = folder.path().join("nginx.conf");
    // The worker of a master that is root is somebody else.
    let whole = if is_root() { format!("user root;\n{whole}") } else { whole };
    std::fs::write(&file, whole).unwrap();
    let mut command = server("nginx");
    command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(&file);
    Cache::start(command, folder, move |_| Some(address))
}

fn is_root() -> bool {
    let told = std::process::Command::new("id").arg("-u").output().unwrap();
    told.stdout.trim_ascii() == b"0"
}

#[tokio::test]
async fn nothing_of_the_line_is_kept() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    let nginx = nginx(&edge);
    cdn::the_line_is_kept_nowhere(&nginx, &edge).await;
    cdn::the_address_is_the_clients(&nginx, &edge, &shop).await;
    let page = navigate(&fan(), &nginx.url("/events/demo")).await;
    let ticket = set_cookie(&page, "wr-ticket-demo").unwrap();
    let url = format!("ws://{}/.waiting-room/demo/live", nginx.address);
    let mut socket = open_at(&url, &[("wr-ticket", &ticket)]).await.unwrap();
    assert_eq!(next(&mut socket).await["position"], 13);
}

#[tokio::test]
async fn nothing_of_the_shop_behind_the_line_is_kept() {
    let shop = Shop::start().await;
    let edge = edge(&shop, ONE_PLACE);
    cdn::the_shop_behind_the_line_is_kept_nowhere(&nginx(&edge), &shop).await;
}

#[tokio::test]
async fn what_is_everybodys_is_kept() {
    let shop = Shop::start().await;
    let edge = edge(&shop, STANDING);
    let nginx = nginx(&edge);
    cdn::open_paths_are_kept_as_the_shop_says(&nginx, &shop).await;
    // It counts in whole seconds, and so keeps for up to two what may be kept for one.
    cdn::facts_are_collapsed(&nginx, &edge, Duration::from_millis(2100)).await;
}

#[tokio::test]
async fn public_assets_are_kept_for_everybody() {
    let shop = Shop::start().await;
    let edge = edge(&shop, &format!("{ONE_PLACE}\npublic_paths = [\"/events/demo/public\"]"));
    cdn::public_assets_are_kept(&nginx(&edge), &shop).await;
}
