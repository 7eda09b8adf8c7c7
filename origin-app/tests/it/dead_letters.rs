//! `origin-app dead-letters`, with the real binary, while a shop runs.

use crate::binary::origin_app;
use crate::cold_path::Stage;
use crate::support::Database;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_aside_is_listed_shown_written_anew_and_dropped() {
    let mut stage = Stage::open(Database::postgres().await, 4).await;
    let url = stage.database.inventory();
    let command = |words: &[&str]| origin_app(&[&["--inventory", &url, "dead-letters"], words].concat());
    assert_eq!(command(&["list"]), (Some(0), "nothing was put aside\n".to_owned()));
    assert_eq!(command(&["replay", "--all"]), (Some(0), "nothing was put aside\n".to_owned()));

    stage.database.refuse_a_seat().await;
    let fan = stage.shop.fan();
    let reservation = fan.held(&["A-2", "A-3"]).await;
    stage.dead(1).await;
    let cookie = fan.cookie("shop-fan").unwrap();
    let rubbish = format!("\"held x {cookie} \\x1b[2J\\n\"");
    stage.database.redis().command(&["XADD", "shop:{demo}:log", "*", "id", "what", "line", &rubbish]);
    let dead = stage.dead(2).await;
    let (code, listed) = command(&["list"]);
    assert_eq!((code, listed.lines().count()), (Some(0), 2), "{listed}");
    let (first, second) = (format!("demo/{}", dead[0].0), format!("demo/{}", dead[1].0));
    let line = format!("{first}\twritten 2027-01-15T08:00:00Z\theld A-2, A-3\tthe database refused: ");
    assert!(listed.starts_with(&line), "{listed}");
    assert!(listed.contains(&format!("\n{second}\t")) && listed.contains("\tunreadable\t"), "{listed}");

    let (code, shown) = command(&["show", &first]);
    assert_eq!(code, Some(0));
    for told in [&*reservation, "A-2, A-3", "9000 EUR", "2027-01-15T08:03:00Z", "the database refused"] {
        assert!(shown.contains(told), "{told} in {shown}");
    }
    // Nothing of it opens a fan's tickets, or writes on the terminal elsewhere.
    let (_, unreadable) = command(&["show", &second]);
    assert!(unreadable.contains("what held x (fan) ") && !unreadable.contains('\x1b'), "{unreadable}");
    assert!([&listed, &shown, &unreadable].iter().all(|said| !said.contains(&cookie)));

    // While it is in the way, it comes back.
    let (code, said) = command(&["replay", &first]);
    assert_eq!((code, said.starts_with("1 dead letter is written anew")), (Some(0), true), "{said}");
    stage.dead(2).await;
    stage.database.refuse_no_seat().await;
    let (_, said) = command(&["replay", "--all"]);
    assert!(said.starts_with("2 dead letters are written anew"), "{said}");
    let left = stage.dead(1).await;
    stage.caught_up().await;
    assert_eq!(stage.rows().await, (1, 2));
    let left = format!("demo/{}", left[0].0);
    assert_eq!(command(&["drop", &left]), (Some(0), "1 dead letter dropped\n".to_owned()));
    assert_eq!(command(&["list"]).1, "nothing was put aside\n");

    for (words, code, why) in [
        (&["drop", &*left][..], 1, "there is no such dead letter"),
        (&["replay", &left], 1, "there is no such dead letter"),
        (&["show", "demo/1-0"], 1, "there is no such dead letter"),
        (&["show", "demo"], 64, "an id is an event and a number"),
        (&["replay"], 64, "<ID|--all>"),
        (&["drop"], 64, "<ID>"),
    ] {
        let (ended, said) = command(words);
        assert_eq!((ended, said.contains(why)), (Some(code), true), "{words:?}: {said}");
    }
    stage.close().await;
}

#[test]
fn where_there_is_nothing_to_ask_it_says_so() {
    let (code, said) = origin_app(&["--inventory", "memory", "dead-letters", "list"]);
    assert_eq!((code, said.contains("in the shop's own process")), (Some(1), true), "{said}");
    let nowhere = "redis://shop:s3cret@127.0.0.1:1/0";
    let (code, said) = origin_app(&["--inventory", nowhere, "dead-letters", "list"]);
    assert_eq!((code, said.contains("the inventory is out of reach")), (Some(1), true), "{said}");
    assert!(!said.contains("s3cret"), "{said}");
}
