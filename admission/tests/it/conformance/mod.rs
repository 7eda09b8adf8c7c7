//! One suite that both stores pass: every verb, on a clock that the test moves.

use std::time::Duration;

use admission::rules::Rules;
use admission::store::Standing;

use crate::support::{Kind, Line, lane};

const SECOND: Duration = Duration::from_secs(1);

/// Makes of each function, which takes the kind of store, a test on either store.
macro_rules! on_both_stores {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(crate::support::Kind::Memory).await; })*
        }
        mod redis {
            $(#[tokio::test] async fn $name() { super::$name(crate::support::Kind::Redis).await; })*
        }
    };
}

mod afterwards;
mod by_hand;
mod draining;
mod fleet;
mod invitations;
mod joining;
mod load;
mod positions;
mod presence;
mod recovery;
mod relocating;
mod sessions;
mod times;
mod voiding;

/// 600 a minute is 10 a second; the burst of 10 that is there at the start is used.
async fn used_up(kind: Kind, rules: Rules) -> Line {
    let line = Line::start(kind, rules).await;
    let first = line.fans(&lane("general"), 10).await;
    assert_eq!(line.drain().await.len(), 10);
    for place in &first {
        assert!(matches!(line.claim(place).await, Standing::Active { .. }));
    }
    line
}
