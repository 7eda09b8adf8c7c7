//! The journal as a file: what is on the disk, and who may use it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use admission::clock::Clock as _;
use admission::name::RoomId;
use admission::store::memory::{JournalError, MemoryStore};
use admission::store::{
    AuditEntry, Basis, FleetStore as _, Intent, Join, Joined, Memory, Proposed, QueueStore as _, Standing,
    StoreError,
};
use admission::ticket::Place;
use tempfile::TempDir;

use crate::support::{ManualClock, lane, rules, ticket_id};

struct House {
    folder: TempDir,
    clock: Arc<ManualClock>,
    room: RoomId,
}

impl House {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        Self { folder: tempfile::tempdir().unwrap(), clock, room: RoomId::parse("demo").unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("line")
    }

    fn open(&self) -> MemoryStore {
        MemoryStore::open(&self.path(), self.clock.clone()).unwrap()
    }

    /// The journal as a kill would leave it now, in a house of its own.
    fn as_after_a_kill(&self, store: &MemoryStore) -> Self {
        assert!(store.flush());
        let other = Self::new();
        std::fs::copy(self.path(), other.path()).unwrap();
        other.clock.advance(self.clock.now().since(other.clock.now()));
        other
    }

    async fn configure(&self, store: &MemoryStore) {
        store.configure(&self.room, &rules(), 1, &Memory::default()).await.unwrap();
    }

    async fn join(&self, store: &MemoryStore, count: usize) -> Vec<Place> {
        let mut places = Vec::new();
        for _ in 0..count {
            let join = Join::new(lane("general"), ticket_id(), Intent::Wait);
            let joined = store.join(&self.room, ticket_id(), std::slice::from_ref(&join)).await.unwrap();
            let [Joined::Waiting { rank, .. }] = joined[..] else { panic!("{joined:?}") };
            places.push(Place { lane: join.lane, rank, id: join.id });
        }
        places
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn refused(&self) -> JournalError {
        match MemoryStore::open(&self.path(), self.clock.clone()) {
            Err(error) => error,
            Ok(_) => panic!("opened"),
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_line_goes_on_after_a_kill() {
    let house = House::new();
    let store = house.open();
    house.configure(&store).await;
    house.clock.advance(Duration::from_secs(2));
    let places = house.join(&store, 30).await;
    assert_eq!(store.drain(&house.room).await.unwrap().turns.len(), 10);
    store.claim(&house.room, &places[..5]).await.unwrap();
    store.end(&house.room, &[places[0].id]).await.unwrap();
    let after = house.as_after_a_kill(&store);
    // What comes now is lost.
    let lost = house.join(&store, 3).await;
    after.clock.advance(Duration::from_secs(1));

    let again = after.open();
    let standings = again.look(&house.room, &places).await.unwrap();
    assert_eq!(standings, store.look(&house.room, &places).await.unwrap());
    assert_eq!(standings[0], Standing::Ended);
    assert!(matches!(standings[4], Standing::Active { .. }) && matches!(standings[5], Standing::Turn { .. }));
    assert_eq!(again.look(&house.room, &lost).await.unwrap(), [Standing::Unknown; 3]);
    let newcomer = after.join(&again, 1).await;
    assert!(newcomer[0].rank > lost[2].rank, "no rank is given twice");
    assert!(again.drain(&house.room).await.unwrap().turns.is_empty(), "held");
    let restored = again.restore(&house.room, &lost).await.unwrap();
    assert_eq!(restored[0], Standing::Waiting { ahead: 20 }, "at the same rank");
}

#[tokio::test]
async fn a_line_that_was_closed_has_forgotten_nothing() {
    let house = House::new();
    let store = house.open();
    house.configure(&store).await;
    let places = house.join(&store, 5).await;
    let before = store.snapshot(&house.room, 0).await.unwrap();
    store.close();
    let join = [Join::new(lane("general"), ticket_id(), Intent::Wait)];
    let late = store.join(&house.room, ticket_id(), &join).await;
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "what would be forgotten is not done");
    drop(store);
    house.clock.advance(Duration::from_secs(60));
    let store = house.open();
    let after = store.snapshot(&house.room, 0).await.unwrap();
    assert_eq!((&after.forgotten, after.resumed_at), (&before.forgotten, before.resumed_at));
    assert_eq!(after.waiting(), 5);
    let standing = store.look(&house.room, &places[4..]).await.unwrap();
    assert_eq!(standing, [Standing::Waiting { ahead: 4 }]);
    assert!(after.hold_until > after.at, "the fans in front have a moment to be back");
}

#[tokio::test]
async fn one_process_has_the_file_and_only_its_user_may_read_it() {
    let house = House::new();
    let store = house.open();
    house.configure(&store).await;
    let error = house.refused();
    assert!(matches!(error, JournalError::Taken(_)));
    let said = error.to_string();
    assert!(said.contains(house.path().to_str().unwrap()) && said.contains("stop that one first"), "{said}");
    assert_eq!((mode(&house.path()), mode(&house.folder.path().join("line.lock"))), (0o600, 0o600));
    assert_eq!(house.files(), ["line", "line.lock"]);
    drop(store);
    house.open();
}

#[tokio::test]
async fn what_is_not_a_journal_or_newer_is_left_alone() {
    let house = House::new();
    let foreign = b"[store]\nkind = \"memory\"\n".to_vec();
    std::fs::write(house.path(), &foreign).unwrap();
    assert!(matches!(house.refused(), JournalError::Foreign(_)));
    assert_eq!(std::fs::read(house.path()).unwrap(), foreign);
    std::fs::remove_file(house.path()).unwrap();
    drop(house.open());
    let mut newer = std::fs::read(house.path()).unwrap();
    newer[16] += 1;
    std::fs::write(house.path(), &newer).unwrap();
    let error = house.refused();
    assert!(matches!(error, JournalError::Newer { found: 2, .. }), "{error}");
    assert!(error.to_string().contains("start the newer program"), "{error}");
    assert_eq!(std::fs::read(house.path()).unwrap(), newer);
    std::fs::remove_file(house.path()).unwrap();
    std::fs::create_dir(house.path()).unwrap();
    assert!(matches!(house.refused(), JournalError::NotAFile(_)));
    let elsewhere = house.folder.path().join("not-mounted").join("line");
    let error = MemoryStore::open(&elsewhere, house.clock.clone()).err().unwrap();
    assert!(matches!(error, JournalError::NoFolder(_)), "{error}");
    assert!(!elsewhere.parent().unwrap().exists(), "a folder that is missing is not made");
}

#[tokio::test]
async fn a_damaged_file_is_kept_beside_and_read_as_far_as_it_goes() {
    let house = House::new();
    let store = house.open();
    house.configure(&store).await;
    let first = house.join(&store, 20).await;
    assert!(store.flush());
    let length = std::fs::metadata(house.path()).unwrap().len() as usize;
    house.clock.advance(Duration::from_millis(10));
    let second = house.join(&store, 20).await;
    let after = house.as_after_a_kill(&store);
    let mut bytes = std::fs::read(after.path()).unwrap();
    bytes[length + 20] ^= 1;
    std::fs::write(after.path(), &bytes).unwrap();
    let again = after.open();
    let copy = format!("line.corrupt-{}", after.clock.now());
    assert_eq!(after.files(), ["line", &copy, "line.lock"]);
    assert_eq!(std::fs::read(after.folder.path().join(copy)).unwrap(), bytes);
    let standings = again.look(&house.room, &first).await.unwrap();
    assert_eq!(standings[19], Standing::Waiting { ahead: 19 });
    assert_eq!(again.look(&house.room, &second).await.unwrap(), [Standing::Unknown; 20]);
    again.restore(&house.room, &second).await.unwrap();
    assert_eq!(again.snapshot(&house.room, 0).await.unwrap().waiting(), 40, "nobody lost their place");
}

#[tokio::test]
async fn a_disk_that_fails_costs_nothing_but_the_file_and_is_used_again() {
    let house = House::new();
    let folder = house.folder.path().join("disk");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("line");
    let store = MemoryStore::open(&path, house.clock.clone()).unwrap();
    house.configure(&store).await;
    // A folder in the place of the next file: the line cannot be written anew, which the many verbs ask for.
    std::fs::create_dir(folder.join("line.new")).unwrap();
    let joins: Vec<Join> = (0..1000).map(|_| Join::new(lane("general"), ticket_id(), Intent::Wait)).collect();
    for _ in 0..1200 {
        store.join(&house.room, ticket_id(), &joins).await.unwrap();
    }
    assert!(!store.flush(), "nothing is written, and that is known");
    let joined = store.snapshot(&house.room, 0).await.unwrap().waiting();
    assert_eq!(joined, 1_200_000, "the line goes on");
    std::fs::remove_dir(folder.join("line.new")).unwrap();
    let began = Instant::now();
    while !store.flush() {
        assert!(began.elapsed() < Duration::from_secs(60), "the disk is not used again");
    }
    let bytes = std::fs::metadata(&path).unwrap().len();
    drop(store);
    let again = MemoryStore::open(&path, house.clock.clone()).unwrap();
    assert_eq!(again.snapshot(&house.room, 0).await.unwrap().waiting(), joined);
    assert!(bytes < 8 << 20, "{bytes} bytes for 1.2 million fans");
}

#[tokio::test]
async fn the_configuration_and_who_changed_it_survive_too() {
    let house = House::new();
    let store = house.open();
    let entry = AuditEntry { actor: "anna".to_owned(), ..AuditEntry::default() };
    let kept = store.propose(Basis::Latest(5), "a = 1", None, entry).await.unwrap();
    assert_eq!(kept, Proposed::Kept(5));
    store.close();
    drop(store);
    let store = house.open();
    let configuration = store.configuration(0).await.unwrap().1.unwrap();
    assert_eq!((configuration.revision, configuration.text.as_str()), (5, "a = 1"));
    assert_eq!(store.audit(9).await.unwrap()[0].actor, "anna");
    store.close();
    drop(store);
    // One that cannot be read costs the configuration, not the line, and stays as it is for whoever repairs it.
    let file = house.folder.path().join("line.configuration");
    std::fs::write(&file, "{").unwrap();
    let store = house.open();
    assert_eq!(store.configuration(0).await.unwrap(), (0, None));
    store.propose(Basis::Latest(6), "a = 2", None, AuditEntry::default()).await.unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "{");
}

#[tokio::test]
async fn what_was_voided_stays_void_after_a_kill() {
    let house = House::new();
    let store = house.open();
    house.configure(&store).await;
    house.clock.advance(Duration::from_secs(2));
    let places = house.join(&store, 10).await;
    store.drain(&house.room).await.unwrap();
    store.claim(&house.room, &places[..5]).await.unwrap();
    let voided = store.void(&house.room, None).await.unwrap();
    assert_eq!(voided.sessions, 5);
    let snapshot = store.snapshot(&house.room, 0).await.unwrap();
    let after = house.as_after_a_kill(&store);
    let again = after.open();
    assert_eq!(again.snapshot(&house.room, 0).await.unwrap().voided_before, voided.before);
    assert_eq!(again.look(&house.room, &places[..5]).await.unwrap(), [Standing::Ended; 5]);
    // Written down with the state, too, and when an edge remembers it.
    again.close();
    drop(again);
    assert_eq!(after.open().snapshot(&house.room, 0).await.unwrap().voided_before, voided.before);
    let empty = House::new();
    let other = empty.open();
    other.configure(&house.room, &rules(), 1, &Memory::of(&snapshot)).await.unwrap();
    let after = empty.as_after_a_kill(&other);
    assert_eq!(after.open().snapshot(&house.room, 0).await.unwrap().voided_before, voided.before);
}
