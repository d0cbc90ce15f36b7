//! The way into Wasm and the way out: `enter`, and `unwind` from anywhere inside.
//!
//! ```text
//!  enter's frame            ┌── StoreBlock::entry_frame
//!  fp ──────────────────────▼
//!  │ rbx r12 r13 r14 r15 │ block │ previous entry_frame │ previous exit_frame │  caller's fp │
//!  -8   ..            -40   -48        -56                    -64                 0
//! ```
//!
//! `enter` saves what the C convention wants back, notes its frame in the store's block, and
//! calls an entry wrapper, which moves arguments from a buffer to where Wasm wants them. A trap
//! leaves all frames in between as they are and continues at `unwind`, which restores from the
//! innermost `enter` frame as if the wrapper had returned, with status 1.
//!
//! * [EN-FIXED] the words of the frame lie where [`EntryFrame`] says.
//! * [EN-SAVED] wrappers and Wasm hand rbx and r12 to r15 back unchanged when they return; only
//!   frames that are left by `unwind` do not.
//! * [EN-NEST] `entry_frame` and `exit_frame` of the block describe the innermost entry; the
//!   frame holds what they were before. Without an entry, both are 0.
//! * [EN-UNWOUND] after `unwind`, `entry_frame` still has its value, so that the code that was
//!   running is not freed before its pcs were looked up. The caller puts the earlier one back.

use std::arch::naked_asm;

use tierup_abi::{InstanceHead, StoreBlock};

use crate::Value;

/// What `enter` saved, read back from its frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EntryFrame {
    pub(crate) block: *const StoreBlock,
    pub(crate) previous_exit: usize,
}

impl EntryFrame {
    /// How far below the frame pointer the earlier entry is. [EN-FIXED]
    pub(crate) const PREVIOUS_ENTRY: usize = 56;
    /// Likewise the earlier exit.
    pub(crate) const PREVIOUS_EXIT: usize = 64;

    /// Reads the frame.
    ///
    /// # Safety
    ///
    /// `frame` is the frame pointer of a live `enter` frame.
    pub(crate) unsafe fn at(frame: usize) -> Self {
        let words = frame as *const usize;
        // SAFETY: [EN-FIXED]
        let block = unsafe { words.wrapping_sub(6).read() } as *const StoreBlock;
        // SAFETY: [EN-FIXED]
        let previous_exit = unsafe { words.wrapping_byte_sub(Self::PREVIOUS_EXIT).read() };
        Self { block, previous_exit }
    }
}

/// How a call of Wasm ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
#[expect(dead_code, reason = "the assembly makes them")]
pub(crate) enum Status {
    /// The results are in the buffer.
    Returned = 0,
    /// The store has a pending trap, error or panic, and [EN-UNWOUND] holds.
    Unwound = 1,
}

/// What is to be called.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Callee {
    /// An entry wrapper for the callee's type.
    pub(crate) wrapper: usize,
    /// Address of the callee's cell.
    pub(crate) cell: usize,
    /// The callee's first argument.
    pub(crate) instance: *mut InstanceHead,
}

/// Calls Wasm code.
///
/// # Safety
///
/// (a) `callee.wrapper` is a live entry wrapper for the type of the function behind the cell.
/// (b) `callee.instance` is an instance or host context of the store that `block` belongs to.
/// (c) `values` has room for all parameters and for all results, and holds the parameters.
/// (d) Nobody uses the store in the meantime except through what Wasm calls.
#[inline]
pub(crate) unsafe fn enter(callee: Callee, values: *mut Value, block: *const StoreBlock) -> Status {
    // SAFETY: (a) to (d) are what the assembly and the code it calls need.
    unsafe { enter_raw(callee.wrapper, callee.cell, callee.instance, values, block) }
}

/// Where calls of `enter` return to from the wrapper.
pub(crate) fn return_address() -> usize {
    (&raw const tierup_enter_return) as usize
}

/// Address that leaves Wasm with status 1; jumped to with the store block in `rdi`.
pub(crate) fn unwind_address() -> usize {
    unwind as *const () as usize
}

unsafe extern "C" {
    /// The instruction after the call in `enter_raw`.
    static tierup_enter_return: u8;
}

#[unsafe(naked)]
unsafe extern "C" fn enter_raw(
    _wrapper: usize,
    _cell: usize,
    _instance: *mut InstanceHead,
    _values: *mut Value,
    _block: *const StoreBlock,
) -> Status {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push r8",
        "push qword ptr [r8 + {entry_frame}]",
        "push qword ptr [r8 + {exit_frame}]",
        "mov [r8 + {entry_frame}], rbp",
        "mov qword ptr [r8 + {exit_frame}], 0",
        "call rdi",
        ".globl tierup_enter_return; .hidden tierup_enter_return",
        "tierup_enter_return:",
        "mov r8, [rbp - 48]",
        "mov rcx, [rbp - 56]",
        "test rcx, rcx",
        "jnz 3f",
        // Nothing was entered before. Constants do not wait for what the last entry has stored,
        // so calls one after the other overlap.
        "mov qword ptr [r8 + {entry_frame}], 0",
        "mov qword ptr [r8 + {exit_frame}], 0",
        "xor eax, eax",
        "2:",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
        "3:",
        "mov rdx, [rbp - 64]",
        "mov [r8 + {entry_frame}], rcx",
        "mov [r8 + {exit_frame}], rdx",
        "xor eax, eax",
        "jmp 2b",
        // From `unwind`: [EN-UNWOUND], [EN-SAVED].
        ".globl tierup_enter_leave; .hidden tierup_enter_leave",
        "tierup_enter_leave:",
        "mov r8, [rbp - 48]",
        "mov rdx, [rbp - 64]",
        "inc qword ptr [r8 + {sequence}]",
        "mov [r8 + {exit_frame}], rdx",
        "mov rbx, [rbp - 8]",
        "mov r12, [rbp - 16]",
        "mov r13, [rbp - 24]",
        "mov r14, [rbp - 32]",
        "mov r15, [rbp - 40]",
        "jmp 2b",
        entry_frame = const StoreBlock::ENTRY_FRAME,
        exit_frame = const StoreBlock::EXIT_FRAME,
        sequence = const StoreBlock::SEQUENCE,
    )
}

/// Leaves Wasm: returns status 1 from the innermost `enter` of the block in `rdi`.
#[unsafe(naked)]
pub(crate) unsafe extern "C" fn unwind(_block: *const StoreBlock) -> ! {
    naked_asm!(
        "mov rbp, [rdi + {entry_frame}]",
        // What `enter` pushed stays reserved until it restores.
        "lea rsp, [rbp - 64]",
        "cld",
        "mov eax, 1",
        "jmp tierup_enter_leave",
        entry_frame = const StoreBlock::ENTRY_FRAME,
    )
}
