//! Text ↔ token ids: byte-level byte-pair encoding, stored as `tokenizer.json`.
//!
//! Text is first cut so that a name is always the same token, whatever stands beside it: white space goes
//! to the operator or bracket next to it (`h`, ` ∧ `, ` [`), never to a name. A model that reads `h : p` in
//! the goal can then write `exact h` and `rw [h]` by copying.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use tokenizers::decoders::byte_level::ByteLevel as ByteDecoder;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, SplitDelimiterBehavior,
    TokenizerBuilder,
};

use super::prompt::Layout;
use crate::error::{Failure, FailureKind};

mod bytes;

/// Fills up batches.
pub const PAD: &str = "<pad>";
/// Begins every prompt.
pub const BOS: &str = "<s>";
/// Ends every tactic.
pub const EOS: &str = "</s>";
/// Stands between the goal and the tactic.
pub const TACTIC: &str = "<tac>";

/// Names; single digits; operators with the space beside them; a line break with its indentation; the rest.
const PIECES: &str = r"[\p{L}_][\p{L}\p{N}_'!?✝]*|\p{N}| ?[^\s\p{L}\p{N}_]+ ?|\n *|\s";

/// Ids of the special tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpecialIds {
    /// [`PAD`].
    pub pad: u32,
    /// [`BOS`].
    pub bos: u32,
    /// [`EOS`].
    pub eos: u32,
    /// [`TACTIC`].
    pub tactic: u32,
}

/// A tokenizer with its special tokens and what belongs to a model's text: the prompt's layout and the marks to leave
/// out of answers. Encoding never makes a special token of ours, or of a byte tokenizer, out of text.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: Inner,
    special: SpecialIds,
    layout: Layout,
    /// Tokens that never stand in a tactic, in ascending order.
    never: Vec<u32>,
    marks: Vec<String>,
}

#[derive(Debug, Clone)]
enum Inner {
    /// What a `tokenizer.json` describes.
    File(Box<tokenizers::Tokenizer>),
    /// One token a byte ([`bytes`]).
    Bytes,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    pub fn load(file: &Path) -> Result<Tokenizer> {
        let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
        Tokenizer::from_bytes(&bytes).with_context(|| format!("in `{}`", file.display()))
    }

    /// Reads the content of a `tokenizer.json`.
    pub fn from_bytes(json: &[u8]) -> Result<Tokenizer> {
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(|e| {
            Failure::new(FailureKind::Corrupt, format!("`tokenizer.json` cannot be read: {e}"))
        })?;
        // A goal that contains the text `<tac>` must not end the prompt.
        inner.set_encode_special_tokens(true);
        let id = |token: &str| {
            inner.token_to_id(token).ok_or_else(|| {
                Failure::new(FailureKind::Corrupt, format!("`tokenizer.json` has no token `{token}`"))
                    .hint(format!("the prompt needs the special tokens {PAD} {BOS} {EOS} {TACTIC}"))
            })
        };
        let special = SpecialIds { pad: id(PAD)?, bos: id(BOS)?, eos: id(EOS)?, tactic: id(TACTIC)? };
        let never = vec![special.pad, special.bos, special.tactic];
        Ok(Tokenizer::new(Inner::File(Box::new(inner)), special, Layout::GoalFirst, never))
    }

    fn new(inner: Inner, special: SpecialIds, layout: Layout, mut never: Vec<u32>) -> Tokenizer {
        never.sort_unstable();
        Tokenizer { inner, special, layout, never, marks: Vec::new() }
    }

    /// The tokenizer of a model over bytes, which has no file ([`bytes`]); `text` is the prompt's layout.
    pub fn bytes(text: &str) -> Tokenizer {
        let special = SpecialIds { pad: bytes::PAD, bos: bytes::EOS, eos: bytes::EOS, tactic: bytes::EOS };
        let layout = Layout::Text(text.to_owned());
        Tokenizer::new(Inner::Bytes, special, layout, vec![bytes::PAD, bytes::UNKNOWN])
    }

    /// The same, with texts that are left out of answers: marks that a model was trained to write and that are no
    /// Lean.
    pub fn with_marks(self, marks: Vec<String>) -> Tokenizer {
        Tokenizer { marks, ..self }
    }

    /// Reads the `tokenizer.json` of a model from elsewhere, whose prompts are laid out by a text and whose only
    /// special token of interest is the end, `eos`.
    pub fn other(json: &[u8], eos: u32, text: &str) -> Result<Tokenizer> {
        let mut inner = tokenizers::Tokenizer::from_bytes(json).map_err(|e| {
            Failure::new(FailureKind::Corrupt, format!("`tokenizer.json` cannot be read: {e}"))
        })?;
        // Limits are the prompt's business.
        inner.with_padding(None);
        inner.with_truncation(None).map_err(|e| anyhow!("the tokenizer's truncation: {e}"))?;
        let special = SpecialIds { pad: eos, bos: eos, eos, tactic: eos };
        let added = inner.get_added_tokens_decoder();
        let never = added.iter().filter(|(id, t)| t.special && **id != eos).map(|(id, _)| *id).collect();
        Ok(Tokenizer::new(Inner::File(Box::new(inner)), special, Layout::Text(text.to_owned()), never))
    }

    /// Learns merges from texts until the vocabulary has `vocab_size` entries (at least 260: the special
    /// tokens and all bytes) or no pair occurs twice. The same texts give the same tokenizer.
    pub fn train<S: AsRef<str> + Send>(
        texts: impl Iterator<Item = S> + Send,
        vocab_size: usize,
    ) -> Result<Tokenizer> {
        let library = |e: tokenizers::Error| anyhow!("training the tokenizer: {e}");
        let split = Split::new(SplitPattern::Regex(PIECES.into()), SplitDelimiterBehavior::Isolated, false)
            .map_err(library)?;
        let pieces: Vec<PreTokenizerWrapper> = vec![split.into(), ByteLevel::new(false, false, false).into()];
        let mut trainable = TokenizerBuilder::<
            BPE,
            NormalizerWrapper,
            PreTokenizerWrapper,
            PostProcessorWrapper,
            DecoderWrapper,
        >::new()
        .with_model(BPE::default())
        .with_normalizer(None)
        .with_pre_tokenizer(Some(Sequence::new(pieces).into()))
        .with_post_processor(None)
        .with_decoder(Some(ByteDecoder::new(false, false, false).into()))
        .build()
        .map_err(library)?;
        let special = [PAD, BOS, EOS, TACTIC].map(|t| AddedToken::from(t, true)).to_vec();
        let mut trainer = BpeTrainer::builder()
            .vocab_size(vocab_size)
            .min_frequency(2)
            .show_progress(false)
            .special_tokens(special)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        trainable.train(&mut trainer, texts).map_err(library)?;
        let json = trainable.to_string(true).map_err(library)?;
        Tokenizer::from_bytes(json.as_bytes())
    }

    /// How goals become prompts for this model.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The ids of a whole prompt, with what the tokenizer itself adds to a text.
    pub fn encode_prompt(&self, text: &str) -> Vec<u32> {
        self.ids(text, true)
    }

    /// The ids of a text, without special tokens.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        self.ids(text, false)
    }

    fn ids(&self, text: &str, special: bool) -> Vec<u32> {
        let file = match &self.inner {
            Inner::File(file) => file,
            Inner::Bytes => return bytes::encode(text, special),
        };
        // A byte-level encoder has a token for every byte; the library's error cases need an unknown token
        // or truncation settings, and a foreign tokenizer.json that runs into one yields no tokens.
        match file.encode_fast(text, special) {
            Ok(encoding) => encoding.get_ids().to_vec(),
            Err(e) => {
                tracing::warn!("a text could not be encoded: {e}");
                Vec::new()
            }
        }
    }

    /// The text of ids; special tokens are left out, broken UTF-8 becomes U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        match &self.inner {
            Inner::File(file) => file.decode(ids, true).unwrap_or_default(),
            Inner::Bytes => bytes::decode(ids),
        }
    }

    /// The tactic that ids stand for: their text without marks and surrounding space.
    pub fn tactic(&self, ids: &[u32]) -> String {
        let mut text = self.decode(ids);
        for mark in &self.marks {
            text = text.replace(mark.as_str(), "");
        }
        text.trim().to_owned()
    }

    /// Entries of the vocabulary: one more than the highest id that stands for text or is special.
    pub fn vocab_size(&self) -> usize {
        match &self.inner {
            Inner::File(file) => file.get_vocab(true).values().max().map_or(0, |id| *id as usize + 1),
            Inner::Bytes => bytes::VOCABULARY,
        }
    }

    /// Tokens that never stand in a tactic, in ascending order.
    pub fn never(&self) -> &[u32] {
        &self.never
    }

    /// Texts that are left out of answers.
    pub fn marks(&self) -> &[String] {
        &self.marks
    }

    /// Ids of the special tokens.
    pub fn special(&self) -> SpecialIds {
        self.special
    }

    /// The content of `tokenizer.json`.
    pub fn to_json(&self) -> Result<String> {
        match &self.inner {
            Inner::File(file) => file.to_string(true).map_err(|e| anyhow!("writing the tokenizer: {e}")),
            Inner::Bytes => Err(anyhow!("a tokenizer over bytes has no file")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained() -> Tokenizer {
        let texts = ["⊢ q ∧ p\nh : p ∧ q", "exact ⟨h.2, h.1⟩", "simp [Nat.add_comm]", "rw [Nat.add_comm]"];
        Tokenizer::train(texts.iter().cycle().take(40), 400).unwrap()
    }

    #[test]
    fn any_text_comes_back_as_it_was() {
        let t = trained();
        for text in ["exact h", "⊢ ∀ x ∈ xs, f x ≠ 𝔸  \n  b", "cases h with\n| inl h' => ?_", "", "\t\u{0}é"]
        {
            assert_eq!(t.decode(&t.encode(text)), text);
        }
    }

    #[test]
    fn a_name_is_the_same_token_wherever_it_stands() {
        let t = trained();
        let id = t.encode("h");
        for text in ["exact h", "rw [h]", "h : p", "(h)", "f h x"] {
            assert!(t.encode(text).windows(id.len()).any(|w| w == id), "{text}");
        }
    }

    #[test]
    fn special_tokens_come_first_and_never_from_text() {
        let t = trained();
        assert_eq!(t.special(), SpecialIds { pad: 0, bos: 1, eos: 2, tactic: 3 });
        assert!(t.encode("<s> <tac> </s>").iter().all(|id| *id > 3));
        assert_eq!(t.decode(&t.encode("<tac>")), "<tac>");
    }

    #[test]
    fn training_is_deterministic_and_survives_its_json() {
        let (a, b) = (trained().to_json().unwrap(), trained().to_json().unwrap());
        assert_eq!(a, b);
        let back = Tokenizer::from_bytes(a.as_bytes()).unwrap();
        assert_eq!(back.encode("simp [h]"), trained().encode("simp [h]"));
    }
}
