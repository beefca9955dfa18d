//! `lean-copilot model`: bundles: made of checkpoints from elsewhere, listed, shown, chosen, removed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Context, needs};
use crate::config::DeviceChoice;
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{self, Bundle, BundleWriter, CARD, ExportedWriter, Kind, Model};
use crate::policy::checkpoint::Checkpoint;
use crate::policy::foreign::Foreign;
use crate::policy::prompt::{self, Limits};
use crate::policy::session::PolicySession;
use crate::proof::Goal;
use crate::runtime::locate;
use crate::train::{curve, learn, publish};

/// Arguments of `model`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lean-copilot model list
  lean-copilot model add trained/best --name mine --use   a checkpoint that was trained elsewhere
  lean-copilot model add qwen/ --name qwen --prompt '{goal}\\n---\\n'
  lean-copilot model add reprover-onnx/ --drop '<a>' --drop '</a>'   exported by Optimum
  lean-copilot model show mine
  lean-copilot model use core-small                       back to the shipped one
  lean-copilot model remove mine")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a bundle of a model from elsewhere: a Hugging Face checkpoint of Llama's family (`config.json`,
    /// `model.safetensors` or its shards, `tokenizer.json`), or what Optimum exported: a decoder with past, or an encoder
    /// with a merged decoder.
    Add(Add),
    /// All bundles, and which one is in use.
    List {
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// What a bundle is: its card, or everything as JSON.
    Show {
        /// A name or a folder. Default: the bundle in use.
        bundle: Option<String>,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Put a bundle into use; a running server takes it before its next request.
    Use {
        /// The bundle's name.
        name: String,
    },
    /// Remove one of your bundles.
    Remove {
        /// The bundle's name.
        name: String,
    },
}

/// Arguments of `model add`.
#[derive(Debug, clap::Args)]
struct Add {
    /// The model's folder.
    folder: PathBuf,
    /// For a model that was not trained on this program's prompts: the text it expects, with {goal} where the
    /// goal stands as Lean prints it; `\n` is a line break. A model with an encoder gets the goal alone unless told.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
    /// Leave a text out of answers, such as a mark that is no Lean; can be repeated.
    #[arg(long, value_name = "TEXT")]
    drop: Vec<String>,
    /// Longest prompt, in the model's tokens. Default: what it was trained with, or 256 (512 bytes).
    #[arg(long, value_name = "N")]
    prompt_tokens: Option<usize>,
    /// Longest tactic, in the model's tokens. Default: what it was trained with, or 64 (128 bytes).
    #[arg(long, value_name = "N")]
    tactic_tokens: Option<usize>,
    /// The bundle's name. Default: the folder's.
    #[arg(long)]
    name: Option<String>,
    /// Folder for the bundle. Default: the user's models.
    #[arg(long, value_name = "DIR", conflicts_with = "use_")]
    out: Option<PathBuf>,
    /// Put it into use.
    #[arg(long = "use")]
    use_: bool,
    /// Print the bundle's id and folder as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn model(args: Args, context: Context) -> Result<()> {
    match args.action {
        Action::Add(add) => self::add(add, &context),
        Action::List { json } => list(json, &context),
        Action::Show { bundle, json } => show(bundle.as_deref(), json, &context),
        Action::Use { name } => {
            bundle::activate(&context.dirs, &name)?;
            anstream::println!("in use: {name}");
            Ok(())
        }
        Action::Remove { name } => {
            bundle::remove(&context.dirs, &name)?;
            anstream::println!("removed: {name}");
            Ok(())
        }
    }
}

/// Goals to compare logits on; any would do.
const GOALS: [&str; 4] = [
    "⊢ True",
    "p q : Prop\nh : p ∧ q\n⊢ q ∧ p",
    "n m : Nat\nih : double n = n + n\n⊢ double (n + 1) = n + 1 + (n + 1)",
    "α : Type\nxs ys : List α\nf : α → α\nh : ∀ x ∈ xs, f x = x\n⊢ List.map f (xs ++ ys) = xs ++ List.map f ys",
];

/// Largest difference between logits with a cache and without, as a share of their range, at which an exported graph
/// is taken to keep its cache as it is used here.
const CACHE_LIMIT: f64 = 1e-3;
/// The same of a graph with weights of 8 bits, which alone make about a hundredth.
const CACHE_LIMIT_QUANTISED: f64 = 0.05;

fn add(args: Add, context: &Context) -> Result<()> {
    needs::policy(context)?;
    let folder = std::path::absolute(&args.folder)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => folder.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned(),
    };
    let target = match &args.out {
        Some(out) => out.clone(),
        None => bundle::user_bundles(&context.dirs).join(&name),
    };
    let added = match Foreign::is_in(&folder) && !Checkpoint::is_in(&folder) {
        true => add_exported(&args, &name, &target, context),
        false => add_checkpoint(&args, &name, &target, context),
    };
    let (bundle, difference) =
        added.with_context(|| format!("the model in `{}` cannot be used", args.folder.display()))?;
    if args.use_ {
        bundle::activate(&context.dirs, &name)?;
    }
    if args.json {
        let line = json!({
            "bundle": bundle.id(), "path": bundle.dir, "kind": kind(&bundle), "parameters": bundle.parameters(),
            "parity_max_abs_diff": difference, "in_use": args.use_,
        });
        anstream::println!("{line}");
    } else {
        let against = match &bundle.model {
            Model::Llama(_) => "between trainer and ONNX Runtime",
            Model::Exported(_) => "with a cache and without",
        };
        anstream::println!("bundle   {} ({})", bundle.id(), bundle.dir.display());
        anstream::println!(
            "model    {}, {:.2} M parameters",
            kind(&bundle),
            bundle.parameters() as f64 / 1e6
        );
        anstream::println!("parity   {difference:.1e} (largest difference of a logit {against})");
        anstream::println!("in use   {}", if args.use_ { "yes" } else { "no" });
    }
    Ok(())
}

impl Add {
    /// The text of the prompt.
    fn prompt(&self) -> Option<String> {
        self.prompt.as_ref().map(|t| t.replace("\\n", "\n"))
    }

    /// A model's limits, where the command line names no others.
    fn limits(&self, usual: Limits) -> Limits {
        Limits {
            prompt_tokens: self.prompt_tokens.unwrap_or(usual.prompt_tokens),
            tactic_tokens: self.tactic_tokens.unwrap_or(usual.tactic_tokens),
        }
    }
}

/// What a bundle computes with, in a word.
fn kind(bundle: &Bundle) -> &'static str {
    match &bundle.model {
        Model::Llama(_) => "decoder",
        Model::Exported(e) if e.kind == Kind::Decoder => "exported decoder",
        Model::Exported(_) => "exported encoder and decoder",
    }
}

/// A bundle of a checkpoint, with a graph of ours.
fn add_checkpoint(args: &Add, name: &str, target: &Path, context: &Context) -> Result<(Bundle, f64)> {
    let checkpoint = Checkpoint::read(&args.folder, args.prompt().as_deref())?;
    let tokenizer = checkpoint.tokenizer.clone().with_marks(args.drop.clone());
    let limits = args.limits(checkpoint.limits());
    let curve = curve::svg(name, &curve::imported(&checkpoint.training))?;
    let card = publish::imported_card(name, &checkpoint, curve.is_some());
    let writer = BundleWriter {
        name,
        config: &checkpoint.config,
        tokenizer: &tokenizer,
        weights: &checkpoint.weights,
        limits,
        base: checkpoint.training["base"].as_str().map(str::to_owned),
        training: checkpoint.training.clone(),
        card: &card,
        curve: curve.as_deref(),
    };
    let prompts: Vec<Vec<u32>> =
        GOALS.iter().map(|g| prompt::encode(&tokenizer, &Goal::parse(g), limits)).collect();
    let library = locate::onnxruntime(&context.dirs)?;
    publish::publish(&writer, target, &prompts, &learn::device("cpu")?, &library)
}

/// A bundle of exported graphs, if they compute with a cache what they compute without.
fn add_exported(args: &Add, name: &str, target: &Path, context: &Context) -> Result<(Bundle, f64)> {
    let foreign = Foreign::read(&args.folder, args.prompt().as_deref())?;
    let tokenizer = foreign.tokenizer.clone().with_marks(args.drop.clone());
    let limits = args.limits(foreign.limits);
    let writer = ExportedWriter {
        name,
        exported: &foreign.exported,
        files: &foreign.files,
        tokenizer: &tokenizer,
        limits,
        card: &foreign.card(name, limits),
    };
    let library = locate::onnxruntime(&context.dirs)?;
    let limit = if foreign.quantised { CACHE_LIMIT_QUANTISED } else { CACHE_LIMIT };
    writer.write(target, |bundle| {
        let mut session = PolicySession::load(bundle, &library, DeviceChoice::Cpu, None)?;
        let mut worst = 0.0f64;
        for goal in GOALS {
            let prompt = prompt::encode(&bundle.tokenizer, &Goal::parse(goal), bundle.limits());
            let error = session.cache_error(&prompt)?;
            // Written so that a difference that is no number fails too.
            let agrees = error.share() < limit;
            if !agrees {
                let message = format!(
                    "the graph computes other logits with a cache than without: they differ by {:.1e} in a range of {:.1e}",
                    error.difference, error.range
                );
                return Err(Failure::new(FailureKind::Corrupt, message)
                    .hint("it keeps its cache in another way than Optimum's exports do")
                    .into());
            }
            worst = worst.max(error.difference);
        }
        Ok(worst)
    })
}

fn list(json: bool, context: &Context) -> Result<()> {
    let used = bundle::resolve(&context.dirs, context.settings.bundle.as_deref()).ok();
    let mut all = Vec::new();
    for dir in bundle::all(&context.dirs) {
        let in_use = used.as_ref() == Some(&dir);
        let name = dir.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let row = match Bundle::open(&dir) {
            Ok(b) => json!({
                "name": name, "id": b.id(), "path": dir, "in_use": in_use, "kind": kind(&b),
                "parameters": b.parameters(), "problem": null,
            }),
            Err(e) => json!({
                "name": name, "id": null, "path": dir, "in_use": in_use, "kind": null, "parameters": null,
                "problem": format!("{e:#}"),
            }),
        };
        all.push(row);
    }
    if json {
        anstream::println!("{}", json!({ "bundles": all }));
        return Ok(());
    }
    for row in &all {
        let mark = if row["in_use"] == true { "*" } else { " " };
        let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        match row["parameters"].as_f64() {
            Some(n) => {
                anstream::println!(
                    "{mark} {:32} {:6.2} M  {:8} {}",
                    text("id"),
                    n / 1e6,
                    text("kind"),
                    text("path")
                )
            }
            None => anstream::println!("{mark} {:32} {}", text("name"), text("problem")),
        }
    }
    Ok(())
}

fn show(wanted: Option<&str>, json: bool, context: &Context) -> Result<()> {
    let dir = bundle::resolve(&context.dirs, wanted.or(context.settings.bundle.as_deref()))?;
    let bundle = Bundle::open(&dir)?;
    if json {
        let mut value = serde_json::to_value(&bundle.manifest)?;
        value["id"] = Value::String(bundle.id());
        value["path"] = json!(dir);
        value["kind"] = json!(kind(&bundle));
        value["parameters"] = json!(bundle.parameters());
        anstream::println!("{}", serde_json::to_string_pretty(&value)?);
        return Ok(());
    }
    let card = read(&dir.join(CARD))?;
    anstream::println!("{} in `{}`\n\n{}", bundle.id(), dir.display(), card.trim_end());
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).map_err(|e| {
        Failure::new(FailureKind::Corrupt, format!("`{}` cannot be read: {e}", file.display())).into()
    })
}
