//! A store that keeps data of a known type for the embedder.

use std::{fmt, marker::PhantomData, sync::Arc};

use crate::{EngineState, StoreState};

/// A [`StoreState`] whose data is a `T`.
pub struct TypedStore<T> {
    state: Box<StoreState>,
    data: PhantomData<T>,
}

// SAFETY: of what a `StoreState` holds, only the embedder's data may not be `Send`, and that is a
// `T`: extern values, host functions and hooks are `Send` by their constructors, and the raw
// pointers lead to memory that the state owns.
unsafe impl<T: Send> Send for TypedStore<T> {}

impl<T: 'static> TypedStore<T> {
    /// An empty store that keeps `data`.
    pub fn new(engine: &Arc<EngineState>, data: T) -> Self {
        Self { state: StoreState::new(engine, Box::new(data)), data: PhantomData }
    }

    /// The store.
    pub fn state(&self) -> &StoreState {
        &self.state
    }

    /// The store, to change.
    pub fn state_mut(&mut self) -> &mut StoreState {
        &mut self.state
    }

    /// Drops the store and returns the data.
    pub fn into_data(self) -> T {
        let data = self.state.into_data().downcast::<T>();
        *data.unwrap_or_else(|_| unreachable!("`new` put a `T` there, and nothing replaces it"))
    }
}

impl<T> fmt::Debug for TypedStore<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}
