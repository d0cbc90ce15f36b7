//! Fuel: what running code costs, taken from a number in the store's block.
//!
//! ```text
//!   mov r, [instance + STORE_BLOCK]
//!   sub qword [r + FUEL], amount          once for each run of operators (tierup_compile::fuel)
//!   jb  trap OutOfFuel
//! ```
//!
//! * [FU-PAID] nothing runs that was not paid for: code takes the price of a straight run of
//!   operators before the first of them, and traps instead if there is less. What the number is
//!   after that trap does not matter, since the runtime makes it 0.
//! * [FU-SAME] amounts and places follow from the function's body only, never from the compiler,
//!   so a program takes the same in every tier, also where it traps or calls the host.
//! * [FU-LENGTH] operators that work on a range have a price in their run like any other. What
//!   their length costs is taken by the runtime when it is known that they do not trap. So with
//!   fuel on, code leaves them to the builtins, whatever their length.
#![forbid(unsafe_code)]

/// Bytes that `memory.fill`, `memory.copy`, `memory.init` and `memory.grow` work on for one unit
/// of fuel. An unit is about a nanosecond of code; the system makes a page of 4 KiB in some 250 ns
/// and copies one in less.
pub const BYTES_PER_FUEL: u64 = 64;

/// Units of fuel for each element that `table.fill`, `table.copy`, `table.init` and `table.grow`
/// work on: an element of a `funcref` table has 32 bytes, and some are made on the way.
pub const FUEL_PER_ELEMENT: u64 = 1;
