//! `lean-copilot runtime`: install, list or remove what `serve` needs where the machine lacks it.

use std::io::Write as _;

use anyhow::Result;
use indicatif::HumanBytes;

use crate::runtime::Component;
use crate::runtime::install;
use crate::runtime::progress::for_stderr;
use crate::runtime::status::{State, status};

use super::Context;

/// Arguments of `runtime`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Install Lean, a Node that runs it, and ONNX Runtime, with your own `npm` and `pip`.
    Install {
        /// Only these; without any: node (where none is new enough), lean and onnxruntime.
        components: Vec<Component>,
        /// ONNX Runtime for CUDA and NVIDIA's libraries too (Linux x64; needs `pip`).
        #[arg(long)]
        cuda: bool,
        /// `json`: report the progress on standard error as JSON Lines.
        #[arg(long, value_name = "FORMAT")]
        progress: Option<ProgressFormat>,
    },
    /// What is installed, in which version, where and how large.
    Status {
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Remove what was installed.
    Remove {
        /// Only these; without any: everything.
        components: Vec<Component>,
    },
}

/// How progress is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressFormat {
    /// JSON Lines on standard error.
    Json,
}

/// Runs the command.
pub fn runtime(args: Args, context: Context) -> Result<()> {
    match args.action {
        Action::Install { mut components, cuda, progress } => {
            if components.is_empty() {
                components = vec![Component::Node, Component::Lean, Component::OnnxRuntime];
            }
            if cuda {
                components.push(Component::OnnxRuntimeCuda);
            }
            let progress = for_stderr(progress == Some(ProgressFormat::Json));
            install::ensure(&context.dirs, &components, context.offline, &*progress)?;
            show(&context, false)
        }
        Action::Status { json } => show(&context, json),
        Action::Remove { components } => {
            let freed = install::remove(&context.dirs, &components, &*for_stderr(false))?;
            anstream::eprintln!("removed {}", HumanBytes(freed));
            Ok(())
        }
    }
}

fn show(context: &Context, json: bool) -> Result<()> {
    let all = status(&context.dirs)?;
    let mut out = anstream::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        return Ok(());
    }
    for s in all {
        let state = match s.state {
            State::Installed => "installed",
            State::System => "system",
            State::Missing => "missing",
            State::Unavailable => "none for this platform",
        };
        let size = match (s.state, s.bytes, s.download) {
            (State::Missing, Some(disk), Some(fetch)) => {
                format!("{} to fetch, {} on disk", HumanBytes(fetch), HumanBytes(disk))
            }
            (_, Some(bytes), _) => HumanBytes(bytes).to_string(),
            _ => String::new(),
        };
        let (name, version) = (s.component.key(), s.version.unwrap_or_default());
        let path = s.path.map(|p| p.display().to_string()).unwrap_or_default();
        let line = format!("{name:17} {state:10} {version:12} {size:12} {path}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
