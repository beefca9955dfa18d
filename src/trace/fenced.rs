//! Lean code in the fences of a document (a book's chapter, Markdown or Verso) as one Lean file (pure).
//!
//! Every line stays where it is, so that a step's range is that of the document: prose becomes blank lines, an
//! opening fence `namespace ExampleN` and a closing one `end ExampleN`. The namespace keeps apart what a book
//! declares again and again, and ends the block's `variable`s and `open`s; what the block leaves open (`namespace`,
//! `section`, `mutual`) is ended with it. Imports go to the first line. A block that fails does not stop the
//! next. Blocks marked `+error` are meant to fail and are left out.

/// The Lean file of a document.
pub fn lean_of(document: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut imports: Vec<&str> = Vec::new();
    let mut examples = 0;
    let mut fence: Option<Fence> = None;
    for line in document.lines() {
        let text = line.trim();
        lines.push(match &mut fence {
            None => match Fence::opened_by(line) {
                Some(opened) => {
                    examples += usize::from(opened.is_lean);
                    let begin =
                        if opened.is_lean { format!("namespace Example{examples}") } else { String::new() };
                    fence = Some(opened);
                    begin
                }
                None => String::new(),
            },
            Some(f) if text == f.ticks => {
                let mut end: String = f.open.iter().rev().map(|o| format!("end {o} ")).collect();
                end.push_str(&format!("end Example{examples}"));
                let end = if f.is_lean { end } else { String::new() };
                fence = None;
                end
            }
            Some(f) if !f.is_lean => String::new(),
            Some(f) => match text.strip_prefix("import ") {
                Some(module) => {
                    imports.extend(module.split_whitespace().next());
                    String::new()
                }
                None => {
                    f.follow(text);
                    let indent = line.len() - line.trim_start().len();
                    line[indent.min(f.indent)..].to_owned()
                }
            },
        });
    }
    imports.sort_unstable();
    imports.dedup();
    let header: Vec<String> = imports.iter().map(|i| format!("import {i}")).collect();
    if let (Some(first), false) = (lines.first_mut(), header.is_empty()) {
        *first = format!("{} {first}", header.join(" "));
    }
    lines.join("\n") + "\n"
}

struct Fence<'a> {
    ticks: &'a str,
    indent: usize,
    is_lean: bool,
    /// What the block has opened and not ended, by name.
    open: Vec<String>,
}

impl<'a> Fence<'a> {
    fn opened_by(line: &'a str) -> Option<Fence<'a>> {
        let text = line.trim_start();
        let n = text.len() - text.trim_start_matches('`').len();
        if n < 3 {
            return None;
        }
        let mut words = text[n..].split_whitespace();
        let is_lean = matches!(words.next(), Some("lean" | "lean4")) && !text.contains("+error");
        Some(Fence { ticks: &text[..n], indent: line.len() - text.len(), is_lean, open: Vec::new() })
    }

    fn follow(&mut self, text: &str) {
        let mut words = text.split_whitespace();
        match words.find(|w| !matches!(*w, "noncomputable" | "public" | "meta" | "@[expose]")) {
            Some("namespace" | "section" | "mutual") => {
                let name = words.next().filter(|w| !w.starts_with("--"));
                self.open.push(name.unwrap_or_default().to_owned());
            }
            Some("end") => drop(self.open.pop()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_keeps_its_lines_and_prose_goes() {
        let document = "# Title\n\n```lean\nimport Std\nsection\nvariable (p : Prop)\ntheorem t : p → p := id\n```\nSome\n\
                        ```\nnot Lean\n```\n  ```lean (show := false)\n  namespace A\n    def x := 1\n  ```\n\
                        ```lean +error\nexample : False := by simp\n```\n";
        assert_eq!(
            lean_of(document),
            "import Std \n\nnamespace Example1\n\nsection\nvariable (p : Prop)\ntheorem t : p → p := id\n\
             end  end Example1\n\n\n\n\nnamespace Example2\nnamespace A\n  def x := 1\nend A end Example2\n\n\n\n"
        );
        assert_eq!(lean_of(document).lines().count(), document.lines().count());
    }

    #[test]
    fn a_document_without_code_is_an_empty_file() {
        assert_eq!(lean_of("text\n").trim(), "");
    }
}
