//! How the promises of a line are broken, each in a room of its own.

use std::sync::Arc;
use std::time::Duration;

use loadtest::checks::Promise;
use loadtest::fan::{Absence, Pace, Plan};
use loadtest::random::Dice;
use loadtest::run::scenario::Waits;
use loadtest::stack::Room;
use loadtest::stack::link::Edit;

/// A room, who comes there, and how its promise is broken.
pub(super) struct Case {
    pub(super) room: Room,
    pub(super) promise: Promise,
    /// How its verdict tells of it.
    pub(super) told: &'static str,
    /// What is broken by the same.
    pub(super) also: &'static [Promise],
    pub(super) fans: u32,
    /// All of them have come after so long.
    pub(super) arrivals: Duration,
    pub(super) plan: fn(u32, &mut Dice) -> Plan,
    /// How long the fans have at most.
    pub(super) within: Duration,
    pub(super) hand: Hand,
}

/// Who breaks it.
pub(super) enum Hand {
    /// Somebody who runs a script in the store, with the room's hash as the key: from when, until when, how often.
    InTheStore { from: Duration, until: Duration, every: Duration, script: &'static str },
    /// A wire between the edges and the fans.
    OnTheWire(Edit),
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const TICK: Duration = Duration::from_millis(50);

fn room(id: &str, drain_per_minute: u64) -> Room {
    let paths = vec![format!("/events/{id}"), format!("/events/{id}/*")];
    Room { id: id.to_owned(), paths, ..Room::demo(drain_per_minute) }
}

/// Waits by a live connection, looks, and leaves.
fn patient(_: u32, dice: &mut Dice) -> Plan {
    let pace = Pace { low: Duration::from_millis(20), high: Duration::from_millis(100) };
    Plan { waits: Waits::Live, appetite: 0.0, leave_free: 0.0, pace, ..Plan::neighbour(dice) }
}

/// Stays in the shop for long.
fn lingering(nth: u32, dice: &mut Dice) -> Plan {
    Plan { lingers: seconds(8), ..patient(nth, dice) }
}

/// Every third closes the tab, and comes back when all is over.
fn vanishing(nth: u32, dice: &mut Dice) -> Plan {
    let away = Absence { after: seconds(1), away: seconds(600), elsewhere: false };
    let absences = if nth.is_multiple_of(3) { vec![away] } else { Vec::new() };
    Plan { absences, ..patient(nth, dice) }
}

/// Forgets that three fans in the middle were seen, again and again.
const FORGETS_THREE: &str = "
    local waiting, chosen = KEYS[1] .. ':waiting:general', KEYS[1] .. ':chosen'
    if redis.call('EXISTS', chosen) == 0 then
      local base = redis.call('ZRANGE', waiting, 0, 0)[1]
      local offsets = redis.call('SMEMBERS', waiting .. ':' .. base)
      for nth, offset in ipairs(offsets) do offsets[nth] = tonumber(offset) end
      table.sort(offsets)
      for nth = 15, 17 do redis.call('RPUSH', chosen, string.format('%d', base + offsets[nth])) end
    end
    for _, rank in ipairs(redis.call('LRANGE', chosen, 0, -1)) do
      local base = redis.call('ZREVRANGEBYSCORE', waiting, rank, '-inf', 'LIMIT', 0, 1)[1]
      if base then redis.call('HDEL', KEYS[1] .. ':seen:general:' .. base, string.format('%d', rank - base)) end
    end
    return 1";

/// Takes five fans from the middle out of the line.
const LOSES_FIVE: &str = "
    local waiting = KEYS[1] .. ':waiting:general'
    local base = redis.call('ZRANGE', waiting, 0, 0)[1]
    local offsets = redis.call('SMEMBERS', waiting .. ':' .. base)
    for nth, offset in ipairs(offsets) do offsets[nth] = tonumber(offset) end
    table.sort(offsets)
    for nth = 20, 24 do
      redis.call('SREM', waiting .. ':' .. base, offsets[nth])
      redis.call('HDEL', KEYS[1] .. ':seen:general:' .. base, offsets[nth])
    end
    redis.call('HINCRBY', KEYS[1] .. ':counts:general', base, -5)
    redis.call('HDEL', KEYS[1] .. ':rungs:general', base)
    redis.call('HINCRBY', KEYS[1], 'waiting:general', -5)
    redis.call('HINCRBY', KEYS[1], 'stirred:general', 5)
    return 1";

/// Sees everybody, whether they are there or not.
const SEES_EVERYBODY: &str = "
    local waiting, time = KEYS[1] .. ':waiting:general', redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    now = string.format('%d', now - (redis.call('HGET', KEYS[1], 'silent') or 0))
    for _, base in ipairs(redis.call('ZRANGE', waiting, 0, -1)) do
      for _, offset in ipairs(redis.call('SMEMBERS', waiting .. ':' .. base)) do
        redis.call('HSET', KEYS[1] .. ':seen:general:' .. base, offset, now)
      end
    end
    return 1";

/// Gives ranks of an hour later for eight seconds, and then again those of now.
const RUNS_AHEAD: &str = "
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('SET', KEYS[1] .. ':began', now, 'NX')
    local ranks = '0'
    if now - redis.call('GET', KEYS[1] .. ':began') < 8000 then
      ranks = string.format('%d', (now + 3600000) * 1024)
    end
    return redis.call('HSET', KEYS[1], 'next:general', ranks)";

/// Has eighty permits at once.
const EIGHTY_PERMITS: &str = "return redis.call('HSET', KEYS[1], 'burst', '200', 'units', '4800000')";

/// Has room for everybody.
const NO_LIMIT: &str = "return redis.call('HSET', KEYS[1], 'max_active', '1000')";

/// Changes the digits that follow each `name`, knowing which comes first and how many there are.
fn digits_after(name: &'static [u8], change: fn(usize, usize, u8) -> u8) -> Edit {
    Arc::new(move |bytes: &mut [u8]| {
        let mut at = 0;
        while let Some(found) = bytes[at..].windows(name.len()).position(|window| window == name) {
            let from = at + found + name.len();
            let count = bytes[from..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            for nth in 0..count {
                bytes[from + nth] = change(nth, count, bytes[from + nth]);
            }
            at = from + count;
        }
    })
}

/// Tens are others than they were.
fn other_tens(nth: usize, count: usize, digit: u8) -> u8 {
    if nth + 2 == count { b'1' + (digit - b'0' + 4) % 9 } else { digit }
}

/// All waits are as long as can be written.
fn nines(_: usize, _: usize, _: u8) -> u8 {
    b'9'
}

/// The first digit of the commitment is another.
fn other_first(nth: usize, _: usize, digit: u8) -> u8 {
    if nth > 0 || digit == b'0' { digit.max(b'1') } else { b'0' }
}

/// All cases; the draw of the last begins and ends at these milliseconds since 1970.
pub(super) fn all(draw: (u64, u64)) -> Vec<Case> {
    let once = |from: u64, script| Hand::InTheStore {
        from: seconds(from),
        until: seconds(from),
        every: TICK,
        script,
    };
    let again = |from: u64, until: u64, script| Hand::InTheStore {
        from: seconds(from),
        until: seconds(until),
        every: TICK,
        script,
    };
    let estimates = Arc::new({
        let (low, high) = (digits_after(b"\"low\":", nines), digits_after(b"\"high\":", nines));
        move |bytes: &mut [u8]| {
            low(bytes);
            high(bytes);
        }
    });
    vec![
        // Fans are reported so seldom that those who are forgotten stay so for long.
        Case {
            room: Room { presence_window_seconds: 30, ..room("order", 300) },
            promise: Promise::Order,
            told: "was admitted at",
            // Who is passed over is not counted by those behind.
            also: &[Promise::Truth],
            fans: 90,
            arrivals: seconds(2),
            plan: patient,
            within: seconds(45),
            hand: again(4, 18, FORGETS_THREE),
        },
        Case {
            room: room("rate", 600),
            promise: Promise::Rate,
            told: "configured were 600 a minute",
            also: &[],
            fans: 220,
            arrivals: seconds(2),
            plan: patient,
            within: seconds(45),
            hand: once(6, EIGHTY_PERMITS),
        },
        Case {
            room: Room { max_active: 20, ..room("capacity", 600) },
            promise: Promise::Capacity,
            told: "where 20 may be",
            also: &[],
            fans: 70,
            arrivals: seconds(2),
            plan: lingering,
            within: seconds(45),
            hand: once(2, NO_LIMIT),
        },
        Case {
            room: room("place", 300),
            promise: Promise::Place,
            told: "fan ",
            // Who has lost the place is overtaken by all who have not, and stands further behind than before.
            also: &[Promise::Order, Promise::Truth],
            fans: 70,
            arrivals: seconds(2),
            plan: patient,
            within: seconds(45),
            hand: once(4, LOSES_FIVE),
        },
        Case {
            room: room("arrival", 60),
            promise: Promise::Arrival,
            told: "but had the answer before",
            // Before whom others come stands further behind than before, and waits longer; and edges take a rank beyond the
            // next for one that was lost, and put its fan back.
            also: &[Promise::Place, Promise::Presence, Promise::Order, Promise::Truth, Promise::Estimate],
            fans: 60,
            arrivals: seconds(24),
            plan: patient,
            within: seconds(40),
            hand: again(0, 9, RUNS_AHEAD),
        },
        Case {
            room: room("truth", 600),
            promise: Promise::Truth,
            told: "was shown",
            also: &[],
            fans: 80,
            arrivals: seconds(2),
            plan: patient,
            within: seconds(45),
            hand: Hand::OnTheWire(digits_after(b"\"position\":", other_tens)),
        },
        Case {
            room: room("estimate", 600),
            promise: Promise::Estimate,
            told: "estimates of the wait under a steady drain came true",
            also: &[],
            fans: 280,
            arrivals: seconds(2),
            plan: patient,
            within: seconds(60),
            hand: Hand::OnTheWire(estimates),
        },
        Case {
            room: Room { presence_window_seconds: 2, ..room("presence", 300) },
            promise: Promise::Presence,
            told: "turns went to nobody",
            // Of what goes to nobody, nobody hears.
            also: &[Promise::Rate],
            fans: 110,
            arrivals: seconds(2),
            plan: vanishing,
            within: seconds(35),
            hand: again(0, 35, SEES_EVERYBODY),
        },
        Case {
            room: Room { draw: Some(draw), ..room("draw", 1200) },
            promise: Promise::FairDraw,
            told: "gives the commitment",
            also: &[],
            fans: 40,
            arrivals: seconds(2),
            plan: patient,
            within: seconds(75),
            hand: Hand::OnTheWire(digits_after(b"\"commitment\":\"", other_first)),
        },
    ]
}
