//! The four directions: bytes in, bytes out, nothing decided.
//!
//! Everything here is polled by the loop itself: a message that comes and can go on at once costs one
//! wake of one thread.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::event::{Incoming, Side};
use crate::lsp::codec::{FrameError, FrameReader};

/// Bytes that may wait for a side before the other is not read any more, one message of any size always
/// fitting. What a peer does not read stays in the pipe of the other, as it would without us.
const BUDGET: usize = 16 << 20;

/// Read at once where a stream is no LSP.
const CHUNK: usize = 64 << 10;

/// Messages for one side, in order.
#[derive(Debug, Default)]
pub struct Queue {
    parts: VecDeque<Bytes>,
    bytes: usize,
    closed: bool,
}

impl Queue {
    /// Adds a message. Where the queue is closed it is dropped: nobody is at the end.
    pub fn push(&mut self, bytes: Bytes) {
        if !self.closed && !bytes.is_empty() {
            self.bytes += bytes.len();
            self.parts.push_back(bytes);
        }
    }

    /// Takes nothing more; what is in it is still written.
    pub fn close(&mut self) {
        self.closed = true;
    }

    /// Takes nothing more and forgets what is in it.
    pub fn abandon(&mut self) {
        *self = Queue { closed: true, ..Queue::default() };
    }

    /// Whether the other side may be read.
    pub fn has_room(&self) -> bool {
        self.bytes < BUDGET
    }

    /// Takes out what waits, message by message.
    #[cfg(test)]
    pub(super) fn take(&mut self) -> Vec<Bytes> {
        self.bytes = 0;
        self.parts.drain(..).collect()
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(front) = self.parts.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.parts.pop_front();
        }
    }
}

/// What a side sends, read to its end. What is no frame is passed on raw, with all that follows.
pub struct Source<R> {
    side: Side,
    state: Stream<R>,
}

enum Stream<R> {
    Frames(FrameReader<R>),
    /// What was read of it when it turned out to be no LSP, then the rest.
    Raw(Option<Bytes>, R),
    Ended,
}

impl<R: AsyncRead + Unpin> Source<R> {
    /// Reads from the start of a message.
    pub fn new(side: Side, reader: R) -> Source<R> {
        Source { side, state: Stream::Frames(FrameReader::new(reader)) }
    }

    /// The next thing, its end once.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        let side = self.side;
        match &mut self.state {
            Stream::Ended => return Poll::Pending,
            Stream::Frames(frames) => match ready!(frames.poll_next(cx)) {
                Ok(Some(frame)) => return Poll::Ready(Incoming::Frame(frame)),
                Ok(None) => {}
                Err(FrameError::Io(e)) => tracing::warn!(?side, "reading: {e}"),
                Err(error) => {
                    tracing::warn!(?side, "not LSP, passed on as it is from here: {error}");
                    if let Stream::Frames(frames) = std::mem::replace(&mut self.state, Stream::Ended) {
                        let (rest, reader) = frames.into_rest();
                        self.state = Stream::Raw(Some(rest), reader);
                        return self.poll_next(cx);
                    }
                }
            },
            Stream::Raw(rest, reader) => {
                if let Some(rest) = rest.take().filter(|rest| !rest.is_empty()) {
                    return Poll::Ready(Incoming::Raw(rest));
                }
                let mut chunk = BytesMut::with_capacity(CHUNK);
                if matches!(ready!(pin!(reader.read_buf(&mut chunk)).poll(cx)), Ok(n) if n > 0) {
                    return Poll::Ready(Incoming::Raw(chunk.freeze()));
                }
            }
        }
        self.state = Stream::Ended;
        Poll::Ready(Incoming::End)
    }
}

/// Where a side's messages are written.
pub struct Sink<W> {
    /// None once closed or broken: a pipe to a child is closed by dropping it, and by nothing else.
    writer: Option<W>,
    unflushed: bool,
}

impl<W: AsyncWrite + Unpin> Sink<W> {
    /// Writes into this.
    pub fn new(writer: W) -> Sink<W> {
        Sink { writer: Some(writer), unflushed: false }
    }

    /// Writes what is in the queue, and closes the stream behind the last of a closed one. Ready when
    /// nothing is left to do; pending when the peer does not take more now. It fails at most once.
    pub fn poll_drain(&mut self, queue: &mut Queue, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let Some(writer) = &mut self.writer else { return Poll::Ready(Ok(())) };
        let result = poll_write(writer, &mut self.unflushed, queue, cx);
        let over = matches!(result, Poll::Ready(Err(_))) || result.is_ready() && queue.closed;
        self.writer.take_if(|_| over);
        result
    }
}

fn poll_write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    unflushed: &mut bool,
    queue: &mut Queue,
    cx: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    const AT_ONCE: usize = 16;
    while let Some(first) = queue.parts.front() {
        let written = if queue.parts.len() > 1 && writer.is_write_vectored() {
            let mut slices = [IoSlice::new(&[]); AT_ONCE];
            let count = queue.parts.len().min(AT_ONCE);
            for (slice, part) in slices.iter_mut().zip(&queue.parts) {
                *slice = IoSlice::new(part);
            }
            ready!(Pin::new(&mut *writer).poll_write_vectored(cx, &slices[..count]))?
        } else {
            ready!(Pin::new(&mut *writer).poll_write(cx, first))?
        };
        if written == 0 {
            return Poll::Ready(Err(Error::from(ErrorKind::WriteZero)));
        }
        *unflushed = true;
        queue.advance(written);
    }
    if *unflushed {
        ready!(Pin::new(&mut *writer).poll_flush(cx))?;
        *unflushed = false;
    }
    if queue.closed {
        ready!(Pin::new(&mut *writer).poll_shutdown(cx))?;
    }
    Poll::Ready(Ok(()))
}
