//! Equal modules of an engine are one: they are validated and compiled once.
//!
//! ```text
//!   Module (handle) ──┐
//!   Module (handle) ──┴─► ModuleInner ─► CompiledModule ─► unit
//!                              ▲   ▲              ▲
//!   contents, options ── weak ─┘   │              └── instances
//!                                  └── being made: others wait for it
//! ```
//!
//! Equal are modules with the same bytes that are compiled in the same way. What differs between
//! handles of one module is kept in the handles: today whether they pin it.
//!
//! * [SHA-KEY] everything that a module is made from and that can differ within an engine is part
//!   of the key. Bytes are, by a cryptographic hash: nobody can make two modules of one key.
//! * [SHA-HANDLES] a module is shared while it has a handle. Instances keep its code, but a handle
//!   that is made after the last one went gets a module of its own, as [`SharedMap`] never brings
//!   one back.
#![forbid(unsafe_code)]

use std::{
    num::NonZeroUsize,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use sync::{Origin, Rank, SharedMap};
use tierup_wasm::Bytes;

use crate::{CompilerStrategy, contents, module::ModuleInner};

/// The modules of an engine that can be shared.
#[derive(Debug)]
pub(crate) struct SharedModules {
    map: SharedMap<ModuleKey, ModuleInner>,
    made: AtomicU64,
    shared: AtomicU64,
}

/// How many modules were made, and how many were there already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SharingStats {
    /// Modules that were made, because there was no equal one.
    pub made: u64,
    /// Modules that are handles of an equal one, which was there or being made.
    pub shared: u64,
}

/// What a module is made from. [SHA-KEY]
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ModuleKey {
    contents: contents::Hash,
    way: Way,
}

/// What options of a module its code depends on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Way {
    pub(crate) strategy: CompilerStrategy,
    pub(crate) lazy: bool,
    pub(crate) tenant: Option<u64>,
}

/// The bytes of a module in binary form.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    /// To be copied if the module is made from them.
    Lent(&'a [u8]),
    /// To be kept.
    Own(Bytes),
}

impl SharedModules {
    pub(crate) fn new() -> Self {
        let (made, shared) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { map: SharedMap::new(Rank::Modules), made, shared }
    }

    /// The module of that key, made by `make` if there is none. The second is true for who made it.
    pub(crate) fn get_or_make<E>(
        &self,
        key: &ModuleKey,
        make: impl FnOnce() -> Result<Arc<ModuleInner>, E>,
    ) -> Result<(Arc<ModuleInner>, bool), E> {
        let (module, origin) = self.map.get_or_make(key, make)?;
        let is_made = origin == Origin::Made;
        let count = if is_made { &self.made } else { &self.shared };
        count.fetch_add(1, Ordering::Relaxed);
        Ok((module, is_made))
    }

    /// A module of that key is gone.
    pub(crate) fn forget(&self, key: &ModuleKey) {
        self.map.forget(key);
    }

    pub(crate) fn stats(&self) -> SharingStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SharingStats { made: read(&self.made), shared: read(&self.shared) }
    }
}

impl ModuleKey {
    /// The key of a module, hashed by up to `threads` threads.
    pub(crate) fn new(source: &Source<'_>, way: Way, threads: NonZeroUsize) -> Self {
        Self { contents: contents::hash(source, threads), way }
    }
}

impl Deref for Source<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Lent(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }
}

impl From<Source<'_>> for Bytes {
    fn from(source: Source<'_>) -> Self {
        match source {
            Source::Lent(bytes) => bytes.to_vec().into(),
            Source::Own(bytes) => bytes,
        }
    }
}

/// What the clones of one module have in common, apart from what they share with equal modules.
#[derive(Debug)]
pub(crate) struct Handle {
    inner: Arc<ModuleInner>,
    pinned: AtomicBool,
}

impl Handle {
    pub(crate) fn new(inner: Arc<ModuleInner>) -> Self {
        Self { inner, pinned: AtomicBool::new(false) }
    }

    /// Counts a pin, unless this handle has one.
    pub(crate) fn pin(&self) {
        if !self.pinned.swap(true, Ordering::Relaxed) {
            self.inner.compiled().unit().pin();
        }
    }

    /// Takes this handle's pin back, if it has one.
    pub(crate) fn unpin(&self) {
        if self.pinned.swap(false, Ordering::Relaxed) {
            self.inner.compiled().unit().unpin();
        }
    }
}

impl Deref for Handle {
    type Target = ModuleInner;

    fn deref(&self) -> &ModuleInner {
        &self.inner
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.unpin();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_is_another_key() {
        let strategies =
            [CompilerStrategy::Tiered, CompilerStrategy::Baseline, CompilerStrategy::Optimizing];
        let one = NonZeroUsize::MIN;
        let mut keys = std::collections::HashSet::new();
        for bytes in [&b""[..], b"\0", b"\0\0", b"\0asm"] {
            for strategy in strategies {
                for number in 0..6 {
                    let (lazy, tenant) = (number < 3, [None, Some(0), Some(1)][number % 3]);
                    let way = Way { strategy, lazy, tenant };
                    let key = ModuleKey::new(&Source::Lent(bytes), way.clone(), one);
                    let own = Source::Own(bytes.to_vec().into());
                    assert_eq!(key, ModuleKey::new(&own, way, one));
                    assert!(keys.insert(key));
                }
            }
        }
    }
}
