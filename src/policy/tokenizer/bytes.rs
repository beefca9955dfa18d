//! The tokens of models over bytes (ByT5, ReProver): a byte's id is its value and 3. There is no `tokenizer.json` for them.
//!
//! As `ByT5Tokenizer` of `transformers` does it (`models/byt5/tokenization_byt5.py`), after Xue et al., "ByT5: Towards a
//! Token-Free Future with Pre-trained Byte-to-Byte Models", 2022: 0 fills up, 1 ends a text, 2 is unknown, 125 extra ids
//! follow the bytes. Unlike there, the text `</s>` inside of a prompt stays a text.

/// Fills up batches, and begins what the decoder writes.
pub const PAD: u32 = 0;
/// Ends a text.
pub const EOS: u32 = 1;
/// Stands for nothing that a byte tokenizer meets.
pub const UNKNOWN: u32 = 2;
/// The id of byte 0.
const FIRST: u32 = 3;
/// Ids of bytes and before; the extra ids follow and stand for no text.
pub const VOCABULARY: usize = 256 + FIRST as usize;

/// The ids of a text, with the end mark where `special` asks for what the tokenizer adds.
pub fn encode(text: &str, special: bool) -> Vec<u32> {
    text.bytes().map(|b| u32::from(b) + FIRST).chain(special.then_some(EOS)).collect()
}

/// The text of ids; those that are no bytes are left out, broken UTF-8 becomes U+FFFD.
pub fn decode(ids: &[u32]) -> String {
    let byte = |id: &u32| id.checked_sub(FIRST).and_then(|b| u8::try_from(b).ok());
    let bytes: Vec<u8> = ids.iter().filter_map(byte).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_numbered_as_in_transformers() {
        // What `ByT5Tokenizer()("⊢ q").input_ids` gives.
        assert_eq!(encode("⊢ q", true), [229, 141, 165, 35, 116, 1]);
        assert_eq!(decode(&encode("⊢ ∀ x, p x ∧ q\t\u{0}", true)), "⊢ ∀ x, p x ∧ q\t\u{0}");
    }

    #[test]
    fn what_is_no_byte_is_left_out_and_half_a_character_shows() {
        assert_eq!(decode(&[0, 1, 2, 107, 259, 383, 4000]), "h");
        assert!(decode(&[229, 141]).contains('\u{fffd}'));
    }
}
