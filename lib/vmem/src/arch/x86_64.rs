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

/// Has the processor protection keys, and does the kernel use them?
pub(crate) fn has_protection_keys() -> bool {
    const FEATURES: u32 = 7;
    /// The kernel has switched them on: bit 4 of `ecx`.
    const OSPKE: u32 = 1 << 4;
    let (most, _) = std::arch::x86_64::__get_cpuid_max(0);
    FEATURES <= most && std::arch::x86_64::__cpuid_count(FEATURES, 0).ecx & OSPKE != 0
}

/// This thread's rights to keyed memory. Only where there are keys.
pub(crate) fn rights() -> u32 {
    let rights: u32;
    // SAFETY: the callers have a key, so the instruction exists. It only reads a register.
    unsafe {
        std::arch::asm!("rdpkru", in("ecx") 0, lateout("eax") rights, lateout("edx") _, options(nostack, preserves_flags));
    }
    rights
}

/// Sets them. Reads and writes of memory stay on their side of it.
pub(crate) fn set_rights(rights: u32) {
    // SAFETY: the callers have a key, so the instruction exists. It changes rights to memory that
    // has their key, which no Rust object lies in.
    unsafe {
        std::arch::asm!("wrpkru", in("eax") rights, in("ecx") 0, in("edx") 0, options(nostack, preserves_flags));
    }
}
