//! Joins that arrive together go to the store together, and sessions that end likewise.

use std::sync::Arc;
use std::time::Duration;

use admission::clock::Random;
use admission::name::RoomId;
use admission::store::{BATCH_MAX, Join, Joined, QueueStore, StoreError};
use admission::ticket::TicketId;
use tokio::sync::{mpsc, oneshot};

use super::bounded;

/// Most joins that wait for the store; one more is told to come again.
const QUEUE: usize = 20_000;

/// Takes joins to the store.
#[derive(Clone)]
pub(super) struct Joins {
    queue: mpsc::Sender<Request>,
}

struct Request {
    join: Join,
    answer: oneshot::Sender<Result<Joined, StoreError>>,
}

impl Joins {
    /// Starts the task that takes joins of `room` to the store.
    pub(super) fn start(room: RoomId, store: Arc<dyn QueueStore>, random: Arc<dyn Random>) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(run(room, store, random, requests));
        Self { queue }
    }

    /// Joins.
    ///
    /// # Errors
    /// When the store is away, or too many wait for it already.
    pub(super) async fn join(&self, join: Join) -> Result<Joined, StoreError> {
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
    match bounded(store.join(room, name, joins)).await {
        // It may have happened; under the same name it gives the same ranks.
        Err(StoreError::Unavailable(_)) => bounded(store.join(room, name, joins)).await,
        // A store that lost its data: the next tick tells it of the room.
        Err(StoreError::UnknownRoom(_)) => {
            tokio::time::sleep(PAUSE).await;
            bounded(store.join(room, name, joins)).await
        }
        answer => answer,
    }
}

/// Most ended sessions that wait for the store.
const ENDS: usize = 50_000;
/// How long the store is left alone after it could not be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes ended sessions to the store in the background, until it has them.
#[derive(Clone)]
pub(super) struct Ends {
    queue: mpsc::Sender<TicketId>,
}

impl Ends {
    /// Starts the task that ends sessions of `room` in the store.
    pub(super) fn start(room: RoomId, store: Arc<dyn QueueStore>) -> Self {
        let (queue, mut tickets) = mpsc::channel(ENDS);
        tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            while tickets.recv_many(&mut batch, BATCH_MAX).await > 0 {
                while let Err(StoreError::Unavailable(_)) = bounded(store.end(&room, &batch)).await {
                    tokio::time::sleep(PAUSE).await;
                }
                batch.clear();
            }
        });
        Self { queue }
    }

    /// The session of `ticket` is over.
    pub(super) fn end(&self, ticket: TicketId) {
        if self.queue.try_send(ticket).is_err() {
            tracing::warn!("too many ended sessions wait for the store; one place frees when it times out");
        }
    }
}
