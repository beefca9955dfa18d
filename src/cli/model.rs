//! `lean-copilot model`: bundles: made of checkpoints from elsewhere, listed, shown, chosen, removed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Context, needs};
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{self, Bundle, BundleWriter, CARD};
use crate::policy::checkpoint::Checkpoint;
use crate::policy::prompt;
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
  lean-copilot model show mine
  lean-copilot model use core-small                       back to the shipped one
  lean-copilot model remove mine")]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a bundle of a Hugging Face checkpoint (`config.json`, `model.safetensors` or its shards,
    /// `tokenizer.json`).
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
    /// The checkpoint's folder.
    folder: PathBuf,
    /// For a model that was not trained on this program's prompts: the text it expects, with {goal} where the
    /// goal stands as Lean prints it; `\n` is a line break.
    #[arg(long, value_name = "TEXT")]
    prompt: Option<String>,
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

fn add(args: Add, context: &Context) -> Result<()> {
    needs::policy(context)?;
    let text = args.prompt.map(|t| t.replace("\\n", "\n"));
    let checkpoint = Checkpoint::read(&args.folder, text.as_deref())
        .with_context(|| format!("the checkpoint `{}` cannot be used", args.folder.display()))?;
    let folder = std::path::absolute(&args.folder)?;
    let name = match args.name {
        Some(name) => name,
        None => folder.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned(),
    };
    let target = args.out.unwrap_or_else(|| bundle::user_bundles(&context.dirs).join(&name));
    let limits = checkpoint.limits();
    let curve = curve::svg(&name, &curve::imported(&checkpoint.training))?;
    let card = publish::imported_card(&name, &checkpoint, curve.is_some());
    let writer = BundleWriter {
        name: &name,
        config: &checkpoint.config,
        tokenizer: &checkpoint.tokenizer,
        weights: &checkpoint.weights,
        limits,
        base: checkpoint.training["base"].as_str().map(str::to_owned),
        training: checkpoint.training.clone(),
        card: &card,
        curve: curve.as_deref(),
    };
    let prompts: Vec<Vec<u32>> =
        GOALS.iter().map(|g| prompt::encode(&checkpoint.tokenizer, &Goal::parse(g), limits)).collect();
    let library = locate::onnxruntime(&context.dirs)?;
    let (bundle, difference) =
        publish::publish(&writer, &target, &prompts, &learn::device("cpu")?, &library)?;
    if args.use_ {
        bundle::activate(&context.dirs, &name)?;
    }
    if args.json {
        let line = json!({
            "bundle": bundle.id(), "path": bundle.dir, "parameters": bundle.config.parameters(),
            "parity_max_abs_diff": difference, "in_use": args.use_,
        });
        anstream::println!("{line}");
    } else {
        anstream::println!("bundle   {} ({})", bundle.id(), bundle.dir.display());
        anstream::println!("model    {:.2} M parameters", bundle.config.parameters() as f64 / 1e6);
        anstream::println!("parity   {difference:.1e} (largest difference of a logit)");
        anstream::println!("in use   {}", if args.use_ { "yes" } else { "no" });
    }
    Ok(())
}

fn list(json: bool, context: &Context) -> Result<()> {
    let used = bundle::resolve(&context.dirs, context.settings.bundle.as_deref()).ok();
    let mut all = Vec::new();
    for dir in bundle::all(&context.dirs) {
        let in_use = used.as_ref() == Some(&dir);
        let name = dir.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_owned();
        let row = match Bundle::open(&dir) {
            Ok(b) => json!({
                "name": name, "id": b.id(), "path": dir, "in_use": in_use,
                "parameters": b.config.parameters(), "problem": null,
            }),
            Err(e) => json!({
                "name": name, "id": null, "path": dir, "in_use": in_use, "parameters": null,
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
            Some(n) => anstream::println!("{mark} {:32} {:6.2} M  {}", text("id"), n / 1e6, text("path")),
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
        value["parameters"] = json!(bundle.config.parameters());
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
