//! Pages that an operator puts in the place of those that ship: served, refused with a reason, and looked at.

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::harness::{Edge, STANDING, all, browser, command, files, navigate, room};
use crate::shop::Shop;

const TEMPLATE: &str = "<!doctype html>\n<html lang=\"{{ lang }}\" dir=\"{{ dir }}\">\n<head>\n<title>{{ title }}</title>\n\
                        <style>h1{color:teal}</style>\n</head>\n<body>\n<main id=\"line\" data-room=\"{{ room }}\" \
                        data-state=\"{{ state }}\" data-title=\"{{ title }}\" data-shown=\"{{ shown_cookie }}\" \
                        data-joined=\"{{ joined }}\">\n<h1 id=\"heading\">{{ heading }}</h1>\n<p id=\"position\" \
                        data-number=\"{{ position_number }}\">{{ position }}</p>\n</main>\n{{ script }}\n</body>\n</html>\n";

const ARABIC: &str = include_str!("../browser/ar.toml");

/// A folder with an edge's files, whose room `demo` has pages of its own.
fn folder(template: &str, texts: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("page.html"), template).unwrap();
    std::fs::create_dir(folder.path().join("words")).unwrap();
    for (name, text) in texts {
        std::fs::write(folder.path().join("words").join(name), text).unwrap();
    }
    let own = "[room.pages]\ntemplate = \"page.html\"\n";
    files(
        &folder,
        "[upstream]\naddress = \"127.0.0.1:1\"\n[pages]\ntexts = \"words\"",
        &room(&format!("{STANDING}\n{own}")),
    );
    folder
}

fn proxy(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command: Command = command();
    command.arg("--config").arg(folder.path().join("edge.toml"));
    command.arg("--rooms").arg(folder.path().join("rooms.toml")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_room_has_a_template_and_words_of_its_own() {
    let shop = Shop::start().await;
    let words = [("ar.toml", ARABIC), ("en.toml", "[page]\npaused_heading = \"Intermission\"")];
    let given = folder(TEMPLATE, &words);
    let at = given.path().display();
    let edge = format!("[upstream]\naddress = \"{}\"\n[pages]\ntexts = \"{at}/words\"", shop.address);
    let rooms = room(&format!("{STANDING}\n[room.pages]\ntemplate = \"{at}/page.html\""));
    let edge = Edge::start_with(&edge, &rooms);
    let page = navigate(&browser(), &edge.url("/events/demo")).await;
    let policy = all(&page, "content-security-policy")[0].to_owned();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("<h1 id=\"heading\">Intermission</h1>") && page.contains("h1{color:teal}"),
        "{page}"
    );
    // Its own style is one of those that the policy names, and the script is the one that ships.
    assert_eq!(policy.matches("'sha256-").count(), 4, "{policy}");
    let request = browser().get(edge.url("/events/demo")).header("accept", "text/html");
    let page = request.header("accept-language", "ar-EG").send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<html lang=\"ar\" dir=\"rtl\">"), "{page}");
}

#[test]
fn what_is_wrong_with_a_page_is_said_at_start() {
    for (template, words, needles) in [
        ("<p>{{ titel }}</p>", ("en.toml", ""), vec!["page.html:1:", "titel"]),
        ("<p>\n{% if state %}", ("en.toml", ""), vec!["page.html:2:"]),
        ("<p>\n<b style=\"color:red\">", ("en.toml", ""), vec!["page.html:2:", "use a class"]),
        (
            TEMPLATE,
            ("en.toml", "[page]\n\nleave = \"{x}\""),
            vec!["en.toml:3:", "`leave`", "nothing is filled in"],
        ),
        (TEMPLATE, ("en.toml", "[page]\nleaf = \"x\""), vec!["en.toml:2:", "`leaf`", "no such text"]),
        (TEMPLATE, ("it.toml", "[page]\nleave = \"Esci\""), vec!["it.toml", "is missing"]),
        (TEMPLATE, ("b%d.toml", ""), vec!["has to be a language"]),
    ] {
        let output = proxy(&folder(template, &[words]), &["--check"]);
        assert_eq!(output.status.code(), Some(64), "{template}");
        for needle in needles {
            assert!(said(&output).contains(needle), "{needle}: {}", said(&output));
        }
    }
    let given = folder(TEMPLATE, &[]);
    std::fs::remove_file(given.path().join("page.html")).unwrap();
    let output = proxy(&given, &["--check"]);
    assert!(
        said(&output).contains("rooms.toml:") && said(&output).contains("which is not there"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_designer_looks_at_a_page() {
    let given = folder(TEMPLATE, &[("ar.toml", ARABIC)]);
    let look = |arguments: &[&str]| {
        let output = proxy(&given, &[&["preview"], arguments].concat());
        (output.status.code(), String::from_utf8(output.stdout.clone()).unwrap(), said(&output))
    };
    let (code, page, remark) = look(&["demo", "--state", "waiting", "--lang", "ko"]);
    assert_eq!(code, Some(0), "{remark}");
    assert!(
        page.contains("대기 중입니다") && page.contains("http-equiv=\"Content-Security-Policy\""),
        "{page}"
    );
    assert!(remark.contains("KiB in gzip") && !remark.contains("more than"), "{remark}");
    let (_, list, _) = look(&["demo", "--state", "list"]);
    assert!(list.lines().count() > 30, "{list}");
    for state in list.lines() {
        let (code, page, remark) = look(&["demo", "--state", state, "--lang", "ar"]);
        assert_eq!(code, Some(0), "{state}: {remark}");
        assert!(page.contains("dir=\"rtl\"") && !page.contains('\u{e000}'), "{state}");
    }
    for (arguments, needle) in [
        (["nowhere", "--state", "waiting"], "there are: demo"),
        (["demo", "--state", "sleeping"], "prequeue"),
        (["demo", "--lang", "xx"], "there are: en, ko"),
    ] {
        let (code, _, remark) = look(&arguments);
        assert!(code == Some(64) && remark.contains(needle), "{remark}");
    }
}
