//! The order of all locks of the project. This list is the deadlock documentation.

use std::cell::Cell;

/// Place of a lock in the order: a thread that holds a lock takes only locks of higher rank.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Rank {
    /// State of an engine: modules, types.
    Engine = 10,
    /// Functions that wait for being compiled.
    CompileQueue = 18,
    /// Why compiles failed.
    CompileFailures = 19,
    /// The lazy-compile gate of a module.
    LazyGate = 20,
    /// What is remembered of a function's loops.
    Loops = 21,
    /// Collecting code: one thread at a time.
    Collecting = 14,
    /// The stores of an engine.
    Stores = 15,
    /// What one activation and the collector of code have agreed on.
    Activation = 16,
    /// What the collector of an engine is to do.
    Collector = 17,
    /// Modules of an engine by their contents. Taken when the last of equal modules is dropped.
    Modules = 28,
    /// Function types of an engine.
    Types = 30,
    /// Wrappers of the process. Taken when the last of equal types is dropped.
    Wrappers = 31,
    /// State of a unit: its code table.
    Unit = 40,
    /// The list of arenas of a code manager.
    Arenas = 50,
    /// Free ranges and records of one arena.
    Arena = 60,
    /// Free records of a code manager.
    Records = 65,
    /// Objects that wait for their readers to go.
    Limbo = 70,
    /// Retired code.
    Retired = 75,
    /// Code memory under write scopes.
    CodeMemory = 80,
    /// Registered code ranges.
    Registry = 85,
    /// Process-wide lists that are only read and appended to.
    Process = 90,
    /// What a program wrote to a standard stream that its host collects.
    StandardStream = 95,
}

thread_local! {
    static HIGHEST: Cell<u8> = const { Cell::new(0) };
}

/// Notes that a lock of this rank is about to be taken; returns what to give to [`leave`].
#[track_caller]
pub(crate) fn enter(rank: Rank) -> u8 {
    if cfg!(loom) {
        // Loom's threads share one thread of the system, and so the cell.
        return 0;
    }
    let before = HIGHEST.replace(rank as u8);
    debug_assert!(before < rank as u8, "lock order: {rank:?} taken while holding rank {before}");
    before
}

/// Notes that the lock taken after [`enter`] returned `before` is released.
pub(crate) fn leave(before: u8) {
    HIGHEST.set(before);
}
