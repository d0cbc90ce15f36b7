//! The functions that machine code calls, and the stubs through which it does.
//!
//! ```text
//!  Wasm ── call [table + 8 * number] ──► stub (naked): notes the exit frame
//!                                         └─► implementation (Rust): Ok(value) or Err
//!  Wasm ◄── value ── stub ◄── (value, 0)
//!  enter ◄── unwind ◄── stub ◄── (_, 1), with the error pending in the store
//! ```
//!
//! * [WR-OWNER] holds for the frames of all stubs.

mod budget;
mod keep;
mod memory;
mod poll;
mod table;

use std::{
    arch::naked_asm,
    panic::{AssertUnwindSafe, catch_unwind},
};

use tierup_abi::{BUILTIN_TABLE_LEN, Builtin, InstanceHead, StoreBlock};

use crate::{Error, InstanceHandle, StoreState, enter::unwind, host::Pending, owner::Owner};

/// What an implementation tells its stub, in `rax` and `rdx`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Outcome {
    value: u64,
    /// Not 0 if the store has something pending.
    unwinds: u64,
}

/// Address of the table of builtins.
pub(crate) fn table() -> *const usize {
    (&raw const TABLE.0).cast()
}

struct Table([*const (); BUILTIN_TABLE_LEN]);

// SAFETY: addresses of functions, which never change.
unsafe impl Sync for Table {}

macro_rules! builtin_table {
    ($($builtin:ident = $stub:ident: $implementation:path,)*) => {
        static TABLE: Table = Table([
            poll::stub as *const (),
            budget::stub as *const (),
            $($stub as *const (),)*
            unwind as *const (),
        ]);

        /// The table has the order of the enum.
        const _: () = {
            let order = [Builtin::Poll, Builtin::BudgetSpent, $(Builtin::$builtin,)*];
            let mut index = 0;
            while index < order.len() {
                assert!(order[index] as usize == index);
                index += 1;
            }
            assert!(order.len() + 1 == BUILTIN_TABLE_LEN);
        };

        $(
            #[unsafe(naked)]
            unsafe extern "C" fn $stub() {
                naked_asm!(
                    "push rbp",
                    "mov rbp, rsp",
                    "push rdi",
                    "push rdi",
                    "mov rax, [rdi + {store_block}]",
                    "inc qword ptr [rax + {sequence}]",
                    "mov [rax + {exit_frame}], rbp",
                    "call {implementation}",
                    "mov rcx, [rbp - 8]",
                    "mov rcx, [rcx + {store_block}]",
                    "test edx, edx",
                    "jnz 2f",
                    "mov qword ptr [rcx + {exit_frame}], 0",
                    "mov rsp, rbp",
                    "pop rbp",
                    "ret",
                    "2:",
                    "mov rdi, rcx",
                    "jmp {unwind}",
                    store_block = const InstanceHead::STORE_BLOCK,
                    exit_frame = const StoreBlock::EXIT_FRAME,
                    sequence = const StoreBlock::SEQUENCE,
                    implementation = sym $implementation,
                    unwind = sym unwind,
                )
            }
        )*
    };
}

builtin_table! {
    MemoryGrow = memory_grow: memory::grow,
    MemoryCopy = memory_copy: memory::copy,
    MemoryFill = memory_fill: memory::fill,
    MemoryInit = memory_init: memory::init,
    DataDrop = data_drop: memory::drop_data,
    TableGet = table_get: table::get,
    TableSet = table_set: table::set,
    TableGrow = table_grow: table::grow,
    TableFill = table_fill: table::fill,
    TableCopy = table_copy: table::copy,
    TableInit = table_init: table::init,
    ElemDrop = elem_drop: table::drop_elements,
    RefFunc = ref_func: table::ref_func,
}

/// Runs the implementation of an operator: [IN-CALLS].
///
/// # Safety
///
/// As for [`run`].
unsafe fn operate(
    instance: *const InstanceHead,
    work: impl FnOnce(&mut StoreState, InstanceHandle) -> Result<u64, Error>,
) -> Outcome {
    let work = |store: &mut StoreState, instance| {
        store.poll()?;
        work(store, instance)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { run(instance, work) }
}

/// Runs an implementation for the instance whose code called it.
///
/// # Safety
///
/// `instance` is the head of a live instance whose code, entered on this thread, called a stub.
unsafe fn run(
    instance: *const InstanceHead,
    work: impl FnOnce(&mut StoreState, InstanceHandle) -> Result<u64, Error>,
) -> Outcome {
    // SAFETY: the caller's promise.
    let head = unsafe { &*instance };
    // SAFETY: likewise.
    let store = unsafe { StoreState::of_head(head) };
    let Owner::Instance(index) = Owner::decode(head.owner) else {
        unreachable!("only code of instances calls builtins");
    };
    let instance = store.instances.handle_at(index).expect("an instance that runs is alive");
    // Limiters and interrupt handlers of the embedder may panic.
    let pending = match catch_unwind(AssertUnwindSafe(|| work(store, instance))) {
        Ok(Ok(value)) => return Outcome { value, unwinds: 0 },
        Ok(Err(error)) => Pending::Error(error),
        Err(payload) => Pending::Panic(payload),
    };
    // SAFETY: as above; the closure with the other reference is gone.
    let store = unsafe { StoreState::of_head(head) };
    store.capture_backtrace();
    store.set_pending(pending);
    Outcome { value: 0, unwinds: 1 }
}
