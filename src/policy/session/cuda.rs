//! What ONNX Runtime's CUDA provider needs beside itself: NVIDIA's libraries, found and loaded one by one, so
//! that what is missing can be named.

use std::path::{Path, PathBuf};

use ort::ep::{self, ExecutionProvider};

/// Folders with NVIDIA's libraries, separated as in PATH: searched after the installed component.
pub const LIBRARY_DIRS: &str = "LEAN_COPILOT_CUDA_LIB_DIRS";

/// The driver; it comes with the graphics card's driver package, never with ours.
const DRIVER: &str = if cfg!(windows) { "nvcuda.dll" } else { "libcuda.so.1" };

/// What the provider is linked against, dependencies before their dependents.
const NEEDED: &[&str] = if cfg!(windows) {
    &["cudart64_13.dll", "cublasLt64_13.dll", "cublas64_13.dll"]
} else {
    &["libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10"]
};

/// Makes the CUDA provider of the loaded ONNX Runtime usable, or says what is missing. `library` is ONNX
/// Runtime's own: an installed component keeps NVIDIA's libraries beside it.
pub(super) fn prepare(library: &Path) -> Result<(), String> {
    match ep::CUDA::is_available() {
        Ok(true) => {}
        Ok(false) => return Err("this ONNX Runtime is built without CUDA".to_owned()),
        Err(e) => return Err(format!("ONNX Runtime does not say whether it has CUDA: {e}")),
    }
    ort::util::preload_dylib(DRIVER)
        .map_err(|e| format!("no driver of NVIDIA: `{DRIVER}` cannot be loaded: {e}"))?;
    let mut folders: Vec<PathBuf> = library.parent().map(Path::to_owned).into_iter().collect();
    if let Some(more) = std::env::var_os(LIBRARY_DIRS) {
        folders.extend(std::env::split_paths(&more));
    }
    NEEDED.iter().try_for_each(|name| load(name, &folders))
}

/// Loads a library from the first folder that has it, otherwise from where the system looks.
fn load(name: &str, folders: &[PathBuf]) -> Result<(), String> {
    let found = folders.iter().map(|f| f.join(name)).find(|f| f.is_file());
    match found {
        Some(file) => ort::util::preload_dylib(file.as_os_str())
            .map_err(|e| format!("`{}` cannot be loaded: {e}", file.display())),
        None => ort::util::preload_dylib(name).map_err(|_| {
            let places: Vec<String> = folders.iter().map(|f| format!("`{}`", f.display())).collect();
            format!("`{name}` is missing: neither in {} nor where the system looks", places.join(", "))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_missing_or_broken_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        let place = folder.path().display().to_string();
        let missing = load("libcublas-of-nobody.so.13", &folders).unwrap_err();
        assert!(
            missing.contains("`libcublas-of-nobody.so.13` is missing") && missing.contains(&place),
            "{missing}"
        );
        std::fs::write(folder.path().join("libcudart.so.13"), "no library").unwrap();
        let broken = load("libcudart.so.13", &folders).unwrap_err();
        assert!(broken.contains("libcudart.so.13") && broken.contains("cannot be loaded"), "{broken}");
    }
}
