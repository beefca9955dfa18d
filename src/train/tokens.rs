//! The data set as token ids, for a trainer elsewhere (`scripts/train_torch.py`): the same filters, names and
//! encoding as the trainer here, so that both learn from the same examples.
//!
//! | file | what it is |
//! |---|---|
//! | `tokens.safetensors` | the examples of three splits, see below |
//! | `dataset.json` | [`Manifest`]: counts, knobs, limits |
//! | `config.json`, `tokenizer.json` | the model to train, as `transformers` reads it |
//! | `model.safetensors` | only where training goes on from a bundle: its weights |
//!
//! A split is `train`, `validation` (some training files kept back, to choose among runs by)
//! or `heldout` (the held-out files, to report). Its tensors:
//!
//! | tensor | shape | |
//! |---|---|---|
//! | `{split}.tokens` | `[n]` U16 | all examples one after the other |
//! | `{split}.lengths` | `[rows]` U16 | tokens of each example, prompt and tactic |
//! | `{split}.prompts` | `[rows]` U16 | those of them that are the prompt |
//! | `{split}.declarations` | `[rows]` U32 | a number for the declaration, to take shares of the data by |
//! | `{split}.passes` | `[passes + 1]` U32 | the row at which each pass begins, and the end |
//!
//! The passes of `train` hold the same steps under other names; the other splits are as written, once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::batch::{Sequence, encode};
use super::dataset::{self, HeldOut, LeftOut, Step};
use super::finetune::{Base, Finetune, learn_tokenizer, own};
use super::learn::Knobs;
use super::stream::pass;
use crate::error::{Failure, FailureKind};
use crate::policy::bundle::{CONFIG, LlamaConfig, TOKENIZER, WEIGHTS};
use crate::policy::prompt::{self, Limits};
use crate::policy::tokenizer::Tokenizer;

/// The list of what the folder holds.
pub const MANIFEST: &str = "dataset.json";
/// The examples.
pub const TOKENS: &str = "tokens.safetensors";
const FORMAT: u32 = 1;

/// The content of `dataset.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The prompt's layout.
    pub prompt_template: String,
    /// Longest prompt and tactic.
    pub limits: Limits,
    /// Id of the bundle that training goes on from; none from scratch.
    pub base: Option<String>,
    /// Knobs of the trainer here, for those that the other trainer shares.
    pub knobs: Knobs,
    /// Steps to train on.
    pub steps: usize,
    /// Declarations that they come from.
    pub declarations: usize,
    /// Times that each is there, under other names.
    pub passes: u64,
    /// Examples in each split: `train` (all passes), `validation`, `heldout`.
    pub rows: [usize; 3],
    /// Tokens in each split.
    pub tokens: [usize; 3],
    /// What was left out.
    pub left_out: LeftOut,
    /// Parameters of the model.
    pub parameters: usize,
    /// The folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// How much is written.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// Times that each step is written, under other names.
    pub passes: u64,
    /// About one step in so many is kept for validation, whole files where there are several; 0 keeps none.
    pub validation_one_in: u64,
    /// Threads.
    pub threads: usize,
}

/// One split in the making.
#[derive(Default)]
struct Split {
    tokens: Vec<u16>,
    lengths: Vec<u16>,
    prompts: Vec<u16>,
    declarations: Vec<u32>,
    passes: Vec<u32>,
}

impl Split {
    fn add_pass(&mut self, rows: impl Iterator<Item = (u32, Option<Sequence>)>) {
        if self.passes.is_empty() {
            self.passes.push(0);
        }
        for (declaration, sequence) in rows {
            let Some(s) = sequence else { continue };
            self.tokens.extend(s.tokens.iter().map(|t| *t as u16));
            self.lengths.push(s.tokens.len() as u16);
            self.prompts.push(s.prompt as u16);
            self.declarations.push(declaration);
        }
        self.passes.push(self.lengths.len() as u32);
    }

    fn tensors(&self, name: &str) -> Vec<(String, Dtype, usize, Vec<u8>)> {
        let short = |v: &[u16]| v.iter().flat_map(|x| x.to_le_bytes()).collect();
        let long = |v: &[u32]| v.iter().flat_map(|x| x.to_le_bytes()).collect();
        vec![
            (format!("{name}.tokens"), Dtype::U16, self.tokens.len(), short(&self.tokens)),
            (format!("{name}.lengths"), Dtype::U16, self.lengths.len(), short(&self.lengths)),
            (format!("{name}.prompts"), Dtype::U16, self.prompts.len(), short(&self.prompts)),
            (format!("{name}.declarations"), Dtype::U32, self.declarations.len(), long(&self.declarations)),
            (format!("{name}.passes"), Dtype::U32, self.passes.len(), long(&self.passes)),
        ]
    }
}

impl Finetune {
    /// Writes what this run would learn from as a folder of token ids. Neither trains nor needs ONNX Runtime.
    pub fn write_tokens(&self, folder: &Path, amount: Amount) -> Result<Manifest> {
        let (steps, left_out) = dataset::collect(&self.steps, &self.held_out_list)?;
        let (steps, validation) = match amount.validation_one_in {
            0 => (steps, Vec::new()),
            n => dataset::split(steps, n),
        };
        let held_out = dataset::collect(&self.held_out, &HeldOut::default())?.0;
        let context = || format!("cannot write the data set `{}`", folder.display());
        std::fs::create_dir_all(folder).with_context(context)?;

        let (config, tokenizer, limits, base) = self.model(&steps, folder)?;
        if tokenizer.vocab_size() > usize::from(u16::MAX) {
            let message = format!("a vocabulary of {} does not fit into 16 bits", tokenizer.vocab_size());
            return Err(Failure::new(FailureKind::Usage, message).hint("start from a smaller one").into());
        }
        let mut numbers = HashMap::new();
        let train = passes(&steps, &tokenizer, limits, &self.knobs, amount, &mut numbers)?;
        let declarations = numbers.len();
        let mut as_written =
            |steps: &[Step]| {
                let mut split = Split::default();
                split.add_pass(steps.iter().map(|s| {
                    (number(&mut numbers, &s.decl), encode(&tokenizer, &s.goal, &s.tactic, limits))
                }));
                split
            };
        let splits = [train, as_written(&validation), as_written(&held_out)];

        let tensors: Vec<_> =
            ["train", "validation", "heldout"].iter().zip(&splits).flat_map(|(n, s)| s.tensors(n)).collect();
        let views: Vec<_> = tensors
            .iter()
            .map(|(name, dtype, n, bytes)| Ok((name, TensorView::new(*dtype, vec![*n], bytes)?)))
            .collect::<Result<_>>()?;
        safetensors::serialize_to_file(views, None, &folder.join(TOKENS)).with_context(context)?;
        let manifest = Manifest {
            format: FORMAT,
            prompt_template: prompt::TEMPLATE.to_owned(),
            limits,
            base,
            knobs: self.knobs.clone(),
            steps: steps.len(),
            declarations,
            passes: amount.passes,
            rows: [0, 1, 2].map(|i| splits[i].lengths.len()),
            tokens: [0, 1, 2].map(|i| splits[i].tokens.len()),
            left_out,
            parameters: config.parameters(),
            folder: folder.to_owned(),
        };
        let json = |value: &serde_json::Value| serde_json::to_vec_pretty(value).context("JSON");
        std::fs::write(folder.join(CONFIG), json(&config.to_json(tokenizer.special()))?)
            .with_context(context)?;
        std::fs::write(folder.join(TOKENIZER), tokenizer.to_json()?).with_context(context)?;
        std::fs::write(folder.join(MANIFEST), json(&serde_json::to_value(&manifest)?)?)
            .with_context(context)?;
        Ok(manifest)
    }

    /// The model that is to be trained; a bundle's weights are copied into the folder.
    fn model(
        &self,
        steps: &[Step],
        folder: &Path,
    ) -> Result<(LlamaConfig, Tokenizer, Limits, Option<String>)> {
        match &self.base {
            Base::Bundle(dir) => {
                let bundle = own(dir)?;
                let from = bundle.dir.join(WEIGHTS);
                std::fs::copy(&from, folder.join(WEIGHTS))
                    .with_context(|| format!("cannot copy `{}`", from.display()))?;
                let (limits, id) = (bundle.limits(), bundle.id());
                Ok((bundle.llama()?.clone(), bundle.tokenizer, limits, Some(id)))
            }
            Base::Scratch(shape) => {
                let limits = Limits::default();
                let tokenizer = learn_tokenizer(steps, shape.vocab, &self.knobs)?;
                Ok((shape.config(&tokenizer, limits)?, tokenizer, limits, None))
            }
        }
    }
}

/// The number of a declaration, in order of appearance.
fn number(numbers: &mut HashMap<String, u32>, declaration: &str) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(declaration.to_owned()).or_insert(next)
}

/// All passes over the training steps; a thread makes a pass, and the result does not depend on their number.
fn passes(
    steps: &[Step],
    tokenizer: &Tokenizer,
    limits: Limits,
    knobs: &Knobs,
    amount: Amount,
    numbers: &mut HashMap<String, u32>,
) -> Result<Split> {
    let declarations: Vec<u32> = steps.iter().map(|s| number(numbers, &s.decl)).collect();
    let mut split = Split::default();
    let all: Vec<u64> = (0..amount.passes.max(1)).collect();
    for some in all.chunks(amount.threads.max(1)) {
        let made: Vec<_> = std::thread::scope(|scope| {
            let handles: Vec<_> = some
                .iter()
                .map(|&epoch| scope.spawn(move || pass(steps, tokenizer, limits, knobs, epoch).0))
                .collect();
            handles.into_iter().map(|h| h.join()).collect()
        });
        for sequences in made {
            let sequences = sequences.map_err(|_| anyhow::anyhow!("a thread that encodes failed"))?;
            split.add_pass(declarations.iter().copied().zip(sequences));
        }
    }
    Ok(split)
}
