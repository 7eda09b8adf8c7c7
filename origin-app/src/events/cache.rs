//! What is read far more often than it changes, kept for a while.
//!
//! Whoever finds nothing fresh reads it from the store, once for all who ask at the same time; the others wait for that
//! one answer. A change drops what is kept. What a read brings that began before the change is handed to those who
//! wait for it and not kept, so that what is older never replaces what is newer.
//!
//! While the store is away, what is known is told for some minutes longer, unless it was changed: a fan who is inside goes on
//! seeing the event. Whether a seat is free is decided where it is held, not here.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use admission::clock::{Clock, Timestamp};
use tokio::time::timeout;

/// How long a value that has expired is told on while it cannot be read anew.
const WHILE_AWAY: Duration = Duration::from_secs(300);
/// After a read that failed nobody tries again for so long, where there is a value to go on with.
const REST: Duration = Duration::from_secs(1);
/// How long a read may take, where there is a value to go on with. A database that is away is waited for much longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long values are kept, and how many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// A value this old is read anew.
    pub(super) expiry: Duration,
    /// A value that something small changed of is still good until it is this old.
    pub(super) least: Duration,
    /// Most keys.
    pub(super) most: usize,
}

/// Values by key. Nothing in it belongs to one fan.
pub(super) struct Cache<K, V> {
    clock: Arc<dyn Clock>,
    keep: Keep,
    slots: Mutex<HashMap<K, Arc<Slot<V>>>>,
    /// How often all values were dropped.
    dropped: AtomicU64,
    /// How often something small changed of any value.
    touched: AtomicU64,
}

struct Slot<V> {
    reading: tokio::sync::Mutex<()>,
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    value: Option<Value<V>>,
    /// How often the value of this key was dropped.
    dropped: u64,
    /// When the last read failed, if the last one did.
    failed_at: Option<Timestamp>,
}

struct Value<V> {
    value: V,
    read_at: Timestamp,
    since: Since,
}

/// What had changed when a read began.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Since {
    slot: u64,
    all: u64,
    touched: u64,
}

impl<K: Clone + Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn new(clock: Arc<dyn Clock>, keep: Keep) -> Self {
        Self {
            clock,
            keep,
            slots: Mutex::default(),
            dropped: AtomicU64::default(),
            touched: AtomicU64::default(),
        }
    }

    /// The value of `key`: what is kept of it, or what `read` gives, or what was known before where that fails.
    ///
    /// # Errors
    /// Those of `read`, where nothing is known.
    pub(super) async fn get<E: Display>(
        &self,
        key: &K,
        read: impl AsyncFnOnce() -> Result<V, E>,
    ) -> Result<V, E> {
        let slot = self.slot(key);
        if let Some(value) = self.fresh(&slot).or_else(|| self.resting(&slot)) {
            return Ok(value);
        }
        // Who gives up here leaves the turn to the next.
        let _turn = match slot.reading.try_lock() {
            Ok(turn) => turn,
            Err(_) => match self.known_after_a_failure(&slot) {
                Some(value) => return Ok(value),
                None => slot.reading.lock().await,
            },
        };
        if let Some(value) = self.fresh(&slot).or_else(|| self.resting(&slot)) {
            return Ok(value);
        }
        let since = self.since(&lock(&slot.kept));
        let read_at = self.clock.now();
        let value = match self.known(&slot) {
            None => read().await?,
            Some(known) => match timeout(PATIENCE, read()).await {
                Ok(Ok(value)) => value,
                Ok(Err(error)) => return Ok(self.go_on_with(&slot, known, &error)),
                Err(elapsed) => return Ok(self.go_on_with(&slot, known, &elapsed)),
            },
        };
        let mut kept = lock(&slot.kept);
        kept.failed_at = None;
        let now = self.since(&kept);
        if (now.slot, now.all) == (since.slot, since.all) {
            kept.value = Some(Value { value: value.clone(), read_at, since });
        }
        Ok(value)
    }

    /// The value of `key` has changed.
    pub(super) fn drop_one(&self, key: &K) {
        let slot = lock(&self.slots).get(key).map(Arc::clone);
        if let Some(slot) = slot {
            let mut kept = lock(&slot.kept);
            kept.dropped += 1;
            kept.value = None;
        }
    }

    /// Any value may have changed.
    pub(super) fn drop_all(&self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
    }

    /// Something small may have changed of any value.
    pub(super) fn touch_all(&self) {
        self.touched.fetch_add(1, Ordering::SeqCst);
    }

    fn since(&self, kept: &Kept<V>) -> Since {
        Since {
            slot: kept.dropped,
            all: self.dropped.load(Ordering::SeqCst),
            touched: self.touched.load(Ordering::SeqCst),
        }
    }

    fn fresh(&self, slot: &Slot<V>) -> Option<V> {
        let kept = lock(&slot.kept);
        let found = kept.value.as_ref()?;
        let now = self.since(&kept);
        let good_for = if found.since.touched == now.touched { self.keep.expiry } else { self.keep.least };
        let fresh = found.since.all == now.all && self.clock.now() < found.read_at + good_for;
        fresh.then(|| found.value.clone())
    }

    fn go_on_with(&self, slot: &Slot<V>, known: V, error: &dyn Display) -> V {
        tracing::warn!(%error, "what was known before is told");
        lock(&slot.kept).failed_at = Some(self.clock.now());
        known
    }

    /// What is known where the last read failed: while somebody tries anew, the others do not wait for it.
    fn known_after_a_failure(&self, slot: &Slot<V>) -> Option<V> {
        lock(&slot.kept).failed_at?;
        self.known(slot)
    }

    /// What is known while nobody tries to read it anew.
    fn resting(&self, slot: &Slot<V>) -> Option<V> {
        let failed_at = lock(&slot.kept).failed_at?;
        (self.clock.now() < failed_at + REST).then(|| self.known(slot)).flatten()
    }

    /// What is known, though it has expired. What was changed is not known any more.
    fn known(&self, slot: &Slot<V>) -> Option<V> {
        let kept = lock(&slot.kept);
        let found = kept.value.as_ref()?;
        let is_told = found.since.all == self.since(&kept).all
            && self.clock.now() < found.read_at + self.keep.expiry + WHILE_AWAY;
        is_told.then(|| found.value.clone())
    }

    fn slot(&self, key: &K) -> Arc<Slot<V>> {
        let mut slots = lock(&self.slots);
        if let Some(slot) = slots.get(key) {
            return Arc::clone(slot);
        }
        if slots.len() >= self.keep.most {
            self.make_room(&mut slots);
        }
        let slot = Arc::new(Slot {
            reading: tokio::sync::Mutex::default(),
            kept: Mutex::new(Kept { value: None, dropped: 0, failed_at: None }),
        });
        slots.insert(key.clone(), Arc::clone(&slot));
        slot
    }

    /// Forgets what is stale; where that is nothing, all that nobody reads just now. A slot in somebody's hands stays: a
    /// change has to find it.
    fn make_room(&self, slots: &mut HashMap<K, Arc<Slot<V>>>) {
        let full = slots.len();
        slots.retain(|_, slot| Arc::strong_count(slot) > 1 || self.fresh(slot).is_some());
        if slots.len() == full {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
    }
}

/// What is kept is whole at any moment: a panic elsewhere does not spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::AtomicU32;

    use tokio::sync::Notify;

    use super::*;

    #[derive(Default)]
    struct TestClock(AtomicU64);

    impl Clock for TestClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    fn cache(most: usize) -> (Arc<TestClock>, Arc<Cache<u32, u32>>) {
        let clock = Arc::new(TestClock::default());
        let keep = Keep { expiry: Duration::from_millis(1000), least: Duration::from_millis(100), most };
        (clock.clone(), Arc::new(Cache::new(clock, keep)))
    }

    async fn read(cache: &Cache<u32, u32>, key: u32, value: u32) -> u32 {
        cache.get(&key, async || Ok::<_, Infallible>(value)).await.unwrap()
    }

    #[tokio::test]
    async fn a_value_is_kept_until_it_expires_or_changes() {
        let (clock, cache) = cache(10);
        assert_eq!(read(&cache, 1, 10).await, 10);
        clock.0.store(999, Ordering::SeqCst);
        assert_eq!(read(&cache, 1, 11).await, 10);
        clock.0.store(1000, Ordering::SeqCst);
        assert_eq!(read(&cache, 1, 12).await, 12);
        assert_eq!(read(&cache, 2, 20).await, 20);
        cache.drop_one(&1);
        assert_eq!((read(&cache, 1, 13).await, read(&cache, 2, 21).await), (13, 20));
        cache.drop_all();
        assert_eq!((read(&cache, 1, 14).await, read(&cache, 2, 22).await), (14, 22));
    }

    #[tokio::test]
    async fn what_changed_a_little_is_good_for_a_moment_longer() {
        let (clock, cache) = cache(10);
        read(&cache, 1, 10).await;
        cache.touch_all();
        clock.0.store(99, Ordering::SeqCst);
        assert_eq!(read(&cache, 1, 11).await, 10);
        clock.0.store(100, Ordering::SeqCst);
        assert_eq!(read(&cache, 1, 12).await, 12);
        clock.0.store(1000, Ordering::SeqCst);
        assert_eq!(read(&cache, 1, 13).await, 12, "nothing changed since");
    }

    #[tokio::test]
    async fn all_who_ask_at_once_wait_for_one_read() {
        let (_, cache) = cache(10);
        let reads = AtomicU32::new(0);
        let asks = (0..100).map(|_| {
            cache.get(&1, async || {
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(reads.fetch_add(1, Ordering::SeqCst))
            })
        });
        let values = futures_util::future::join_all(asks).await;
        assert!(values.iter().all(|value| *value == Ok(0)), "{values:?}");
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn who_fails_or_gives_up_leaves_the_turn_to_the_next() {
        let (_, cache) = cache(10);
        assert_eq!(cache.get(&1, async || Err::<u32, _>("down")).await, Err("down"));
        let given_up = tokio::time::timeout(
            Duration::from_millis(1),
            cache.get(&1, async || std::future::pending::<Result<u32, Infallible>>().await),
        );
        assert!(given_up.await.is_err());
        assert_eq!(read(&cache, 1, 3).await, 3);
    }

    #[tokio::test]
    async fn while_the_store_is_away_what_is_known_is_told_on() {
        let (clock, cache) = cache(10);
        let reads = AtomicU32::new(0);
        let fail = async || {
            reads.fetch_add(1, Ordering::SeqCst);
            Err::<u32, _>("away")
        };
        read(&cache, 1, 10).await;
        clock.0.store(1000, Ordering::SeqCst);
        assert_eq!(cache.get(&1, fail).await, Ok(10));
        clock.0.store(1999, Ordering::SeqCst);
        assert_eq!(cache.get(&1, fail).await, Ok(10));
        assert_eq!(reads.load(Ordering::SeqCst), 1, "not tried again at once");
        clock.0.store(2000, Ordering::SeqCst);
        assert_eq!(cache.get(&1, fail).await, Ok(10));
        assert_eq!(reads.load(Ordering::SeqCst), 2);
        clock.0.store(3000, Ordering::SeqCst);
        assert_eq!(read(&cache, 1, 11).await, 11, "it is back");
        // What was changed is told to nobody, nor what is too old.
        clock.0.store(5000, Ordering::SeqCst);
        assert_eq!(cache.get(&1, fail).await, Ok(11));
        cache.drop_all();
        assert_eq!(cache.get(&1, fail).await, Err("away"));
        read(&cache, 1, 12).await;
        cache.drop_one(&1);
        assert_eq!(cache.get(&1, fail).await, Err("away"));
        read(&cache, 1, 13).await;
        clock.0.fetch_add(301_000, Ordering::SeqCst);
        assert_eq!(cache.get(&1, fail).await, Err("away"));
    }

    #[tokio::test]
    async fn what_was_read_before_a_change_is_not_kept_after_it() {
        for change in
            [|cache: &Cache<u32, u32>| cache.drop_one(&1), |cache: &Cache<u32, u32>| cache.drop_all()]
        {
            let (_, cache) = cache(10);
            let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let slow = tokio::spawn({
                let (cache, begun, go_on) = (cache.clone(), begun.clone(), go_on.clone());
                async move {
                    let read = async || {
                        begun.notify_one();
                        go_on.notified().await;
                        Ok::<_, Infallible>(1)
                    };
                    cache.get(&1, read).await
                }
            });
            begun.notified().await;
            change(&cache);
            // Who asks after the change does not get what was read before it.
            let later = tokio::spawn({
                let cache = cache.clone();
                async move { read(&cache, 1, 2).await }
            });
            tokio::task::yield_now().await;
            go_on.notify_one();
            assert_eq!((slow.await.unwrap(), later.await.unwrap()), (Ok(1), 2));
            assert_eq!(read(&cache, 1, 3).await, 2);
        }
    }

    #[tokio::test]
    async fn there_are_never_more_keys_than_allowed() {
        let (_, cache) = cache(10);
        for key in 0..1000 {
            read(&cache, key, key).await;
            assert!(lock(&cache.slots).len() <= 10);
        }
    }
}
