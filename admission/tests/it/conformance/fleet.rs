//! What proxies share besides the lines: one configuration, which the newest author made, and who did what.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Clock as _;
use admission::store::memory::MemoryStore;
use admission::store::redis::RedisStore;
use admission::store::{
    AUDIT_MAX, AUDIT_TEXT_MAX, AuditEntry, Basis, CONFIGURATION_MAX, Configuration, FleetStore, Proposed,
    RoomsFile, StoreError,
};

use crate::redis_server::RedisServer;
use crate::support::{Kind, ManualClock};

on_both_stores! {
    the_newest_configuration_is_kept_and_told_to_those_who_do_not_know_it
    of_two_who_change_the_same_one_is_told
    what_is_in_a_file_at_start_counts_only_if_it_is_newer
    what_changes_nothing_stays_of_its_revision_and_the_file_is_kept_beside_it
    the_audit_log_tells_who_did_what_and_is_bounded
}

/// What a fleet shares, with the clock that it goes by.
struct Fleet {
    store: Box<dyn FleetStore>,
    clock: Arc<ManualClock>,
    _redis: Option<RedisServer>,
}

impl Fleet {
    fn start(kind: Kind) -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        let redis = (kind == Kind::Redis).then(RedisServer::start);
        let store: Box<dyn FleetStore> = match &redis {
            None => Box::new(MemoryStore::new(clock.clone())),
            Some(server) => Box::new(RedisStore::with_clock(&server.url(), Some(clock.clone())).unwrap()),
        };
        Self { store, clock, _redis: redis }
    }

    async fn propose(&self, basis: Basis, text: &str) -> Proposed {
        self.store.propose(basis, text, None, entry("configure")).await.unwrap()
    }
}

fn entry(action: &str) -> AuditEntry {
    let words = [action, "anna", "api", "demo", "drain_per_minute 600 → \"9\""].map(str::to_owned);
    let [action, actor, via, room, detail] = words;
    AuditEntry { actor, via, room, action, detail, ..AuditEntry::default() }
}

async fn the_newest_configuration_is_kept_and_told_to_those_who_do_not_know_it(kind: Kind) {
    let fleet = Fleet::start(kind);
    assert_eq!(fleet.store.configuration(0).await.unwrap(), (0, None));
    assert_eq!(fleet.store.configuration(7).await.unwrap(), (0, None), "it was lost");
    assert_eq!(fleet.propose(Basis::Newer(7), "a = \"✓\"\n").await, Proposed::Kept(7));
    let kept = Configuration { revision: 7, text: "a = \"✓\"\n".to_owned(), file: None };
    assert_eq!(fleet.store.configuration(0).await.unwrap(), (7, Some(kept)));
    assert_eq!(fleet.store.configuration(7).await.unwrap(), (7, None));
    assert_eq!(fleet.propose(Basis::Latest(3), "b").await, Proposed::Kept(8), "it was written after it");
    assert_eq!(fleet.propose(Basis::Latest(20), "c").await, Proposed::Kept(20));
    assert_eq!(fleet.store.configuration(7).await.unwrap().1.unwrap().text, "c");
    let long = "x".repeat(CONFIGURATION_MAX + 1);
    let refused = fleet.store.propose(Basis::Latest(0), &long, None, entry("configure")).await;
    assert!(matches!(refused, Err(StoreError::Unreadable(_))), "{refused:?}");
    let file = RoomsFile { text: long, written: 1 };
    let refused = fleet.store.propose(Basis::Latest(0), "d", Some(&file), entry("configure")).await;
    assert!(matches!(refused, Err(StoreError::Unreadable(_))), "{refused:?}");
}

async fn of_two_who_change_the_same_one_is_told(kind: Kind) {
    let fleet = Fleet::start(kind);
    let now = fleet.clock.now().as_millis();
    assert_eq!(fleet.propose(Basis::From(0), "a").await, Proposed::Kept(now));
    assert_eq!(fleet.propose(Basis::From(now), "b").await, Proposed::Kept(now + 1));
    assert_eq!(fleet.propose(Basis::From(now), "c").await, Proposed::Refused(now + 1));
    fleet.clock.advance(Duration::from_secs(1));
    assert_eq!(fleet.propose(Basis::From(now + 1), "d").await, Proposed::Kept(now + 1000));
    assert_eq!(fleet.store.configuration(0).await.unwrap().1.unwrap().text, "d");
}

async fn what_is_in_a_file_at_start_counts_only_if_it_is_newer(kind: Kind) {
    let fleet = Fleet::start(kind);
    assert_eq!(fleet.propose(Basis::Newer(5), "a").await, Proposed::Kept(5));
    assert_eq!(fleet.propose(Basis::Newer(5), "b").await, Proposed::Refused(5));
    assert_eq!(fleet.propose(Basis::Newer(4), "b").await, Proposed::Refused(5));
    assert_eq!(fleet.store.configuration(0).await.unwrap().1.unwrap().text, "a");
    assert_eq!(fleet.store.audit(10).await.unwrap().len(), 1, "what changed nothing is not noted");
}

async fn what_changes_nothing_stays_of_its_revision_and_the_file_is_kept_beside_it(kind: Kind) {
    let fleet = Fleet::start(kind);
    let file = |text: &str, written| RoomsFile { text: text.to_owned(), written };
    let propose = async |basis, text: &str, file: &RoomsFile| {
        fleet.store.propose(basis, text, Some(file), entry("configure")).await.unwrap()
    };
    let kept = async || fleet.store.configuration(0).await.unwrap().1.unwrap();
    let [first, second] = [file("a = \"✓\"", 3), file("b", 4)];
    assert_eq!(propose(Basis::Newer(5), "a = \"✓\"", &first).await, Proposed::Kept(5));
    assert_eq!(kept().await.file, Some(first.clone()));
    assert_eq!(fleet.propose(Basis::From(5), "a = \"✓\"").await, Proposed::Kept(5));
    assert_eq!(fleet.propose(Basis::Latest(9), "a = \"✓\"").await, Proposed::Kept(5));
    assert_eq!(fleet.propose(Basis::From(4), "a = \"✓\"").await, Proposed::Refused(5));
    assert_eq!(propose(Basis::From(4), "c", &second).await, Proposed::Refused(5));
    assert_eq!(kept().await.file, Some(first), "what is refused changes nothing");
    assert_eq!(propose(Basis::From(5), "a = \"✓\"", &second).await, Proposed::Kept(5));
    let same = Configuration { revision: 5, text: "a = \"✓\"".to_owned(), file: Some(second.clone()) };
    assert_eq!(kept().await, same);
    assert_eq!(fleet.propose(Basis::Latest(9), "d").await, Proposed::Kept(9));
    assert_eq!(kept().await.file, Some(second), "changes over the API leave the file what it was");
    assert_eq!(fleet.store.audit(10).await.unwrap().len(), 2, "what changed nothing is not noted");
    // Two edges began with the same text, written one after the other; they end up with one number.
    assert_eq!(fleet.propose(Basis::Newer(12), "d").await, Proposed::Kept(12));
    assert_eq!(kept().await.revision, 12);
    assert_eq!(fleet.propose(Basis::Newer(11), "d").await, Proposed::Refused(12));
    assert_eq!(fleet.store.audit(10).await.unwrap().len(), 2, "a number alone is no change");
}

async fn the_audit_log_tells_who_did_what_and_is_bounded(kind: Kind) {
    let fleet = Fleet::start(kind);
    assert_eq!(fleet.store.audit(10).await.unwrap(), []);
    fleet.propose(Basis::Latest(9), "a").await;
    fleet.clock.advance(Duration::from_secs(1));
    fleet.store.note(entry("revoke")).await.unwrap();
    let at = fleet.clock.now();
    let expected = [
        AuditEntry { at, revision: 0, ..entry("revoke") },
        AuditEntry { at: at - Duration::from_secs(1), revision: 9, ..entry("configure") },
    ];
    assert_eq!(fleet.store.audit(10).await.unwrap(), expected);
    assert_eq!(fleet.store.audit(1).await.unwrap(), expected[..1]);
    let long = AuditEntry { detail: "é".repeat(AUDIT_TEXT_MAX), ..entry("long") };
    for _ in 0..=AUDIT_MAX {
        fleet.store.note(long.clone()).await.unwrap();
    }
    let kept = fleet.store.audit(usize::MAX).await.unwrap();
    assert_eq!((kept.len(), kept[0].detail.len()), (AUDIT_MAX, AUDIT_TEXT_MAX));
}
