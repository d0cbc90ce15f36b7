//! Running machine code of the benchmarks' own. The only unsafe code here.

use codespace::{CodeManager, Collected};

/// Calls code at that address as a C function of two numbers.
///
/// # Safety
///
/// (a) Code of these benchmarks lies there, and its unit lives.
/// (b) It keeps to the C convention.
pub(crate) unsafe fn call(entry: usize, argument: u64, other: u64) -> u64 {
    let entry = std::ptr::with_exposed_provenance::<()>(entry);
    // SAFETY: a function pointer has the representation of its address.
    let function =
        unsafe { std::ptr::read((&raw const entry).cast::<extern "C" fn(u64, u64) -> u64>()) };
    function(argument, other)
}

/// Frees all retired code.
///
/// # Safety
///
/// No code of the manager runs or is about to.
pub(crate) unsafe fn collect(manager: &CodeManager) -> Collected {
    // SAFETY: the caller's promise.
    let idle = unsafe { manager.assume_idle() };
    manager.collect(&idle)
}

/// Waits for a child, and returns its exit status and the most memory that it had, in bytes.
pub(crate) fn wait(child: &std::process::Child) -> std::io::Result<(i32, usize)> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    let id = child.id() as libc::pid_t;
    // SAFETY: both results have room; the child is ours and nobody has waited for it.
    if unsafe { libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) } != id {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: all zeros is a value of the struct, and the call has filled it in.
    let usage = unsafe { usage.assume_init() };
    Ok((status, usage.ru_maxrss as usize * 1024))
}
