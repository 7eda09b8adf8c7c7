//! P10: the order of the pre-queue can be computed by anyone, and the operator was bound to it beforehand.
//!
//! The draw number is computed here by its own few lines, not by those of the line: as a fan would who does not believe it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Outcome, Promise, Verdict, exact, seconds};
use crate::story::{Drawn, Place, SeenPlace, Story};

/// How many bits of a draw number there are, and how many ranks a millisecond has.
const NUMBER_BITS: u32 = 25;
const RANKS_PER_MILLISECOND: u64 = 1024;
/// How far what is seen at the opening may be from when it happened: ticks, and a cache of a second.
const MOMENT_MS: u64 = 2000;

/// What anyone could read of a draw.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draw {
    /// When its pre-queue begins: milliseconds since 1970.
    pub prequeue_at: u64,
    /// When the line opened.
    pub opened_ms: u64,
    /// The commitment, each time it was read, and by which edge.
    pub commitments: Vec<(u64, String)>,
    /// The seed, each time one was published.
    pub seeds: Vec<(u64, String)>,
}

impl Draw {
    fn seed(&self) -> Option<Vec<u8>> {
        self.seeds.first().and_then(|(_, seed)| bytes(seed))
    }
}

/// Gives the fans of the draw the ranks that follow from the seed, so that they are judged as all others are.
pub(super) fn tell_ranks(stories: &mut [Story], draw: &Draw) {
    let Some(seed) = draw.seed() else { return };
    for story in stories {
        let Some(drawn) = story.drawn.as_ref().filter(|drawn| drawn.prequeue_at == draw.prequeue_at) else {
            continue;
        };
        let all = [drawn].into_iter().chain(&story.redrawn);
        let places = all.filter_map(|drawn| {
            let place = Place { lane: drawn.lane.clone(), rank: rank(&seed, drawn)?, id: drawn.id.clone() };
            Some(SeenPlace { at_ms: drawn.at_ms, place })
        });
        let places: Vec<SeenPlace> = places.collect();
        story.places.splice(0..0, places);
    }
}

/// Judges what was published, and whether fans stood where the seed puts them. Their ranks are told already.
pub fn judge(stories: &[Story], draw: &Draw, late_ms: u64) -> Verdict {
    let drawn: Vec<(&Story, &Drawn)> =
        stories.iter().filter_map(|story| Some((story, story.drawn.as_ref()?))).collect();
    let mut broken = published(draw, drawn.iter().map(|(_, drawn)| drawn.at_ms).min());
    let opened_ms = draw.opened_ms;
    for (story, drawn) in &drawn {
        let early = story.positions.first().filter(|seen| seen.at_ms + MOMENT_MS < opened_ms);
        if let Some(seen) = early {
            let (fan, position, at) = (story.fan, seen.position, seconds(seen.at_ms));
            broken.push(format!(
                "fan {fan} was shown position {position} at {at}, before the opening at {}",
                seconds(opened_ms)
            ));
        }
        if [*drawn].into_iter().chain(&story.redrawn).any(|drawn| drawn.prequeue_at != draw.prequeue_at) {
            broken.push(format!("fan {} has a ticket of another draw", story.fan));
        }
    }
    broken.extend(behind_the_draw(stories, draw));
    // The first place that each was shown of the order.
    let settled_ms = opened_ms + MOMENT_MS + late_ms;
    let is_first = |story: &Story, seen: &crate::story::SeenPosition| {
        story.drawn.is_some()
            && story.positions.iter().find(|seen| seen.at_ms >= settled_ms).is_some_and(|first| first == seen)
    };
    let (compared, wrong) = exact::compare(stories, is_first, late_ms);
    broken.extend(wrong.into_iter().map(|wrong| format!("by the seed, {wrong}")));
    let outcome = match (drawn.len(), broken.is_empty()) {
        (0, true) => Outcome::Unjudged("nobody came for the draw".to_owned()),
        (all, _) => Outcome::of(broken, || {
            format!(
                "the seed fits the commitment, {all} fans were drawn by it, and {compared} of them were shown their place"
            )
        }),
    };
    Verdict::new(Promise::FairDraw, outcome)
}

/// What is wrong with what was published.
fn published(draw: &Draw, first_joined_ms: Option<u64>) -> Vec<String> {
    let mut broken = Vec::new();
    let Some((first_ms, commitment)) = draw.commitments.first() else {
        return vec!["no commitment was ever published".to_owned()];
    };
    if let Some(joined_ms) = first_joined_ms.filter(|joined_ms| joined_ms < first_ms) {
        broken.push(format!(
            "a fan joined at {}, before the commitment could be read at {}",
            seconds(joined_ms),
            seconds(*first_ms)
        ));
    }
    if let Some((at_ms, other)) = draw.commitments.iter().find(|(_, other)| other != commitment) {
        broken.push(format!(
            "the commitment was {commitment} at {} and {other} at {}",
            seconds(*first_ms),
            seconds(*at_ms)
        ));
    }
    let Some((seen_ms, seed)) = draw.seeds.first() else {
        broken.push("the seed was not published after the opening".to_owned());
        return broken;
    };
    if seen_ms + MOMENT_MS < draw.opened_ms {
        broken.push(format!(
            "the seed could be read at {}, before the opening at {}",
            seconds(*seen_ms),
            seconds(draw.opened_ms)
        ));
    }
    for (at_ms, seed) in draw.seeds.iter().filter(|(_, other)| other != seed).take(1) {
        broken.push(format!("another seed was published at {}: {seed}", seconds(*at_ms)));
    }
    let gives = bytes(seed).map(|seed| hex(&Sha256::digest(seed)));
    if gives.as_ref() != Some(commitment) {
        let gives = gives.unwrap_or_else(|| "nothing".to_owned());
        broken.push(format!("the seed {seed} gives the commitment {gives}; published was {commitment}"));
    }
    broken
}

/// Who came after the opening and stands among those who were drawn.
fn behind_the_draw(stories: &[Story], draw: &Draw) -> Vec<String> {
    let last = (draw.prequeue_at * RANKS_PER_MILLISECOND).saturating_add((1 << NUMBER_BITS) - 1);
    let among = stories.iter().filter(|story| story.drawn.is_none());
    let among =
        among.filter_map(|story| Some((story.fan, story.place().filter(|place| place.rank <= last)?.rank)));
    among
        .map(|(fan, rank)| format!("fan {fan} was not drawn and has rank {rank}, among those who were"))
        .collect()
}

/// The rank that the seed gives.
fn rank(seed: &[u8], drawn: &Drawn) -> Option<u64> {
    let mac = Hmac::<Sha256>::new_from_slice(seed).ok()?.chain_update(URL_SAFE_NO_PAD.encode(&drawn.id));
    let tag = mac.finalize().into_bytes();
    let first = u32::from_be_bytes(tag.first_chunk().copied()?);
    Some(
        (drawn.prequeue_at * RANKS_PER_MILLISECOND)
            .saturating_add(u64::from(first >> (u32::BITS - NUMBER_BITS))),
    )
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::story::{Present, SeenPosition};

    const PREQUEUE_AT: u64 = 1_800_000_000_000;

    fn draw() -> Draw {
        let seed = [5; 32];
        let commitment = hex(&Sha256::digest(seed));
        Draw {
            prequeue_at: PREQUEUE_AT,
            opened_ms: 40_000,
            commitments: vec![(10, commitment.clone()), (45_000, commitment)],
            seeds: vec![(40_200, hex(&seed))],
        }
    }

    /// Twenty fans of the draw, each shown their place after the opening.
    fn fans() -> Vec<Story> {
        let mut stories: Vec<Story> = (0..20_u8)
            .map(|nth| Story {
                fan: u32::from(nth),
                asked_ms: Some(100),
                answered_ms: Some(120),
                drawn: Some(Drawn {
                    at_ms: 120,
                    lane: "general".to_owned(),
                    id: vec![nth; 12],
                    prequeue_at: PREQUEUE_AT,
                }),
                present: vec![Present { from_ms: 120, to_ms: 90_000, edge: 0, deaf_ms: 0 }],
                ..Story::default()
            })
            .collect();
        tell_ranks(&mut stories, &draw());
        let mut ranks: Vec<u64> = stories.iter().map(|story| story.places[0].place.rank).collect();
        ranks.sort_unstable();
        for story in &mut stories {
            let position = 1 + ranks.partition_point(|rank| *rank < story.places[0].place.rank) as u64;
            story.positions =
                vec![SeenPosition { at_ms: 43_000, position, connection: 1, edge: 0, wait_s: None }];
        }
        stories
    }

    #[track_caller]
    fn broken(stories: &[Story], draw: &Draw, told: &str) {
        let verdict = judge(stories, draw, 0).to_string();
        assert!(verdict.contains("BROKEN") && verdict.contains(told), "{verdict}");
    }

    #[test]
    fn the_example_of_the_docs_has_the_number_of_the_docs() {
        let seed = bytes("5f2c8e01b7d94a3660f1e2ad9c0b7745d8813be6924f0a5c7de4163f98ab20c1").unwrap();
        let id = URL_SAFE_NO_PAD.decode("Zm9ydHktdHdv7g-_").unwrap();
        let drawn = Drawn { at_ms: 0, lane: String::new(), id, prequeue_at: 0 };
        assert_eq!(rank(&seed, &drawn), Some(12_631_420));
        assert_eq!(
            hex(&Sha256::digest(&seed)),
            "a3df3c6217434625adaf5517dddd48c0caf471ed77e9d897b3eea4ec57fc4921"
        );
    }

    #[test]
    fn an_honest_draw_keeps_it() {
        let verdict = judge(&fans(), &draw(), 0);
        assert!(verdict.outcome.is_kept() && verdict.to_string().contains("20 of them"), "{verdict}");
    }

    #[test]
    fn what_was_published_has_to_bind() {
        let fans = fans();
        broken(&fans, &Draw { commitments: vec![(10, "00".to_owned())], ..draw() }, "gives the commitment");
        broken(&fans, &Draw { commitments: vec![], ..draw() }, "no commitment");
        broken(&fans, &Draw { seeds: vec![], ..draw() }, "was not published");
        let mut changed = draw();
        changed.commitments.push((46_000, "11".to_owned()));
        broken(&fans, &changed, "11 at 46.000 s");
        let mut late = draw();
        late.commitments.remove(0);
        broken(&fans, &late, "before the commitment");
        let early = Draw { seeds: vec![(1000, draw().seeds[0].1.clone())], ..draw() };
        broken(&fans, &early, "before the opening");
    }

    #[test]
    fn fans_have_to_stand_where_the_seed_puts_them() {
        let mut stories = fans();
        let last = stories.iter_mut().max_by_key(|story| story.places[0].place.rank).unwrap();
        last.positions[0].position = 1;
        broken(&stories, &draw(), "was shown 1 at 43.000 s, and stood at 20 to 20");
        let mut stories = fans();
        stories[3].positions[0].at_ms = 20_000;
        broken(&stories, &draw(), "before the opening");
        let mut stories = fans();
        let rank = PREQUEUE_AT * RANKS_PER_MILLISECOND + 7;
        let place = Place { lane: "general".to_owned(), rank, id: vec![99] };
        stories.push(Story { fan: 20, places: vec![SeenPlace { at_ms: 50_000, place }], ..Story::default() });
        broken(&stories, &draw(), "fan 20 was not drawn");
    }

    #[test]
    fn another_ticket_of_the_draw_is_another_place() {
        let mut stories = fans();
        stories.iter_mut().for_each(|story| story.places.clear());
        stories[4].redrawn =
            vec![Drawn { at_ms: 9000, id: vec![77; 12], ..stories[4].drawn.clone().unwrap() }];
        tell_ranks(&mut stories, &draw());
        let verdict = crate::checks::place::judge(&stories).to_string();
        assert!(verdict.contains("fan 4 had rank") && verdict.contains("at 9.000 s"), "{verdict}");
    }

    #[test]
    fn nobody_there_is_nothing_judged() {
        assert!(matches!(judge(&[], &draw(), 0).outcome, Outcome::Unjudged(_)));
    }
}
