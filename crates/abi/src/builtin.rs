//! The runtime functions that machine code calls: one table for numbers and signatures.
//!
//! Code reaches a builtin through the table in the instance:
//! `call [[instance + BUILTINS] + 8 * number]`. Every builtin takes the instance first. All but
//! two follow the C convention. [`Builtin::Poll`] preserves every register (Cranelift's
//! `PreserveAll`). [`Builtin::BudgetSpent`] has a convention of its own: see there. A builtin that
//! traps does not return.
#![forbid(unsafe_code)]

/// Machine type of a builtin's argument or result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MachineType {
    /// 32 bits.
    I32,
    /// 64 bits: a `funcref`, or an `externref` that was extended with zeros.
    I64,
}

macro_rules! builtins {
    ($($(#[$meta:meta])* $name:ident($($param:ident: $ty:ident),*) $(-> $result:ident)?;)*) => {
        /// A runtime function that machine code calls.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u32)]
        pub enum Builtin { $($(#[$meta])* $name,)* }

        impl Builtin {
            /// All builtins, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Offset of the builtin's address in the table.
            pub fn offset(self) -> i32 {
                self as i32 * 8
            }

            /// Types of the parameters after the instance.
            pub fn params(self) -> &'static [MachineType] {
                match self { $(Self::$name => &[$(MachineType::$ty),*],)* }
            }

            /// Type of the result.
            pub fn result(self) -> Option<MachineType> {
                match self { $(Self::$name => builtins!(@result $($result)?),)* }
            }
        }
    };
    (@result) => { None };
    (@result $ty:ident) => { Some(MachineType::$ty) };
}

builtins! {
    /// Handles an interrupt or a stack overflow. Called by prologues and loop headers.
    Poll();
    /// A function's budget is below zero: refills it, and is the poll of baseline code.
    ///
    /// ```text
    ///   sub dword [r14 + budget], work        at loop back-edges and returns
    ///   js  slow
    ///   ...
    /// slow:
    ///   mov r11d, function                    number, or LOOP more at a loop's header
    ///   mov r10, [r14 + BUILTINS]
    ///   call [r10 + BudgetSpent.offset()]     rsp is a multiple of 16 here; a safepoint
    /// ```
    ///
    /// At a loop's header it may not return, but go on in other code: see `replacement`.
    ///
    /// The instance is in `r14`, the function's number in `r11d`. Everything is preserved but
    /// `r11` and the flags: all other registers, the vector registers too, and the stack. `rbp` is
    /// the frame pointer of the caller, as at every call. The `work` is from 1 to
    /// [`InstanceBudget::MAX_WORK`](crate::InstanceBudget::MAX_WORK), some 30 ps each.
    BudgetSpent();
    /// `memory.grow`: previous size in pages, or -1.
    MemoryGrow(memory: I32, delta: I32) -> I32;
    /// `memory.copy`
    MemoryCopy(target: I32, source: I32, target_offset: I32, source_offset: I32, length: I32);
    /// `memory.fill`
    MemoryFill(memory: I32, offset: I32, value: I32, length: I32);
    /// `memory.init`
    MemoryInit(memory: I32, segment: I32, offset: I32, source_offset: I32, length: I32);
    /// `data.drop`
    DataDrop(segment: I32);
    /// `table.get` of a `funcref` table.
    TableGet(table: I32, index: I32) -> I64;
    /// `table.set` of a `funcref` table.
    TableSet(table: I32, index: I32, value: I64);
    /// `table.grow`: previous size, or -1.
    TableGrow(table: I32, value: I64, delta: I32) -> I32;
    /// `table.fill`
    TableFill(table: I32, offset: I32, value: I64, length: I32);
    /// `table.copy`
    TableCopy(target: I32, source: I32, target_offset: I32, source_offset: I32, length: I32);
    /// `table.init`
    TableInit(table: I32, segment: I32, offset: I32, source_offset: I32, length: I32);
    /// `elem.drop`
    ElemDrop(segment: I32);
    /// `ref.func`
    RefFunc(function: I32) -> I64;
}

/// What is added to the number of a function whose budget is used up at a loop's header.
pub const LOOP: u32 = 1 << 31;
/// Entry of the builtin table, after all builtins, that leaves Wasm with the store's pending trap.
/// It is jumped to with the store block's address in `rdi`.
pub const UNWIND_OFFSET: i32 = Builtin::ALL.len() as i32 * 8;
/// Number of entries of the builtin table.
pub const BUILTIN_TABLE_LEN: usize = Builtin::ALL.len() + 1;
