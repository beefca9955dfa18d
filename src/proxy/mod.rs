//! The relay between editor and Lean, and what it does beside relaying.
//!
//! One loop owns the [`State`](state::State); everything that can wake it is an
//! [`Event`](event::Event). Readers and writers of the four directions, the handlers of our own methods
//! and the rounds of suggestions are tasks that answer by event. The loop never waits for any of them:
//! what a peer does not read stays in the other's pipe, because each message holds a permit of its
//! direction's budget until it is written.
//!
//! Invariants: a message that is not ours passes byte for byte, in order; every request made to us gets
//! exactly one answer; no id of the editor's is rewritten; a failure of ours leaves the relay working.

pub mod absent;
pub mod actions;
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
mod suggestions;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::config::Settings;
use engine::Engine;
use event::{Event, Side};
use io::{read_side, write_side};
use state::State;

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

/// Relays until Lean's output ends, or for a while after the editor's has.
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
    let (events, mut inbox) = mpsc::unbounded_channel();
    let (to_editor, editor_queue) = mpsc::unbounded_channel();
    let (to_lean, lean_queue) = mpsc::unbounded_channel();
    let editor_reader = tokio::spawn(read_side(Side::Editor, editor.from, events.clone()));
    let lean_reader = tokio::spawn(read_side(Side::Lean, lean.from, events.clone()));
    let mut editor_writer = tokio::spawn(write_side(Side::Editor, editor.to, editor_queue, events.clone()));
    let lean_writer = tokio::spawn(write_side(Side::Lean, lean.to, lean_queue, events.clone()));

    let mut state = State::new(events, to_editor, to_lean, settings, engine);
    let mut last = None;
    loop {
        let tick = state.next_tick();
        tokio::select! {
            event = inbox.recv() => {
                let Some(event) = event else { break };
                if ends_editor(&event) {
                    last.get_or_insert_with(|| tokio::time::Instant::now() + LAST_WORDS);
                }
                if !state.handle(event) {
                    break;
                }
            }
            () = sleep_until(tick.map(Into::into)) => state.tick(),
            () = sleep_until(last) => {
                tracing::warn!("Lean goes on without an editor; it is ended");
                break;
            }
        }
    }
    // Closes both queues; what is in the editor's is still written.
    let recorder = state.end();
    if tokio::time::timeout(LAST_ROWS, recorder.flush()).await.is_err() {
        tracing::warn!("the feedback store does not take the last rows");
    }
    if tokio::time::timeout(LAST_WORDS, &mut editor_writer).await.is_err() {
        tracing::warn!("the editor does not read the last messages");
        editor_writer.abort();
    }
    for task in [editor_reader, lean_reader, lean_writer] {
        task.abort();
    }
}

fn ends_editor(event: &Event) -> bool {
    matches!(event, Event::Incoming(Side::Editor, event::Incoming::End, _) | Event::Unwritable(Side::Editor))
}

async fn sleep_until(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}
