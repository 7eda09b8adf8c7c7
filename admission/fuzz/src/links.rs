//! Attacks on links: those that move a place, and those that lead past a line.

use std::time::Duration;

use admission::bypass::Bypass;
use admission::draw::DrawId;
use admission::invitation::Invitation;
use admission::keyring::Purpose;
use admission::name::LaneId;
use admission::rank::Rank;
use admission::ticket::{Order, Ticket, TicketId};
use admission::token::Admission;
use admission::transfer::Transfer;

use super::{Attack, NOW, assert_only_good_opens, attack, ring, room, signed};

/// Attacks the parser of links that move a place.
pub fn transfer(data: &[u8]) {
    let Some(attack) = attack(data) else { return };
    let ring = ring();
    let open = |text: &str| Transfer::open(&ring, &room(), text, NOW);
    match attack {
        Attack::Text(text) => assert!(open(&text).is_err(), "made up: {text}"),
        Attack::Signed(fields) => {
            let text = signed(&ring, Purpose::Transfer, fields);
            if let Ok(transfer) = open(&text) {
                assert_eq!(transfer.seal(&ring), text, "another spelling of {transfer:?}");
                assert!(transfer.expires_at > NOW && transfer.ticket.room == room());
                // Whoever takes the place over stands where the other stood, under another name.
                let taken = transfer.taken_over(NOW);
                let rank = |ticket: &Ticket| ticket.place(&ring).map(|place| place.rank);
                assert!(
                    taken.id != transfer.ticket.id && rank(&taken) == rank(&transfer.ticket),
                    "{transfer:?}"
                );
                assert_eq!(taken, transfer.taken_over(NOW));
                let mark = transfer.mark_of("somebody");
                assert!(
                    mark != taken.id && mark != transfer.ticket.id && mark != transfer.mark_of("another")
                );
            }
        }
        Attack::Edits(edits) => {
            let order = match edits.first().map(|byte| byte % 2) {
                Some(0) => Order::Drawn(DrawId::new(&ring, NOW)),
                _ => Order::Ranked(Rank::first_of(NOW)),
            };
            let (lane, id, issued_at) = (LaneId::general(), TicketId::from_bytes([3; 12]), NOW);
            let ticket = Ticket { room: room(), lane, id, order, issued_at };
            let expires_at = NOW + Duration::from_secs(60);
            let good = Transfer { ticket, expires_at }.seal(&ring);
            assert_only_good_opens(&good, edits.get(1..).unwrap_or_default(), |text| open(text).is_ok());
            assert_opens_nothing_else(&good);
            assert!(Bypass::open(&ring, &room(), &good, NOW).is_err());
            assert!(Transfer::open(&ring, &room(), &good, expires_at).is_err(), "too late");
        }
    }
}

/// Attacks the parser of links that lead past a line.
pub fn bypass(data: &[u8]) {
    let Some(attack) = attack(data) else { return };
    let ring = ring();
    let open = |text: &str| Bypass::open(&ring, &room(), text, NOW);
    match attack {
        Attack::Text(text) => assert!(open(&text).is_err(), "made up: {text}"),
        Attack::Signed(fields) => {
            let text = signed(&ring, Purpose::Bypass, fields);
            if let Ok(bypass) = open(&text) {
                assert_eq!(bypass.seal(&ring), text, "another spelling of {bypass:?}");
                assert!(bypass.expires_at > NOW && bypass.room == room());
            }
        }
        Attack::Edits(edits) => {
            let (id, expires_at) = (TicketId::from_bytes([3; 12]), NOW + Duration::from_secs(60));
            let good = Bypass { room: room(), id, expires_at }.seal(&ring);
            assert_only_good_opens(&good, edits, |text| open(text).is_ok());
            assert_opens_nothing_else(&good);
            assert!(Transfer::open(&ring, &room(), &good, NOW).is_err());
            assert!(Bypass::open(&ring, &room(), &good, expires_at).is_err(), "too late");
        }
    }
}

/// What was sealed for one purpose is worth nothing for another.
fn assert_opens_nothing_else(good: &str) {
    let ring = ring();
    assert!(Ticket::open(&ring, &room(), good).is_err());
    assert!(Invitation::open(&ring, &room(), good, NOW).is_err());
    assert!(Admission::verify(&ring, &room(), good, NOW).is_err());
}
