//! Bytes both ways after a switch of protocols.
//!
//! `forward` runs it once the 101 has gone to the client. It looks at nothing that it moves, and it ends
//! when both sides have closed or nobody has said anything for long.

use std::io;
use std::time::Duration;

use crate::wire::{ReadBuffer, Wire};

/// Moves bytes until both directions have ended, one has failed, or both are silent for `patience`.
pub(super) async fn run(
    client: &Wire,
    client_buffer: &mut ReadBuffer,
    backend: &Wire,
    backend_buffer: &mut ReadBuffer,
    patience: Duration,
) {
    let refresh = || {
        client.deadline.set(patience);
        backend.deadline.set(patience);
    };
    refresh();
    let forth = copy(client, client_buffer, backend, refresh);
    let back = copy(backend, backend_buffer, client, refresh);
    // One failure ends both directions: half a tunnel is of no use to anybody.
    let _ = tokio::try_join!(forth, back);
}

async fn copy(from: &Wire, buffer: &mut ReadBuffer, to: &Wire, progress: impl Fn()) -> io::Result<()> {
    loop {
        if !buffer.is_empty() {
            to.write_all(buffer.filled()).await?;
            buffer.consume(buffer.filled().len());
            progress();
        }
        if from.fill(buffer).await? == 0 {
            to.shut_down_writing();
            return Ok(());
        }
        progress();
    }
}
