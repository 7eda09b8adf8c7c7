//! The cases, by the numbers of the Autobahn test suite. A fan has nothing to say, so where the suite looks for an
//! echo, these look whether the connection goes on: a ping that follows is answered.

use super::client::{BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, announced, close, frame};

/// What has to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// These pongs, and the connection goes on.
    GoesOn(Vec<Vec<u8>>),
    /// The connection is failed, with one of these codes.
    Fails(&'static [u16]),
    /// The connection is closed, with the code that the client gave; none where it gave none.
    Closes(Option<u16>),
}

/// One case.
pub(crate) struct Case {
    pub(crate) number: String,
    pub(crate) bytes: Vec<u8>,
    /// Whether they are sent one at a time.
    pub(crate) is_chopped: bool,
    pub(crate) then: Then,
}

const PROTOCOL: &[u16] = &[1002];
const NOT_UTF8: &[u16] = &[1007];
const TOO_LONG: &[u16] = &[1009];

fn goes_on() -> Then {
    Then::GoesOn(Vec::new())
}

fn pongs(payloads: &[&[u8]]) -> Then {
    Then::GoesOn(payloads.iter().map(|payload| payload.to_vec()).collect())
}

#[derive(Default)]
struct Cases(Vec<Case>);

impl Cases {
    fn add(&mut self, number: impl Into<String>, frames: &[Vec<u8>], then: Then) {
        self.0.push(Case { number: number.into(), bytes: frames.concat(), is_chopped: false, then });
    }

    fn add_chopped(&mut self, number: impl Into<String>, frames: &[Vec<u8>], then: Then) {
        self.add(number, frames, then);
        self.0.last_mut().unwrap().is_chopped = true;
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Cases::default();
    framing(&mut cases);
    pings(&mut cases);
    bits(&mut cases);
    fragments(&mut cases);
    utf8(&mut cases);
    closing(&mut cases);
    limits(&mut cases);
    cases.0
}

fn framing(cases: &mut Cases) {
    for (group, opcode) in [(1, TEXT), (2, BINARY)] {
        for (nth, length) in [0, 125, 126, 127, 128].into_iter().enumerate() {
            cases.add(
                format!("1.{group}.{}", nth + 1),
                &[frame(FIN | opcode, &vec![b'*'; length])],
                goes_on(),
            );
        }
        for (nth, length) in [(6, 65_535), (7, 65_536)] {
            let frames = [frame(FIN | opcode, &vec![b'*'; length])];
            cases.add(format!("1.{group}.{nth}"), &frames, Then::Fails(TOO_LONG));
        }
        let frames = [frame(FIN | opcode, &vec![b'*'; 65_536])];
        cases.add_chopped(format!("1.{group}.8"), &frames[..], Then::Fails(TOO_LONG));
    }
}

fn pings(cases: &mut Cases) {
    let ping = |payload: &[u8]| frame(FIN | PING, payload);
    let binary: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
    cases.add("2.1", &[ping(b"")], pongs(&[b""]));
    cases.add("2.2", &[ping(b"Hello, world!")], pongs(&[b"Hello, world!"]));
    cases.add("2.3", &[ping(binary)], pongs(&[binary]));
    cases.add("2.4", &[ping(&[0xfe; 125])], pongs(&[&[0xfe; 125]]));
    cases.add("2.5", &[ping(&[0xfe; 126])], Then::Fails(PROTOCOL));
    cases.add_chopped("2.6", &[ping(&[0xfe; 125])], pongs(&[&[0xfe; 125]]));
    cases.add("2.7", &[frame(FIN | PONG, b"")], goes_on());
    cases.add("2.8", &[frame(FIN | PONG, b"unsolicited pong payload")], goes_on());
    cases.add("2.9", &[frame(FIN | PONG, b"unsolicited"), ping(b"ping payload")], pongs(&[b"ping payload"]));
    let payloads: Vec<Vec<u8>> = (0..10).map(|nth| format!("payload-{nth}").into_bytes()).collect();
    let frames: Vec<Vec<u8>> = payloads.iter().map(|payload| ping(payload)).collect();
    cases.add("2.10", &frames, Then::GoesOn(payloads.clone()));
    cases.add_chopped("2.11", &frames, Then::GoesOn(payloads));
}

fn bits(cases: &mut Cases) {
    let (hello, ping) = (frame(FIN | TEXT, b"Hello, world!"), frame(FIN | PING, b""));
    let fails = || Then::Fails(PROTOCOL);
    cases.add("3.1", &[frame(FIN | 0x10 | TEXT, b"Hello")], fails());
    cases.add("3.2", &[hello.clone(), frame(FIN | 0x20 | TEXT, b"Hello"), ping.clone()], fails());
    cases.add("3.3", &[hello.clone(), frame(FIN | 0x30 | TEXT, b"Hello"), ping.clone()], fails());
    cases.add_chopped("3.4", &[hello.clone(), frame(FIN | 0x40 | TEXT, b"Hello"), ping.clone()], fails());
    cases.add("3.5", &[frame(FIN | 0x50 | BINARY, b"\x00\xff\xfe")], fails());
    cases.add("3.6", &[frame(FIN | 0x60 | PING, b"Hello")], fails());
    cases.add("3.7", &[frame(FIN | 0x70 | CLOSE, b"")], fails());
    for (group, first) in [(1, 3), (2, 11)] {
        for nth in 0..5 {
            let frames = if nth < 2 {
                vec![frame(FIN | (first + nth), &b"payload"[..usize::from(nth) * 7])]
            } else {
                vec![hello.clone(), frame(FIN | (first + nth), b"payload"), ping.clone()]
            };
            cases.add(format!("4.{group}.{}", nth + 1), &frames, fails());
        }
    }
}

fn fragments(cases: &mut Cases) {
    let fails = || Then::Fails(PROTOCOL);
    let (part, end) = (frame(TEXT, b"fragment1"), frame(FIN | CONTINUATION, b"fragment2"));
    let ping = frame(FIN | PING, b"ping");
    cases.add("5.1", &[frame(PING, b"fragment1"), end.clone()], fails());
    cases.add("5.2", &[frame(PONG, b"fragment1"), end.clone()], fails());
    cases.add("5.3", &[part.clone(), end.clone()], goes_on());
    cases.add("5.4", &[part.clone(), end.clone(), part.clone(), end.clone()], goes_on());
    cases.add_chopped("5.5", &[part.clone(), end.clone()], goes_on());
    cases.add("5.6", &[part.clone(), ping.clone(), end.clone()], pongs(&[b"ping"]));
    cases.add("5.7", &[part.clone(), ping.clone(), ping.clone(), end.clone()], pongs(&[b"ping", b"ping"]));
    cases.add_chopped("5.8", &[part.clone(), ping.clone(), end.clone()], pongs(&[b"ping"]));
    let (stray, stray_end) = (frame(CONTINUATION, b"none"), frame(FIN | CONTINUATION, b"none"));
    let hello = frame(FIN | TEXT, b"Hello, world!");
    cases.add("5.9", &[stray_end.clone(), hello.clone()], fails());
    cases.add("5.10", &[stray_end.clone(), hello.clone(), hello.clone()], fails());
    cases.add_chopped("5.11", &[stray_end, hello.clone()], fails());
    cases.add("5.12", &[stray.clone(), hello.clone()], fails());
    cases.add("5.13", &[stray.clone(), hello.clone(), hello.clone()], fails());
    cases.add_chopped("5.14", &[stray.clone(), hello.clone()], fails());
    cases.add("5.15", &[part.clone(), end.clone(), stray.clone(), hello.clone()], fails());
    cases.add("5.16", &[stray.clone(), part.clone(), end.clone()], fails());
    cases.add("5.17", &[frame(FIN | CONTINUATION, b"x"), part.clone(), end.clone()], fails());
    cases.add("5.18", &[part.clone(), frame(FIN | TEXT, b"fragment2")], fails());
    let piece = frame(CONTINUATION, b"more");
    let between =
        [part.clone(), piece.clone(), ping.clone(), piece.clone(), ping.clone(), piece, end.clone()];
    cases.add("5.19", &between, pongs(&[b"ping", b"ping"]));
    cases.add_chopped("5.20", &between, pongs(&[b"ping", b"ping"]));
}

/// Texts that are UTF-8, and some that are not, by the groups of the suite.
fn utf8(cases: &mut Cases) {
    let text = |bytes: &[u8]| frame(FIN | TEXT, bytes);
    let greek = "Hello-µ@ßöäüàá-UTF-8!!".as_bytes();
    cases.add("6.1.1", &[text(b"")], goes_on());
    cases.add("6.1.2", &[frame(TEXT, b""), frame(CONTINUATION, b""), frame(FIN, b"")], goes_on());
    cases.add("6.1.3", &[frame(TEXT, b""), frame(CONTINUATION, b"middle"), frame(FIN, b"")], goes_on());
    cases.add("6.2.1", &[text(greek)], goes_on());
    // Cut within a letter.
    cases.add("6.2.2", &[frame(TEXT, &greek[..7]), frame(FIN, &greek[7..])], goes_on());
    let mut singles: Vec<Vec<u8>> = greek.iter().map(|byte| frame(CONTINUATION, &[*byte])).collect();
    singles.insert(0, frame(TEXT, b""));
    singles.push(frame(FIN, b""));
    cases.add("6.2.3", &singles, goes_on());
    cases.add_chopped("6.2.4", &[text("κόσμε".as_bytes())], goes_on());
    let broken = [greek, b"\xed\xa0\x80", b"edited"].concat();
    cases.add("6.3.1", &[text(&broken)], Then::Fails(NOT_UTF8));
    let mut singles: Vec<Vec<u8>> = broken.iter().map(|byte| frame(CONTINUATION, &[*byte])).collect();
    singles.insert(0, frame(TEXT, b""));
    singles.push(frame(FIN, b""));
    cases.add("6.3.2", &singles, Then::Fails(NOT_UTF8));
    // Where the text is broken before its last piece.
    let (good, bad) = ("κόσμε".as_bytes(), b"\xf4\x90\x80\x80".as_slice());
    cases.add(
        "6.4.1",
        &[frame(TEXT, good), frame(CONTINUATION, bad), frame(FIN, b"edited")],
        Then::Fails(NOT_UTF8),
    );
    cases.add(
        "6.4.2",
        &[frame(TEXT, &[good, &bad[..1]].concat()), frame(CONTINUATION, &bad[1..]), frame(FIN, b"x")],
        Then::Fails(NOT_UTF8),
    );
    cases.add_chopped("6.4.3", &[text(&[good, bad].concat())], Then::Fails(NOT_UTF8));
    let groups: &[(u32, bool, &[&[u8]])] = &[
        (5, true, &["κόσμε".as_bytes(), "κ".as_bytes(), "κόσ".as_bytes()]),
        (6, false, &[b"\xce", b"\xce\xba\xe1", b"\xce\xba\xe1\xbd", b"\xce\xba\xe1\xbd\xb9\xcf"]),
        (6, true, &[b"\xce\xba", b"\xce\xba\xe1\xbd\xb9", b"\xce\xba\xe1\xbd\xb9\xcf\x83"]),
        (7, true, &[b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        (8, false, &[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        (9, true, &[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        (10, false, &[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        (11, true, &[b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd", b"\xf4\x8f\xbf\xbf"]),
        (11, false, &[b"\xf4\x90\x80\x80"]),
        (
            12,
            false,
            &[
                b"\x80",
                b"\xbf",
                b"\x80\xbf",
                b"\x80\xbf\x80",
                b"\x80\xbf\x80\xbf",
                b"\x80\xbf\x80\xbf\x80",
                b"\x80\xbf\x80\xbf\x80\xbf",
            ],
        ),
        (
            13,
            false,
            &[
                b"\xc0\x20\xc1\x20\xde\x20",
                b"\xe0\x20\xe8\x20\xef\x20",
                b"\xf0\x20\xf4\x20\xf7\x20",
                b"\xf8\x20\xfb\x20",
                b"\xfc\x20\xfd\x20",
            ],
        ),
        (
            14,
            false,
            &[
                b"\xc0",
                b"\xe0\x80",
                b"\xf0\x80\x80",
                b"\xf8\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80",
                b"\xdf",
                b"\xef\xbf",
                b"\xf7\xbf\xbf",
                b"\xfb\xbf\xbf\xbf",
                b"\xfd\xbf\xbf\xbf\xbf",
            ],
        ),
        (
            15,
            false,
            &[b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf"],
        ),
        (16, false, &[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]),
        (
            17,
            false,
            &[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ],
        ),
        (
            18,
            false,
            &[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ],
        ),
        (
            19,
            false,
            &[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ],
        ),
        (
            20,
            false,
            &[
                b"\xed\xa0\x80",
                b"\xed\xad\xbf",
                b"\xed\xae\x80",
                b"\xed\xaf\xbf",
                b"\xed\xb0\x80",
                b"\xed\xbe\x80",
                b"\xed\xbf\xbf",
            ],
        ),
        (
            21,
            false,
            &[
                b"\xed\xa0\x80\xed\xb0\x80",
                b"\xed\xa0\x80\xed\xbf\xbf",
                b"\xed\xad\xbf\xed\xb0\x80",
                b"\xed\xad\xbf\xed\xbf\xbf",
                b"\xed\xae\x80\xed\xb0\x80",
                b"\xed\xae\x80\xed\xbf\xbf",
                b"\xed\xaf\xbf\xed\xb0\x80",
                b"\xed\xaf\xbf\xed\xbf\xbf",
            ],
        ),
        (22, true, &[b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xf0\x9f\xbf\xbe", b"\xf4\x8f\xbf\xbe"]),
        (23, true, &[b"\xef\xbf\xb9", b"\xef\xbf\xba", b"\xef\xbf\xbb", b"\xef\xbf\xbc", b"\xef\xbf\xbd"]),
    ];
    for (group, is_good, texts) in groups {
        for (nth, bytes) in texts.iter().enumerate() {
            let then = if *is_good { goes_on() } else { Then::Fails(NOT_UTF8) };
            let kind = if *is_good { "good" } else { "bad" };
            cases.add(format!("6.{group}.{} ({kind})", nth + 1), &[text(bytes)], then);
        }
    }
}

fn closing(cases: &mut Cases) {
    let (hello, ping) = (frame(FIN | TEXT, b"Hello, world!"), frame(FIN | PING, b"late"));
    let usual = close(1000, b"");
    let closes = || Then::Closes(Some(1000));
    cases.add("7.1.1", &[hello.clone(), usual.clone()], closes());
    cases.add("7.1.2", &[usual.clone(), usual.clone()], closes());
    cases.add("7.1.3", &[usual.clone(), ping.clone()], closes());
    cases.add("7.1.4", &[usual.clone(), hello.clone()], closes());
    cases.add("7.1.5", &[frame(TEXT, b"fragment1"), usual.clone(), frame(FIN, b"fragment2")], closes());
    cases.add("7.1.6", &[frame(FIN | TEXT, &vec![b'*'; 256 << 10]), usual, ping], Then::Fails(TOO_LONG));
    cases.add("7.3.1", &[frame(FIN | CLOSE, b"")], Then::Closes(None));
    cases.add("7.3.2", &[frame(FIN | CLOSE, b"a")], Then::Fails(PROTOCOL));
    cases.add("7.3.3", &[close(1000, b"")], closes());
    cases.add("7.3.4", &[close(1000, b"Hello, world!")], closes());
    cases.add("7.3.5", &[close(1000, &[b'*'; 123])], closes());
    cases.add("7.3.6", &[close(1000, &[b'*'; 124])], Then::Fails(PROTOCOL));
    cases.add(
        "7.5.1",
        &[close(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")],
        Then::Fails(&[1002, 1007]),
    );
    let good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    for (nth, code) in good.into_iter().enumerate() {
        cases.add(format!("7.7.{}", nth + 1), &[close(code, b"")], Then::Closes(Some(code)));
    }
    for (nth, code) in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].into_iter().enumerate() {
        cases.add(format!("7.9.{}", nth + 1), &[close(code, b"")], Then::Fails(PROTOCOL));
    }
    for (nth, code) in [5000, 65_535].into_iter().enumerate() {
        cases.add(format!("7.13.{}", nth + 1), &[close(code, b"")], Then::Fails(PROTOCOL));
    }
}

/// The suite wants to see long messages taken. A fan has nothing to say: the longest that is read is 4 KiB.
fn limits(cases: &mut Cases) {
    for (group, opcode) in [(1, TEXT), (2, BINARY)] {
        cases.add(format!("9.{group}.1 (4 KiB)"), &[frame(FIN | opcode, &[b'*'; 4096])], goes_on());
        cases.add(
            format!("9.{group}.1 (more)"),
            &[frame(FIN | opcode, &[b'*'; 4097])],
            Then::Fails(TOO_LONG),
        );
        for (nth, length) in [(2, 256 << 10), (3, 1 << 20), (4, 1 << 30), (5, 1 << 40)] {
            // Nothing of it need be sent to be told so.
            let frames = [announced(FIN | opcode, length), vec![0; 4]];
            cases.add(format!("9.{group}.{nth}"), &frames, Then::Fails(TOO_LONG));
        }
        let mut pieces = vec![frame(opcode, &[b'*'; 1000])];
        pieces.extend((0..5).map(|_| frame(CONTINUATION, &[b'*'; 1000])));
        cases.add(format!("9.{}.1", group + 2), &pieces, Then::Fails(TOO_LONG));
    }
    let nine: Vec<Vec<u8>> = (0..9).map(|nth| frame(FIN | PING, &[nth; 16])).collect();
    let payloads: Vec<Vec<u8>> = (0..9).map(|nth| vec![nth; 16]).collect();
    cases.add("9.7.1", &nine, Then::GoesOn(payloads));
    // Of RFC 6455 itself, and not in the suite: lengths that are longer than they need be, or longer than there are,
    // and frames of a client that are not masked.
    cases.add("RFC 5.1", &[vec![FIN | TEXT, 5], b"hello".to_vec()], Then::Fails(PROTOCOL));
    cases.add("RFC 5.2", &[vec![FIN | TEXT, 0xff], vec![0xff; 8], vec![0; 4]], Then::Fails(&[1002, 1009]));
}
