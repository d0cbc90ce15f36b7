//! Limits that the embedder sets on a store.
#![forbid(unsafe_code)]

use std::{any::Any, fmt};

/// Decides whether memories, tables and instances may grow in number and size.
pub trait ResourceLimiter {
    /// A memory wants to grow from `current` to `desired` bytes; `maximum` is its own limit.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool;

    /// A table wants to grow from `current` to `desired` elements; `maximum` is its own limit.
    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool;

    /// Most instances in the store.
    fn instances(&self) -> usize {
        10_000
    }

    /// Most memories in the store.
    fn memories(&self) -> usize {
        10_000
    }

    /// Most tables in the store.
    fn tables(&self) -> usize {
        10_000
    }
}

/// Limits that live in a store's data.
pub type Limits<'a> = &'a mut dyn ResourceLimiter;

type Find = dyn Fn(&mut dyn Any) -> Limits<'_> + Send;

/// Where in the store's data the limits are.
pub struct Limiter(Box<Find>);

impl Limiter {
    /// A limiter that `find` finds in the store's data.
    pub fn new(find: impl Fn(&mut dyn Any) -> Limits<'_> + Send + 'static) -> Self {
        Self(Box::new(find))
    }

    pub(crate) fn find<'a>(&self, data: &'a mut dyn Any) -> Limits<'a> {
        (self.0)(data)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Limiter")
    }
}

impl crate::StoreState {
    /// Asks `limiter` before memories, tables and instances are made or grow.
    pub fn set_limiter(&mut self, limiter: Limiter) {
        self.limiter = Some(limiter);
    }
}
