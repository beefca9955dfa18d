//! A command line that starts a Lean, as plain data.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::sandbox::Limits;

use crate::error::{Failure, FailureKind};

/// The variable by which the embedded Lean finds itself.
const EMBEDDED: &str = "LEAN_COPILOT_LEAN";

/// What to run, where, and how to call it in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeanCommand {
    /// The program: a path, or a name that is looked up on PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Environment variables set beside the inherited ones.
    pub env: Vec<(OsString, OsString)>,
    /// Working directory: the project, from which Lean's server takes it.
    pub cwd: PathBuf,
    /// The name for messages, logs and the verdict cache: `lake serve`, `embedded Lean 4.28.0`, …
    pub label: String,
    /// Whether Lean options (`-Dname=value`) may be appended to the arguments.
    pub takes_options: bool,
    /// With these the server runs in the [`sandbox`](super::sandbox). Only for servers of our own.
    pub confined: Option<Limits>,
}

impl LeanCommand {
    /// The command that a person gave, as `serve -- COMMAND…` takes it.
    pub fn from_words(words: Vec<OsString>, cwd: PathBuf) -> Result<LeanCommand> {
        let label = words.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let mut words = words.into_iter();
        let Some(program) = words.next().filter(|p| !p.is_empty()) else {
            return Err(Failure::new(FailureKind::Usage, "the command of the Lean server is empty")
                .hint("`lean-copilot serve -- lake serve` names one; without `--` it is found for you")
                .into());
        };
        let args: Vec<OsString> = words.collect();
        // Behind `--` Lake hands everything to `lean --server`, which takes options anywhere.
        let takes_options = args.iter().any(|a| a == "--" || a == "--server");
        Ok(LeanCommand {
            program: program.into(),
            args,
            env: Vec::new(),
            cwd,
            label,
            takes_options,
            confined: None,
        })
    }

    /// The same command for a server that the user never sees, in the sandbox.
    pub fn confined(mut self, limits: Limits) -> LeanCommand {
        self.confined = Some(limits);
        self
    }

    /// Whether it runs the embedded Lean, whose memory WebAssembly bounds.
    pub fn is_embedded(&self) -> bool {
        self.env.iter().any(|(name, _)| name == EMBEDDED)
    }

    /// The embedded `lean` for whole files, where this command starts the embedded Lean's server, and the folder that
    /// holds it.
    pub fn embedded_lean(&self) -> Option<(LeanCommand, PathBuf)> {
        let (_, home) = self.env.iter().find(|(name, _)| name == EMBEDDED)?;
        let server = self.args.iter().position(|a| Path::new(a).file_name() == Some("server.js".as_ref()))?;
        let mut args = self.args[..server].to_vec();
        args.push(Path::new(&self.args[server]).with_file_name("launcher.js").into());
        let env = vec![(EMBEDDED.into(), home.clone())];
        Some((LeanCommand { args, env, confined: None, ..self.clone() }, home.into()))
    }

    /// The same command with Lean options appended, where it takes them.
    pub fn with_lean_options(mut self, options: &[&str]) -> LeanCommand {
        if self.takes_options {
            self.args.extend(options.iter().map(OsString::from));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_go_only_where_lean_reads_them() {
        let words = |s: &str| s.split(' ').map(OsString::from).collect::<Vec<_>>();
        let make = |s: &str| LeanCommand::from_words(words(s), "/".into()).unwrap();
        let args = |s: &str| make(s).with_lean_options(&["-Dx=1"]).args;
        assert_eq!(args("lake serve --"), words("serve -- -Dx=1"));
        assert_eq!(args("lean --server"), words("--server -Dx=1"));
        assert_eq!(args("lake serve"), words("serve"), "Lake itself would refuse the option");
        assert!(LeanCommand::from_words(Vec::new(), "/".into()).is_err());
    }
}
