//! `runtime/packages.json`: which packages make a component on which platform, pinned by hash.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256, Sha512};

use super::Component;
use crate::error::{Failure, FailureKind};

/// The pinned packages of all components.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest(BTreeMap<Component, Vec<Way>>);

/// One way to get a component on one platform. Several are tried in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Version of what is installed, as people see it.
    pub version: String,
    /// `linux-x64`, `darwin-arm64`, `win-x64`, …, or `any`.
    pub platform: String,
    /// The file to be used, relative to the component's folder.
    pub entry: String,
    /// Space that the installed component takes, in bytes.
    pub disk: u64,
    /// What is fetched.
    pub packages: Vec<Package>,
}

/// An archive, fetched by the user's own package client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Who fetches it.
    pub client: ClientKind,
    /// Name in the registry.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// `sha512-BASE64` (npm's integrity) or `sha256:HEX` (pip's hash) of the archive.
    pub hash: Hash,
    /// Length of the archive in bytes, roughly, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// For pip: which wheel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wheel: Option<Wheel>,
    /// What is taken out of it: prefix of the path in the archive → prefix in the component's folder.
    pub take: BTreeMap<String, String>,
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// The tags of a wheel; the Python that runs `pip` need not have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wheel {
    /// Such as `3.12`.
    pub python: String,
    /// Such as `cp312`, or `none`.
    pub abi: String,
    /// Such as `manylinux_2_28_x86_64`.
    pub platform: String,
}

/// The package clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientKind {
    /// Node's package manager.
    Npm,
    /// Python's.
    Pip,
}

impl ClientKind {
    /// The command's name.
    pub fn name(self) -> &'static str {
        match self {
            ClientKind::Npm => "npm",
            ClientKind::Pip => "pip",
        }
    }
}

/// A pinned hash of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(String);

impl Hash {
    /// Reads the whole stream; an error names both hashes.
    pub fn check(&self, what: &dyn fmt::Display, reader: &mut dyn std::io::Read) -> Result<()> {
        let found = if self.0.starts_with("sha512-") {
            let mut hasher = Sha512::new();
            std::io::copy(reader, &mut IntoHash(&mut hasher))?;
            format!("sha512-{}", base64::engine::general_purpose::STANDARD.encode(hasher.finalize()))
        } else {
            let mut hasher = Sha256::new();
            std::io::copy(reader, &mut IntoHash(&mut hasher))?;
            format!("sha256:{}", hex(&hasher.finalize()))
        };
        if found == self.0 {
            return Ok(());
        }
        Err(Failure::new(
            FailureKind::Corrupt,
            format!("`{what}` is not the package that was pinned: its hash is {found}, not {}", self.0),
        )
        .hint("the registry or a proxy on the way served something else; nothing of it was used. Run the command again, or check the settings of `npm` and `pip`")
        .into())
    }
}

struct IntoHash<'a, D: Digest>(&'a mut D);

impl<D: Digest> std::io::Write for IntoHash<'_, D> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

impl Manifest {
    /// Reads `packages.json` from the folder `runtime/` of the share directory.
    pub fn load(runtime: &Path) -> Result<Manifest> {
        let file = runtime.join("packages.json");
        let text = std::fs::read_to_string(&file).map_err(|e| {
            Failure::new(FailureKind::Missing, format!("cannot read `{}`: {e}", file.display()))
                .hint("set LEAN_COPILOT_SHARE_DIR to the folder that holds `models` and `runtime`")
        })?;
        Manifest::parse(&text).with_context(|| format!("in `{}`", file.display()))
    }

    /// Parses the manifest's JSON.
    pub fn parse(text: &str) -> Result<Manifest> {
        let manifest: Manifest = serde_json::from_str(text).map_err(|e| {
            Failure::new(FailureKind::Corrupt, format!("the list of packages cannot be read: {e}"))
                .hint("install lean-copilot again")
        })?;
        for package in manifest.0.values().flatten().flat_map(|w| &w.packages) {
            let known = package.hash.0.starts_with("sha512-") || package.hash.0.starts_with("sha256:");
            if !known || (package.client == ClientKind::Pip) != package.wheel.is_some() {
                return Err(Failure::new(
                    FailureKind::Corrupt,
                    format!("the list of packages is wrong about `{package}`"),
                )
                .into());
            }
        }
        Ok(manifest)
    }

    /// The ways to get a component on a platform, best first; none means that there is none.
    pub fn ways<'a>(&'a self, component: Component, platform: &'a str) -> impl Iterator<Item = &'a Way> {
        let ways = self.0.get(&component).map(Vec::as_slice).unwrap_or_default();
        ways.iter().filter(move |w| w.platform == platform || w.platform == "any")
    }
}

impl Way {
    /// Bytes to fetch, as far as known.
    pub fn download(&self) -> u64 {
        self.packages.iter().filter_map(|p| p.bytes).sum()
    }

    /// The name of the folder that holds the installed component: a change of packages or of the set-up
    /// gives another one, so that what was installed by another version is never taken for it.
    pub fn folder(&self, component: Component, set_up: &[u8]) -> String {
        let mut hasher = Sha256::new();
        hasher.update(serde_json::to_vec(self).unwrap_or_default());
        hasher.update(set_up);
        format!("{}-{}-{}", component.key(), self.version, &hex(&hasher.finalize())[..12])
    }
}

/// This machine's platform in npm's words.
pub fn platform() -> String {
    let os = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{os}-{arch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Manifest {
        Manifest::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime")).unwrap()
    }

    #[test]
    fn the_shipped_list_serves_linux() {
        let manifest = shipped();
        for component in Component::ALL {
            let ways: Vec<_> = manifest.ways(component, "linux-x64").collect();
            assert!(!ways.is_empty(), "{component} has no way");
            assert!(ways.iter().all(|w| !w.packages.is_empty() && w.disk > 0));
        }
        let clients: Vec<_> =
            manifest.ways(Component::OnnxRuntime, "linux-x64").map(|w| w.packages[0].client).collect();
        assert_eq!(clients, [ClientKind::Pip, ClientKind::Npm], "the small wheel first");
    }

    #[test]
    fn another_hash_or_another_set_up_is_another_folder() {
        let manifest = shipped();
        let way = manifest.ways(Component::Lean, "linux-x64").next().unwrap();
        let mut other = way.clone();
        other.packages[0].hash = Hash("sha512-AAAA".into());
        assert_ne!(way.folder(Component::Lean, b""), other.folder(Component::Lean, b""));
        assert_ne!(way.folder(Component::Lean, b"a"), way.folder(Component::Lean, b"b"));
        assert_eq!(way.folder(Component::Lean, b"a"), way.folder(Component::Lean, b"a"));
    }

    #[test]
    fn a_wrong_hash_is_named() {
        let abc = Hash("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into());
        abc.check(&"x", &mut &b"abc"[..]).unwrap();
        let error = abc.check(&"x 1.0", &mut &b"abd"[..]).unwrap_err();
        assert!(error.to_string().contains("x 1.0") && error.to_string().contains("ba7816bf"), "{error}");
        assert_eq!(Failure::of(&error).unwrap().kind, FailureKind::Corrupt);
    }

    #[test]
    fn a_package_without_a_known_hash_is_refused() {
        let text = r#"{"lean":[{"version":"1","platform":"any","entry":"e","disk":1,"packages":[
            {"client":"npm","name":"p","version":"1","hash":"md5:00","take":{}}]}]}"#;
        assert!(Manifest::parse(text).is_err());
    }
}
