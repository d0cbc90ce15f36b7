//! The bytes of a module, shared and never copied.
#![forbid(unsafe_code)]

use std::{fmt, ops::Deref, sync::Arc};

/// Immutable bytes with shared ownership: a buffer, or anything that can lend one (a mapped file).
#[derive(Clone)]
pub struct Bytes(Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Bytes {
    /// Shares what `owner` lends. It must lend the same bytes at every call.
    pub fn from_owner(owner: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self(Arc::new(owner))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(mut bytes: Vec<u8>) -> Self {
        // They stay for as long as the module does.
        bytes.shrink_to_fit();
        Self::from_owner(bytes)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}
