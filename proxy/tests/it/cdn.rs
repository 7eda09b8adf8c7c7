//! A cache in front of the edge, and what has to hold whichever it is.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Edge, PATIENCE, all, navigate, room, set_cookie};
use crate::shop::Shop;

/// The secret in the configurations that ship. Nobody keeps it, for the edge would refuse the CDN.
const SECRET: &str = "change-me-to-a-long-random-value";
/// The address that the edge listens at in the configurations that ship.
pub(crate) const SHIPPED_PORT: &str = "8080";

/// A cache, in a process of its own. Stopped when dropped.
pub(crate) struct Cache {
    child: Child,
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
}

impl Drop for Cache {
    fn drop(&mut self) {
        // Both have a child of their own, which a parent that is killed would leave behind for a while.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server of the system, which is not always in the path of who is not root.
pub(crate) fn server(name: &str) -> Command {
    let full = Path::new("/usr/sbin").join(name);
    Command::new(if full.exists() { full } else { name.into() })
}

/// A file that ships in `config/`.
pub(crate) fn shipped(name: &str) -> String {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    std::fs::read_to_string(config.join(name)).unwrap()
}

/// `text` with each of the pairs replaced, which have to be there.
pub(crate) fn with(text: &str, pairs: &[(&str, String)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the file that ships");
        text.replace(from, to)
    })
}

impl Cache {
    /// Runs `command`; `address` tells where it listens as soon as it does.
    pub(crate) fn start(
        mut command: Command,
        folder: TempDir,
        address: impl Fn(&Path) -> Option<SocketAddr>,
    ) -> Self {
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let name = format!("{:?}", command.get_program());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started ({error}); run `make tools`"));
        let mut cache = Self { child, folder, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = address(cache.folder.path())
                && std::net::TcpStream::connect(found).is_ok()
            {
                cache.address = found;
                return cache;
            }
            let ended = cache.child.try_wait().unwrap().is_some();
            let log = || std::fs::read_to_string(cache.folder.path().join("log"));
            assert!(!ended && Instant::now() < until, "{name} does not come up: {:?}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// An edge that takes the word of a cache on this machine, and of nobody without the secret.
pub(crate) fn edge(shop: &Shop, rules: &str) -> Edge {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, SECRET).unwrap();
    let secret = format!("secret_header = \"X-Edge-Secret\"\nsecret_file = \"{}\"", file.display());
    edge_with(shop, rules, &secret)
}

/// The same with this in `[cdn]`.
pub(crate) fn edge_with(shop: &Shop, rules: &str, cdn: &str) -> Edge {
    let trusted = "trusted_proxies = [\"127.0.0.1\"]\naddress_header = \"X-Forwarded-For\"";
    let shop = shop.address;
    Edge::start_with(&format!("[upstream]\naddress = \"{shop}\"\n[cdn]\n{trusted}\n{cdn}"), &room(rules))
}

/// A browser somewhere else on the loopback network than the cache.
pub(crate) fn fan() -> reqwest::Client {
    reqwest::Client::builder()
        .cookie_store(true)
        .redirect(reqwest::redirect::Policy::none())
        .local_address(IpAddr::from([127, 0, 0, 2]))
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

async fn get(fan: &reqwest::Client, url: &str) -> reqwest::Response {
    fan.get(url).send().await.unwrap()
}

/// How many requests for `path` the edge has answered.
pub(crate) fn asked(edge: &Edge, path: &str) -> usize {
    let lines = edge.log();
    let events = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["message"] == "request" && event["path"] == path).count()
}

async fn until_asked(edge: &Edge, path: &str, times: usize) {
    crate::store_away::until(&format!("{path} was not asked for {times} times"), async || {
        asked(edge, path) >= times
    })
    .await;
    assert_eq!(asked(edge, path), times, "{path}");
}

/// A line that stands: each fan has a page and a place of their own, however many come at once.
pub(crate) async fn the_line_is_kept_nowhere(cache: &Cache, edge: &Edge) {
    let fans: Vec<_> = (0..12).map(|_| fan()).collect();
    let page = cache.url("/events/demo");
    let mut tickets: Vec<String> = Vec::new();
    for answer in join_all(fans.iter().map(|fan| navigate(fan, &page))).await {
        assert_eq!(answer.status(), 202);
        tickets.push(set_cookie(&answer, "wr-ticket-demo").unwrap());
    }
    tickets.sort();
    tickets.dedup();
    assert_eq!(tickets.len(), fans.len(), "each fan has a ticket of their own");
    let call = cache.url("/.waiting-room/demo/ticket");
    let mut positions: Vec<u64> = Vec::new();
    for fan in &fans {
        let status: Value = get(fan, &call).await.json().await.unwrap();
        positions.push(status["position"].as_u64().unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=12).collect::<Vec<_>>(), "each fan is told their own place");
    let api = cache.url("/api/reservations");
    for answer in join_all(fans.iter().map(|fan| get(fan, &api))).await {
        assert_eq!(answer.status(), 429);
    }
    assert_eq!(get(&fan(), &call).await.status(), 404, "nobody else's status is told");
    until_asked(edge, "/events/demo", fans.len()).await;
    until_asked(edge, "/.waiting-room/demo/ticket", fans.len() + 1).await;
    until_asked(edge, "/api/reservations", fans.len()).await;
}

/// What an admitted fan gets is not for the next one, though the shop calls it public.
pub(crate) async fn the_shop_behind_the_line_is_kept_nowhere(cache: &Cache, shop: &Shop) {
    let (admitted, waiting) = (fan(), fan());
    let page = cache.url("/events/demo/public");
    let entered = navigate(&admitted, &page).await;
    assert_eq!(entered.status(), 200);
    assert!(set_cookie(&entered, "wr-admission-demo").is_some());
    for _ in 0..2 {
        assert_eq!(navigate(&admitted, &page).await.status(), 200);
        let other = navigate(&waiting, &page).await;
        assert_eq!(other.status(), 202);
        assert!(set_cookie(&other, "wr-admission-demo").is_none());
    }
    assert_eq!(shop.asked().len(), 3, "the shop is asked each time");
}

/// A room's facts are asked for once for all who ask at the same time, and are not old. `life` is how long this cache
/// keeps what it may keep for a second.
pub(crate) async fn facts_are_collapsed(cache: &Cache, edge: &Edge, life: Duration) {
    const MANY: usize = 60;
    let path = "/.waiting-room/demo";
    let fans: Vec<_> = (0..MANY).map(|_| fan()).collect();
    let url = cache.url(path);
    let began = Instant::now();
    let mut told = Value::Null;
    for answer in join_all(fans.iter().map(|fan| get(fan, &url))).await {
        assert_eq!(answer.status(), 200);
        assert_eq!(all(&answer, "cache-control"), ["public, max-age=1"]);
        assert!(all(&answer, "set-cookie").is_empty());
        told = answer.json::<Value>().await.unwrap()["server_time"].clone();
    }
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    tokio::time::sleep(life).await;
    // Once; and once more for each second that a busy machine took.
    let before = asked(edge, path);
    assert!((1..=1 + seconds).contains(&before), "asked {before} times in {seconds} s");
    let later: Value = get(&fans[0], &url).await.json().await.unwrap();
    assert!(later["server_time"].is_string() && later["server_time"] != told, "{later}");
    until_asked(edge, path, before + 1).await;
}

/// Open paths are kept as the shop says, for fans with cookies too.
pub(crate) async fn open_paths_are_kept_as_the_shop_says(cache: &Cache, shop: &Shop) {
    let fans = [fan(), fan()];
    for fan in &fans {
        assert_eq!(navigate(fan, &cache.url("/events/demo")).await.status(), 202);
        let answer = get(fan, &cache.url("/public")).await;
        assert_eq!(all(&answer, "cache-control"), ["public, max-age=60"]);
        assert!(all(&answer, "set-cookie").is_empty());
        assert!(all(&get(fan, &cache.url("/silent")).await, "set-cookie").is_empty());
    }
    let targets: Vec<_> = shop.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets, ["/public", "/silent", "/silent"], "what says nothing is not kept");
}

/// The client's own address arrives, whatever the client claims; and nobody walks around the cache.
pub(crate) async fn the_address_is_the_clients(cache: &Cache, edge: &Edge, shop: &Shop) {
    let claims = [
        ("x-forwarded-for", "6.6.6.6, 127.0.0.1"),
        ("cf-connecting-ip", "6.6.6.6"),
        ("true-client-ip", "6.6.6.6"),
        ("fastly-client-ip", "6.6.6.6"),
        ("x-real-ip", "6.6.6.6"),
        ("forwarded", "for=6.6.6.6"),
        ("x-edge-secret", "6.6.6.6"),
    ];
    let claiming =
        |url: String| claims.iter().fold(fan().get(url), |call, (name, value)| call.header(*name, *value));
    assert_eq!(claiming(cache.url("/open")).send().await.unwrap().status(), 200);
    let seen = shop.last();
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.2"));
    let told = format!("{seen:?}");
    assert!(!told.contains("6.6.6.6") && !told.contains(SECRET), "{told}");
    assert_eq!(claiming(edge.url("/open")).send().await.unwrap().status(), 403);
    assert_eq!(get(&fan(), &edge.url("/.waiting-room/demo")).await.status(), 403);
}

/// What the operator marks as public assets is kept for everybody, and lets nobody past the line.
pub(crate) async fn public_assets_are_kept(cache: &Cache, shop: &Shop) {
    let (first, admitted, waiting) = (fan(), fan(), fan());
    let asset = |version: u32| cache.url(&format!("/events/demo/public?v={version}"));
    let assert_asset = |answer: &reqwest::Response| {
        assert_eq!(answer.status(), 200);
        assert_eq!(all(answer, "cache-control"), ["public, max-age=60"]);
        assert!(all(answer, "set-cookie").is_empty() && all(answer, "surrogate-control").is_empty());
    };
    // Nobody waits, so it takes no turn: the only one is still there for the next fan.
    assert_asset(&get(&first, &asset(1)).await);
    assert_eq!(shop.last().header("x-waiting-room-ticket"), Some(""));
    assert_eq!(navigate(&admitted, &cache.url("/events/demo")).await.status(), 200);
    assert_eq!(navigate(&waiting, &cache.url("/events/demo")).await.status(), 202);
    // Now there is a line. What is kept is for everybody; what is not is for who was let in.
    assert_asset(&get(&waiting, &asset(1)).await);
    let mut version = 2;
    // The edge knows of it within a tick.
    crate::store_away::until("nobody is refused", async || {
        version += 1;
        get(&waiting, &asset(version)).await.status() == 429
    })
    .await;
    let asked = shop.asked().len();
    assert_asset(&get(&admitted, &asset(version)).await);
    assert_asset(&get(&waiting, &asset(version)).await);
    assert_asset(&get(&waiting, &asset(1)).await);
    assert_eq!(shop.asked().len(), asked + 1, "each version once");
}
