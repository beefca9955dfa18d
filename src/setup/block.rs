//! A marked block of lines in a file of a person's own (Emacs, Neovim). Pure.

/// Begins a block, behind the comment sign of the language.
const BEGIN: &str = ">>> lean-copilot >>>";
/// Ends it.
const END: &str = "<<< lean-copilot <<<";

/// The line ending of a text.
pub fn newline_of(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// A block: its lines between two marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The comment sign, `;;` or `--`.
    pub comment: &'static str,
    /// The command that wrote it, for the first mark.
    pub command: String,
    /// The lines.
    pub body: String,
}

impl Block {
    /// The block with its marks.
    pub fn text(&self) -> String {
        let Block { comment, command, body } = self;
        format!("{comment} {BEGIN} (`{command} --write`; `--undo` removes it)\n{body}{comment} {END}\n")
    }

    /// Where a block of ours lies, of this or another version: a range of bytes, whole lines.
    fn find(&self, text: &str) -> Option<std::ops::Range<usize>> {
        let (begin, end) = (format!("{} {BEGIN}", self.comment), format!("{} {END}", self.comment));
        let mut at = 0;
        let mut from = None;
        for line in text.split_inclusive('\n') {
            if line.starts_with(&begin) {
                from = Some(at);
            }
            at += line.len();
            if let (Some(from), true) = (from, line.trim_end() == end) {
                return Some(from..at);
            }
        }
        None
    }

    /// The text outside the block.
    pub fn outside(&self, text: &str) -> String {
        self.find(text).map_or_else(|| text.to_owned(), |r| [&text[..r.start], &text[r.end..]].concat())
    }

    /// Adds the block at the end, or renews an older one in its place; none where it stands already.
    pub fn add(&self, text: &str) -> Option<String> {
        let newline = newline_of(text);
        let block = self.text().replace('\n', newline);
        let after = match self.find(text) {
            Some(range) => [&text[..range.start], &block, &text[range.end..]].concat(),
            None if text.is_empty() || text.ends_with('\n') => format!("{text}{block}"),
            None => format!("{text}{newline}{block}"),
        };
        (after != text).then_some(after)
    }

    /// Takes the block out; none where there is none.
    pub fn remove(&self, text: &str) -> Option<String> {
        self.find(text).map(|_| self.outside(text))
    }
}
