//! P3: no more fans are inside than may be.

use super::{Outcome, Promise, Verdict, seconds};
use crate::story::Story;

/// Judges from when to when the fans were inside. Each is counted from holding the cookie until they began to
/// leave, which is less than the line counts.
pub fn judge(stories: &[Story], max_active: u64) -> Verdict {
    let mut steps: Vec<(u64, i64)> = Vec::new();
    for story in stories {
        if let Some(from_ms) = story.admitted_ms {
            steps.push((from_ms, 1));
            steps.extend(story.over_ms.map(|over_ms| (over_ms.max(from_ms), -1)));
        }
    }
    // Who leaves in the same moment makes room first.
    steps.sort_unstable();
    let (mut inside, mut most, mut when) = (0_i64, 0_i64, 0_u64);
    for (at_ms, step) in steps.iter().copied() {
        inside += step;
        if inside > most {
            (most, when) = (inside, at_ms);
        }
    }
    let outcome = if most == 0 {
        Outcome::Unjudged("nobody was inside".to_owned())
    } else {
        let broken = (u64::try_from(most).unwrap_or_default() > max_active)
            .then(|| format!("{most} fans were inside at {}, where {max_active} may be", seconds(when)));
        Outcome::of(broken.into_iter().collect(), || {
            format!("{most} fans were inside at most, of {max_active}")
        })
    };
    Verdict::new(Promise::Capacity, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(from_ms: u64, over_ms: Option<u64>) -> Story {
        Story { admitted_ms: Some(from_ms), over_ms, ..Story::default() }
    }

    #[test]
    fn as_many_as_may_be_keep_it() {
        let stories = [inside(0, Some(50)), inside(10, None), inside(50, Some(60)), Story::default()];
        assert!(judge(&stories, 2).outcome.is_kept());
    }

    #[test]
    fn one_more_breaks_it() {
        let verdict = judge(&[inside(0, Some(50)), inside(10, None), inside(49, Some(60))], 2).to_string();
        assert!(verdict.contains("3 fans were inside at 0.049 s, where 2 may be"), "{verdict}");
    }

    #[test]
    fn nobody_inside_is_nothing_judged() {
        assert!(!judge(&[Story::default()], 2).outcome.is_kept());
    }
}
