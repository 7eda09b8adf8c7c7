//! What is allowed and hardly meant, for `--check`. Pure.

use super::RoomConfig;

/// What a room's numbers come to, where they do not fit each other: so many fans let in a minute, who stay for so long on
/// average, are inside together as the product of the two (Little's law).
pub fn of(room: &RoomConfig) -> Option<String> {
    let rules = &room.rules;
    let (rate, places) = (rules.rate_max(), rules.max_active);
    if rate == 0 || !rules.mode.admits() {
        return None;
    }
    let seconds = places.saturating_mul(60) / rate;
    if seconds >= rules.session.as_secs() {
        return None;
    }
    let wanted = rate.saturating_mul(rules.session.as_secs()).div_ceil(60);
    Some(format!(
        "room `{}`: at {rate} a minute the {places} places of `max_active` are taken after {seconds} s. Where fans stay longer \
         than that on average, the places hold the line back, and not the rate. Whoever goes without a word keeps a place \
         for `session`, {} s: {wanted} places would do for all of them, and fewer where the shop says when a visit ends. \
         `loadtest rehearse` tells what comes of it",
        room.id,
        rules.session.as_secs()
    ))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::rooms;

    fn told(rules: &str) -> Option<String> {
        let text = format!("[[room]]\nid = \"demo\"\npaths = [\"/buy\"]\n{rules}\n");
        of(&rooms::parse(Path::new("rooms.toml"), &text).unwrap()[0])
    }

    #[test]
    fn places_that_bind_before_the_rate_are_told_and_no_others() {
        let said = told("drain_per_minute = 600\nmax_active = 1000\nsession = \"10m\"").unwrap();
        assert!(said.contains("taken after 100 s") && said.contains("6000 places would do"), "{said}");
        assert_eq!(told("drain_per_minute = 600\nmax_active = 6000\nsession = \"10m\""), None);
        assert_eq!(told("drain_per_minute = 0"), None, "nobody gets in");
        assert_eq!(told("mode = \"off\"\nmax_active = 1"), None);
    }
}
