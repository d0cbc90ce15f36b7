//! The structs that machine code reads and writes.
//!
//! ```text
//!  rdi ──► InstanceHead ── store_block ──► StoreBlock (two cache lines a store)
//!          │ memories    ── record ──────► MemoryRecord { base, byte_length }
//!          │ tables      ─────────────────► TableRecord  { elements, length }
//!          │ imports     { cell, instance }      └─► TableEntry | externref handle
//!          │ type ids, globals, budgets
//! ```
//!
//! The part behind the head has a layout that depends on the module: see `layout`.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use crate::machine_struct;

/// Number of values that a builtin or entry can keep in one slot of a value buffer, in bytes.
pub const VALUE_SIZE: usize = 16;

machine_struct! {
    /// What a store shares with its running code. One for each store, on cache lines of its own:
    /// one for what all code uses, one for fuel.
    ///
    /// `limit` is both the stack limit and the request to stop: prologues compare the stack
    /// pointer with it, loop headers test its sign. See [`StoreBlock::INTERRUPT`].
    #[repr(align(64))]
    pub struct StoreBlock {
        /// Lowest stack pointer allowed, or [`StoreBlock::INTERRUPT`].
        limit / LIMIT: AtomicUsize,
        /// Frame pointer of the innermost frame that left Wasm for the host; 0 while Wasm runs.
        exit_frame / EXIT_FRAME: AtomicUsize,
        /// Frame pointer of the innermost entry into Wasm; 0 if there is none.
        entry_frame / ENTRY_FRAME: AtomicUsize,
        /// Changes at every entry to and exit from Wasm.
        sequence / SEQUENCE: AtomicUsize,
        /// Where a frame's values travel when it is replaced while it runs: see `replacement`.
        replacement_buffer / REPLACEMENT_BUFFER: AtomicPtr<u8>,
        /// The limit to restore after an interrupt.
        stack_limit / STACK_LIMIT: AtomicUsize,
        /// The store that this block belongs to.
        store / STORE: *mut (),
        /// Where a trap found by a fault is noted down.
        trap / TRAP: *mut (),
        /// Fuel that is left, if the engine's code takes any: see `fuel`.
        fuel / FUEL: AtomicU64,
    }
}

impl StoreBlock {
    /// Value of `limit` that makes every prologue and every loop header take its slow path.
    pub const INTERRUPT: usize = usize::MAX;

    /// Asks the code that runs with this block to call the poll builtin soon.
    pub fn request_interrupt(&self) {
        // Relaxed: the poll builtin reads the reason under its own synchronization.
        self.limit.store(Self::INTERRUPT, Ordering::Relaxed);
    }
}

machine_struct! {
    /// The head of an instance, and of the context of a host function. Its address is the first
    /// argument of every function.
    pub struct InstanceHead {
        /// The store's block.
        store_block / STORE_BLOCK: *const StoreBlock,
        /// Addresses of the builtins, indexed by `Builtin`.
        builtins / BUILTINS: *const usize,
        /// Cell of the unit's first defined function.
        cells / CELLS: *const AtomicUsize,
        /// The runtime's name for the object that this is the head of.
        owner / OWNER: u64,
    }
}

machine_struct! {
    /// One memory, shared by all instances that use it.
    pub struct MemoryRecord {
        /// First byte.
        base / BASE: *mut u8,
        /// Length in bytes; only grows.
        byte_length / BYTE_LENGTH: AtomicUsize,
    }
}

machine_struct! {
    /// An instance's reference to one memory.
    pub struct InstanceMemory {
        /// Copy of the record's base; constant where memories have guard pages.
        base / BASE: *mut u8,
        /// The memory.
        record / RECORD: *const MemoryRecord,
    }
}

machine_struct! {
    /// One table, shared by all instances that use it.
    pub struct TableRecord {
        /// First element: [`TableEntry`] for `funcref`, a 32-bit handle for `externref`.
        elements / ELEMENTS: *mut u8,
        /// Number of elements.
        length / LENGTH: usize,
    }
}

machine_struct! {
    /// An element of a `funcref` table: what a call needs, inline.
    #[derive(Clone, Copy)]
    pub struct TableEntry {
        /// Address of the callee's cell.
        cell / CELL: *const AtomicUsize,
        /// First argument of the callee.
        instance / INSTANCE: *mut InstanceHead,
        /// Engine-wide id of the callee's type; [`NULL_TYPE_ID`] in a null entry.
        type_id / TYPE_ID: u32,
        /// Unused.
        reserved / RESERVED: u32,
        /// The reference that this entry stands for; null in a null entry and where none was
        /// made yet.
        reference / REFERENCE: *const FuncRecord,
    }
}

/// Type id that no function has.
pub const NULL_TYPE_ID: u32 = 0;

machine_struct! {
    /// What a `funcref` points to. It never moves while a reference exists.
    pub struct FuncRecord {
        /// Address of the function's cell.
        cell / CELL: *const AtomicUsize,
        /// First argument of the function.
        instance / INSTANCE: *mut InstanceHead,
        /// Engine-wide id of the function's type.
        type_id / TYPE_ID: u32,
        /// The runtime's number of the function.
        number / NUMBER: u32,
    }
}

machine_struct! {
    /// An instance's reference to one imported function.
    #[derive(Clone, Copy)]
    pub struct ImportedFunc {
        /// Address of the function's cell.
        cell / CELL: *const AtomicUsize,
        /// First argument of the function.
        instance / INSTANCE: *mut InstanceHead,
    }
}

machine_struct! {
    /// How much a function may still do in an instance before it reports. Starts as zeros, so that
    /// the first decrement reports.
    #[derive(Clone, Copy)]
    pub struct InstanceBudget {
        /// What is left. Baseline code subtracts what it does; below 0 it calls `BudgetSpent`.
        left / LEFT: i32,
        /// What it was when it was last refilled. Only the runtime uses this.
        given / GIVEN: i32,
    }
}

impl InstanceBudget {
    /// Most that one decrement subtracts, so that nothing overflows.
    pub const MAX_WORK: i32 = 1 << 24;
}

machine_struct! {
    /// The value of a global that is imported or exported.
    #[repr(align(16))]
    pub struct GlobalRecord {
        /// The value, from the lowest byte on.
        value / VALUE: [u8; 16],
    }
}

const _: () = assert!(StoreBlock::LIMIT == 0 && StoreBlock::FUEL == 64 && StoreBlock::SIZE == 128);
const _: () = assert!(InstanceBudget::LEFT == 0 && InstanceBudget::SIZE == 8);
const _: () = assert!(TableEntry::SIZE == 32 && ImportedFunc::SIZE == 16);
