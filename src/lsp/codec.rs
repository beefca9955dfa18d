//! Content-Length frames, kept as the bytes that came (LSP 3.17, "Base Protocol").

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Headers longer than this are not LSP.
const MAX_HEADER: usize = 16 * 1024;
/// Bodies longer than this are refused rather than buffered.
const MAX_BODY: usize = 1 << 30;

/// One message with its headers, byte for byte as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    raw: Bytes,
    body_at: usize,
}

/// Why a stream is not a sequence of frames. [`FrameReader::into_rest`] gives what was read so far.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The headers are not LSP headers.
    #[error("not a message header: {0}")]
    Header(String),
    /// The stream ended inside a message.
    #[error("the stream ended inside a message ({got} bytes of an unfinished frame)")]
    Truncated {
        /// Bytes of the unfinished frame.
        got: usize,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Frame {
    /// A frame of our own around a JSON body.
    pub fn from_body(body: impl AsRef<[u8]>) -> Frame {
        let body = body.as_ref();
        let header = format!("Content-Length: {}\r\n\r\n", body.len());
        let mut raw = BytesMut::with_capacity(header.len() + body.len());
        raw.extend_from_slice(header.as_bytes());
        raw.extend_from_slice(body);
        Frame { raw: raw.freeze(), body_at: header.len() }
    }

    /// Headers and body.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The JSON text.
    pub fn body(&self) -> &[u8] {
        &self.raw[self.body_at..]
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(self.body());
        let short: String = body.chars().take(200).collect();
        write!(f, "Frame({} bytes: {short})", self.raw.len())
    }
}

/// Reads frames from a stream. Cancel safe: a dropped [`next`](FrameReader::next) loses nothing.
pub struct FrameReader<R> {
    reader: R,
    buffer: BytesMut,
    /// Header length and total length of the frame being read, once its header is complete.
    pending: Option<(usize, usize)>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    /// Reads from the start of a message.
    pub fn new(reader: R) -> FrameReader<R> {
        FrameReader { reader, buffer: BytesMut::with_capacity(64 * 1024), pending: None }
    }

    /// The next frame; `None` at a clean end of the stream.
    pub async fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// The next frame, for a loop that polls several things itself.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame>, FrameError>> {
        loop {
            if self.pending.is_none() {
                self.pending = find_header(&self.buffer)?;
            }
            if let Some((body_at, total)) = self.pending {
                if self.buffer.len() >= total {
                    self.pending = None;
                    let raw = self.buffer.split_to(total).freeze();
                    return Poll::Ready(Ok(Some(Frame { raw, body_at })));
                }
                // One allocation for a large message instead of many doublings.
                self.buffer.reserve(total - self.buffer.len());
            } else {
                self.buffer.reserve(64 * 1024);
            }
            // A read that is polled anew keeps nothing between two polls.
            if ready!(pin!(self.reader.read_buf(&mut self.buffer)).poll(cx))? == 0 {
                return Poll::Ready(match self.buffer.len() {
                    0 => Ok(None),
                    got => Err(FrameError::Truncated { got }),
                });
            }
        }
    }

    /// The bytes that were read but belong to no complete frame, and the stream behind them: for a
    /// relay that must pass on what it cannot read.
    pub fn into_rest(self) -> (Bytes, R) {
        (self.buffer.freeze(), self.reader)
    }
}

/// Length of the header with its blank line, and of the whole frame; `None` while it is incomplete.
fn find_header(buffer: &[u8]) -> Result<Option<(usize, usize)>, FrameError> {
    let Some(end) = memchr::memmem::find(buffer, b"\r\n\r\n") else {
        // What cannot be the start of a header is refused at once, not after 16 KB.
        let plausible = buffer.first().is_none_or(u8::is_ascii_alphabetic)
            && memchr::memchr_iter(b'\n', buffer).all(|i| i > 0 && buffer[i - 1] == b'\r');
        if buffer.len() > MAX_HEADER || !plausible {
            return Err(FrameError::Header(excerpt(buffer)));
        }
        return Ok(None);
    };
    let header = std::str::from_utf8(&buffer[..end]).map_err(|_| FrameError::Header(excerpt(buffer)))?;
    let length = header
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok())
        .filter(|n| *n <= MAX_BODY)
        .ok_or_else(|| FrameError::Header(excerpt(header.as_bytes())))?;
    Ok(Some((end + 4, end + 4 + length)))
}

fn excerpt(bytes: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(120)]))
}

/// Writes a frame whole and flushes it.
pub async fn write_frame<W: AsyncWrite + Unpin>(writer: &mut W, frame: &Frame) -> std::io::Result<()> {
    writer.write_all(frame.raw()).await?;
    writer.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(bytes: &[u8], chunk: usize) -> Result<Vec<Frame>, FrameError> {
        let (mut w, r) = tokio::io::duplex(chunk);
        let bytes = bytes.to_vec();
        tokio::spawn(async move { w.write_all(&bytes).await });
        let mut reader = FrameReader::new(r);
        let mut out = Vec::new();
        while let Some(f) = reader.next().await? {
            out.push(f);
        }
        Ok(out)
    }

    #[tokio::test]
    async fn frames_come_out_as_they_went_in_whatever_the_chunks() {
        let one = b"content-length:  2\r\nContent-Type: x\r\n\r\n{}";
        let two = Frame::from_body("{\"a\":\"𝔸\"}");
        let mut bytes = one.to_vec();
        bytes.extend_from_slice(two.raw());
        for chunk in [1, 3, 7, 4096] {
            let got = read_all(&bytes, chunk).await.unwrap();
            assert_eq!(got.len(), 2);
            assert_eq!(got[0].raw().as_ref(), one);
            assert_eq!(got[0].body(), b"{}");
            assert_eq!(got[1], two);
        }
    }

    #[tokio::test]
    async fn what_is_no_frame_is_an_error_that_says_so() {
        assert!(matches!(read_all(b"{\"no\": 1}", 64).await, Err(FrameError::Header(_))));
        assert!(matches!(read_all(b"Content-Length: x\r\n\r\n{}", 64).await, Err(FrameError::Header(_))));
        assert!(matches!(
            read_all(b"Content-Length: 9\r\n\r\n{}", 64).await,
            Err(FrameError::Truncated { got: 23 })
        ));
    }
}
