//! The loop's state: one owner, one method per kind of event; nothing here waits.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use lsp_types::{Position, Range};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::documents::Documents;
use super::engine::Engine;
use super::event::{Event, Incoming, Side};
use super::goals::GoalForm;
use super::health::Health;
use super::io::Queue;
use super::recorder::Recorder;
use super::rounds::Rounds;
use super::route::{Fate, Own, Route, Summary, fate, route};
use super::service::Methods;
use crate::config::Settings;
use crate::lsp::codec::Frame;
use crate::lsp::head::head;
use crate::lsp::message::{self, Envelope, Kind, RequestId};
use crate::proof::Goal;

/// A place in a version of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot {
    /// The document.
    pub uri: String,
    /// Its version.
    pub version: i32,
    /// Where.
    pub position: Position,
}

/// Where the person is, as far as the editor's messages tell.
#[derive(Debug)]
pub struct Cursor {
    /// The place.
    pub spot: Spot,
    /// When the pause ends; none when it has.
    pub due: Option<Instant>,
    /// When the editor showed interest in the place.
    pub since: Instant,
    /// The goals, once an answer came.
    pub goals: Option<Vec<Goal>>,
    /// Questions for its goals that Lean has not answered yet, the editor's and ours.
    pub asked: usize,
}

/// A question for goals whose answer we want.
#[derive(Debug)]
pub struct GoalQuestion {
    /// Where.
    pub spot: Spot,
    /// In which form the answer comes.
    pub form: GoalForm,
    /// Whether it is ours. Its id does not tell: the editor's ids may look like ours.
    pub ours: bool,
}

/// A code action request of the editor that went to Lean.
#[derive(Debug)]
pub struct ActionQuestion {
    /// Where; none where the document is not known to us.
    pub place: Option<(String, i32, Range)>,
    /// Whether a person asked.
    pub invoked: bool,
    /// Until when the answer may be held back for a first verdict; none: not at all.
    pub until: Option<Instant>,
}

/// Lean's answer to a code action request, held back.
#[derive(Debug)]
pub struct Held {
    /// The request.
    pub id: RequestId,
    /// Lean's answer; none where we answer alone.
    pub answer: Option<Frame>,
    /// Where, and until when.
    pub question: ActionQuestion,
}

/// What the client said about itself in `initialize`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client {
    /// It announced `capabilities.experimental.leanCopilot`.
    pub knows_us: bool,
}

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before `initialized`: nothing of ours may be sent.
    Starting,
    /// Between `initialized` and `shutdown`.
    Running,
    /// Behind `shutdown`: nothing of ours may be sent any more.
    Ending,
}

/// What is on its way out, in order.
#[derive(Debug, Default)]
pub struct Out {
    /// To the editor.
    pub editor: Queue,
    /// To Lean.
    pub lean: Queue,
}

impl Out {
    /// The queue to a side.
    pub fn to(&mut self, side: Side) -> &mut Queue {
        match side {
            Side::Editor => &mut self.editor,
            Side::Lean => &mut self.lean,
        }
    }
}

/// What the loop does after an event.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Goes on.
    Next,
    /// Writes what it can, then has this message read, which has been passed on.
    Read(Side, Frame),
    /// Ends: Lean's side has ended and all is said.
    End,
}

/// Everything the loop knows.
pub struct State {
    /// For workers, which answer by event.
    pub(super) events: mpsc::UnboundedSender<Event>,
    /// Where workers run: not on the thread of the loop, which only relays.
    workers: Handle,
    /// What is to be written.
    pub out: Out,
    raw: bool,
    pub(super) switched_off: bool,
    pub(super) phase: Phase,
    pub(super) client: Client,
    pub(super) settings: Settings,
    pub(super) engine: Engine,
    pub(super) methods: Methods,
    pub(super) summary: Summary,
    /// The editor's ids of requests that are ours, by the number they were called under.
    pub(super) calls: HashMap<i64, RequestId>,
    pub(super) goal_questions: HashMap<RequestId, GoalQuestion>,
    pub(super) action_questions: HashMap<RequestId, ActionQuestion>,
    /// Completion requests of the editor that went to Lean, where they are about a known document.
    pub(super) completion_questions: HashMap<RequestId, Spot>,
    pub(super) held: Vec<Held>,
    pub(super) documents: Documents,
    pub(super) cursor: Option<Cursor>,
    pub(super) rounds: Rounds,
    pub(super) health: Health,
    /// How often something of ours panicked.
    failures: u32,
    /// Whether the editor asks for goals by itself: then other signs of the cursor weigh less.
    pub(super) editor_asks_goals: bool,
    last_number: u64,
}

impl State {
    /// The state before the first message.
    pub fn new(
        events: mpsc::UnboundedSender<Event>,
        workers: Handle,
        settings: Settings,
        engine: Engine,
    ) -> State {
        State {
            methods: Methods::new(),
            events,
            workers,
            out: Out::default(),
            raw: false,
            switched_off: false,
            phase: Phase::Starting,
            client: Client::default(),
            settings,
            engine,
            summary: Summary::default(),
            calls: HashMap::new(),
            goal_questions: HashMap::new(),
            action_questions: HashMap::new(),
            completion_questions: HashMap::new(),
            held: Vec::new(),
            documents: Documents::default(),
            cursor: None,
            rounds: Rounds::default(),
            health: Health::default(),
            failures: 0,
            editor_asks_goals: false,
            // Two proxies in a row must not use the same ids; 40 random bits stay exact in any JSON.
            last_number: rand::random::<u64>() >> 24,
        }
    }

    /// Handles an event.
    ///
    /// What belongs to editor and Lean is passed on before anything of ours runs, and a panic in what
    /// is ours ends only what is ours: see [`recover`](super::recover).
    pub fn handle(&mut self, event: Event) -> Step {
        match &event {
            Event::Incoming(Side::Lean, ..) => self.health.lean_spoke(),
            Event::Incoming(Side::Editor, ..) => self.health.editor_spoke(),
            _ => {}
        }
        match event {
            Event::Incoming(side, Incoming::Frame(frame)) => return self.message(side, frame),
            Event::Incoming(side, Incoming::Raw(bytes)) => {
                self.raw = true;
                self.guarded(State::release_all);
                self.send(side.other(), bytes);
            }
            Event::Incoming(Side::Lean, Incoming::End) => {
                self.guarded(State::release_all);
                return Step::End;
            }
            // The editor is gone: what is queued for Lean is still written, then its input ends.
            Event::Incoming(Side::Editor, Incoming::End) | Event::Unwritable(Side::Editor) => {
                self.phase = Phase::Ending;
                self.out.lean.close();
            }
            // Its end will be read on its output, where what it said before still stands.
            Event::Unwritable(Side::Lean) => self.out.lean.close(),
            Event::Answered(number, frame) => self.answered(number, frame),
            Event::Update(round, update) => self.guarded(|s| s.update(round, update)),
            Event::Ended(round) => self.guarded(|s| s.ended(round)),
        }
        Step::Next
    }

    /// Ends everything of ours: rounds that run are kept as far as they came. What is left to the editor
    /// is still to be written.
    pub fn end(mut self) -> (Recorder, Queue) {
        self.guarded(|s| {
            let open: Vec<String> = s.documents.uris().map(str::to_owned).collect();
            for uri in open {
                for round in s.rounds.forget(&uri) {
                    s.engine.recorder.round(&round);
                }
                s.engine.recorder.closed(&uri);
            }
        });
        self.out.editor.close();
        (std::mem::take(&mut self.engine.recorder), self.out.editor)
    }

    /// The next time at which [`tick`](State::tick) is to be called.
    pub fn next_tick(&self) -> Option<Instant> {
        let held = self.held.iter().filter_map(|h| h.question.until).min();
        let cursor = self.cursor.as_ref().and_then(|c| c.due);
        let health = self.health.due.filter(|_| self.phase == Phase::Running && self.is_on());
        [held, cursor, health, self.rounds.next_due()].into_iter().flatten().min()
    }

    /// Does what is due.
    pub fn tick(&mut self) {
        self.guarded(|s| {
            let now = Instant::now();
            s.release_due();
            for round in s.rounds.iter_mut() {
                round.answer_due(now);
            }
            if s.cursor.as_ref().is_some_and(|c| c.due.is_some_and(|due| due <= now)) {
                s.pause_over();
            }
            if s.health.due.is_some_and(|due| due <= now) {
                s.look();
            }
        });
    }

    fn message(&mut self, side: Side, frame: Frame) -> Step {
        match head(frame.body()).map_or(Fate::Unknown, |h| fate(side, &h, &self.summary)) {
            Fate::Passes => {
                self.pass(side, &frame);
                Step::Next
            }
            Fate::PassesFirst => {
                self.pass(side, &frame);
                Step::Read(side, frame)
            }
            Fate::Unknown => match self.route(side, &frame) {
                Route::Forward => {
                    self.pass(side, &frame);
                    Step::Next
                }
                Route::Observe(_) => {
                    self.pass(side, &frame);
                    Step::Read(side, frame)
                }
                Route::Ours(own) => {
                    self.own(own, frame);
                    Step::Next
                }
            },
        }
    }

    /// Reads a message that has been passed on, if it tells us something.
    pub fn read(&mut self, side: Side, frame: &Frame) {
        if let Route::Observe(seen) = self.route(side, frame) {
            self.guarded(|s| s.observe(seen, frame));
        }
    }

    fn route(&self, side: Side, frame: &Frame) -> Route {
        match Envelope::parse(frame.body()) {
            Ok(envelope) if self.is_on() => route(side, &envelope, &self.summary),
            Ok(envelope) => self.route_when_off(side, &envelope),
            Err(e) => {
                tracing::warn!(?side, "a message that is no JSON-RPC passes unread: {e}");
                Route::Forward
            }
        }
    }

    /// Nothing of ours acts any more: messages pass, but what was made to us, or by us, is still nobody
    /// else's. (Lean's server dies of a `codeAction/resolve` that it does not know.)
    fn route_when_off(&self, side: Side, envelope: &Envelope) -> Route {
        if side == Side::Lean {
            let ours = self.summary.is_answer_to_us(envelope);
            return if ours { Route::Ours(Own::Answer) } else { Route::Forward };
        }
        match route(side, envelope, &self.summary) {
            Route::Ours(own) if !self.raw && envelope.kind().is_some_and(|k| k != Kind::Response) => {
                Route::Ours(own)
            }
            _ => Route::Forward,
        }
    }

    /// Whether anything of ours may act.
    pub(super) fn is_on(&self) -> bool {
        !self.raw && !self.switched_off
    }

    /// Runs something of ours. A panic in it ends what is ours, and nothing else.
    pub(super) fn guarded(&mut self, work: impl FnOnce(&mut State)) {
        let workers = self.workers.clone();
        let _entered = workers.enter();
        let guarded = |s: &mut State, work: &mut dyn FnMut(&mut State)| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(s))).is_ok()
        };
        let mut work = Some(work);
        let whole = guarded(self, &mut |s| {
            if let Some(work) = work.take() {
                work(s);
            }
        });
        if !whole && !self.switched_off {
            self.failures += 1;
            self.switched_off = self.failures >= FAILURES;
            tracing::error!(off = self.switched_off, "a part of the sidecar failed");
            if !guarded(self, &mut State::recover) {
                self.switched_off = true;
            }
        }
    }

    /// Passes a peer's message to the other.
    pub(super) fn pass(&mut self, from: Side, frame: &Frame) {
        self.send(from.other(), frame.raw().clone());
    }

    /// Sends a message of ours to the editor.
    pub(super) fn tell_editor(&mut self, frame: Frame) {
        self.send(Side::Editor, frame.raw().clone());
    }

    /// Sends a request of ours to Lean, if it may be sent one; its id.
    pub(super) fn ask_lean(&mut self, method: &str, params: &impl serde::Serialize) -> Option<RequestId> {
        if self.phase != Phase::Running || !self.is_on() {
            return None;
        }
        let id = RequestId::own(self.number());
        let frame = message::request(&id, method, params);
        self.summary.asked.insert(id.clone());
        self.send(Side::Lean, frame.raw().clone());
        Some(id)
    }

    /// Sends a notification of ours to the editor, if it may be sent one.
    pub(super) fn notify_editor(&mut self, method: &str, params: &impl serde::Serialize) {
        if self.phase == Phase::Running && self.is_on() {
            self.tell_editor(message::notification(method, params));
        }
    }

    /// A queue that is closed has nobody at its end; what is for it goes nowhere, as it would without us.
    fn send(&mut self, to: Side, bytes: Bytes) {
        self.out.to(to).push(bytes);
    }

    /// A number that was not used before in this run.
    pub(super) fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

/// With so many panics everything of ours stays off.
pub(super) const FAILURES: u32 = 3;

/// The longest time that an answer to a person's code action request is held back.
pub const HOLD: Duration = Duration::from_millis(500);
