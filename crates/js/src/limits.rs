//! The embedder's limits, and a note of every memory that grew.
#![forbid(unsafe_code)]

use std::{cell::Cell, rc::Rc};

use tierup::ResourceLimiter;

/// The embedder's limits, if it has any; counts the growths of memories, after which their buffers
/// have to be looked at.
pub(crate) struct CountingLimiter {
    limits: Option<Box<dyn ResourceLimiter>>,
    growths: Rc<Cell<u64>>,
}

impl CountingLimiter {
    pub(crate) fn new(limits: Option<Box<dyn ResourceLimiter>>, growths: &Rc<Cell<u64>>) -> Self {
        Self { limits, growths: Rc::clone(growths) }
    }
}

/// Most objects of a kind, if the embedder says nothing: they are small, and address space ends
/// before.
const MANY: usize = 1 << 20;

impl ResourceLimiter for CountingLimiter {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        self.growths.set(self.growths.get() + 1);
        let limits = self.limits.as_mut();
        limits.is_none_or(|limits| limits.memory_growing(current, desired, maximum))
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> bool {
        let limits = self.limits.as_mut();
        limits.is_none_or(|limits| limits.table_growing(current, desired, maximum))
    }

    fn instances(&self) -> usize {
        self.limits.as_ref().map_or(MANY, |limits| limits.instances())
    }

    fn memories(&self) -> usize {
        self.limits.as_ref().map_or(MANY, |limits| limits.memories())
    }

    fn tables(&self) -> usize {
        self.limits.as_ref().map_or(MANY, |limits| limits.tables())
    }
}
