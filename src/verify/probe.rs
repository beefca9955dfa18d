//! Triage inside Lean: a scratch document that holds a method of ours beside the user's text, in a process of
//! its own, so that candidates are tried there while survivors are confirmed by edits elsewhere.
//!
//! What it finds good is only confirmed sooner; nothing is shown for its word. It is started in a pause, and
//! where it cannot be (an old Lean, an unusual header), [`super::batch`] does its work.

use std::collections::VecDeque;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::lane::OPEN_LIMIT;
use super::prepared::Prepared;
use super::scratch::Scratch;
use super::shadow::{Shadow, Trouble};
use crate::lean::LeanCommand;
use crate::lean::client::{LeanClient, LeanError};
use crate::lean::modules::PROBE_MODULE;
use crate::lean::modules::worker::Program;
use crate::lean::scope::SCOPE;
use crate::lsp::message::code;
use crate::lsp::position;
use crate::proof::tactic::{TokenKind, tokens};
use crate::proof::{Goal, Offer, same_state};

/// The method's text.
const PROBE: &str = include_str!("probe.lean");
/// Calls in Lean's hands at once: while one answer travels the next is worked on.
const WINDOW: usize = 2;
/// Candidates in the first calls, from which a first survivor is to come soon, and in the others: a call by itself
/// costs about as much as a candidate.
const CALL: [usize; 2] = [2, 6];
/// When Lean has worked so long on a call it answers with what is done; the other candidates go into the next. Long
/// enough for a whole call on a machine that is not loaded.
const SLICE: Duration = Duration::from_millis(80);
/// A call of several that takes longer than this part of a candidate's limit is given up: each of them is then
/// tried by itself, so that one that does not end costs the others nothing else.
const PATIENCE: u32 = 4;
/// With so many candidates that did not end in one process, it is replaced.
const RUNAWAYS: u32 = 4;
/// How long Lean has to answer a question for the goals while a candidate runs that was cancelled.
const COME_BACK: Duration = Duration::from_millis(1500);

/// What triage says about a candidate.
#[derive(Debug)]
pub enum Found {
    /// Accepted; all goals that it leaves.
    Left(Vec<Goal>),
    /// Refused with Lean's message.
    Refused(String),
    /// No answer within the limit.
    Endless,
}

/// The scratch document and its server, as far as they are.
pub struct Probe {
    command: LeanCommand,
    phase: Phase,
    replaced: u64,
}

enum Phase {
    Idle,
    Starting(JoinHandle<Result<Live>>),
    Live(Box<Live>),
    /// It cannot be had for documents that begin like this one.
    Off {
        head: String,
        why: String,
    },
}

struct Live {
    shadow: Shadow,
    uri: String,
    /// The user's text up to where the method stands.
    head: String,
    /// What stands there: the method, or what imports it.
    method: String,
    /// The user's text as Lean has it here.
    text: String,
    session: Value,
    /// Where Lean was last seen to have the expected goals, in this text.
    seen: Option<lsp_types::Position>,
    runaways: u32,
}

impl Probe {
    /// Nothing is started yet.
    pub fn new(command: LeanCommand) -> Probe {
        // One document, so no second process needs to wait for another.
        let mut command = command;
        command.env.push(("LEAN_COPILOT_LEAN_STANDBY".into(), "0".into()));
        Probe { command, phase: Phase::Idle, replaced: 0 }
    }

    /// Whether it runs.
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Live(_))
    }

    /// Why it cannot be had, where it was tried.
    pub fn refusal(&self) -> Option<&str> {
        match &self.phase {
            Phase::Off { why, .. } => Some(why),
            _ => None,
        }
    }

    /// How often it ended for a tactic that it was given.
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// Ends it.
    pub fn stop(&mut self) {
        if let Phase::Starting(start) = &self.phase {
            start.abort();
        }
        if !matches!(self.phase, Phase::Off { .. }) {
            self.phase = Phase::Idle;
        }
    }

    /// Starts it for the document of a place, in the background, where it is not running for it already.
    pub async fn warm(&mut self, at: &Prepared) {
        self.attend(at).await;
        let Some(head) = head_of(&at.scratch.before) else { return };
        let start = match &self.phase {
            Phase::Idle => true,
            Phase::Off { head: failed, .. } => failed != head,
            Phase::Starting(_) | Phase::Live(_) => false,
        };
        if start {
            let (command, uri, text) = (self.command.clone(), at.uri.clone(), user_text(&at.scratch));
            self.phase = Phase::Starting(tokio::spawn(Live::start(command, uri, head.to_owned(), text)));
        }
    }

    /// The same, and waits until it runs or cannot.
    pub async fn start(&mut self, at: &Prepared) {
        self.warm(at).await;
        self.settle(at).await;
    }

    /// Lets Lean read the text of a place, where it runs for that document: triage is going to ask for it.
    pub fn follow(&mut self, uri: &str, scratch: &Scratch) {
        if let Phase::Live(live) = &mut self.phase
            && live.uri == uri
            && head_of(&scratch.before) == Some(live.head.as_str())
        {
            // A server that is gone is noticed by the next question.
            let _ = live.attend(scratch);
        }
    }

    /// Whether it is ready to try candidates at a place. Does not wait for a start.
    pub async fn attend(&mut self, at: &Prepared) -> bool {
        self.take_start(at).await;
        let Phase::Live(live) = &mut self.phase else { return false };
        let same = live.uri == at.uri && head_of(&at.scratch.before) == Some(live.head.as_str());
        if !same || live.shadow.end().is_some() {
            self.phase = Phase::Idle;
            return false;
        }
        !at.goals.is_empty()
    }

    /// Takes a start over that has ended; does not wait for one that has not.
    async fn take_start(&mut self, at: &Prepared) {
        if matches!(&self.phase, Phase::Starting(start) if start.is_finished()) {
            self.settle(at).await;
        }
    }

    /// Takes a start over when it ends.
    async fn settle(&mut self, at: &Prepared) {
        let Phase::Starting(start) = &mut self.phase else { return };
        self.phase = match start.await {
            Ok(Ok(live)) => Phase::Live(Box::new(live)),
            Ok(Err(e)) => {
                tracing::warn!("candidates are tried by edits only: {e:#}");
                let head = head_of(&at.scratch.before).unwrap_or_default().to_owned();
                Phase::Off { head, why: format!("{e:#}") }
            }
            Err(_) => Phase::Idle,
        };
    }

    /// What the names at a place offer; `None` where the probe does not run for it.
    pub async fn offer(&mut self, at: &Prepared, limit: Duration) -> Result<Option<Offer>, String> {
        if !self.attend(at).await {
            return Ok(None);
        }
        let Phase::Live(live) = &mut self.phase else { return Ok(None) };
        let answer = live.offer(at, limit).await;
        self.replace_if_lost(answer.is_err());
        answer.map(Some)
    }

    /// Tries candidates; `found` gets each result with the milliseconds that it took. Ends early, with the
    /// reason, where the probe fails: those without a result are to be tried in another way.
    pub async fn triage(
        &mut self,
        at: &Prepared,
        candidates: Vec<(usize, String)>,
        limit: Duration,
        found: &mpsc::UnboundedSender<(usize, Found, f64)>,
    ) -> Result<(), String> {
        let Phase::Live(live) = &mut self.phase else { return Err("it does not run".into()) };
        let answer = live.triage(at, candidates, limit, found).await;
        self.replace_if_lost(answer.is_err());
        answer
    }

    /// Gives a process up that has died, or does not come back from what it was asked.
    fn replace_if_lost(&mut self, failed: bool) {
        let Phase::Live(live) = &self.phase else { return };
        if failed && (live.shadow.end().is_some() || live.runaways >= RUNAWAYS) {
            self.phase = Phase::Idle;
            self.replaced += 1;
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    goals: Vec<String>,
    results: Vec<Tried>,
}

/// Either the goals or the error is there.
#[derive(Deserialize)]
struct Tried {
    #[serde(default)]
    goals: Vec<String>,
    error: Option<String>,
    ms: f64,
}

impl Tried {
    fn found(self) -> Found {
        match self.error {
            Some(message) => Found::Refused(message),
            None => Found::Left(self.goals.iter().map(|g| Goal::parse(g)).collect()),
        }
    }
}

impl Live {
    async fn start(mut command: LeanCommand, uri: String, head: String, text: String) -> Result<Live> {
        let started = Instant::now();
        let method = method_for(&mut command).await;
        let mut shadow = Shadow::start(&command).await?;
        let said = shadow.elaborate(&uri, &with_method(&head, &method, &text), OPEN_LIMIT).await;
        match said {
            Ok(_) => {}
            Err(Trouble::Slow(_)) => anyhow::bail!("Lean takes too long to read the scratch document"),
            Err(Trouble::Died(failure)) => return Err(failure.into()),
        }
        let session = connect(shadow.client(), &uri).await?;
        let live = Live { shadow, uri, head, method, text, session, seen: None, runaways: 0 };
        // A method that did not compile is not found.
        match live.ask(lsp_types::Position::default(), &[]).await {
            Ok(_) => {}
            Err(e) => anyhow::bail!("this Lean does not take the method: {e}"),
        }
        tracing::debug!(ms = started.elapsed().as_millis() as u64, "the probe is ready");
        Ok(live)
    }

    async fn triage(
        &mut self,
        at: &Prepared,
        candidates: Vec<(usize, String)>,
        limit: Duration,
        found: &mpsc::UnboundedSender<(usize, Found, f64)>,
    ) -> Result<(), String> {
        let place = self.attend(&at.scratch).map_err(|e| e.to_string())?;
        // Asked beside the first candidates, whose results count only if it sees the same goals.
        let mut looking = (self.seen != Some(place)).then(|| self.ask(place, &[]));
        let (read, has_read) = watch::channel(looking.is_none());
        let mut calls = JoinSet::new();
        let mut waiting = VecDeque::from(candidates);
        // So many of the next go alone: one of them did not end.
        let mut alone = 0usize;
        let mut sent = 0;
        loop {
            while calls.len() < WINDOW && !waiting.is_empty() {
                let size = if alone > 0 { 1 } else { CALL[usize::from(sent >= WINDOW)] };
                (alone, sent) = (alone.saturating_sub(1), sent + 1);
                let part: Vec<(usize, String)> = waiting.drain(..size.min(waiting.len())).collect();
                let limit = if part.len() > 1 { limit / PATIENCE } else { limit };
                let tactics: Vec<&str> = part.iter().map(|(_, t)| t.as_str()).collect();
                let asked = self.ask(place, &tactics);
                let mut has_read = has_read.clone();
                calls.spawn(async move {
                    let started = Instant::now();
                    // The limit counts from when Lean has read the text.
                    let over = async {
                        let _ = has_read.wait_for(|read| *read).await;
                        tokio::time::sleep(limit).await;
                    };
                    let answer = tokio::select! {
                        answer = asked => Some(answer),
                        () = over => None,
                    };
                    (part, answer, started.elapsed().as_secs_f64() * 1000.0)
                });
            }
            if let Some(answer) = looking.take() {
                let patience = limit + at.cost;
                let answer = tokio::time::timeout(patience, answer).await;
                let answer = answer.map_err(|_| "Lean takes too long to read the text".to_owned())?;
                if !same_state(&self.goals_of(place, answer).await?, &at.goals) {
                    return Err("Lean sees other goals there".into());
                }
                self.seen = Some(place);
                read.send_replace(true);
            }
            let Some(ended) = calls.join_next().await else { return Ok(()) };
            let (mut part, answer, ms) = ended.map_err(|e| e.to_string())?;
            match answer {
                Some(Ok(Some(a))) if !a.results.is_empty() => {
                    for ((i, _), tried) in part.drain(..a.results.len().min(part.len())).zip(a.results) {
                        let ms = tried.ms;
                        // Nobody waits any more: this future is about to be dropped.
                        let _ = found.send((i, tried.found(), ms));
                    }
                }
                Some(Ok(Some(_))) => return Err("an empty answer".into()),
                Some(Ok(None)) => return Err("the goals are gone".into()),
                // A session ends after half a minute, whatever is done in it.
                Some(Err(e)) if e.code() == Some(code::RPC_NEEDS_RECONNECT) => {
                    self.session =
                        connect(self.shadow.client(), &self.uri).await.map_err(|e| e.to_string())?;
                }
                Some(Err(e)) => return Err(e.to_string()),
                None if part.len() > 1 => alone += part.len(),
                None => {
                    for (i, _) in part.drain(..) {
                        let _ = found.send((i, Found::Endless, ms));
                    }
                    self.recover(place).await?;
                }
            }
            // What has no result comes next.
            part.into_iter().rev().for_each(|c| waiting.push_front(c));
        }
    }

    /// Asks what the names offer.
    async fn offer(&mut self, at: &Prepared, limit: Duration) -> Result<Offer, String> {
        let place = self.attend(&at.scratch).map_err(|e| e.to_string())?;
        match tokio::time::timeout(limit, self.survey(place)).await {
            Ok(answer) => answer?.ok_or_else(|| "Lean sees no tactic there".to_owned()),
            Err(_) => {
                self.recover(place).await?;
                Err(format!("no answer within {} ms", limit.as_millis()))
            }
        }
    }

    /// The same without a limit; the session may have ended since the last question.
    async fn survey(&mut self, place: lsp_types::Position) -> Result<Option<Offer>, String> {
        let params = json!({"position": place});
        let mut answer = self.call("offer", &params).await;
        if answer.as_ref().is_err_and(|e| e.code() == Some(code::RPC_NEEDS_RECONNECT)) {
            self.session = connect(self.shadow.client(), &self.uri).await.map_err(|e| e.to_string())?;
            answer = self.call("offer", &params).await;
        }
        answer.map_err(|e| e.to_string())
    }

    /// Looks whether Lean still answers behind a candidate that was cancelled.
    async fn recover(&mut self, place: lsp_types::Position) -> Result<(), String> {
        self.runaways += 1;
        let answers = tokio::time::timeout(COME_BACK, self.look(place)).await.is_ok_and(|a| a.is_ok());
        if !answers || self.runaways >= RUNAWAYS {
            self.runaways = RUNAWAYS;
            return Err("Lean does not come back from a tactic".into());
        }
        Ok(())
    }

    /// Brings the text of a place to Lean; the position there.
    fn attend(&mut self, scratch: &Scratch) -> Result<lsp_types::Position, LeanError> {
        let wanted = user_text(scratch);
        // What Lean has already read further stays as it is: going back in a file costs nothing.
        if !self.text.starts_with(&wanted) {
            self.shadow.set_text(&self.uri, &with_method(&self.head, &self.method, &wanted))?;
            self.text = wanted;
            self.seen = None;
        }
        let hole = scratch.before.len() + scratch.hole.lead.len();
        let mut place = position::position(&self.text, hole);
        place.line += lines(&self.method);
        Ok(place)
    }

    async fn look(&mut self, place: lsp_types::Position) -> Result<Vec<Goal>, String> {
        let answer = self.ask(place, &[]).await;
        self.goals_of(place, answer).await
    }

    /// The goals in an answer; asks again where the session has ended.
    async fn goals_of(
        &mut self,
        place: lsp_types::Position,
        mut answer: Result<Option<Answer>, LeanError>,
    ) -> Result<Vec<Goal>, String> {
        if answer.as_ref().is_err_and(|e| e.code() == Some(code::RPC_NEEDS_RECONNECT)) {
            self.session = connect(self.shadow.client(), &self.uri).await.map_err(|e| e.to_string())?;
            answer = self.ask(place, &[]).await;
        }
        match answer {
            Ok(Some(a)) => Ok(a.goals.iter().map(|g| Goal::parse(g)).collect()),
            Ok(None) => Err("Lean sees no tactic there".into()),
            Err(e) => Err(e.to_string()),
        }
    }

    /// Tries tactics, or asks for the goals where there are none.
    fn ask(
        &self,
        place: lsp_types::Position,
        tactics: &[&str],
    ) -> crate::lean::client::Answer<Option<Answer>> {
        self.call(
            "triage",
            &json!({"position": place, "tactics": tactics, "slice": SLICE.as_millis() as u64}),
        )
    }

    /// Calls a method. The request leaves at once; dropping the future cancels it.
    fn call<T: DeserializeOwned>(&self, method: &str, params: &Value) -> crate::lean::client::Answer<T> {
        let params = json!({
            "textDocument": {"uri": self.uri},
            // Where the method is looked for: behind its text.
            "position": {"line": lines(&self.head) + lines(&self.method), "character": 0},
            "sessionId": self.session,
            "method": format!("LeanCopilotProbe.{method}"),
            "params": params,
        });
        self.shadow.client().request("$/lean/rpc/call", &params)
    }
}

async fn connect(client: &LeanClient, uri: &str) -> Result<Value> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Connected {
        session_id: Value,
    }
    let answer: Connected =
        client.request_within("$/lean/rpc/connect", &json!({"uri": uri}), OPEN_LIMIT).await?;
    Ok(answer.session_id)
}

/// The user's document with something easy in the hole, cut where the trials are cut.
fn user_text(scratch: &Scratch) -> String {
    scratch.with(if scratch.hole.followed { "skip" } else { "sorry" })
}

/// What gives a document the method. The embedded Lean takes ten seconds and more to elaborate it, so that it is
/// compiled once and imported, and the command is told where it lies; a native one reads the text in a second.
async fn method_for(command: &mut LeanCommand) -> String {
    let text = ["import Lean\n", SCOPE, PROBE].concat();
    let Some((lean, home)) = command.embedded_lean() else { return text };
    let module = text.clone();
    let compiled = tokio::task::spawn_blocking(move || {
        // `<cache>/runtime/<build>`, whose name says which Lean reads what it compiles.
        let (build, cache) = (home.file_name(), home.parent().and_then(Path::parent));
        let (build, cache) = build.zip(cache).context("the embedded Lean lies nowhere")?;
        Program::compiled(cache, &lean, &build.to_string_lossy(), PROBE_MODULE, &module)
    });
    let folder = match compiled.await {
        Ok(Ok(Program { folder: Some(folder), .. })) => folder,
        Ok(Err(e)) => {
            tracing::info!("the probe is not compiled: {e:#}");
            return text;
        }
        Ok(Ok(_)) | Err(_) => return text,
    };
    let named = command.env.iter().find(|(name, _)| name == "LEAN_PATH").map(|(_, path)| path.clone());
    let known = named.or_else(|| std::env::var_os("LEAN_PATH")).unwrap_or_default();
    let known: Vec<_> = std::env::split_paths(&known).filter(|f| !f.as_os_str().is_empty()).collect();
    let Ok(path) = std::env::join_paths(std::iter::once(folder).chain(known)) else { return text };
    command.env.retain(|(name, _)| name != "LEAN_PATH");
    command.env.push(("LEAN_PATH".into(), path));
    format!("import {PROBE_MODULE}\nset_option Elab.async false\n")
}

/// The user's text with the method behind its imports.
fn with_method(head: &str, method: &str, text: &str) -> String {
    [head, method, &text[head.len()..]].concat()
}

fn lines(text: &str) -> u32 {
    text.matches('\n').count() as u32
}

/// The part of a text that holds its imports, whole lines; `None` where the method cannot stand behind it:
/// files that say `module` or `prelude`, and texts that do not reach beyond their imports.
fn head_of(text: &str) -> Option<&str> {
    let all = tokens(text);
    let code: Vec<_> = all.iter().filter(|t| t.kind != TokenKind::Comment).collect();
    if code.first().is_some_and(|t| t.is("module") || t.is("prelude")) {
        return None;
    }
    let mut end = 0;
    let mut i = 0;
    while code.get(i).is_some_and(|t| t.is("import")) {
        let line_end = code[i].start + text[code[i].start..].find('\n')?;
        end = line_end + 1;
        while code.get(i).is_some_and(|t| t.start < end) {
            i += 1;
        }
    }
    let commented = all.iter().any(|t| t.kind == TokenKind::Comment && t.start < end && end < t.end());
    (!commented).then(|| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_stands_behind_the_imports() {
        assert_eq!(head_of("theorem x"), Some(""));
        assert_eq!(head_of("/- a -/\n-- b\ntheorem x"), Some(""));
        assert_eq!(
            head_of("-- a\nimport A.B -- c\n\nimport C\nopen A\n"),
            Some("-- a\nimport A.B -- c\n\nimport C\n")
        );
        assert_eq!(head_of("import A import B\ntheorem x"), Some("import A import B\n"));
        assert_eq!(head_of("import A /- x\n y -/\ntheorem x"), None, "a comment must not be cut");
        assert_eq!(head_of("module\nimport A\ntheorem x"), None);
        assert_eq!(head_of("import A"), None);
        let text = "import A\ntheorem x";
        let method = "import B\nend B\n";
        assert_eq!(with_method(head_of(text).unwrap(), method, text), "import A\nimport B\nend B\ntheorem x");
        assert!(SCOPE.ends_with('\n') && PROBE.ends_with('\n'), "lines are counted");
    }
}
