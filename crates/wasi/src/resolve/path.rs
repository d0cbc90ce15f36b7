//! A path as a program gives it: relative, of bounded length, without NUL.

use std::ffi::{CStr, CString};

use crate::Errno;

/// Bytes of the longest path, as on the host, with the NUL at its end.
const LONGEST: usize = 4096;

/// A checked path. It may still lead out of its directory: that is found while resolving it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RelativePath(CString);

impl RelativePath {
    /// Copies and checks `bytes`. They need not be UTF-8: a program can use every name that it
    /// reads from a directory.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Errno> {
        if bytes.len() >= LONGEST {
            return Err(Errno::Nametoolong);
        }
        let path = Self(CString::new(bytes).map_err(|_| Errno::Inval)?);
        match bytes.first() {
            None => Err(Errno::Noent),
            Some(b'/') => Err(Errno::Perm),
            Some(_) => Ok(path),
        }
    }

    pub(crate) fn as_c_str(&self) -> &CStr {
        &self.0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.to_bytes()
    }

    pub(crate) fn ends_with_slash(&self) -> bool {
        self.bytes().ends_with(b"/")
    }

    /// The components, without empty ones.
    pub(crate) fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.bytes().split(|&byte| byte == b'/').filter(|component| !component.is_empty())
    }

    /// The path of the directory, `None` if there is just a name, and the name, with one slash if
    /// the path ended with any. `None` if the last component is `.` or `..`.
    pub(crate) fn split(&self) -> Option<(Option<Self>, CString)> {
        let bytes = self.bytes();
        let end = bytes.len() - bytes.iter().rev().take_while(|&&byte| byte == b'/').count();
        let start =
            bytes[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        if matches!(&bytes[start..end], b"." | b"..") {
            return None;
        }
        let name_end = bytes.len().min(end + 1);
        let parent = (start > 0).then(|| Self(copy(&bytes[..start])));
        Some((parent, copy(&bytes[start..name_end])))
    }
}

/// Part of a path, which has no NUL.
fn copy(bytes: &[u8]) -> CString {
    CString::new(bytes).expect("part of a CString has no NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_paths_are_refused() {
        assert_eq!(RelativePath::new(b""), Err(Errno::Noent));
        assert_eq!(RelativePath::new(b"/"), Err(Errno::Perm));
        assert_eq!(RelativePath::new(b"/etc/passwd"), Err(Errno::Perm));
        assert_eq!(RelativePath::new(b"a\0b"), Err(Errno::Inval));
        assert_eq!(RelativePath::new(&[b'a'; 4096]), Err(Errno::Nametoolong));
        assert!(RelativePath::new(&[b'a'; 4095]).is_ok());
        assert!(RelativePath::new(b"\xff").is_ok());
    }

    #[test]
    fn paths_split_before_the_last_name() {
        let split = |path: &str| {
            let path = RelativePath::new(path.as_bytes()).unwrap();
            path.split().map(|(parent, name)| {
                let parent = parent.map(|parent| parent.0.into_string().unwrap());
                (parent, name.into_string().unwrap())
            })
        };
        assert_eq!(split("a"), Some((None, "a".into())));
        assert_eq!(split("a///"), Some((None, "a/".into())));
        assert_eq!(split("a/b"), Some((Some("a/".into()), "b".into())));
        assert_eq!(split("a//../b/"), Some((Some("a//../".into()), "b/".into())));
        assert_eq!(split("a/..b"), Some((Some("a/".into()), "..b".into())));
        for no_name in [".", "..", "a/.", "a/..", "a/../", ".//"] {
            assert_eq!(split(no_name), None, "{no_name}");
        }
    }
}
