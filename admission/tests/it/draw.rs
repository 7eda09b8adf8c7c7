//! The draw, against two implementations that share no code with it: the command line of `docs/fairness.md`, as
//! it stands there, and `docs/check_draw.py`.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use admission::clock::{Random as _, SystemRandom, Timestamp};
use admission::draw::{self, DrawId, Seed};
use admission::keyring::Keyring;
use admission::name::{LaneId, RoomId};
use admission::ticket::{Order, Ticket, TicketId};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

const PREQUEUE_AT: Timestamp = Timestamp::from_millis(1_795_291_200_123);

fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes).unwrap();
    bytes
}

fn docs(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "docs", file].iter().collect()
}

/// Runs a program that has to be there.
fn run(command: &mut Command, stdin: &str) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match spawned {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("`{program}` is missing; `.ci/tools test` installs it, or: apt-get install {program}")
        }
        spawned => spawned.unwrap(),
    };
    // A program that does not read it may be gone by now.
    let _unread = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn check_draw(args: &[String], stdin: &str) -> Output {
    run(Command::new("python3").arg(docs("check_draw.py")).args(args), stdin)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A draw with a random key, and random tickets of it.
struct Drawn {
    keyring: Keyring,
    room: RoomId,
    draw: DrawId,
    seed: Seed,
    tickets: Vec<Ticket>,
}

impl Drawn {
    fn new(tickets: usize) -> Self {
        let keyring = Keyring::parse(&format!("k1:{}", STANDARD.encode(bytes::<32>()))).unwrap();
        let room = RoomId::parse("demo").unwrap();
        let draw = DrawId::new(&keyring, PREQUEUE_AT);
        let seed = Seed::derive(&keyring, &room, &draw).unwrap();
        let ticket = |_| Ticket {
            room: room.clone(),
            lane: LaneId::general(),
            id: TicketId::from_bytes(bytes()),
            order: Order::Drawn(draw.clone()),
            issued_at: PREQUEUE_AT,
        };
        let tickets = (0..tickets).map(ticket).collect();
        Self { keyring, room, draw, seed, tickets }
    }

    /// What the edge publishes.
    fn facts(&self, state: &str) -> serde_json::Value {
        let mut facts = json!({
            "room": self.room.as_str(),
            "prequeue_at": "2026-11-21T20:00:00.123Z",
            "opens_at": "2026-11-21T20:30:00.000Z",
            "state": state,
            "commitment": self.seed.commitment().to_string(),
        });
        if state == "revealed" {
            facts["seed"] = self.seed.reveal().into();
        }
        facts
    }

    /// The lines that the script should print.
    fn lines(&self) -> String {
        let mut drawn: Vec<_> = self
            .tickets
            .iter()
            .map(|ticket| (ticket.place(&self.keyring).unwrap().rank, self.seed.number(ticket.id), ticket.id))
            .collect();
        drawn.sort();
        (1..)
            .zip(drawn)
            .map(|(place, (rank, number, id))| {
                assert_eq!(rank, draw::rank(self.draw.prequeue_at(), number));
                format!("{place}\t{id}\t{number}\t{rank}\n")
            })
            .collect()
    }
}

#[test]
fn a_second_implementation_draws_the_same_order() {
    for _ in 0..12 {
        let drawn = Drawn::new(50);
        let ids: Vec<_> = drawn.tickets.iter().map(|ticket| ticket.id.to_string()).collect();
        let output = check_draw(&ids, &drawn.facts("revealed").to_string());
        let (seed, errors) = (drawn.seed.reveal(), text(&output.stderr));
        assert!(output.status.success(), "seed {seed}: {errors}");
        assert_eq!(text(&output.stdout), drawn.lines(), "seed {seed}");
    }
}

#[test]
fn the_second_implementation_reads_tickets_as_well_as_ids() {
    let drawn = Drawn::new(20);
    let sealed: Vec<_> = drawn.tickets.iter().map(|ticket| ticket.seal(&drawn.keyring)).collect();
    let output = check_draw(&sealed, &drawn.facts("revealed").to_string());
    assert_eq!(text(&output.stdout), drawn.lines(), "{}", text(&output.stderr));

    let [first, ..] = drawn.tickets.as_slice() else { panic!("no ticket") };
    let order = Order::Provisional { arrived_at: PREQUEUE_AT };
    let not_drawn = Ticket { order, ..first.clone() }.seal(&drawn.keyring);
    let output = check_draw(&[not_drawn], &drawn.facts("revealed").to_string());
    assert_eq!(output.status.code(), Some(2));
    let other = DrawId::new(&drawn.keyring, Timestamp::from_millis(1));
    let other = Ticket { order: Order::Drawn(other), ..first.clone() }.seal(&drawn.keyring);
    let output = check_draw(&[other], &drawn.facts("revealed").to_string());
    assert_eq!(output.status.code(), Some(2));

    // A place that moved to another device is the one of the ticket that was drawn.
    let Order::Drawn(draw) = &first.order else { panic!("{first:?}") };
    let order = Order::Moved(draw.clone(), first.id);
    let moved = Ticket { order, id: TicketId::from_bytes([9; 12]), ..first.clone() }.seal(&drawn.keyring);
    let [moved, before] =
        [moved, sealed[0].clone()].map(|one| check_draw(&[one], &drawn.facts("revealed").to_string()));
    assert_eq!(text(&moved.stdout), text(&before.stdout), "{}", text(&moved.stderr));
}

#[test]
fn the_second_implementation_notices_a_seed_that_was_not_committed_to() {
    let (drawn, other) = (Drawn::new(1), Drawn::new(1));
    let ids: Vec<_> = drawn.tickets.iter().map(|ticket| ticket.id.to_string()).collect();
    let committed = drawn.facts("committed").to_string();
    let output = check_draw(&ids, &committed);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(3), String::new()));

    let mut exchanged = drawn.facts("revealed");
    exchanged["seed"] = other.seed.reveal().into();
    let output = check_draw(&ids, &exchanged.to_string());
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));

    // The commitment that the fan kept goes before the one that is published now.
    let kept = ["--commitment".to_owned(), drawn.seed.commitment().to_string()];
    assert_eq!(check_draw(&kept, &other.facts("revealed").to_string()).status.code(), Some(1));
    assert_eq!(check_draw(&kept, &drawn.facts("revealed").to_string()).status.code(), Some(0));

    for nonsense in ["", "{}", "[1]", "<html>", r#"{"commitment":"","seed":"5"}"#] {
        assert_eq!(check_draw(&[], nonsense).status.code(), Some(2), "{nonsense}");
    }
}

/// The blocks of code in `docs/fairness.md` that begin with this line.
fn blocks(fence: &str) -> Vec<String> {
    let page = std::fs::read_to_string(docs("fairness.md")).unwrap();
    page.split(fence).skip(1).map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// The commands of the page that compute the commitment and the draw number from `$seed` and `$id`.
fn commands() -> String {
    blocks("```sh\n").into_iter().find(|block| block.contains("openssl")).unwrap()
}

fn bash(script: &str, seed: &str, id: &str) -> String {
    for program in ["openssl", "sha256sum"] {
        run(Command::new(program).arg("--version"), "");
    }
    let output = run(Command::new("bash").args(["-c", script]).env("seed", seed).env("id", id), "");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_documented_commands_give_the_commitment_and_the_number() {
    let commands = commands();
    for _ in 0..8 {
        let drawn = Drawn::new(5);
        let (seed, commitment) = (drawn.seed.reveal(), drawn.seed.commitment());
        for Ticket { id, .. } in &drawn.tickets {
            let expected = format!("{commitment}\n{}\n", drawn.seed.number(*id));
            assert_eq!(bash(&commands, &seed, &id.to_string()), expected, "seed {seed}, id {id}");
        }
    }
}

#[test]
fn the_documented_example_is_true() {
    let values = blocks("```sh\n").into_iter().find(|block| block.starts_with("seed=")).unwrap();
    let printed = blocks("```text\n").remove(0);
    assert_eq!(bash(&format!("{values}{}", commands()), "", ""), printed);
}
