//! What operators do over the API: at one proxy, in force at all.

use std::io::Write as _;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::harness::{
    ADMIN, Edge, OPERATOR, PATIENCE, STANDING, VIEWER, browser, files, navigate, room, until_state,
};
use crate::shop::Shop;
use crate::store_away::Redis;

pub(crate) fn call(edge: &Edge, token: &str, method: Method, path: &str) -> RequestBuilder {
    browser().request(method, format!("http://{}/api/v1{path}", edge.admin)).bearer_auth(token)
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

pub(crate) async fn get(edge: &Edge, path: &str) -> Value {
    let (status, body) = answer(call(edge, VIEWER, Method::GET, path)).await;
    assert_eq!(status, 200, "{body}");
    body
}

pub(crate) async fn post(edge: &Edge, path: &str, body: &Value) -> Value {
    let (status, body) = answer(call(edge, OPERATOR, Method::POST, path).json(body)).await;
    assert_eq!(status, 200, "{body}");
    body
}

pub(crate) async fn until(edge: &Edge, what: &str, is_so: impl Fn(&Value) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let view = get(edge, "/rooms/demo").await;
        if is_so(&view) {
            return;
        }
        assert!(Instant::now() < deadline, "not {what}: {view}");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

#[tokio::test]
async fn a_change_at_one_proxy_is_in_force_at_all_and_in_the_audit_log() {
    let (shop, redis) = (Shop::start().await, Redis::start(None));
    let rooms = room("mode = \"always\" # as agreed\ndrain_per_minute = 60");
    let start = || Edge::start_with(&redis.edge_file(&shop), &rooms);
    let (here, there) = (start(), start());
    until(&here, "up", |room| room["reachable"] == true).await;
    let (status, changed) =
        answer(call(&here, OPERATOR, Method::PATCH, "/rooms/demo").json(&json!({ "drain_per_minute": 300 })))
            .await;
    let changes = changed["changes"].as_array().unwrap();
    assert!(status == 200 && changes.contains(&json!("demo: drain_per_minute 60 → 300")), "{changed}");
    until(&there, "changed", |room| room["drain_per_minute"] == 300 && room["rate"] == 300).await;
    post(&there, "/rooms/demo/pause", &json!({})).await;
    until(&here, "paused", |room| room["phase"] == "paused" && room["mode"] == "paused").await;
    // As it was before the pause, whoever resumes it.
    post(&here, "/rooms/demo/resume", &Value::Null).await;
    until(&there, "resumed", |room| room["phase"] == "open" && room["mode"] == "always").await;
    post(&here, "/rooms/demo/close", &json!({})).await;
    until(&there, "closed", |room| room["phase"] == "closed").await;
    let paused = answer(call(&there, OPERATOR, Method::POST, "/rooms/demo/pause")).await;
    assert_eq!((paused.0, &paused.1["code"]), (StatusCode::CONFLICT, &json!("room_closed")));
    post(&here, "/rooms/demo/resume", &json!({ "mode": "auto" })).await;
    until(&there, "auto", |room| room["mode"] == "auto").await;
    let entries = get(&there, "/audit?limit=9").await["entries"].clone();
    let told: Vec<(&str, &str)> = entries
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["via"] == "api")
        .map(|entry| (entry["action"].as_str().unwrap(), entry["actor"].as_str().unwrap()))
        .collect();
    let anna = |action| (action, "anna");
    assert_eq!(told, ["resume", "close", "resume", "pause", "configure"].map(anna));
    let text = call(&there, ADMIN, Method::GET, "/configuration").send().await.unwrap().text().await.unwrap();
    assert!(text.contains("# as agreed") && text.contains("drain_per_minute = 300"), "{text}");
    // A proxy that starts later, with the file of before, has it too.
    let folder = tempfile::tempdir().unwrap();
    let listen = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n";
    let (_, file) = files(&folder, &format!("{listen}{}", redis.edge_file(&shop)), &rooms);
    let long_ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
    let late = Edge::start_in(folder);
    until(&late, "as everywhere", |room| room["drain_per_minute"] == 300 && room["mode"] == "auto").await;
}

#[tokio::test]
async fn of_two_operators_who_race_the_second_is_told() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let seen = call(&edge, VIEWER, Method::GET, "/rooms/demo").send().await.unwrap();
    let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
    let change = |rate: u64| {
        let request = call(&edge, OPERATOR, Method::PATCH, "/rooms/demo").header("if-match", &tag);
        answer(request.json(&json!({ "drain_per_minute": rate })))
    };
    assert_eq!(change(100).await.0, 200);
    let (status, problem) = change(200).await;
    assert_eq!((status, &problem["code"]), (StatusCode::PRECONDITION_FAILED, &json!("outrun")));
    assert_eq!(get(&edge, "/rooms/demo").await["drain_per_minute"], 100);
    // The same asked again does not happen again.
    let pause = || call(&edge, OPERATOR, Method::POST, "/rooms/demo/pause").header("idempotency-key", "a1");
    let (first, second) = (pause().send().await.unwrap(), pause().send().await.unwrap());
    assert!(!first.headers().contains_key("idempotency-replayed"));
    assert_eq!(second.headers()["idempotency-replayed"], "true");
    assert_eq!(first.bytes().await.unwrap(), second.bytes().await.unwrap());
    let other = call(&edge, OPERATOR, Method::POST, "/rooms/demo/close").header("idempotency-key", "a1");
    assert_eq!(answer(other).await.1["code"], "idempotency_key_reused");
    // Another body is another request, and so is what was seen before: the answer to the one says nothing of the other.
    let keyed = |tag: &str, message: &str| {
        let request =
            call(&edge, OPERATOR, Method::PUT, "/rooms/demo/message").header("idempotency-key", "a2");
        answer(request.header("if-match", tag).json(&json!({ "message": message })))
    };
    assert_eq!(keyed(&tag, "one").await.1["code"], "outrun");
    assert_eq!(keyed(&tag, "one").await.1["code"], "outrun");
    assert_eq!(keyed("*", "one").await.1["code"], "idempotency_key_reused");
    assert_eq!(keyed(&tag, "two").await.1["code"], "idempotency_key_reused");
}

/// Connections that say half of what they want take nothing from those who ask.
#[tokio::test]
async fn half_sent_requests_do_not_keep_operators_or_health_out() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let half: Vec<std::net::TcpStream> = (0..200)
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(edge.admin).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
            stream
        })
        .collect();
    let url = format!("http://{}/healthz", edge.admin);
    let health = browser().get(url).timeout(Duration::from_millis(2500)).send().await.unwrap();
    assert_eq!(health.status(), 200);
    drop(half);
}

#[tokio::test]
async fn each_may_do_what_the_role_says_and_nobody_else_anything() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let pause = |token: &str| answer(call(&edge, token, Method::POST, "/rooms/demo/pause"));
    assert_eq!(pause(VIEWER).await.1["code"], "role");
    assert_eq!(pause("no such token, though it is long enough").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(pause(ADMIN).await.0, 200);
    let configuration = |token: &str| answer(call(&edge, token, Method::GET, "/configuration"));
    assert_eq!(configuration(OPERATOR).await.0, StatusCode::FORBIDDEN);
    let bare = browser().get(format!("http://{}/api/v1/rooms", edge.admin)).send().await.unwrap();
    assert_eq!(
        (bare.status(), &bare.headers()["www-authenticate"]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    // Health is for everybody, and the fans' listener has none of it.
    let health = browser().get(format!("http://{}/healthz", edge.admin)).send().await.unwrap();
    assert_eq!((health.status(), health.text().await.unwrap()), (StatusCode::OK, "ok\n".to_owned()));
    let public = browser().get(edge.url("/api/v1/rooms")).bearer_auth(ADMIN).send().await.unwrap();
    assert_eq!(public.headers().get("etag"), None);
    let log = edge.log().concat();
    assert!(![VIEWER, OPERATOR, ADMIN].iter().any(|token| log.contains(token)), "{log}");
}

#[tokio::test]
async fn a_change_that_is_wrong_says_what_would_be_right_and_changes_nothing() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let before = get(&edge, "/rooms/demo").await["configuration"].clone();
    for (body, code, said) in [
        (
            json!({ "drain_per_minute": -1 }),
            "bad_configuration",
            "room `demo`: `drain_per_minute`: found -1; a whole",
        ),
        (
            json!({ "drain_per_minutes": 5 }),
            "bad_configuration",
            "room `demo`: `drain_per_minutes`: there is no such field; did you mean `drain_per_minute`?",
        ),
        (json!({ "mode": "pause" }), "bad_configuration", "room `demo`: `mode`: found \"pause\"; "),
        (json!({ "session": 10 }), "bad_configuration", "room `demo`: `session`: found 10; a time in quotes"),
        (
            json!({ "lane": [{ "name": "general", "weight": 0 }] }),
            "bad_configuration",
            "room `demo`: `lane.weight`: found 0; ",
        ),
        (
            json!({ "message": "a\u{0}b" }),
            "bad_configuration",
            "room `demo`: `message`: found the control character U+0000; ",
        ),
        (json!({ "id": "other" }), "bad_configuration", "id"),
        (
            json!({ "pages": { "template": "/etc/hostname" } }),
            "bad_configuration",
            "room `demo`: `pages`: found",
        ),
        (json!({ "pages": { "notice": "edge.toml" } }), "bad_configuration", "`pages`"),
        (json!({ "paths": [null] }), "bad_configuration", "paths"),
        (json!({}), "nothing_to_change", "drain_per_minute"),
        (json!([1]), "bad_body", "map"),
    ] {
        let (status, problem) = answer(call(&edge, ADMIN, Method::PATCH, "/rooms/demo").json(&body)).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(code)),
            "{body} {problem}"
        );
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said) && !detail.contains(".toml:"), "{problem}");
    }
    // A preview says the same.
    let preview =
        call(&edge, OPERATOR, Method::POST, "/rooms/demo/preview").json(&json!({ "max_active": "x" }));
    let (_, problem) = answer(preview).await;
    assert!(
        problem["detail"].as_str().unwrap().starts_with("room `demo`: `max_active`: found \"x\"; "),
        "{problem}"
    );
    let (status, problem) = answer(call(&edge, OPERATOR, Method::POST, "/rooms/none/pause")).await;
    assert_eq!((status, &problem["code"]), (StatusCode::NOT_FOUND, &json!("no_room")));
    let own = format!("{}[room.pages]\ntexts = \"/etc\"\n", room(STANDING));
    let put = call(&edge, ADMIN, Method::PUT, "/configuration").body(own);
    assert!(answer(put).await.1["detail"].as_str().unwrap().contains("room.pages"));
    let put = call(&edge, ADMIN, Method::PUT, "/configuration").body("# mine\n[[room]\n");
    assert!(answer(put).await.1["detail"].as_str().unwrap().starts_with("the text sent:2:"));
    let put = call(&edge, ADMIN, Method::PUT, "/configuration").body(b"[[room]]\n# \xff".to_vec());
    assert!(
        answer(put).await.1["detail"].as_str().unwrap().starts_with("the text sent:2:3: found the byte 0xFF")
    );
    assert_eq!(get(&edge, "/rooms/demo").await["configuration"], before);
    let nothing = answer(call(&edge, VIEWER, Method::GET, "/nothing")).await;
    assert_eq!((nothing.0, &nothing.1["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    assert_eq!(answer(call(&edge, VIEWER, Method::DELETE, "/rooms")).await.1["code"], "method");
}

#[tokio::test]
async fn an_operator_looks_a_fan_up_tells_all_something_and_takes_a_ticket() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(STANDING));
    let fan = browser();
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    let ticket = crate::harness::set_cookie(&page, "wr-ticket-demo").unwrap();
    let view = post(&edge, "/rooms/demo/tickets/look", &json!({ "ticket": ticket })).await;
    assert_eq!(
        (&view["standing"], &view["ahead"], &view["lane"]),
        (&json!("waiting"), &json!(0), &json!("general"))
    );
    let told = call(&edge, OPERATOR, Method::PUT, "/rooms/demo/message")
        .json(&json!({ "message": "2027-05-01T10:00:00Z" }));
    assert_eq!(answer(told).await.0, 200);
    let deadline = Instant::now() + PATIENCE;
    while until_state(&fan, &edge, "paused").await["message"] != "2027-05-01T10:00:00Z" {
        assert!(Instant::now() < deadline);
    }
    let bad = call(&edge, OPERATOR, Method::POST, "/rooms/demo/tickets/revoke")
        .json(&json!({ "ticket": "v1.x.y" }));
    assert_eq!(answer(bad).await.1["code"], "bad_ticket");
    let papers = json!({ "ticket": ticket, "reason": "resold" });
    let taken = post(&edge, "/rooms/demo/tickets/revoke", &papers).await;
    assert_eq!(taken["id"], view["id"]);
    assert_eq!(
        post(&edge, "/rooms/demo/tickets/look", &json!({ "ticket": ticket })).await["standing"],
        "ended"
    );
    let status =
        fan.get(edge.url("/.waiting-room/demo/ticket")).header("wr-ticket", &ticket).send().await.unwrap();
    assert_eq!(status.json::<Value>().await.unwrap()["code"], "no_ticket");
    let again = call(&edge, OPERATOR, Method::POST, "/rooms/demo/tickets/revoke").json(&papers);
    assert_eq!(answer(again).await.1["code"], "already_ended");
    let entry = get(&edge, "/audit?limit=1").await["entries"][0].clone();
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("revoke"), &json!("anna")));
    assert!(entry["detail"].as_str().unwrap().ends_with(": resold"));
}

#[tokio::test]
async fn all_admissions_are_taken_back_when_somebody_means_it() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    let fan = browser();
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    let void = |body: Value| answer(call(&edge, OPERATOR, Method::POST, "/rooms/demo/void").json(&body));
    assert_eq!(void(json!({ "confirm": "dem" })).await.1["code"], "not_confirmed");
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 200);
    until(&edge, "one is in", |room| room["active"] == 1).await;
    assert_eq!(void(json!({ "confirm": "demo", "reason": "a key leaked" })).await.1["sessions"], 1);
    until(&edge, "nobody is in", |room| room["active"] == 0).await;
    post(&edge, "/rooms/demo/pause", &json!({})).await;
    until(&edge, "paused", |room| room["phase"] == "paused").await;
    assert_eq!(
        navigate(&fan, &edge.url("/events/demo")).await.status(),
        202,
        "the token opens nothing any more"
    );
    assert_eq!(get(&edge, "/audit").await["entries"][1]["detail"], "1 sessions: a key leaked");
}

/// What may be asked and what is answered is as the document says, whoever asks it.
#[test]
fn the_document_of_the_api_is_true() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let edge = runtime.block_on(async { Edge::start(&Shop::start().await, &room(STANDING)) });
    let tool = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/schemathesis");
    let mut command = std::process::Command::new(&tool);
    command
        .current_dir(edge.folder.path())
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", edge.admin))
        .args(["--header", &format!("Authorization: Bearer {ADMIN}")])
        // Each token may ask so often. Tickets are signed: none that is made up is taken.
        .args(["--rate-limit", "15/s", "--max-examples", "5", "--phases", "coverage,fuzzing"])
        .args(["--exclude-checks", "positive_data_acceptance", "--no-color"]);
    let said = command.output().unwrap_or_else(|error| {
        panic!("{}: {error}; `.ci/tools test` installs schemathesis", tool.display())
    });
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    assert!(!edge.log().concat().contains("panicked"));
}

#[tokio::test]
async fn writing_back_what_was_shown_makes_no_public_text_of_a_secret() {
    let shop = Shop::start().await;
    let secret = "a-secret-of-partners-0001";
    let rule = format!(
        "{STANDING}\n[[room.bypass]]\nname = \"partner\"\nheaders = {{ \"X-Partner\" = \"{secret}\" }}\n"
    );
    let edge = Edge::start(&shop, &room(&rule));
    let shown = get(&edge, "/rooms/demo").await["configuration"]["bypass"].clone();
    assert!(!shown.is_null() && !shown.to_string().contains(secret), "{shown}");
    let back = call(&edge, ADMIN, Method::PATCH, "/rooms/demo").json(&json!({ "bypass": shown }));
    let (status, problem) = answer(back).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem["detail"].as_str().unwrap().contains("room `demo`: `bypass.headers`"), "{problem}");
    let with = |value: &str| browser().get(edge.url("/events/demo")).header("X-Partner", value).send();
    assert_eq!(with(secret).await.unwrap().status(), 200);
    assert_ne!(with("(not shown)").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_session_that_was_taken_is_told_to_be_over_by_its_token_too() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(""));
    let fan = browser();
    let page = navigate(&fan, &edge.url("/events/demo")).await;
    let token = crate::harness::set_cookie(&page, "wr-admission-demo").unwrap();
    let papers = json!({ "token": token });
    assert_eq!(post(&edge, "/rooms/demo/tickets/look", &papers).await["standing"], "active");
    post(&edge, "/rooms/demo/tickets/revoke", &papers).await;
    assert_eq!(post(&edge, "/rooms/demo/tickets/look", &papers).await["standing"], "ended");
}
