//! Function types of an engine: equal types have equal ids.
//!
//! Ids are compared by machine code, in tables that may outlive the module that made them, so an
//! id is **never used twice** in an engine. A type that nobody uses any more leaves the registry;
//! if it comes back it gets a new id, which is right because no one can compare the old one.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, Weak},
};

use codespace::{Footprint, Footprints};
use sync::{Mutex, Rank};
use tierup_abi::{CallLayout, NULL_TYPE_ID};
use tierup_wasm::FuncType;
use vmem::ForkGuard;

use crate::{
    Error, ErrorKind,
    wrappers::{self, Wrapper},
};

/// The function types in use in an engine.
#[derive(Debug)]
pub struct TypeRegistry {
    shared: Arc<Shared>,
    footprints: Footprints,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// None if the system has none: then children may wait for ever.
    fork_guard: Option<ForkGuard>,
}

#[derive(Debug, Default)]
struct State {
    last_id: u32,
    types: HashMap<FuncType, Weak<RegisteredType>>,
}

impl TypeRegistry {
    /// An empty registry.
    pub fn new() -> Self {
        let state = State { last_id: NULL_TYPE_ID, types: HashMap::new() };
        let state = Mutex::new(Rank::Types, state);
        let shared = Arc::new(Shared { state, fork_guard: ForkGuard::new().ok() });
        Self { shared, footprints: Footprints::default() }
    }

    /// The registered form of `ty`.
    ///
    /// # Errors
    ///
    /// If four billion ids were used up.
    pub fn register(&self, ty: &FuncType) -> Result<Arc<RegisteredType>, Error> {
        let mut state = self.shared.state.lock();
        if let Some(found) = state.types.get(ty).and_then(Weak::upgrade) {
            return Ok(found);
        }
        let id = state.last_id.checked_add(1).ok_or(ErrorKind::TooManyTypes)?;
        state.last_id = id;
        let layout = CallLayout::new(ty);
        let bytes = ENTRY_BYTES + 2 * ty.heap_bytes() + layout.heap_bytes();
        let registered = Arc::new(RegisteredType {
            id,
            layout,
            _footprint: self.footprints.add(bytes),
            ty: ty.clone(),
            entry_wrapper: OnceLock::new(),
            host_wrapper: OnceLock::new(),
            registry: Arc::clone(&self.shared),
        });
        state.types.insert(ty.clone(), Arc::downgrade(&registered));
        Ok(registered)
    }

    /// Bytes on the heap. Takes no lock.
    pub fn heap_bytes(&self) -> usize {
        self.footprints.bytes()
    }

    /// True if `ty` is one of this registry: only then its id means anything here.
    pub fn owns(&self, ty: &RegisteredType) -> bool {
        Arc::ptr_eq(&self.shared, &ty.registry)
    }

    /// Number of types in use.
    pub fn len(&self) -> usize {
        self.shared.state.lock().types.len()
    }

    /// True if no type is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for TypeRegistry {
    fn default() -> Self {
        Self::new()
    }
}

/// A function type of an engine, with the wrappers that only depend on it.
#[derive(Debug)]
pub struct RegisteredType {
    id: u32,
    ty: FuncType,
    layout: CallLayout,
    pub(crate) entry_wrapper: OnceLock<Arc<Wrapper>>,
    pub(crate) host_wrapper: OnceLock<Arc<Wrapper>>,
    registry: Arc<Shared>,
    _footprint: Footprint,
}

/// What a type takes beside its parts: itself behind an `Arc`, and its place in the map, of which
/// two thirds are filled on average.
const ENTRY_BYTES: usize = size_of::<RegisteredType>()
    + 2 * size_of::<usize>()
    + (size_of::<(FuncType, Weak<RegisteredType>)>() + 1) * 3 / 2;

impl RegisteredType {
    /// The id that machine code compares.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The type itself.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// How functions of this type are called.
    pub fn layout(&self) -> &CallLayout {
        &self.layout
    }

    /// Machine code that enters functions of this type, as the engine makes it when needed.
    pub fn entry_wrapper_code(&self) -> Vec<u8> {
        wrappers::entry_wrapper(self)
    }

    /// Machine code that leaves Wasm for host functions of this type.
    pub fn host_wrapper_code(&self) -> Vec<u8> {
        wrappers::host_wrapper(self)
    }
}

impl Drop for RegisteredType {
    fn drop(&mut self) {
        if self.registry.fork_guard.is_some_and(|guard| guard.is_inherited()) {
            // The lock may be held for ever, by a thread that a forked child does not have.
            return;
        }
        let mut state = self.registry.state.lock();
        // Somebody may have registered the type again since the last reference went.
        if state.types.get(&self.ty).is_some_and(|found| found.strong_count() == 0) {
            state.types.remove(&self.ty);
        }
    }
}

#[cfg(test)]
mod tests {
    use tierup_wasm::ValType;

    use super::*;

    fn ty(count: usize) -> FuncType {
        FuncType::new(vec![ValType::I32; count], [])
    }

    #[test]
    fn equal_types_share_an_id() {
        let registry = TypeRegistry::new();
        let first = registry.register(&ty(1)).unwrap();
        let second = registry.register(&ty(1)).unwrap();
        assert_eq!(first.id(), second.id());
        assert_ne!(first.id(), registry.register(&ty(2)).unwrap().id());
    }

    #[test]
    fn an_id_is_never_used_twice() {
        let registry = TypeRegistry::new();
        let mut seen = std::collections::HashSet::new();
        for round in 0..1000 {
            let registered = registry.register(&ty(round % 3)).unwrap();
            assert!(seen.insert(registered.id()));
            assert_ne!(registered.id(), NULL_TYPE_ID);
        }
        assert!(registry.is_empty());
    }

    #[test]
    fn hammer_types_come_and_go() {
        let registry = TypeRegistry::new();
        sync::hammer(4, 500, |thread, round| {
            let kept = registry.register(&ty(round % 5)).unwrap();
            let again = registry.register(&ty(round % 5)).unwrap();
            assert_eq!(kept.id(), again.id(), "thread {thread}");
        });
        assert!(registry.is_empty());
    }
}
