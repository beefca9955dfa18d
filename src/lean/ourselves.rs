//! Which programs on the disk are this one: its own file, a link to it, or a copy of any version of it.
//!
//! Under the names `lake`, `lean` and `elan` this program starts the real ones. Taking another copy of
//! itself for the real one would make two of them start each other for ever.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Stands in every build of this program and in no other one.
#[used]
static MARK: [u8; 48] = *b"lean-copilot stand-in 7f1c5e0d-3b92-4f6a-9d84-21";

/// No build of this program is smaller; a smaller program need not be read through.
const SMALLEST: u64 = 4 << 20;

/// What is larger than this is somebody else's.
const LARGEST: u64 = 512 << 20;

/// Whether a program is this one.
pub fn is_ours(program: &Path) -> bool {
    let Ok(own) = std::env::current_exe() else { return false };
    same_file(program, &own) || bears_mark(program)
}

fn same_file(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |p: &Path| std::fs::metadata(p).map(|m| (m.dev(), m.ino())).ok();
        if id(a).is_some_and(|found| Some(found) == id(b)) {
            return true;
        }
    }
    matches!((std::fs::canonicalize(a), std::fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

fn bears_mark(program: &Path) -> bool {
    let Ok(mut file) = File::open(program) else { return false };
    let length = file.metadata().map_or(0, |m| m.len());
    if !(SMALLEST..=LARGEST).contains(&length) {
        return false;
    }
    let finder = memchr::memmem::Finder::new(&MARK);
    let mut buffer = vec![0; 1 << 20];
    let mut kept = 0;
    loop {
        match file.read(&mut buffer[kept..]) {
            Ok(0) => return false,
            Ok(n) => {
                let filled = kept + n;
                if finder.find(&buffer[..filled]).is_some() {
                    return true;
                }
                // The mark may begin at the end of this part.
                kept = filled.min(MARK.len() - 1);
                buffer.copy_within(filled - kept..filled, 0);
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_copies_of_this_program_are_known_and_others_are_not() {
        let own = std::env::current_exe().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let copy = dir.path().join("lake");
        std::fs::copy(&own, &copy).unwrap();
        assert!(is_ours(&own) && is_ours(&copy));
        #[cfg(unix)]
        {
            let link = dir.path().join("lean");
            std::os::unix::fs::symlink(&copy, &link).unwrap();
            assert!(is_ours(&link));
        }
        let other = dir.path().join("other");
        std::fs::write(&other, vec![b'l'; SMALLEST as usize + 1]).unwrap();
        assert!(!is_ours(&other) && !is_ours(&dir.path().join("missing")));
        // Across the seam of two reads.
        let mut bytes = vec![0; SMALLEST as usize];
        let seam = (1 << 20) - 10;
        bytes[seam..seam + MARK.len()].copy_from_slice(&MARK);
        std::fs::write(&other, bytes).unwrap();
        assert!(is_ours(&other));
    }
}
