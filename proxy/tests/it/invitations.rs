//! Lanes are entered by invitation, and by nothing else.

use std::time::Duration;

use admission::clock::{Clock as _, SystemClock, SystemRandom};
use admission::invitation::Invitation;
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::ticket::TicketId;
use serde_json::Value;

use crate::harness::{Edge, KEYS, all, assert_private, browser, command, navigate, room, set_cookie};
use crate::live;
use crate::shop::Shop;
use crate::store_away::until;

const LANES: &str =
    "mode = \"paused\"\n[[room.lane]]\nname = \"general\"\n[[room.lane]]\nname = \"member\"\nweight = 3";

fn mint(edge: &Edge, arguments: &[&str]) -> Vec<String> {
    let mut command = command();
    command.arg("--config").arg(edge.folder.path().join("edge.toml"));
    command.arg("invite").arg("--rooms").arg(edge.folder.path().join("rooms.toml"));
    let output = command.args(["--room", "demo"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

async fn take_up(fan: &reqwest::Client, edge: &Edge, code: &str) -> reqwest::Response {
    navigate(fan, &edge.url(&format!("/.waiting-room/demo/invitation?code={code}"))).await
}

async fn status(fan: &reqwest::Client, edge: &Edge) -> Value {
    fan.get(edge.url("/.waiting-room/demo/ticket")).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn an_invitation_leads_into_its_lane() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(LANES));
    let links =
        mint(&edge, &["--lane", "member", "--uses", "2", "--count", "3", "--link", "https://a.example/"]);
    assert_eq!(links.len(), 3);
    let code = links[0].strip_prefix("https://a.example/.waiting-room/demo/invitation?code=").unwrap();
    let fan = browser();
    let taken = take_up(&fan, &edge, code).await;
    assert_eq!((taken.status().as_u16(), all(&taken, "location")), (303, vec!["/events/demo"]));
    assert_private(&taken);
    assert_eq!(all(&taken, "referrer-policy"), ["no-referrer"]);
    let cookie = all(&taken, "set-cookie")[0];
    assert!(cookie.starts_with("wr-invitation-demo=v1.") && cookie.contains("HttpOnly"), "{cookie}");
    assert_eq!(navigate(&fan, &edge.url("/events/demo")).await.status(), 202);
    let first = status(&fan, &edge).await;
    assert_eq!((&first["lane"], &first["position"]), (&"member".into(), &1.into()));

    // One who stands in the general line gets the new place and gives up the old one. So does a program.
    let fan = browser();
    let url = edge.url("/.waiting-room/demo/ticket");
    let old: Value = fan.post(&url).send().await.unwrap().json().await.unwrap();
    assert_eq!(old["lane"], "general");
    let request = fan.post(&url).header("wr-ticket", old["ticket"].as_str().unwrap());
    let moved = request.header("wr-invitation", code).send().await.unwrap();
    assert_eq!(moved.status(), 201);
    let moved: Value = moved.json().await.unwrap();
    assert_eq!((&moved["lane"], &moved["position"]), (&"member".into(), &2.into()));
    let gone = browser().get(&url).header("wr-ticket", old["ticket"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(gone.status(), 404);
    // Again is once.
    let again = fan.post(&url).header("wr-invitation", code).send().await.unwrap();
    assert_eq!(again.status(), 200);

    // It was for two.
    let third = browser();
    assert_eq!(take_up(&third, &edge, code).await.status(), 303);
    let used = navigate(&third, &edge.url("/events/demo")).await;
    assert_eq!(used.status(), 409);
    assert_eq!(set_cookie(&used, "wr-invitation-demo").as_deref(), Some(""));
    let page = used.text().await.unwrap();
    assert!(page.contains("has been used") && page.contains("Go to the general line</a>"), "{page}");
    assert_eq!(navigate(&third, &edge.url("/events/demo")).await.status(), 202);
    assert_eq!(status(&third, &edge).await["lane"], "general");
    let used = browser().post(&url).header("wr-invitation", code).send().await.unwrap();
    assert_eq!(used.status(), 409);
    assert_eq!(used.json::<Value>().await.unwrap()["code"], "invitation_used");
    // No code is ever in the log.
    assert!(!edge.log().iter().any(|line| line.contains(code)));
}

#[tokio::test]
async fn an_invitation_for_one_is_one_place() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(LANES));
    let code = mint(&edge, &["--lane", "member", "--expires-in", "1h"]).remove(0);
    let (first, second) = (browser(), browser());
    for fan in [&first, &second] {
        take_up(fan, &edge, &code).await;
        assert_eq!(navigate(fan, &edge.url("/events/demo")).await.status(), 202);
        until("there is one place", async || {
            let status = status(fan, &edge).await;
            assert_eq!(status["lane"], "member");
            status["position"] == 1 && status["waiting"] == 1
        })
        .await;
    }
    let url = edge.url("/.waiting-room/demo/ticket");
    assert_eq!(first.delete(&url).send().await.unwrap().status(), 204);
    assert_eq!(navigate(&first, &edge.url("/events/demo")).await.status(), 409);
    assert_eq!(navigate(&first, &edge.url("/events/demo")).await.status(), 202);
    assert_eq!(status(&first, &edge).await["lane"], "general");
}

#[tokio::test]
async fn what_is_no_invitation_is_refused_with_the_reason() {
    let shop = Shop::start().await;
    let edge = Edge::start(&shop, &room(LANES));
    let keys = Keyring::parse(KEYS).unwrap();
    let other_keys = Keyring::parse("k1:HxwdHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA").unwrap();
    let invitation = |room: &str, lane: &str| Invitation {
        room: RoomId::parse(room).unwrap(),
        lane: LaneId::parse(lane).unwrap(),
        id: TicketId::random(&SystemRandom).unwrap(),
        uses: 1,
        expires_at: SystemClock.now() + Duration::from_secs(60),
    };
    let good = invitation("demo", "member").seal(&keys);
    let expired =
        Invitation { expires_at: SystemClock.now() - Duration::from_secs(1), ..invitation("demo", "member") };
    let ticket = live::join(&edge).await;
    let cut = &good[..good.len() - 1];
    for (code, refused, why) in [
        ("", 400, "invitation_unknown"),
        ("member", 400, "invitation_unknown"),
        (cut, 400, "invitation_unknown"),
        (&ticket, 400, "invitation_unknown"),
        (&invitation("demo", "member").seal(&other_keys), 400, "invitation_unknown"),
        (&invitation("other", "member").seal(&keys), 404, "invitation_elsewhere"),
        (&expired.seal(&keys), 410, "invitation_expired"),
        (&invitation("demo", "access").seal(&keys), 410, "invitation_no_lane"),
    ] {
        let page = take_up(&browser(), &edge, code).await;
        assert_eq!(page.status(), refused, "{code}");
        assert!(all(&page, "set-cookie").is_empty());
        assert_private(&page);
        // The link on it leads to a page of the shop, which must not read the code.
        assert_eq!(all(&page, "referrer-policy"), ["no-referrer"]);
        assert!(all(&page, "retry-after").is_empty());
        assert!(page.text().await.unwrap().contains("This invitation cannot be used"));
        let url = edge.url("/.waiting-room/demo/ticket");
        let problem = browser().post(url).header("wr-invitation", code).send().await.unwrap();
        assert_eq!(problem.status(), refused, "{code}");
        assert_eq!(problem.json::<Value>().await.unwrap()["code"], why);
    }
    // Nor does anything else lead into a lane.
    for (path, header) in [
        ("/.waiting-room/demo/ticket?lane=member", ("wr-lane", "member")),
        ("/.waiting-room/demo/ticket?code=member&invitation=member", ("cookie", "wr-invitation-demo=member")),
        ("/.waiting-room/demo/ticket", ("cookie", "wr-lane-demo=member; lane=member")),
    ] {
        let joined = browser().post(edge.url(path)).header(header.0, header.1).body("{\"lane\":\"member\"}");
        assert_eq!(joined.send().await.unwrap().json::<Value>().await.unwrap()["lane"], "general", "{path}");
    }
    // And it leads nowhere but to this site.
    for (to, led) in [
        ("/events/demo/seats%3Fa%3D1", Some("/events/demo/seats?a=1")),
        ("//evil.example", None),
        ("%2F%2Fevil.example", None),
        ("https://evil.example/", None),
        ("/%5Cevil.example", None),
        ("%5C%5Cevil.example", None),
        ("/a%0d%0aset-cookie:x=1", None),
    ] {
        let url = edge.url(&format!("/.waiting-room/demo/invitation?code={good}&to={to}"));
        let answer = navigate(&browser(), &url).await;
        match led {
            Some(led) => assert_eq!((answer.status().as_u16(), all(&answer, "location")), (303, vec![led])),
            None => assert_eq!((answer.status().as_u16(), all(&answer, "location")), (400, vec![]), "{to}"),
        }
    }
    assert!(shop.asked().is_empty());
}

#[test]
fn what_cannot_be_minted_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let (edge, rooms) = crate::harness::files(&folder, "[upstream]\naddress = \"a:1\"", &room(LANES));
    for (arguments, part) in [
        (vec!["--room", "x", "--lane", "member"], "there are: demo"),
        (vec!["--room", "demo", "--lane", "x"], "the room has: general, member"),
        (vec!["--room", "demo", "--lane", "member", "--expires-in", "soon"], "such as 24h"),
        (vec!["--room", "demo", "--lane", "member", "--link", "ftp://a"], "https://SITE"),
        (vec!["--room", "demo", "--lane", "member", "--uses", "0"], "--uses"),
    ] {
        let mut command = command();
        command.arg("--config").arg(&edge).arg("--rooms").arg(&rooms).arg("invite").args(&arguments);
        let output = command.output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{message}");
        assert!(message.contains(part), "{message}");
    }
}
