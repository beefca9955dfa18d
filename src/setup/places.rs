//! Where editors keep their settings, by platform. Pure: it takes the environment as data.

use std::path::{Path, PathBuf};

use super::Editor;

/// The platforms whose editors differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and the BSDs: XDG directories, Flatpak.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

impl Platform {
    /// This one.
    pub fn current() -> Platform {
        match std::env::consts::OS {
            "macos" => Platform::MacOs,
            "windows" => Platform::Windows,
            _ => Platform::Linux,
        }
    }
}

/// What the places depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// The platform.
    pub platform: Platform,
    /// The home directory.
    pub home: PathBuf,
    /// `XDG_CONFIG_HOME`, where it is set.
    pub xdg_config: Option<PathBuf>,
    /// `XDG_DATA_HOME`, where it is set.
    pub xdg_data: Option<PathBuf>,
    /// `APPDATA` (Windows).
    pub app_data: Option<PathBuf>,
    /// `LOCALAPPDATA` (Windows).
    pub local_app_data: Option<PathBuf>,
    /// `NVIM_APPNAME`, where it is set.
    pub nvim_app: Option<PathBuf>,
}

impl Surroundings {
    /// Those of this process; none without a home directory.
    pub fn from_env() -> Option<Surroundings> {
        let path = |key: &str| std::env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
        let absolute = |key: &str| path(key).filter(|p| p.is_absolute());
        Some(Surroundings {
            platform: Platform::current(),
            home: etcetera::home_dir().ok()?,
            xdg_config: absolute("XDG_CONFIG_HOME"),
            xdg_data: absolute("XDG_DATA_HOME"),
            app_data: absolute("APPDATA"),
            local_app_data: absolute("LOCALAPPDATA"),
            nvim_app: path("NVIM_APPNAME"),
        })
    }

    fn config(&self) -> PathBuf {
        self.xdg_config.clone().unwrap_or_else(|| self.home.join(".config"))
    }

    fn roaming(&self) -> PathBuf {
        self.app_data.clone().unwrap_or_else(|| self.home.join("AppData/Roaming"))
    }
}

/// A place where one variant of an editor keeps its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The variant, for people: `VSCodium`, `code-server`.
    pub variant: &'static str,
    /// The file.
    pub file: PathBuf,
    /// The folder that is there where the variant is in use.
    pub sign: PathBuf,
}

/// Variants of VS Code: the name of their folder, and their Flatpak.
const VSCODE: [(&str, &str, Option<&str>); 7] = [
    ("VS Code", "Code", Some("com.visualstudio.code")),
    ("VS Code Insiders", "Code - Insiders", Some("com.visualstudio.code.insiders")),
    ("Code - OSS", "Code - OSS", Some("com.visualstudio.code-oss")),
    ("VSCodium", "VSCodium", Some("com.vscodium.codium")),
    ("Cursor", "Cursor", None),
    ("Windsurf", "Windsurf", None),
    ("Positron", "Positron", None),
];

/// All places of an editor, the usual one first.
pub fn all(editor: Editor, around: &Surroundings) -> Vec<Place> {
    let place = |variant, sign: PathBuf, rest: &str| Place { variant, file: sign.join(rest), sign };
    let linux = around.platform == Platform::Linux;
    let flatpak = |id: &str| around.home.join(".var/app").join(id).join("config");
    match editor {
        Editor::Vscode => {
            let base = match around.platform {
                Platform::Linux => around.config(),
                Platform::MacOs => around.home.join("Library/Application Support"),
                Platform::Windows => around.roaming(),
            };
            const USER: &str = "User/settings.json";
            let mut places: Vec<Place> =
                VSCODE.iter().map(|(variant, folder, _)| place(variant, base.join(folder), USER)).collect();
            if linux {
                let flatpaks = VSCODE.iter().filter_map(|(variant, folder, id)| {
                    Some(place(variant, flatpak((*id)?).join(folder), USER))
                });
                places.extend(flatpaks);
                let data = around.xdg_data.clone().unwrap_or_else(|| around.home.join(".local/share"));
                places.push(place("code-server", data.join("code-server"), USER));
                // The remote side of VS Code, where Lean runs.
                let remote = around.home.join(".vscode-server");
                places.push(place("VS Code (remote)", remote, "data/Machine/settings.json"));
            }
            places
        }
        Editor::Neovim => {
            let name = around.nvim_app.clone().unwrap_or_else(|| "nvim".into());
            let base = match around.platform {
                Platform::Windows => {
                    around.local_app_data.clone().unwrap_or_else(|| around.home.join("AppData/Local"))
                }
                _ => around.config(),
            };
            vec![place("Neovim", base.join(name), "plugin/lean-copilot.lua")]
        }
        Editor::Emacs => {
            let home = match around.platform {
                Platform::Windows => around.roaming(),
                _ => around.home.clone(),
            };
            // In Emacs's own order; a file's sign is the file itself.
            let files = [home.join(".emacs.el"), home.join(".emacs")];
            let mut places: Vec<Place> =
                files.into_iter().map(|file| Place { variant: "Emacs", sign: file.clone(), file }).collect();
            places.push(place("Emacs", home.join(".emacs.d"), "init.el"));
            places.push(place("Emacs", around.config().join("emacs"), "init.el"));
            places
        }
        Editor::Helix => {
            let base = match around.platform {
                Platform::Windows => around.roaming(),
                _ => around.config(),
            };
            let mut places = vec![place("Helix", base.join("helix"), "languages.toml")];
            if linux {
                places.push(place(
                    "Helix",
                    flatpak("com.helix_editor.Helix").join("helix"),
                    "languages.toml",
                ));
            }
            places
        }
        Editor::Zed => {
            let folder = match around.platform {
                Platform::Windows => around.roaming().join("Zed"),
                _ => around.config().join("zed"),
            };
            let mut places = vec![place("Zed", folder, "settings.json")];
            if linux {
                places.push(place("Zed", flatpak("dev.zed.Zed").join("zed"), "settings.json"));
            }
            places
        }
    }
}

/// The places in use: those whose sign `exists`, or the usual one where none does. Emacs reads one file only.
pub fn in_use(editor: Editor, around: &Surroundings, exists: impl Fn(&Path) -> bool) -> Vec<Place> {
    let all = all(editor, around);
    let mut found: Vec<Place> = all.iter().filter(|p| exists(&p.sign)).cloned().collect();
    if editor == Editor::Emacs {
        found.truncate(1);
    }
    if !found.is_empty() {
        return found;
    }
    // Emacs begins with `.emacs.d` today, not with `.emacs.el`.
    let usual = if editor == Editor::Emacs { 2 } else { 0 };
    all.into_iter().skip(usual).take(1).collect()
}

/// The file of a project's own settings, for the editors that read one.
pub fn of_project(editor: Editor, folder: &Path) -> Option<PathBuf> {
    match editor {
        Editor::Vscode => Some(folder.join(".vscode/settings.json")),
        Editor::Helix => Some(folder.join(".helix/languages.toml")),
        Editor::Zed => Some(folder.join(".zed/settings.json")),
        Editor::Neovim | Editor::Emacs => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(platform: Platform) -> Surroundings {
        Surroundings {
            platform,
            home: "/home/u".into(),
            xdg_config: None,
            xdg_data: None,
            app_data: None,
            local_app_data: None,
            nvim_app: None,
        }
    }

    fn files(editor: Editor, around: &Surroundings, there: &[&str]) -> Vec<String> {
        let there = |p: &Path| there.iter().any(|t| Path::new(t) == p);
        in_use(editor, around, there).into_iter().map(|p| p.file.display().to_string()).collect()
    }

    #[test]
    fn the_usual_place_where_nothing_is_there() {
        let mut linux = around(Platform::Linux);
        let one = |editor, around: &Surroundings| files(editor, around, &[]).join(" ");
        assert_eq!(one(Editor::Vscode, &linux), "/home/u/.config/Code/User/settings.json");
        assert_eq!(one(Editor::Emacs, &linux), "/home/u/.emacs.d/init.el");
        assert_eq!(one(Editor::Neovim, &linux), "/home/u/.config/nvim/plugin/lean-copilot.lua");
        assert_eq!(one(Editor::Helix, &linux), "/home/u/.config/helix/languages.toml");
        linux.xdg_config = Some("/x".into());
        linux.nvim_app = Some("nvim-lean".into());
        assert_eq!(one(Editor::Zed, &linux), "/x/zed/settings.json");
        assert_eq!(one(Editor::Neovim, &linux), "/x/nvim-lean/plugin/lean-copilot.lua");
        let mac = around(Platform::MacOs);
        let file = "/home/u/Library/Application Support/Code/User/settings.json";
        assert_eq!(one(Editor::Vscode, &mac), file);
        assert_eq!(one(Editor::Zed, &mac), "/home/u/.config/zed/settings.json");
        let windows = around(Platform::Windows);
        assert_eq!(one(Editor::Helix, &windows), "/home/u/AppData/Roaming/helix/languages.toml");
        assert_eq!(one(Editor::Neovim, &windows), "/home/u/AppData/Local/nvim/plugin/lean-copilot.lua");
    }

    #[test]
    fn every_variant_in_use_but_one_file_of_emacs() {
        let linux = around(Platform::Linux);
        let there = ["/home/u/.config/VSCodium", "/home/u/.var/app/com.visualstudio.code/config/Code"];
        assert_eq!(
            files(Editor::Vscode, &linux, &there),
            [
                "/home/u/.config/VSCodium/User/settings.json",
                "/home/u/.var/app/com.visualstudio.code/config/Code/User/settings.json"
            ]
        );
        let there = ["/home/u/.emacs", "/home/u/.emacs.d"];
        assert_eq!(files(Editor::Emacs, &linux, &there), ["/home/u/.emacs"], "Emacs stops at the first");
    }
}
