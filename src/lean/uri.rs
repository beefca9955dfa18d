//! Files as `file:` URIs, the way editors write them.

use std::path::{Path, PathBuf};

/// The URI of a file; the path is made absolute first, links in it are kept.
pub fn from_path(path: &Path) -> std::io::Result<String> {
    let absolute = std::path::absolute(path)?;
    let text = absolute.to_string_lossy().replace('\\', "/");
    let mut out = String::from(if text.starts_with('/') { "file://" } else { "file:///" });
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte as char);
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(out)
}

/// The path of a `file:` URI; `None` for any other URI.
pub fn to_path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    // A host, such as `localhost`, stands before the path.
    let path = &rest[rest.find('/')?..];
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = (byte == b'%').then(|| tail.get(..2)).flatten();
        let decoded =
            hex.and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        bytes.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { &tail[2..] } else { tail };
    }
    let path = String::from_utf8(bytes).ok()?;
    // `/C:/x` is a path of Windows.
    let drive = path.len() > 2 && path.as_bytes()[2] == b':';
    Some(PathBuf::from(if drive { &path[1..] } else { &path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_survives() {
        let path = Path::new("/tmp/a b/ä%20.lean");
        let uri = from_path(path).unwrap();
        assert_eq!(uri, "file:///tmp/a%20b/%C3%A4%2520.lean");
        assert_eq!(to_path(&uri).as_deref(), Some(path));
        assert_eq!(to_path("untitled:Untitled-1"), None);
        assert_eq!(to_path("file:///C%3A/x").as_deref(), Some(Path::new("C:/x")));
        assert_eq!(to_path("file:///100%").as_deref(), Some(Path::new("/100%")));
    }
}
