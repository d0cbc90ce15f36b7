//! What `fetch` finds in the file system: paths and `file:` URLs.
#![forbid(unsafe_code)]

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::Shared;
use crate::fetch::{Fetched, Hook};

/// What is known by a file's name.
const TYPES: [(&str, &str); 6] = [
    ("wasm", "application/wasm"),
    ("json", "application/json"),
    ("js", "text/javascript"),
    ("mjs", "text/javascript"),
    ("html", "text/html"),
    ("txt", "text/plain"),
];

/// Serves files, and asks `others` for all other URLs.
pub(crate) fn hook(shared: &Rc<Shared>, others: Option<Box<Hook>>) -> Box<Hook> {
    let shared = Rc::clone(shared);
    Box::new(move |url| match (file_of(url), &others) {
        (Some(path), _) => open(&shared.base.borrow().join(path)),
        (None, Some(others)) => others(url),
        (None, None) => {
            let message = format!("only paths and file: are served here, not {url}");
            Err(io::Error::new(io::ErrorKind::Unsupported, message))
        }
    })
}

fn open(path: &Path) -> io::Result<Fetched> {
    let told = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
    };
    let file = File::open(path).map_err(told)?;
    if file.metadata().map_err(told)?.is_dir() {
        return Err(told(io::ErrorKind::IsADirectory.into()));
    }
    let extension = path.extension().and_then(|extension| extension.to_str());
    let extension = extension.map(str::to_ascii_lowercase);
    let ty = TYPES.iter().find(|(name, _)| Some(*name) == extension.as_deref());
    let fetched = Fetched::new(file);
    Ok(match ty {
        Some((_, ty)) => fetched.header("content-type", ty),
        None => fetched,
    })
}

/// The path that a URL names; none if it names something else than a file.
fn file_of(url: &str) -> Option<PathBuf> {
    if let Some(path) = url.strip_prefix("file://") {
        return Some(PathBuf::from(percent_decoded(path)));
    }
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text.chars().all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it))
    };
    (!scheme.is_some_and(is_scheme)).then(|| PathBuf::from(url))
}

/// The URL of a path. One that is not absolute begins at the current folder.
pub(crate) fn file_url(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    // Without a current folder, nothing better is known than what is there.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut url = "file://".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'@' | b'+' => url.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => url.push(byte.into()),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// The text with `%` and two digits replaced by what they stand for.
fn percent_decoded(text: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(|_| byte == b'%') {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    std::ffi::OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_files() {
        for (url, path) in [
            ("a.wasm", Some("a.wasm")),
            ("../a b%20c", Some("../a b%20c")),
            ("file:///x/a%20b%zz%+f%", Some("/x/a b%zz%+f%")),
            ("./a:b", Some("./a:b")),
            ("http://x/a.wasm", None),
            ("data:,x", None),
        ] {
            assert_eq!(file_of(url), path.map(PathBuf::from), "{url}");
        }
    }
}
