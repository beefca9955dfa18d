//! The four directions: bytes in, bytes out, nothing decided.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::event::{Event, Incoming, Outgoing, Permit, Side};
use crate::lsp::codec::{FrameError, FrameReader};

/// Bytes of one direction that may be in memory at once, one message of any size always fitting. What
/// a peer does not read stays in the pipe of the other, as it would without us.
const BUDGET: usize = 16 << 20;

/// Reads a side to its end. What is no frame is passed on raw, with all that follows.
pub async fn read_side<R: AsyncRead + Unpin>(side: Side, reader: R, events: mpsc::UnboundedSender<Event>) {
    let budget = Arc::new(Semaphore::new(BUDGET));
    let mut frames = FrameReader::new(reader);
    let broken = loop {
        match frames.next().await {
            Ok(Some(frame)) => {
                let permit = permit(&budget, frame.raw().len()).await;
                if events.send(Event::Incoming(side, Incoming::Frame(frame), permit)).is_err() {
                    return;
                }
            }
            Ok(None) => break None,
            Err(FrameError::Io(e)) => {
                tracing::warn!(?side, "reading: {e}");
                break None;
            }
            Err(e) => break Some(e),
        }
    };
    if let Some(error) = broken {
        tracing::warn!(?side, "not LSP, passed on as it is from here: {error}");
        let (rest, mut reader) = frames.into_rest();
        let mut chunk = rest;
        loop {
            let permit = permit(&budget, chunk.len()).await;
            if events.send(Event::Incoming(side, Incoming::Raw(chunk), permit)).is_err() {
                return;
            }
            let mut buffer = BytesMut::with_capacity(64 * 1024);
            match reader.read_buf(&mut buffer).await {
                Ok(n) if n > 0 => chunk = buffer.freeze(),
                _ => break,
            }
        }
    }
    // A closed channel means that the loop is over: nobody is left to be told.
    let _ = events.send(Event::Incoming(side, Incoming::End, None));
}

async fn permit(budget: &Arc<Semaphore>, bytes: usize) -> Permit {
    let n = bytes.min(BUDGET) as u32;
    let permit: Result<OwnedSemaphorePermit, _> = budget.clone().acquire_many_owned(n).await;
    permit.ok()
}

/// Writes a side's messages in order until the queue is closed, then closes the stream.
pub async fn write_side<W: AsyncWrite + Unpin>(
    side: Side,
    mut writer: W,
    mut queue: mpsc::UnboundedReceiver<Outgoing>,
    events: mpsc::UnboundedSender<Event>,
) {
    while let Some(out) = queue.recv().await {
        if let Err(e) = write_burst(&mut writer, out, &mut queue).await {
            tracing::warn!(?side, "writing: {e}");
            // Nobody listens when the loop is over.
            let _ = events.send(Event::Unwritable(side));
            return;
        }
    }
    if let Err(e) = writer.shutdown().await {
        tracing::debug!(?side, "closing: {e}");
    }
}

/// Writes a message and those that wait behind it, then flushes once.
async fn write_burst<W: AsyncWrite + Unpin>(
    writer: &mut W,
    first: Outgoing,
    queue: &mut mpsc::UnboundedReceiver<Outgoing>,
) -> std::io::Result<()> {
    let mut next = Some(first);
    while let Some(Outgoing { bytes, permit }) = next {
        writer.write_all(&bytes).await?;
        drop(permit);
        next = queue.try_recv().ok();
    }
    writer.flush().await
}
