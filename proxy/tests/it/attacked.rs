//! The attacks of the fuzz targets, on random bytes made of what attackers write (`proxy/fuzz`).

use proptest::prelude::*;

use crate::attacks;

/// What paths are made of that are meant to be misread.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        "/",
        "/",
        "/",
        "events",
        "demo",
        "/events/demo",
        "api",
        "reservations",
        "x",
        "..",
        ".",
        "%2e",
        "%2E%2e",
        "%2f",
        "%5c",
        "\\",
        ";",
        ";a=b",
        "%3b",
        "%3f",
        "?",
        "%23",
        "#",
        "%25",
        "%252f",
        "%252e",
        "%20",
        " ",
        "%00",
        "%0a",
        "%c0%af",
        "%e0%80%af",
        "%ef%bc%8f",
        "／",
        "ｅ",
        "‥",
        "\u{ad}",
        "%u002f",
        "%",
        "%6",
        "E",
        "%45",
        "é",
        "%C3%A9",
        "http://h",
        "*",
        "@",
        ":80",
        "&",
        "=",
        ".waiting-room",
        "%2ewaiting-room",
    ]);
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes())
}

fn lines(words: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(proptest::sample::select(words), 0..most)
        .prop_map(|words| words.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_attack_on_the_decision_succeeds(path in pieces(), bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        attacks::request(&[b"shop.example\n/", path.as_slice()].concat());
        attacks::request(&[b"shop.example\n", path.as_slice()].concat());
        attacks::request(&bytes);
    }

    #[test]
    fn no_attack_on_the_framing_succeeds(
        head in lines(&["POST / HTTP/1.1", "\r\n", "\n", "\r", "Content-Length:", "content-length", ":", " ", "5", "+",
            "Transfer-Encoding: ", "chunked", ",", "X: y", "HTTP/1.0", "\0"], 20),
    ) {
        attacks::framing(&head);
    }

    #[test]
    fn no_attack_on_cookies_succeeds(
        line in lines(&["wr-ticket-demo", "wr-admission-demo", "__Host-", "=", "\"", ";", "; ", " ", "a", "wr-", "shop-fan",
            ",", "\t", "é", "v1.x.y", "wr-bypass-demo=x"], 16),
    ) {
        attacks::cookies(&line);
    }

    #[test]
    fn no_attack_on_the_clients_address_succeeds(
        choice in any::<u8>(),
        line in lines(&["10.0.0.1", "198.51.100.7", "::1", "[", "]", ":", ",", ", ", "\n", " ", "fd00::1", "4711", "unknown",
            "::ffff:", "%eth0", "0"], 14),
    ) {
        attacks::client(&[vec![choice], line].concat());
    }
}

#[test]
fn what_the_fuzz_targets_begin_with_succeeds_neither() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, attack) in [
        ("request", attacks::request as fn(&[u8])),
        ("framing", attacks::framing),
        ("cookies", attacks::cookies),
        ("client", attacks::client),
    ] {
        let files: Vec<_> = seeds.join(name).read_dir().unwrap().map(|file| file.unwrap().path()).collect();
        assert!(!files.is_empty());
        for file in files {
            attack(&std::fs::read(file).unwrap());
        }
    }
}
