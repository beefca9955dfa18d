//! The header of a Lean file: `module`, `prelude` and the imports, read without Lean (pure).
//!
//! Lean's own reader is `lean --deps-json`; a start of the embedded Lean costs seconds, and the header's
//! grammar is five keywords and comments.

/// One import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The module, `Foo.Bar`, without guillemets.
    pub module: String,
    /// `import all`: the private part as well.
    pub all: bool,
    /// `meta import`: for code that runs at compile time.
    pub meta: bool,
    /// `public import`: seen by those who import this file.
    pub public: bool,
    /// Line of the module's name, from 0.
    pub line: u32,
}

/// What stands before a file's first command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// `module`: what is not `public` stays inside.
    pub is_module: bool,
    /// `prelude`: `Init` is not imported by itself.
    pub prelude: bool,
    /// In source order.
    pub imports: Vec<Import>,
}

impl Header {
    /// Reads the header of a text; what follows it is not looked at.
    pub fn read(text: &str) -> Header {
        let mut header = Header::default();
        let mut at = Cursor { text, at: 0 };
        if at.keyword("module") {
            header.is_module = true;
        }
        if at.keyword("prelude") {
            header.prelude = true;
        }
        loop {
            let public = at.keyword("public");
            let meta = at.keyword("meta");
            if !at.keyword("import") {
                return header;
            }
            let all = at.keyword("all");
            at.skip_blanks();
            let line = text[..at.at].matches('\n').count() as u32;
            let Some(module) = at.name() else { return header };
            header.imports.push(Import { module, all, meta, public, line });
        }
    }

    /// The modules imported, `Init` among them where Lean adds it.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        let init = (!self.prelude).then_some("Init");
        init.into_iter().chain(self.imports.iter().map(|i| i.module.as_str()))
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Past white space and comments.
    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            if blank > 0 {
                self.at += blank;
            } else if rest.starts_with("--") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/-") {
                self.at += comment_length(rest);
            } else {
                return;
            }
        }
    }

    fn keyword(&mut self, word: &str) -> bool {
        let start = self.at;
        self.skip_blanks();
        let is_it = self
            .rest()
            .strip_prefix(word)
            .is_some_and(|r| !r.starts_with(|c: char| c.is_alphanumeric() || "_'.!?".contains(c)));
        self.at = if is_it { self.at + word.len() } else { start };
        is_it
    }

    /// `Foo.«bar baz»` → `Foo.bar baz`.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        loop {
            let rest = self.rest();
            if let Some(quoted) = rest.strip_prefix('«') {
                let end = quoted.find('»')?;
                name.push_str(&quoted[..end]);
                self.at += '«'.len_utf8() + end + '»'.len_utf8();
            } else {
                let is_part = |c: char| c.is_alphanumeric() || "_'!?".contains(c);
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                if end == 0 {
                    return None;
                }
                name.push_str(&rest[..end]);
                self.at += end;
            }
            if !self.rest().starts_with('.') {
                return Some(name);
            }
            name.push('.');
            self.at += 1;
        }
    }
}

/// Length of the block comment that the text starts with; they nest.
fn comment_length(text: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    let bytes = text.as_bytes();
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/-" => (depth, at) = (depth + 1, at + 2),
            b"-/" => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        Header::read(text).imports.into_iter().map(|i| i.module).collect()
    }

    #[test]
    fn imports_are_read_past_comments_and_end_at_the_first_command() {
        let text = "/- Copyright /- nested -/ import No -/\n-- import No\nimport A.B  import C\n/-! doc -/\nimport D\n\
                    def x := 1\nimport E";
        assert_eq!(names(text), ["A.B", "C", "D"]);
        assert_eq!(Header::read(text).imports[0].line, 2);
        assert!(names("importer A").is_empty() && names("").is_empty());
    }

    #[test]
    fn every_form_of_import_is_known() {
        let h = Header::read(
            "module\n\nprelude\npublic import A\nmeta import B\npublic meta import all C.«d-e».F\n",
        );
        assert!(h.is_module && h.prelude);
        let flags: Vec<_> = h.imports.iter().map(|i| (i.module.as_str(), i.public, i.meta, i.all)).collect();
        assert_eq!(
            flags,
            [("A", true, false, false), ("B", false, true, false), ("C.d-e.F", true, true, true)]
        );
        assert_eq!(h.modules().count(), 3, "no `Init` after `prelude`");
        assert_eq!(Header::read("import A").modules().collect::<Vec<_>>(), ["Init", "A"]);
    }

    #[test]
    fn a_module_named_like_a_keyword_is_none() {
        let h = Header::read("import module.A\nmodule_x");
        assert_eq!((h.is_module, h.imports.len()), (false, 1));
    }
}
