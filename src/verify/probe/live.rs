//! A probe that runs: the document, its server, and the calls of our method.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::Found;
use super::method::{head_of, lines, method_for, with_method};
use crate::lean::LeanCommand;
use crate::lean::client::{Answer as Answered, LeanClient, LeanError};
use crate::lsp::message::code;
use crate::lsp::position;
use crate::proof::{Goal, Offer, same_state};
use crate::verify::lane::OPEN_LIMIT;
use crate::verify::prepared::Prepared;
use crate::verify::scratch::Scratch;
use crate::verify::shadow::{Shadow, Trouble};

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

/// The scratch document, Lean's process for it, and what Lean has read of it.
pub struct Live {
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
    /// Starts a process for a document and has it read the text; `head` is the text's, up to where the method stands.
    pub async fn start(mut command: LeanCommand, uri: String, head: String, text: String) -> Result<Live> {
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

    /// Whether it has this document, with these imports.
    pub fn is_for(&self, uri: &str, scratch: &Scratch) -> bool {
        self.uri == uri && head_of(&scratch.before) == Some(self.head.as_str())
    }

    /// Whether its process has ended.
    pub fn has_ended(&self) -> bool {
        self.shadow.end().is_some()
    }

    /// Whether its process has ended, or did not come back from what it was asked.
    pub fn is_lost(&self) -> bool {
        self.has_ended() || self.runaways >= RUNAWAYS
    }

    /// Tries candidates; see [`Probe::triage`](super::Probe::triage).
    pub async fn triage(
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
                    self.reconnect().await?;
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
    pub async fn offer(&mut self, at: &Prepared, limit: Duration) -> Result<Offer, String> {
        let place = self.attend(&at.scratch).map_err(|e| e.to_string())?;
        let params = json!({"position": place});
        let asked = async {
            let answer = self.call("offer", &params).await;
            self.renewed("offer", &params, answer).await
        };
        match tokio::time::timeout(limit, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                self.recover(place).await?;
                Err(format!("no answer within {} ms", limit.as_millis()))
            }
        }
    }

    /// What a method has answered, asked for anew where the session had ended.
    async fn renewed<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: &Value,
        mut answer: Result<Option<T>, LeanError>,
    ) -> Result<T, String> {
        if answer.as_ref().is_err_and(|e| e.code() == Some(code::RPC_NEEDS_RECONNECT)) {
            self.reconnect().await?;
            answer = self.call(method, params).await;
        }
        answer.map_err(|e| e.to_string())?.ok_or_else(|| "Lean sees no tactic there".to_owned())
    }

    async fn reconnect(&mut self) -> Result<(), String> {
        self.session = connect(self.shadow.client(), &self.uri).await.map_err(|e| e.to_string())?;
        Ok(())
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
    pub fn attend(&mut self, scratch: &Scratch) -> Result<lsp_types::Position, LeanError> {
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
        answer: Result<Option<Answer>, LeanError>,
    ) -> Result<Vec<Goal>, String> {
        let answer = self.renewed("triage", &tried(place, &[]), answer).await?;
        Ok(answer.goals.iter().map(|g| Goal::parse(g)).collect())
    }

    /// Tries tactics, or asks for the goals where there are none.
    fn ask(&self, place: lsp_types::Position, tactics: &[&str]) -> Answered<Option<Answer>> {
        self.call("triage", &tried(place, tactics))
    }

    /// Calls a method. The request leaves at once; dropping the future cancels it.
    fn call<T: DeserializeOwned>(&self, method: &str, params: &Value) -> Answered<T> {
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

/// What the method `triage` is asked.
fn tried(place: lsp_types::Position, tactics: &[&str]) -> Value {
    json!({"position": place, "tactics": tactics, "slice": SLICE.as_millis() as u64})
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
pub fn user_text(scratch: &Scratch) -> String {
    scratch.with(if scratch.hole.followed { "skip" } else { "sorry" })
}
