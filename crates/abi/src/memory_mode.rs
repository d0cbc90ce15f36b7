//! How accesses outside a memory are found.
#![forbid(unsafe_code)]

/// How accesses outside a memory are found. Fixed for an engine.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum MemoryMode {
    /// By a fault: each memory reserves [`GUARD_RESERVATION`] bytes, and its base never moves.
    #[default]
    Guard,
    /// By a comparison before every access. A memory may move when it grows.
    Explicit,
}

/// Accesses with a smaller static offset need no check in [`MemoryMode::Guard`].
pub const GUARD_OFFSET: u64 = 32 << 20;

/// Address space of one memory in [`MemoryMode::Guard`]: every 32-bit index, and the largest
/// unchecked offset with the widest access behind it.
pub const GUARD_RESERVATION: usize = (4 << 30) + GUARD_OFFSET as usize + (64 << 10);
