//! Calls of the store: how long each verb takes, and how it fails.

use std::cell::Cell;
use std::sync::Arc;

use admission::adaptive::{History, LoadInterval, LoadReport};
use admission::clock::Timestamp;
use admission::name::RoomId;
use admission::rules::Rules;
use admission::store::{
    BatchId, Drained, Join, Joined, Memory, PageMark, Presence, PresenceAnswer, QueueStore, SessionPage,
    Snapshot, Standing, StoreError, Voided,
};
use admission::ticket::{Place, TicketId};
use async_trait::async_trait;
use tokio::time::Instant;

use super::cells::{Counters, Times, TimesRead};
use super::traces::{StoreSpan, Traces};

/// A verb of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Configure,
    Join,
    Look,
    Restore,
    Claim,
    Leave,
    End,
    Void,
    Drain,
    ReportPresence,
    ReportLoad,
    SetRate,
    Snapshot,
    Sessions,
}

impl Verb {
    const ALL: [(Self, &str); 14] = [
        (Self::Configure, "configure"),
        (Self::Join, "join"),
        (Self::Look, "look"),
        (Self::Restore, "restore"),
        (Self::Claim, "claim"),
        (Self::Leave, "leave"),
        (Self::End, "end"),
        (Self::Void, "void"),
        (Self::Drain, "drain"),
        (Self::ReportPresence, "report_presence"),
        (Self::ReportLoad, "report_load"),
        (Self::SetRate, "set_rate"),
        (Self::Snapshot, "snapshot"),
        (Self::Sessions, "sessions"),
    ];
}

/// How a call may fail. The last is that its caller did not wait any longer.
const ERRORS: [&str; 4] = ["unavailable", "unknown_room", "unreadable", "timeout"];
const TIMEOUT: usize = ERRORS.len() - 1;

const fn error(error: &StoreError) -> usize {
    match error {
        StoreError::Unavailable(_) => 0,
        StoreError::UnknownRoom(_) => 1,
        StoreError::Unreadable(_) => 2,
    }
}

#[derive(Debug, Default)]
struct Calls {
    times: Times,
    errors: Counters<{ ERRORS.len() }>,
}

/// The calls of all verbs, for all rooms, by this proxy.
#[derive(Debug, Default)]
pub struct StoreCalls([Calls; Verb::ALL.len()]);

impl StoreCalls {
    /// How long the calls of each verb took, whatever came of them.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, TimesRead)> {
        Verb::ALL.into_iter().zip(&self.0).map(|((_, name), calls)| (name, calls.times.read()))
    }

    /// How often each verb failed in which way: verb, error, how often.
    pub fn errors(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        Verb::ALL.into_iter().zip(&self.0).flat_map(|((_, name), calls)| {
            ERRORS.into_iter().zip(calls.errors.totals()).map(move |(error, count)| (name, error, count))
        })
    }
}

/// A call under way. Dropped without an answer, it took too long for its caller.
struct Call<'a> {
    calls: Option<&'a Calls>,
    span: Option<StoreSpan>,
    began: Instant,
}

impl Call<'_> {
    fn end(&mut self, failed: Option<usize>) {
        if let Some(calls) = self.calls.take() {
            calls.times.observe(self.began.elapsed());
            if let Some(error) = failed {
                calls.errors.add(error, 1);
            }
            if let Some(span) = self.span.take() {
                span.end(failed.and_then(|error| ERRORS.get(error).copied()));
            }
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.end(Some(TIMEOUT));
    }
}

tokio::task_local! {
    /// How often a request has asked the store so far.
    static ASKED: Cell<u64>;
}

/// What comes of something, and how often it asked the store and waited for the answer.
pub async fn asking<T>(something: impl Future<Output = T>) -> (T, u64) {
    let counted = async {
        let outcome = something.await;
        (outcome, ASKED.with(Cell::get))
    };
    ASKED.scope(Cell::new(0), counted).await
}

/// A store whose calls are measured.
pub struct Measured {
    store: Arc<dyn QueueStore>,
    calls: Arc<StoreCalls>,
    traces: Option<Arc<Traces>>,
}

impl Measured {
    /// Measures the calls of `store`, and shows them in the traces of the requests that wait for them.
    pub fn new(store: Arc<dyn QueueStore>, calls: Arc<StoreCalls>, traces: Option<Arc<Traces>>) -> Self {
        Self { store, calls, traces }
    }

    async fn measure<T>(
        &self,
        verb: Verb,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        // Nobody's request, where a room asks of its own.
        let _ = ASKED.try_with(|asked| asked.set(asked.get() + 1));
        let name = Verb::ALL.get(verb as usize).map(|(_, name)| *name);
        let mut measured = Call {
            calls: self.calls.0.get(verb as usize),
            span: self.traces.as_ref().zip(name).and_then(|(traces, name)| traces.store_call(name)),
            began: Instant::now(),
        };
        let answer = call.await;
        measured.end(answer.as_ref().err().map(error));
        answer
    }
}

#[async_trait]
impl QueueStore for Measured {
    async fn configure(
        &self,
        room: &RoomId,
        rules: &Rules,
        revision: u64,
        memory: &Memory,
    ) -> Result<(), StoreError> {
        self.measure(Verb::Configure, self.store.configure(room, rules, revision, memory)).await
    }

    async fn join(&self, room: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
        self.measure(Verb::Join, self.store.join(room, batch, joins)).await
    }

    async fn look(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.measure(Verb::Look, self.store.look(room, places)).await
    }

    async fn restore(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.measure(Verb::Restore, self.store.restore(room, places)).await
    }

    async fn claim(&self, room: &RoomId, places: &[Place]) -> Result<Vec<Standing>, StoreError> {
        self.measure(Verb::Claim, self.store.claim(room, places)).await
    }

    async fn leave(&self, room: &RoomId, places: &[Place]) -> Result<(), StoreError> {
        self.measure(Verb::Leave, self.store.leave(room, places)).await
    }

    async fn end(&self, room: &RoomId, tickets: &[TicketId]) -> Result<(), StoreError> {
        self.measure(Verb::End, self.store.end(room, tickets)).await
    }

    async fn void(&self, room: &RoomId, before: Option<Timestamp>) -> Result<Voided, StoreError> {
        self.measure(Verb::Void, self.store.void(room, before)).await
    }

    async fn drain(&self, room: &RoomId) -> Result<Drained, StoreError> {
        self.measure(Verb::Drain, self.store.drain(room)).await
    }

    async fn report_presence(
        &self,
        room: &RoomId,
        presence: &Presence,
    ) -> Result<PresenceAnswer, StoreError> {
        self.measure(Verb::ReportPresence, self.store.report_presence(room, presence)).await
    }

    async fn report_load(
        &self,
        room: &RoomId,
        report: &LoadReport,
    ) -> Result<Option<(LoadInterval, History)>, StoreError> {
        self.measure(Verb::ReportLoad, self.store.report_load(room, report)).await
    }

    async fn set_rate(
        &self,
        room: &RoomId,
        interval: u64,
        rate: u64,
        history: &History,
    ) -> Result<bool, StoreError> {
        self.measure(Verb::SetRate, self.store.set_rate(room, interval, rate, history)).await
    }

    async fn snapshot(&self, room: &RoomId, ended_mark: u64) -> Result<Snapshot, StoreError> {
        self.measure(Verb::Snapshot, self.store.snapshot(room, ended_mark)).await
    }

    async fn sessions(&self, room: &RoomId, from: PageMark) -> Result<SessionPage, StoreError> {
        self.measure(Verb::Sessions, self.store.sessions(room, from)).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use admission::clock::SystemClock;
    use admission::store::memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn calls_are_measured_under_their_verbs() {
        let calls = Arc::new(StoreCalls::default());
        let store = Measured::new(Arc::new(MemoryStore::new(Arc::new(SystemClock))), calls.clone(), None);
        let room: RoomId = RoomId::parse("demo").unwrap();
        let rules = Rules::default();
        store.snapshot(&room, 0).await.unwrap_err();
        store.configure(&room, &rules, 1, &Memory::default()).await.unwrap();
        let (_, asked) = asking(async { store.drain(&room).await.unwrap() }).await;
        assert_eq!((asked, asking(async {}).await), (1, ((), 0)));
        let endless = store.measure(Verb::Look, std::future::pending::<Result<(), StoreError>>());
        tokio::time::timeout(Duration::from_millis(1), endless).await.unwrap_err();
        let counts: Vec<_> = calls
            .times()
            .filter(|(_, times)| times.count > 0)
            .map(|(verb, times)| (verb, times.count))
            .collect();
        assert_eq!(counts, [("configure", 1), ("look", 1), ("drain", 1), ("snapshot", 1)]);
        let errors: Vec<_> = calls.errors().filter(|(.., count)| *count > 0).collect();
        assert_eq!(errors, [("look", "timeout", 1), ("snapshot", "unknown_room", 1)]);
    }
}
