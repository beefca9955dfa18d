//! This process's own pipes, read and written without a thread in between where the system allows it.
//!
//! Tokio's `stdin` and `stdout` hand each read and write to a thread, since the description behind an
//! inherited descriptor may be shared and must not be made non-blocking. On Linux a pipe is opened anew,
//! which gives a description of our own, and a socket (Node's child processes have sockets) is asked not
//! to wait each time. Anything else, and other systems, take Tokio's way.

use tokio::io::{AsyncRead, AsyncWrite};

/// What the editor sends.
pub type Input = Box<dyn AsyncRead + Send + Unpin>;
/// What the editor reads.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Standard input. Needs a Tokio runtime.
pub fn input() -> Input {
    #[cfg(target_os = "linux")]
    if let Some(input) = linux::input() {
        return input;
    }
    Box::new(tokio::io::stdin())
}

/// Standard output. Needs a Tokio runtime.
pub fn output() -> Output {
    #[cfg(target_os = "linux")]
    if let Some(output) = linux::output() {
        return output;
    }
    Box::new(tokio::io::stdout())
}

/// Gives a pipe more room, so that a large message takes fewer turns of both ends. Where that is not
/// allowed, or it is no pipe, it stays as it is.
#[cfg(target_os = "linux")]
pub fn widen(pipe: impl std::os::fd::AsFd) {
    const ROOM: usize = 1 << 20;
    if let Err(e) = rustix::pipe::fcntl_setpipe_size(pipe, ROOM) {
        tracing::debug!("a pipe keeps its size: {e}");
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{Error, Result, stdin, stdout};
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use rustix::fs::FileType;
    use rustix::net::{RecvFlags, SendFlags};
    use tokio::io::unix::AsyncFd;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tokio::net::unix::pipe;

    use super::{Input, Output, widen};

    fn kind(fd: BorrowedFd<'_>) -> Option<FileType> {
        rustix::fs::fstat(fd).ok().map(|stat| FileType::from_raw_mode(stat.st_mode))
    }

    pub fn input() -> Option<Input> {
        match kind(stdin().as_fd())? {
            FileType::Fifo => {
                let pipe = pipe::OpenOptions::new().open_receiver("/proc/self/fd/0").ok()?;
                widen(&pipe);
                Some(Box::new(pipe))
            }
            FileType::Socket => Some(Box::new(Socket::new(stdin().as_fd())?)),
            _ => None,
        }
    }

    pub fn output() -> Option<Output> {
        match kind(stdout().as_fd())? {
            FileType::Fifo => {
                let pipe = pipe::OpenOptions::new().open_sender("/proc/self/fd/1").ok()?;
                widen(&pipe);
                Some(Box::new(pipe))
            }
            FileType::Socket => Some(Box::new(Socket::new(stdout().as_fd())?)),
            _ => None,
        }
    }

    /// A socket that others may share: its description is not touched.
    struct Socket {
        fd: AsyncFd<OwnedFd>,
        /// Received into, then copied: the reader's own memory is not initialised.
        buffer: Box<[u8]>,
    }

    impl Socket {
        fn new(fd: BorrowedFd<'_>) -> Option<Socket> {
            let fd = fd.try_clone_to_owned().ok()?;
            // SAFETY: an `OwnedFd` is open and stays the same descriptor for as long as it lives, and the
            // `AsyncFd` owns it.
            let fd = unsafe { AsyncFd::register(fd) }.ok()?;
            Some(Socket { fd, buffer: vec![0; 64 << 10].into() })
        }
    }

    impl AsyncRead for Socket {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<Result<()>> {
            let Socket { fd, buffer } = &mut *self;
            let wanted = buf.remaining().min(buffer.len());
            loop {
                let mut ready = ready!(fd.poll_read_ready(cx))?;
                let received = ready.try_io(|fd| {
                    rustix::net::recv(fd, &mut buffer[..wanted], RecvFlags::DONTWAIT).map_err(Error::from)
                });
                // Readiness that turned out to be none is cleared; the next turn waits for it.
                if let Ok(received) = received {
                    let (received, _) = received?;
                    buf.put_slice(&buffer[..received]);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    impl AsyncWrite for Socket {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
            loop {
                let mut ready = ready!(self.fd.poll_write_ready(cx))?;
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                let sent = ready.try_io(|fd| rustix::net::send(fd, bytes, flags).map_err(Error::from));
                if let Ok(sent) = sent {
                    return Poll::Ready(sent);
                }
            }
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
            Poll::Ready(Ok(()))
        }
    }
}
