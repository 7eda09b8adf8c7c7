//! What the operating system tells the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that matter.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on signals are heard and no longer end the process.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// What is asked next.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::ToStop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::ToStop("SIGINT"),
            _ = self.hang_up.recv() => Asked::ToReload,
        }
    }

    /// Returns when the process is asked to stop.
    pub(super) async fn asked_to_stop(&mut self) {
        while let Asked::ToReload = self.next().await {}
    }
}

/// What a signal asks for.
pub(super) enum Asked {
    /// To end, by this signal.
    ToStop(&'static str),
    /// To read again what may change while the process runs.
    ToReload,
}
