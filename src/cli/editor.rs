//! The editor's side of a session with `serve`: one document, typed into and asked about. What `demo` plays
//! and `bench suggest` measures.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use lsp_types::{Diagnostic, DiagnosticSeverity, Position, Range, TextDocumentContentChangeEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::config::Dirs;
use crate::lean::process::StderrTail;
use crate::lean::{LeanClient, LeanCommand, ServerProcess, uri};
use crate::lsp::position;
use crate::lsp::protocol::{SuggestParams, SuggestResult, Suggestion, SuggestionsParams, method};

/// Longest wait for Lean to elaborate a version of the document.
const ELABORATION: Duration = Duration::from_secs(180);

/// An editor with one open document, in front of `lean-copilot serve`.
pub struct Editor {
    client: LeanClient,
    process: ServerProcess,
    stderr: Option<StderrTail>,
    uri: String,
    version: i32,
    /// The document as it stands.
    pub text: String,
    /// What `serve` tells of itself.
    news: mpsc::UnboundedReceiver<Box<RawValue>>,
}

impl Editor {
    /// Starts `serve` with directories of its own and opens the file. The file is read, never written.
    pub async fn open(file: &Path, text: String, dirs: &Dirs) -> Result<Editor> {
        let folder = file.parent().context("a file has a folder")?.to_owned();
        let env = [
            ("CONFIG", &dirs.config),
            ("DATA", &dirs.data),
            ("CACHE", &dirs.cache),
            ("STATE", &dirs.state),
            ("SHARE", &dirs.share),
        ]
        .map(|(key, dir)| (OsString::from(format!("LEAN_COPILOT_{key}_DIR")), dir.clone().into_os_string()));
        let command = LeanCommand {
            program: std::env::current_exe().context("the path of this program is not known")?,
            args: vec!["serve".into()],
            env: env.to_vec(),
            cwd: folder,
            label: "lean-copilot serve".into(),
            takes_options: false,
            confined: None,
        };
        let mut process = ServerProcess::spawn(&command)?;
        let stderr = process.stderr.take().map(StderrTail::follow);
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let client = LeanClient::start(stdout.context("a piped output")?, stdin.context("a piped input")?);
        let uri = uri::from_path(file)?;
        let news = client.listen(method::SUGGESTIONS);
        let mut editor = Editor { client, process, stderr, uri, version: 1, text, news };
        let params = json!({
            "processId": std::process::id(),
            "clientInfo": {"name": "lean-copilot demo", "version": env!("CARGO_PKG_VERSION")},
            "rootUri": null,
            "capabilities": {"experimental": {"leanCopilot": {"version": env!("CARGO_PKG_VERSION")}}},
            "initializationOptions": {"hasWidgets": false},
        });
        let opened = async {
            editor.client.initialize(params).await?;
            editor.client.open(&editor.uri, editor.version, &editor.text)
        };
        opened.await.map_err(|e| e.into_failure()).with_context(|| editor.said("`serve` did not start"))?;
        editor.diagnostics().await?;
        Ok(editor)
    }

    /// Replaces a range, as an editor does, and waits until Lean has taken the new version in.
    pub async fn replace(&mut self, range: Range, new_text: &str) -> Result<Vec<Diagnostic>> {
        self.change(range, new_text)?;
        self.diagnostics().await
    }

    fn change(&mut self, range: Range, new_text: &str) -> Result<()> {
        let change =
            TextDocumentContentChangeEvent { range: Some(range), range_length: None, text: new_text.into() };
        position::apply_change(&mut self.text, &change);
        self.version += 1;
        self.client.change(&self.uri, self.version, &[change]).map_err(|e| e.into_failure())?;
        Ok(())
    }

    /// Goes back to an earlier text by replacing what differs from it.
    pub async fn revert(&mut self, earlier: &str) -> Result<Vec<Diagnostic>> {
        let (range, new_text) = difference(&self.text, earlier);
        self.replace(range, &new_text).await
    }

    /// What Lean says about the document as it stands.
    pub async fn diagnostics(&mut self) -> Result<Vec<Diagnostic>> {
        let answer = self.client.barrier(&self.uri, self.version, ELABORATION).await;
        answer.map_err(|e| e.into_failure()).with_context(|| self.said("Lean did not answer through `serve`"))
    }

    /// Asks for suggestions and waits, up to `wait`, until the round is over.
    pub async fn suggest(&mut self, at: usize, limit: usize, wait: Duration) -> Result<SuggestResult> {
        self.ask(at, Some(limit), Some(wait)).await
    }

    /// Asks for suggestions; the answer comes with the first one.
    pub async fn first_suggestions(&mut self, at: usize) -> Result<SuggestResult> {
        self.ask(at, None, None).await
    }

    /// Puts the cursor at a place, behind an edit where there is one, asks for the goal there as editors do, and waits
    /// for the first suggestion that comes by itself: none where the round ends without.
    pub async fn first_by_itself(
        &mut self,
        edit: Option<(Range, &str)>,
        at: usize,
    ) -> Result<Option<Suggestion>> {
        while self.news.try_recv().is_ok() {}
        if let Some((range, new_text)) = edit {
            self.change(range, new_text)?;
        }
        let position = position::position(&self.text, at);
        let params = json!({"textDocument": {"uri": self.uri}, "position": position});
        self.client.request_unheard("$/lean/plainGoal", &params).map_err(|e| e.into_failure())?;
        let (version, news) = (self.version, &mut self.news);
        let first = async {
            while let Some(params) = news.recv().await {
                let told: SuggestionsParams = serde_json::from_str(params.get())?;
                if (told.version, told.position) != (version, position) {
                    continue;
                }
                if told.pending == 0 || !told.suggestions.is_empty() {
                    return Ok(told.suggestions.into_iter().next());
                }
            }
            anyhow::bail!("`serve` has ended")
        };
        let told = tokio::time::timeout(ELABORATION, first).await;
        told.with_context(|| self.said("nothing was suggested")).flatten()
    }

    async fn ask(
        &mut self,
        at: usize,
        limit: Option<usize>,
        wait: Option<Duration>,
    ) -> Result<SuggestResult> {
        let params = SuggestParams {
            text_document: crate::lsp::protocol::DocumentId { uri: self.uri.clone() },
            position: position::position(&self.text, at),
            limit,
            tried: wait.is_some(),
            wait_ms: wait.map(|w| w.as_millis() as u64),
        };
        let answer = self
            .client
            .request_within(method::SUGGEST, &params, wait.unwrap_or_default() + ELABORATION)
            .await;
        answer.map_err(|e| e.into_failure()).with_context(|| self.said("`suggest` got no answer"))
    }

    /// Says what the person did with a suggestion.
    pub fn event(&self, id: &str, kind: &str) -> Result<()> {
        let sent = self.client.notify(method::EVENT, &json!({"id": id, "kind": kind}));
        Ok(sent.map_err(|e| e.into_failure())?)
    }

    /// Changes settings of the server.
    pub fn configure(&self, settings: &Value) -> Result<()> {
        Ok(self.client.notify(method::CONFIGURE, settings).map_err(|e| e.into_failure())?)
    }

    /// Says that the document was saved. (Nothing is written: the file on disk stays as it is.)
    pub fn saved(&self) -> Result<()> {
        let params = json!({"textDocument": {"uri": self.uri}});
        Ok(self.client.notify("textDocument/didSave", &params).map_err(|e| e.into_failure())?)
    }

    /// A `feedback` request.
    pub async fn feedback(&self, params: Value) -> Result<Value> {
        let answer = self.client.request_within(method::FEEDBACK, &params, ELABORATION).await;
        Ok(answer.map_err(|e| e.into_failure())?)
    }

    /// Resident memory of `serve` itself, Lean's processes aside, in bytes; known on Linux.
    pub fn server_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()?)).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kb| kb * 1024)
    }

    /// Ends the session as an editor does.
    pub async fn close(self) -> Result<()> {
        self.client.shutdown(Duration::from_secs(10)).await.map_err(|e| e.into_failure())?;
        drop(self.client);
        self.process.finish(Duration::from_secs(10)).await;
        Ok(())
    }

    fn said(&self, what: &str) -> String {
        let last = self.stderr.as_ref().map(StderrTail::text).unwrap_or_default();
        match last.trim() {
            "" => what.to_owned(),
            text => format!("{what}; it said: {text}"),
        }
    }
}

/// Errors among diagnostics.
pub fn errors(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    diagnostics.iter().filter(|d| d.severity == Some(DiagnosticSeverity::ERROR)).collect()
}

/// The smallest replacement that makes `to` of `from`.
fn difference(from: &str, to: &str) -> (Range, String) {
    let prefix: usize =
        from.chars().zip(to.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let (a, b) = (&from[prefix..], &to[prefix..]);
    let suffix: usize =
        a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let place = |at: usize| -> Position { position::position(from, at) };
    (Range::new(place(prefix), place(from.len() - suffix)), b[..b.len() - suffix].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_touches_only_what_differs() {
        for (from, to) in [("a\nbcd\ne", "a\nbXd\ne"), ("aa", "aaa"), ("ℕ∀", "ℕ∃∀"), ("x", "x")] {
            let (range, new_text) = difference(from, to);
            let mut text = from.to_owned();
            let change = TextDocumentContentChangeEvent {
                range: Some(range),
                range_length: None,
                text: new_text.clone(),
            };
            position::apply_change(&mut text, &change);
            assert_eq!(text, to);
            assert!(new_text.chars().count() <= 1);
        }
    }
}
