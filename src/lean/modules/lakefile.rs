//! What a lakefile says about where modules lie: libraries, their folders and roots, options (pure).
//!
//! `lakefile.toml` is data. `lakefile.lean` is a program, which only Lake can run; of it the declarations
//! are read as text: `package`, `lean_lib`, `lean_exe`, `require … from "path"`, with `srcDir`, `root`,
//! `roots` and `leanOptions` where they are literals. What is computed there is not seen.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// A library or an executable.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Library {
    /// Folder of its modules, from the package's own.
    pub folder: PathBuf,
    /// The names below which its modules lie.
    pub roots: Vec<String>,
}

/// What matters here of a lakefile.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lakefile {
    /// Libraries and executables, in order.
    pub libraries: Vec<Library>,
    /// Lean options for all modules of the package.
    pub options: BTreeMap<String, Value>,
    /// Packages required by a path, from the package's own folder.
    pub paths: Vec<PathBuf>,
    /// Where fetched packages lie, from the package's own folder.
    pub packages_dir: Option<PathBuf>,
}

/// Reads a `lakefile.toml`.
pub fn from_toml(text: &str) -> Result<Lakefile, toml::de::Error> {
    let table: toml::Table = text.parse()?;
    let text_of = |t: &toml::Table, key: &str| t.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let base = PathBuf::from(text_of(&table, "srcDir").unwrap_or_default());
    let mut out =
        Lakefile { packages_dir: text_of(&table, "packagesDir").map(PathBuf::from), ..Lakefile::default() };
    if let Some(options) = table.get("leanOptions").and_then(toml::Value::as_table) {
        flatten_options("", options, &mut out.options);
    }
    let tables = |key: &str| {
        let list = table.get(key).and_then(toml::Value::as_array).cloned().unwrap_or_default();
        list.into_iter().filter_map(|v| v.as_table().cloned()).collect::<Vec<_>>()
    };
    for (kind, key) in [("lean_lib", "roots"), ("lean_exe", "root")] {
        for entry in tables(kind) {
            let Some(name) = text_of(&entry, "name") else { continue };
            let roots: Vec<String> = match entry.get(key) {
                Some(toml::Value::String(root)) => vec![root.clone()],
                Some(toml::Value::Array(roots)) => {
                    roots.iter().filter_map(|r| r.as_str().map(str::to_owned)).collect()
                }
                _ => vec![name],
            };
            // `X.+` and `X.*` are the modules below X.
            let globs = entry.get("globs").and_then(toml::Value::as_array).cloned().unwrap_or_default();
            let globs = globs
                .iter()
                .filter_map(|g| g.as_str())
                .map(|g| g.trim_end_matches(['.', '+', '*']).to_owned());
            let mut roots: Vec<String> = roots.into_iter().chain(globs).collect();
            roots.dedup();
            let folder = base.join(text_of(&entry, "srcDir").unwrap_or_default());
            out.libraries.push(Library { folder, roots: roots.into_iter().map(unquoted).collect() });
        }
    }
    out.paths = tables("require").iter().filter_map(|r| text_of(r, "path")).map(PathBuf::from).collect();
    Ok(out)
}

fn flatten_options(prefix: &str, table: &toml::Table, out: &mut BTreeMap<String, Value>) {
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(inner) => flatten_options(&name, inner, out),
            toml::Value::Boolean(b) => insert_option(out, &name, Value::Bool(*b)),
            toml::Value::Integer(n) => insert_option(out, &name, (*n).into()),
            toml::Value::String(s) => insert_option(out, &name, Value::String(s.clone())),
            _ => {}
        }
    }
}

/// `weak.` marks options that a Lean which does not know them passes over; ours are never checked.
fn insert_option(out: &mut BTreeMap<String, Value>, name: &str, value: Value) {
    out.insert(name.strip_prefix("weak.").unwrap_or(name).to_owned(), value);
}

fn unquoted(name: String) -> String {
    name.replace(['«', '»'], "")
}

/// Reads what can be read of a `lakefile.lean`.
pub fn from_lean(text: &str) -> Lakefile {
    let text = without_comments(text);
    let mut out = Lakefile::default();
    let mut base = PathBuf::new();
    for command in commands(&text) {
        let (keyword, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        match keyword {
            "package" => {
                base = assigned_string(rest, "srcDir").unwrap_or_default().into();
                out.packages_dir = assigned_string(rest, "packagesDir").map(PathBuf::from);
                out.options.extend(option_literals(rest));
            }
            "lean_lib" | "lean_exe" => {
                let Some(name) = declared_name(rest) else { continue };
                let key = if keyword == "lean_lib" { "roots" } else { "root" };
                let given = assigned(rest, key).map(backquoted).unwrap_or_default();
                let roots = if given.is_empty() { vec![name] } else { given };
                let folder = base.join(assigned_string(rest, "srcDir").unwrap_or_default());
                out.libraries.push(Library { folder, roots });
            }
            "require" => {
                // `from "a" / "b"`; a `git` source lies below `.lake/packages`.
                if let Some((_, from)) = rest.split_once("from ")
                    && !from.trim_start().starts_with("git")
                {
                    let parts = from.split('"').skip(1).step_by(2);
                    out.paths.push(parts.collect());
                }
            }
            _ => {}
        }
    }
    out
}

/// The text cut at what begins a command: an identifier at the start of a line. Attributes such as
/// `@[default_target]` end with their line.
fn commands(text: &str) -> Vec<&str> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let mut begin = at;
        let mut rest = line;
        while let Some(attribute) = rest.strip_prefix("@[") {
            let Some(end) = attribute.find(']') else { break };
            let tail = &attribute[end + 1..];
            begin += line.len() - (begin - at) - tail.trim_start_matches(' ').len();
            rest = tail.trim_start_matches(' ');
        }
        if rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            starts.push(begin);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(s, e)| text[*s..e].trim_end()).collect()
}

fn declared_name(rest: &str) -> Option<String> {
    let rest = rest.trim_start();
    if let Some(quoted) = rest.strip_prefix('«') {
        return Some(quoted.split('»').next()?.to_owned());
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        return Some(quoted.split('"').next()?.to_owned());
    }
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "_'.-".contains(c))).unwrap_or(rest.len());
    (end > 0).then(|| rest[..end].to_owned())
}

/// What follows `key :=`, up to the next assignment.
fn assigned<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    for (i, _) in text.match_indices(key) {
        let before = text[..i].chars().next_back();
        let Some(value) = text[i + key.len()..].trim_start().strip_prefix(":=") else { continue };
        if before.is_none_or(|c| !c.is_alphanumeric() && c != '_') {
            return Some(value.find(":=").map_or(value, |end| &value[..end]));
        }
    }
    None
}

fn assigned_string(text: &str, key: &str) -> Option<String> {
    assigned(text, key)?.trim_start().strip_prefix('"')?.split('"').next().map(str::to_owned)
}

/// The names of `` #[`A, `B.C] ``.
fn backquoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).filter_map(declared_name).collect()
}

/// The entries ``⟨`name, value⟩`` whose values are literals.
fn option_literals(text: &str) -> BTreeMap<String, Value> {
    let mut out = BTreeMap::new();
    for entry in text.split('⟨').skip(1) {
        let Some((entry, _)) = entry.split_once('⟩') else { continue };
        let Some((name, value)) = entry.split_once(',') else { continue };
        let Some(name) = name.trim().strip_prefix('`') else { continue };
        let value = match value.trim() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            v => match v.parse::<u64>() {
                Ok(n) => n.into(),
                Err(_) => continue,
            },
        };
        insert_option(&mut out, name.trim_start_matches('`'), value);
    }
    out
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut depth, mut in_string) = (text, 0usize, false);
    while let Some(c) = rest.chars().next() {
        let step = if depth == 0 && !in_string && rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if !in_string && rest.starts_with("/-") {
            depth += 1;
            2
        } else if depth > 0 && rest.starts_with("-/") {
            depth -= 1;
            2
        } else {
            if depth == 0 {
                in_string ^= c == '"';
                out.push(c);
            } else if c == '\n' {
                out.push(c);
            }
            c.len_utf8()
        };
        rest = &rest[step..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toml_lakefile_gives_folders_roots_and_options() {
        assert!(from_toml("name = ").is_err());
        let file = from_toml(
            "name = \"x\"\nsrcDir = \"./src/\"\n[leanOptions]\nautoImplicit = false\nweak.linter.x = true\n\
             pp.indent = 3\n[[lean_lib]]\nname = \"Foo\"\nglobs = [\"Foo.+\"]\n[[lean_lib]]\nname = \"T\"\n\
             roots = [\"A\", \"B.C\"]\nsrcDir = \"t\"\n[[lean_exe]]\nname = \"exe\"\nroot = \"Main\"\n\
             [[require]]\nname = \"y\"\npath = \"../y\"\n[[require]]\nname = \"z\"\ngit = \"…\"\n",
        )
        .unwrap();
        let libraries: Vec<_> = file
            .libraries
            .iter()
            .map(|l| (l.folder.to_string_lossy().into_owned(), l.roots.join(" ")))
            .collect();
        assert_eq!(libraries[0].1, "Foo");
        assert_eq!((libraries[1].0.as_str(), libraries[1].1.as_str()), ("./src/t", "A B.C"));
        assert_eq!(libraries[2].1, "Main");
        assert_eq!(file.options.keys().collect::<Vec<_>>(), ["autoImplicit", "linter.x", "pp.indent"]);
        assert_eq!(file.paths, [PathBuf::from("../y")]);
    }

    #[test]
    fn a_lean_lakefile_is_read_as_text() {
        let file = from_lean(
            "import Lake\nopen Lake DSL\n/- lean_lib No -/\nrequire batteries from git \"https://x\" @ \"main\"\n\
             require near from \"..\" / \"near\"\npackage «my-pkg» where\n  srcDir := \"src\"\n  \
             leanOptions := #[⟨`autoImplicit, false⟩, ⟨`maxSynthPendingDepth, .ofNat 3⟩, ⟨`pp.indent, 4⟩]\n\n\
             @[default_target]\nlean_lib Foo where\n  -- roots := #[`No]\n  defaultFacets := #[LeanLib.staticFacet]\n\
             @[test_driver] lean_lib «Bar Baz» where\n  srcDir := \"t\"\n  roots := #[`A, `B.C]\n\
             lean_exe tool where\n  root := `Tool.Main\n\nscript x do\n  IO.println \"lean_lib No\"\n",
        );
        let library = |folder: &str, roots: &[&str]| Library {
            folder: folder.into(),
            roots: roots.iter().map(|r| (*r).to_owned()).collect(),
        };
        assert_eq!(
            file.libraries,
            [library("src", &["Foo"]), library("src/t", &["A", "B.C"]), library("src", &["Tool.Main"])]
        );
        assert_eq!(file.paths, [PathBuf::from("../near")]);
        assert_eq!(file.options.len(), 2, "what is computed is not seen: {:?}", file.options);
    }
}
