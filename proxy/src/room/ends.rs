//! Sessions that end go to the store together, in the background.

use std::sync::Arc;
use std::time::Duration;

use admission::name::RoomId;
use admission::store::{BATCH_MAX, QueueStore, StoreError};
use admission::ticket::TicketId;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::bounded;

/// Most ended sessions that wait for the store.
const ENDS: usize = 50_000;
/// How long the store is left alone after it could not be reached.
const PAUSE: Duration = Duration::from_millis(500);

/// Takes ended sessions to the store in the background, until it has them.
#[derive(Clone)]
pub(super) struct Ends {
    queue: mpsc::Sender<TicketId>,
    /// How many the store has not been told of.
    untold: watch::Sender<usize>,
    task: AbortHandle,
}

impl Ends {
    /// Starts the task that ends sessions of `room` in the store.
    pub(super) fn start(room: RoomId, store: Arc<dyn QueueStore>) -> Self {
        let (queue, mut tickets) = mpsc::channel(ENDS);
        let untold = watch::Sender::new(0);
        let told = untold.clone();
        let task = tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            while tickets.recv_many(&mut batch, BATCH_MAX).await > 0 {
                // One that lost its data knows the room again after the next tick.
                while let Err(StoreError::Unavailable(_) | StoreError::UnknownRoom(_)) =
                    bounded(store.end(&room, &batch)).await
                {
                    tokio::time::sleep(PAUSE).await;
                }
                told.send_modify(|untold| *untold -= batch.len());
                batch.clear();
            }
        });
        Self { queue, untold, task: task.abort_handle() }
    }

    /// Waits until the store has been told of all, at most until `deadline`. Of how many it was not told.
    pub(super) async fn finish(&self, deadline: Instant) -> usize {
        let mut untold = self.untold.subscribe();
        let all_are_told = untold.wait_for(|untold| *untold == 0);
        let _ = tokio::time::timeout_at(deadline, all_are_told).await;
        *self.untold.borrow()
    }

    /// Tells the store no more.
    pub(super) fn stop(&self) {
        self.task.abort();
    }

    /// The session of `ticket` is over.
    pub(super) fn end(&self, ticket: TicketId) {
        self.untold.send_modify(|untold| *untold += 1);
        if self.queue.try_send(ticket).is_err() {
            self.untold.send_modify(|untold| *untold -= 1);
            tracing::warn!("too many ended sessions wait for the store; one place frees when it times out");
        }
    }
}
