//! The relay between editor and Lean, and what it does beside relaying.
//!
//! One loop owns the [`State`](state::State); everything that can wake it is an
//! [`Event`](event::Event). It reads and writes the four directions itself, without a hand-over between
//! threads, and first writes a message that passes, then reads it. The handlers of our own methods and
//! the rounds of suggestions are tasks on other threads that answer by event. The loop waits for none of
//! them, nor for a peer: what one does not read stays in the pipe of the other, which is not read while
//! much is queued.
//!
//! Invariants: a message that is not ours passes byte for byte, in order; every request made to us gets
//! exactly one answer; no id of the editor's is rewritten; a failure of ours leaves the relay working.

pub mod absent;
pub mod actions;
pub mod completions;
pub mod documents;
pub mod engine;
pub mod event;
pub mod goals;
pub mod health;
pub mod io;
pub mod log;
mod observe;
mod own;
pub mod recorder;
mod recover;
pub mod rounds;
pub mod route;
pub mod serve;
pub mod service;
pub mod splice;
pub mod state;
pub mod stdio;
mod suggestions;

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::config::Settings;
use engine::Engine;
use event::{Event, Incoming, Side};
use io::{Sink, Source};
use state::{Out, State, Step};

/// The time that Lean has to end after the editor has gone, and the editor to read the last messages.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// The time that the store has to write what was recorded last.
const LAST_ROWS: Duration = Duration::from_secs(3);

/// A peer's two pipes.
pub struct Pipes<R, W> {
    /// What the peer sends.
    pub from: R,
    /// What the peer reads.
    pub to: W,
}

/// Relays until Lean's output ends, or for a while after the editor's has. What is ours runs on the
/// runtime that the engine was started on.
pub async fn relay<ER, EW, LR, LW>(
    editor: Pipes<ER, EW>,
    lean: Pipes<LR, LW>,
    settings: Settings,
    engine: Engine,
) where
    ER: AsyncRead + Unpin + Send + 'static,
    EW: AsyncWrite + Unpin + Send + 'static,
    LR: AsyncRead + Unpin + Send + 'static,
    LW: AsyncWrite + Unpin + Send + 'static,
{
    let (events, inbox) = mpsc::unbounded_channel();
    let mut wires = Wires {
        from_editor: Source::new(Side::Editor, editor.from),
        from_lean: Source::new(Side::Lean, lean.from),
        to_editor: Sink::new(editor.to),
        to_lean: Sink::new(lean.to),
        inbox,
        broken: Vec::new(),
        turn: 0,
    };
    let workers = engine.workers().unwrap_or_else(Handle::current);
    let mut state = State::new(events, workers, settings, engine);
    let mut last = None;
    loop {
        let tick = state.next_tick();
        let event = tokio::select! {
            event = poll_fn(|cx| wires.poll_event(&mut state.out, cx)) => event,
            () = sleep_until(tick.map(Into::into)) => {
                state.tick();
                continue;
            }
            () = sleep_until(last) => {
                tracing::warn!("Lean goes on without an editor; it is ended");
                break;
            }
        };
        if ends_editor(&event) {
            last.get_or_insert_with(|| tokio::time::Instant::now() + LAST_WORDS);
        }
        match state.handle(event) {
            Step::Next => {}
            Step::Read(side, frame) => {
                poll_fn(|cx| {
                    wires.write(&mut state.out, cx);
                    Poll::Ready(())
                })
                .await;
                state.read(side, &frame);
            }
            Step::End => break,
        }
    }
    let (recorder, mut queue) = state.end();
    let rows = tokio::time::timeout(LAST_ROWS, recorder.flush());
    let words = poll_fn(|cx| wires.to_editor.poll_drain(&mut queue, cx));
    let (rows, words) = tokio::join!(rows, tokio::time::timeout(LAST_WORDS, words));
    if rows.is_err() {
        tracing::warn!("the feedback store does not take the last rows");
    }
    match words {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::debug!("the last messages to the editor: {e}"),
        Err(_) => tracing::warn!("the editor does not read the last messages"),
    }
}

/// The ends of the four directions and of the workers' events.
struct Wires<ER, EW, LR, LW> {
    from_editor: Source<ER>,
    from_lean: Source<LR>,
    to_editor: Sink<EW>,
    to_lean: Sink<LW>,
    inbox: mpsc::UnboundedReceiver<Event>,
    /// The sides that take nothing any more, until the loop is told.
    broken: Vec<Side>,
    turn: usize,
}

impl<ER, EW, LR, LW> Wires<ER, EW, LR, LW>
where
    ER: AsyncRead + Unpin,
    EW: AsyncWrite + Unpin,
    LR: AsyncRead + Unpin,
    LW: AsyncWrite + Unpin,
{
    /// Writes what can be written; the next event. Who was heard last is asked last.
    fn poll_event(&mut self, out: &mut Out, cx: &mut Context<'_>) -> Poll<Event> {
        const WAYS: usize = 3;
        self.write(out, cx);
        if let Some(side) = self.broken.pop() {
            return Poll::Ready(Event::Unwritable(side));
        }
        for way in (0..WAYS).map(|i| (self.turn + i) % WAYS) {
            let heard = match way {
                0 if out.lean.has_room() => self.from_editor.poll_next(cx).map(|i| (Side::Editor, i)),
                1 if out.editor.has_room() => self.from_lean.poll_next(cx).map(|i| (Side::Lean, i)),
                2 => match self.inbox.poll_recv(cx) {
                    Poll::Ready(Some(event)) => {
                        self.turn = way + 1;
                        return Poll::Ready(event);
                    }
                    // The state holds a sender: the channel is never closed here.
                    _ => Poll::Pending,
                },
                _ => Poll::Pending,
            };
            if let Poll::Ready((side, incoming)) = heard {
                self.turn = way + 1;
                return Poll::Ready(Event::Incoming(side, incoming));
            }
        }
        Poll::Pending
    }

    /// Writes what can be written now.
    fn write(&mut self, out: &mut Out, cx: &mut Context<'_>) {
        let editor = self.to_editor.poll_drain(&mut out.editor, cx).map_err(|e| (Side::Editor, e));
        let lean = self.to_lean.poll_drain(&mut out.lean, cx).map_err(|e| (Side::Lean, e));
        for result in [editor, lean] {
            if let Poll::Ready(Err((side, e))) = result {
                tracing::warn!(?side, "writing: {e}");
                out.to(side).abandon();
                self.broken.push(side);
            }
        }
    }
}

fn ends_editor(event: &Event) -> bool {
    matches!(event, Event::Incoming(Side::Editor, Incoming::End) | Event::Unwritable(Side::Editor))
}

async fn sleep_until(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}
