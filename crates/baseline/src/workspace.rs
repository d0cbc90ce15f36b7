//! Memory that a thread uses again for its next function.
//!
//! A workspace is taken out of its thread's place while it is in use and given back only after a
//! success: what a failure or a panic leaves is dropped.

use std::cell::Cell;

use codespace::{Relocation, SideTables};
use tierup_asm::Emitter;

use crate::{control::Control, finish::Cold, generator::Local, stack::Entry, transfer::Move};

/// Functions with more code leave more memory behind than is worth keeping.
const KEPT_BYTES: usize = 1 << 20;

/// Reusable state of the compiler. Empty, but with memory.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) asm: Emitter,
    pub(crate) stack: Vec<Entry>,
    pub(crate) locals: Vec<Local>,
    pub(crate) control: Control,
    pub(crate) cold: Vec<Cold>,
    pub(crate) tables: SideTables,
    pub(crate) relocations: Vec<Relocation>,
    pub(crate) moves: Vec<Move>,
}

thread_local! {
    static WORKSPACE: Cell<Option<Workspace>> = const { Cell::new(None) };
}

/// The thread's workspace, or a new one.
pub(crate) fn take() -> Workspace {
    WORKSPACE.take().unwrap_or_default()
}

/// Keeps the workspace for the thread's next function, unless it is large.
pub(crate) fn give_back(mut workspace: Workspace) {
    workspace.stack.clear();
    workspace.locals.clear();
    workspace.cold.clear();
    workspace.relocations.clear();
    workspace.moves.clear();
    let SideTables { traps, positions, safepoints, handlers, notes } = &mut workspace.tables;
    notes.clear();
    traps.clear();
    positions.clear();
    safepoints.clear();
    handlers.clear();
    if workspace.asm.capacity() <= KEPT_BYTES {
        WORKSPACE.set(Some(workspace));
    }
}
