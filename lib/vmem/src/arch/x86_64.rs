//! x86-64.

/// `int3`, which raises a breakpoint trap.
pub(crate) const TRAP_BYTE: u8 = 0xcc;

/// A function for [`call`]: `mov eax, 42; ret`.
pub(crate) const PROBE: &[u8] = &[0xb8, 42, 0, 0, 0, 0xc3];

/// What it returns.
pub(crate) const PROBE_RESULT: u32 = 42;

/// Calls a function.
///
/// # Safety
///
/// At `entry` is the code of a C function without parameters that returns a `u32`.
pub(crate) unsafe fn call(entry: *const ()) -> u32 {
    let result: u32;
    // SAFETY: the caller's promise; what a C function may change is declared.
    unsafe {
        std::arch::asm!("call {}", in(reg) entry, lateout("eax") result, clobber_abi("C"));
    }
    result
}
