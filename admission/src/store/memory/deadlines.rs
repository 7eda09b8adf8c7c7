//! Things that each last until some moment.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::clock::Timestamp;

/// A set whose members each have a deadline, like a Redis sorted set with times as scores.
#[derive(Clone, Debug)]
pub(super) struct Deadlines<K> {
    by_key: HashMap<K, Timestamp>,
    by_time: BTreeSet<(Timestamp, K)>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { by_key: HashMap::new(), by_time: BTreeSet::new() }
    }
}

impl<K: Copy + Eq + Hash + Ord> Deadlines<K> {
    pub(super) fn len(&self) -> u64 {
        self.by_key.len() as u64
    }

    pub(super) fn get(&self, key: &K) -> Option<Timestamp> {
        self.by_key.get(key).copied()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.by_key.contains_key(key)
    }

    pub(super) fn set(&mut self, key: K, until: Timestamp) {
        if let Some(before) = self.by_key.insert(key, until) {
            self.by_time.remove(&(before, key));
        }
        self.by_time.insert((until, key));
    }

    pub(super) fn remove(&mut self, key: &K) -> bool {
        let Some(until) = self.by_key.remove(key) else { return false };
        self.by_time.remove(&(until, *key));
        true
    }

    /// All of them, in the order of their deadlines.
    pub(super) fn iter(&self) -> impl Iterator<Item = (K, Timestamp)> {
        self.by_time.iter().map(|(until, key)| (*key, *until))
    }

    /// Those from one on, in the order of their deadlines.
    pub(super) fn since(&self, first: (Timestamp, K)) -> impl Iterator<Item = (K, Timestamp)> {
        self.by_time.range(first..).map(|(until, key)| (*key, *until))
    }

    /// Removes what lasted until `now` or before, and gives it in the order of the deadlines.
    pub(super) fn take_expired(&mut self, now: Timestamp) -> Vec<K> {
        let mut expired = Vec::new();
        while let Some(&(until, key)) = self.by_time.first() {
            if until > now {
                break;
            }
            self.by_time.pop_first();
            self.by_key.remove(&key);
            expired.push(key);
        }
        expired
    }
}
