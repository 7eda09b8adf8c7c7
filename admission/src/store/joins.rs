//! Joins that arrive together go to the store together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::{BATCH_MAX, Join, Joined, QueueStore, StoreError};
use crate::clock::Random;
use crate::name::RoomId;
use crate::ticket::TicketId;

/// Most joins that wait for the store; one more is told to come again.
const QUEUE: usize = 20_000;

/// How long one batch may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long a store that lost its data gets to be told of the room.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes joins to the store: while one batch is there the next gathers, so that batches grow with the crowd by
/// themselves, and a million fans cost a thousand calls.
#[derive(Clone)]
pub struct Joins {
    queue: mpsc::Sender<Request>,
    task: AbortHandle,
}

struct Request {
    join: Join,
    answer: oneshot::Sender<Result<Joined, StoreError>>,
}

impl Joins {
    /// Starts the task that takes joins of `room` to the store.
    pub fn start(room: RoomId, store: Arc<dyn QueueStore>, random: Arc<dyn Random>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        let task = tokio::spawn(run(room, store, random, requests)).abort_handle();
        Self { queue, task }
    }

    /// Takes no more joins; those that wait for the store fail.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// Joins.
    ///
    /// # Errors
    /// When the store is away, or too many wait for it already.
    pub async fn join(&self, join: Join) -> Result<Joined, StoreError> {
        let (answer, answered) = oneshot::channel();
        let busy = || StoreError::Unavailable("too many joins wait already".to_owned());
        self.queue.try_send(Request { join, answer }).map_err(|_| busy())?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the join was dropped".to_owned())))
    }
}

async fn run(
    room: RoomId,
    store: Arc<dyn QueueStore>,
    random: Arc<dyn Random>,
    mut requests: mpsc::Receiver<Request>,
) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    // While one batch is with the store the next gathers: batches grow with the crowd by themselves.
    while requests.recv_many(&mut batch, BATCH_MAX).await > 0 {
        // Whoever gave up waiting takes no place.
        batch.retain(|request: &Request| !request.answer.is_closed());
        let joins: Vec<Join> = batch.iter().map(|request| request.join.clone()).collect();
        if joins.is_empty() {
            continue;
        }
        let answers = send(&room, store.as_ref(), random.as_ref(), &joins).await;
        match answers {
            Ok(answers) => {
                let mut answers = answers.into_iter();
                for request in batch.drain(..) {
                    let missing = || Err(StoreError::Unreadable("fewer answers than joins".to_owned()));
                    let _ = request.answer.send(answers.next().map_or_else(missing, Ok));
                }
            }
            Err(error) => {
                for request in batch.drain(..) {
                    let _ = request.answer.send(Err(error.clone()));
                }
            }
        }
    }
}

async fn send(
    room: &RoomId,
    store: &dyn QueueStore,
    random: &dyn Random,
    joins: &[Join],
) -> Result<Vec<Joined>, StoreError> {
    let name = TicketId::random(random).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    match in_time(store.join(room, name, joins)).await {
        // It may have happened; under the same name it gives the same ranks.
        Err(StoreError::Unavailable(_)) => in_time(store.join(room, name, joins)).await,
        // A store that lost its data: the next tick tells it of the room.
        Err(StoreError::UnknownRoom(_)) => {
            tokio::time::sleep(PAUSE).await;
            in_time(store.join(room, name, joins)).await
        }
        answer => answer,
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(TIMEOUT, call).await {
        Ok(answer) => answer,
        Err(_) => Err(StoreError::Unavailable("it did not answer in time".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use crate::adaptive::{History, LoadInterval, LoadReport};
    use crate::clock::{SystemRandom, Timestamp};
    use crate::name::LaneId;
    use crate::rank::Rank;
    use crate::rules::Rules;
    use crate::store::{
        BatchId, Drained, Intent, Memory, PageMark, Presence, PresenceAnswer, SessionPage, Snapshot,
        Standing, Voided,
    };
    use crate::ticket::Place;

    use super::*;

    /// Loses the answers to the first calls, and takes its time.
    #[derive(Default)]
    struct Forgetful {
        failures: usize,
        calls: std::sync::Mutex<Vec<(BatchId, usize)>>,
    }

    #[async_trait::async_trait]
    impl QueueStore for Forgetful {
        async fn configure(&self, _: &RoomId, _: &Rules, _: u64, _: &Memory) -> Result<(), StoreError> {
            Ok(())
        }
        async fn join(&self, _: &RoomId, batch: BatchId, joins: &[Join]) -> Result<Vec<Joined>, StoreError> {
            let count = {
                let mut calls = self.calls.lock().unwrap();
                calls.push((batch, joins.len()));
                calls.len()
            };
            tokio::time::sleep(Duration::from_millis(100)).await;
            if count <= self.failures {
                return Err(StoreError::Unavailable("gone".to_owned()));
            }
            Ok((0..joins.len() as u64)
                .map(|ahead| Joined::Waiting { rank: Rank::new(ahead), ahead })
                .collect())
        }
        async fn look(&self, _: &RoomId, _: &[Place]) -> Result<Vec<Standing>, StoreError> {
            Ok(Vec::new())
        }
        async fn restore(&self, _: &RoomId, _: &[Place]) -> Result<Vec<Standing>, StoreError> {
            Ok(Vec::new())
        }
        async fn claim(&self, _: &RoomId, _: &[Place]) -> Result<Vec<Standing>, StoreError> {
            Ok(Vec::new())
        }
        async fn leave(&self, _: &RoomId, _: &[Place]) -> Result<(), StoreError> {
            Ok(())
        }
        async fn end(&self, _: &RoomId, _: &[TicketId]) -> Result<(), StoreError> {
            Ok(())
        }
        async fn void(&self, _: &RoomId, _: Option<Timestamp>) -> Result<Voided, StoreError> {
            Ok(Voided { before: Timestamp::default(), sessions: 0 })
        }
        async fn drain(&self, _: &RoomId) -> Result<Drained, StoreError> {
            Ok(Drained::default())
        }
        async fn report_presence(&self, _: &RoomId, _: &Presence) -> Result<PresenceAnswer, StoreError> {
            Ok(PresenceAnswer::default())
        }
        async fn report_load(
            &self,
            _: &RoomId,
            _: &LoadReport,
        ) -> Result<Option<(LoadInterval, History)>, StoreError> {
            Ok(None)
        }
        async fn set_rate(&self, _: &RoomId, _: u64, _: u64, _: &History) -> Result<bool, StoreError> {
            Ok(false)
        }
        async fn snapshot(&self, room: &RoomId, _: u64) -> Result<Snapshot, StoreError> {
            Err(StoreError::UnknownRoom(room.clone()))
        }
        async fn sessions(&self, _: &RoomId, _: PageMark) -> Result<SessionPage, StoreError> {
            Ok(SessionPage::default())
        }
    }

    fn start(failures: usize) -> (Arc<Forgetful>, Joins) {
        let store = Arc::new(Forgetful { failures, ..Forgetful::default() });
        let joins = Joins::start(RoomId::parse("demo").unwrap(), store.clone(), Arc::new(SystemRandom));
        (store, joins)
    }

    fn join() -> Join {
        let id = TicketId::random(&SystemRandom).unwrap();
        Join::new(LaneId::general(), id, Intent::Wait)
    }

    #[tokio::test(start_paused = true)]
    async fn joins_that_arrive_together_go_together() {
        let (store, joins) = start(0);
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let joins = joins.clone();
                tokio::spawn(async move { joins.join(join()).await })
            })
            .collect();
        for task in tasks {
            assert!(matches!(task.await.unwrap(), Ok(Joined::Waiting { .. })));
        }
        let calls = store.calls.lock().unwrap();
        assert!(calls.len() <= 3, "{calls:?}");
        assert_eq!(calls.iter().map(|(_, count)| count).sum::<usize>(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_answer_is_asked_for_under_the_same_name_once() {
        let (store, joins) = start(1);
        assert!(joins.join(join()).await.is_ok());
        {
            let calls = store.calls.lock().unwrap();
            assert!(calls.len() == 2 && calls[0] == calls[1], "{calls:?}");
        }
        let (store, joins) = start(2);
        assert!(matches!(joins.join(join()).await, Err(StoreError::Unavailable(_))));
        assert_eq!(store.calls.lock().unwrap().len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gave_up_takes_no_place() {
        let (store, joins) = start(0);
        let first = tokio::spawn({
            let joins = joins.clone();
            async move { joins.join(join()).await }
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        let gone = tokio::time::timeout(Duration::from_millis(10), joins.join(join())).await;
        assert!(gone.is_err());
        assert!(first.await.unwrap().is_ok());
        assert!(joins.join(join()).await.is_ok());
        assert_eq!(store.calls.lock().unwrap().iter().map(|(_, count)| count).sum::<usize>(), 2);
    }
}
