//! How a tool of Lean's was called, as plain data.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// A tool of Lean's in whose place this program can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tool {
    /// The build tool; `lake serve` is the language server.
    Lake,
    /// Lean itself; `lean --server` is the language server.
    Lean,
    /// The toolchain manager.
    Elan,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 3] = [Tool::Lake, Tool::Lean, Tool::Elan];

    /// The tool that a program's first argument (its own name or path) names.
    pub fn called(program: &OsStr) -> Option<Tool> {
        let name = Path::new(program).file_name()?.to_str()?;
        let name = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name);
        Tool::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Tool::Lake => "lake",
            Tool::Lean => "lean",
            Tool::Elan => "elan",
        }
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which tool.
    pub tool: Tool,
    /// All arguments, as they were given.
    pub args: Vec<OsString>,
}

impl Call {
    /// The toolchain that elan's proxies take as first argument (`+leanprover/lean4:v4.28.0`), without `+`.
    pub fn toolchain(&self) -> Option<String> {
        let first = self.args.first().filter(|_| self.tool != Tool::Elan)?;
        first.to_string_lossy().strip_prefix('+').map(str::to_owned)
    }

    /// The arguments behind the toolchain.
    pub fn rest(&self) -> &[OsString] {
        match self.toolchain() {
            Some(_) => &self.args[1..],
            None => &self.args,
        }
    }

    /// Whether the language server was asked for (and not its help).
    pub fn serves(&self) -> bool {
        let rest = self.rest();
        match self.tool {
            Tool::Lake => {
                let mut own = rest.iter().take_while(|a| *a != "--");
                rest.first().is_some_and(|a| a == "serve") && !own.any(|a| a == "--help" || a == "-h")
            }
            // Behind `--run FILE` the arguments are the program's.
            Tool::Lean => rest.iter().take_while(|a| *a != "--run" && *a != "--").any(|a| a == "--server"),
            Tool::Elan => false,
        }
    }

    /// What `lean --server` itself gets of a call that serves.
    pub fn server_args(&self) -> Vec<OsString> {
        let rest = self.rest().iter();
        match self.tool {
            Tool::Lake => rest.skip_while(|a| *a != "--").skip(1).cloned().collect(),
            _ => rest.filter(|a| *a != "--server").cloned().collect(),
        }
    }

    /// The call as a person would type it, without the program's folder.
    pub fn label(&self) -> String {
        let words = self.args.iter().map(|a| a.to_string_lossy().into_owned());
        std::iter::once(self.tool.name().to_owned()).chain(words).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(line: &str) -> Call {
        let mut words = line.split(' ').map(OsString::from);
        Call { tool: Tool::called(&words.next().unwrap()).unwrap(), args: words.collect() }
    }

    #[test]
    fn the_name_decides_however_it_is_reached() {
        let called = |s: &str| Tool::called(OsStr::new(s));
        assert_eq!(called("lake"), Some(Tool::Lake));
        assert_eq!(called("/home/a b/bin/lean"), Some(Tool::Lean));
        assert_eq!(called(&format!("elan{}", std::env::consts::EXE_SUFFIX)), Some(Tool::Elan));
        for other in ["lean-copilot", "leanc", "lake.sh", "LAKE", ""] {
            assert_eq!(called(other), None, "{other}");
        }
    }

    #[test]
    fn only_the_server_is_proxied() {
        for serves in [
            "lake serve",
            "lake serve -- /p -DmaxRecDepth=9",
            "lake +leanprover/lean4:v4.28.0 serve -- /p",
            "lake serve -- -h",
            "lean --server",
            "lean --server untitled",
            "lean +nightly --server /p -M 4096",
            "lean -DautoImplicit=false --server",
        ] {
            assert!(call(serves).serves(), "{serves}");
        }
        for passes in [
            "lake build serve",
            "lake --version",
            "lake env lean --server",
            "lake serve --help",
            "lake +x build",
            "lean Foo.lean",
            "lean --run Foo.lean --server",
            "lean -- --server",
            "lean --worker file:///a.lean",
            "lean --version",
            "elan serve",
            "elan --server",
        ] {
            assert!(!call(passes).serves(), "{passes}");
        }
    }

    #[test]
    fn what_lean_itself_gets() {
        let args = |s: &str| call(s).server_args().join(OsStr::new(" ")).into_string().unwrap();
        assert_eq!(args("lake +x serve -- /p -DmaxRecDepth=9"), "/p -DmaxRecDepth=9");
        assert_eq!(args("lake serve"), "");
        assert_eq!(args("lean +x --server /p -Dx=1"), "/p -Dx=1");
        assert_eq!(call("lake +x serve").toolchain().as_deref(), Some("x"));
        assert_eq!(call("lake serve +x").toolchain(), None);
        assert_eq!(call("elan +x").toolchain(), None);
    }
}
