//! From what the scripts answer to what it means.

use admission::clock::Timestamp;
use redis::Value;

use crate::ids::{ReservationId, SeatId};
use crate::inventory::{Ask, Held, Holding, HoldingState, InventoryError, Keep, LogEntry};

fn unreadable(what: impl Into<String>) -> InventoryError {
    InventoryError::Unreadable(what.into())
}

pub(super) fn line(id: &ReservationId, line: Option<String>) -> Result<Option<Holding>, InventoryError> {
    let parse = |line: String| Holding::parse(id.as_str(), &line).ok_or_else(|| unreadable(line));
    line.map(parse).transpose()
}

pub(super) fn held(ask: &Ask, answer: Value) -> Result<Held, InventoryError> {
    if let Value::Int(now) = answer {
        let now = u64::try_from(now).map_err(|_| unreadable("a time before all times"))?;
        return Ok(Held::Held(as_asked(ask, Timestamp::from_millis(now))));
    }
    let answer: String = redis::from_redis_value(answer).map_err(|error| unreadable(error.to_string()))?;
    let Some((outcome, what)) = answer.split_once(' ') else {
        return Err(unreadable(format!("`{answer}` and nothing more")));
    };
    match outcome {
        "held" => match line(&ask.id, Some(what.to_owned()))? {
            Some(holding) => Ok(Held::Held(holding)),
            None => Err(unreadable("held nothing")),
        },
        "limit" => {
            let has = what.parse().map_err(|_| unreadable("a limit that is no number"))?;
            Ok(Held::OverLimit { has })
        }
        "sold_out" => Ok(Held::SoldOut(what.to_owned())),
        "taken" => {
            let seats = what.split(' ').map(SeatId::parse).collect::<Result<_, _>>();
            seats.map(Held::Taken).map_err(|error| unreadable(error.to_string()))
        }
        _ => Err(unreadable(outcome)),
    }
}

/// Named seats, held at `now`.
fn as_asked(ask: &Ask, now: Timestamp) -> Holding {
    Holding {
        id: ask.id.clone(),
        state: HoldingState::Held,
        expires_at: now + ask.duration,
        since: now,
        fan: ask.fan.clone(),
        ticket: ask.ticket.clone(),
        created_at: now,
        currency: ask.currency.clone(),
        seats: ask.seats.clone(),
    }
}

pub(super) fn keep(holding: Option<Holding>) -> Result<Keep, InventoryError> {
    Ok(match holding {
        None => Keep::Unknown,
        Some(holding) if holding.state == HoldingState::Kept => Keep::Kept(holding),
        Some(holding) => Keep::Over(holding),
    })
}

/// Reservations and their lines, by turns.
pub(super) fn holdings(words: &[String]) -> Result<Vec<Holding>, InventoryError> {
    words
        .chunks(2)
        .map(|pair| match pair {
            [id, line] => Holding::parse(id, line).ok_or_else(|| unreadable(format!("{id}: {line}"))),
            _ => Err(unreadable("a reservation without its line")),
        })
        .collect()
}

/// Those that have seats at `now`.
pub(super) fn having_seats(now: u64, lines: &[String]) -> Result<Vec<Holding>, InventoryError> {
    let now = Timestamp::from_millis(now);
    let mut holdings = holdings(lines)?;
    holdings.retain(|holding| holding.state_at(now).has_seats());
    Ok(holdings)
}

/// An entry of a stream: its mark and its fields. The reason is that of a dead letter. Whatever stands in the fields, an
/// entry is an entry, and can be put aside.
pub(super) fn entry(value: Value) -> Result<(LogEntry, String), InventoryError> {
    let (mark, fields): (String, Vec<Vec<u8>>) =
        redis::from_redis_value(value).map_err(|error| unreadable(error.to_string()))?;
    let field = |name: &str| {
        let found = fields.chunks(2).find(|pair| pair.first().is_some_and(|field| field == name.as_bytes()));
        found.and_then(|pair| pair.get(1)).map_or("".into(), |text| String::from_utf8_lossy(text))
    };
    let (id, line) = (field("id"), field("line"));
    let holding = Holding::parse(&id, &line).ok_or_else(|| format!("{id} {line}"));
    let at = match &holding {
        Ok(holding) => holding.since,
        // When the stream took it.
        Err(_) => {
            let millis = mark.split('-').next().and_then(|millis| millis.parse().ok());
            Timestamp::from_millis(millis.unwrap_or_default())
        }
    };
    Ok((LogEntry { mark, at, holding }, field("reason").into_owned()))
}
