//! How far down Wasm may go on the stack that it runs on.
//!
//! ```text
//!  high │ host frames │ Wasm: at most `max_wasm_stack` │ HOST_RESERVE │ guard │ low
//!                     ▲ stack pointer at entry          ▲ limit
//! ```
//!
//! The limit is set when Wasm is entered from a thread's stack for the first time and kept as long
//! as entries come from about the same depth of it, so that a call does not have to touch it.
//! Coroutine stacks are found in the process's map, because nobody tells us about them; that is
//! done for each entry, because a smaller one may have taken the place of the one before.

use std::{cell::Cell, fs, sync::atomic::Ordering};

use crate::{Error, ErrorKind, StoreState};

/// Stack that is left for host functions and builtins below the limit, in bytes.
pub const HOST_RESERVE: usize = 64 << 10;

/// How much an entry's depth may differ from the one that the limit was set at, in bytes.
const SLACK: usize = 64 << 10;

/// A limit to put back when an entry on another stack returns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OuterLimit(usize);

/// True if nothing has to be done before Wasm is entered from here, because the last entry from
/// about this depth of this thread's own stack has done it.
#[inline]
pub(crate) fn is_prepared(store: &StoreState) -> bool {
    let (here, block) = (stack_pointer(), store.block());
    let moved = here.wrapping_sub(store.limit_set_at.get()).wrapping_add(SLACK);
    let outermost = block.entry_frame.load(Ordering::Relaxed) == 0;
    let limit = block.stack_limit.load(Ordering::Relaxed);
    outermost && moved <= 2 * SLACK && OWN_STACK.get().covers(limit, here)
}

/// Makes the store's limit fit the stack that the caller runs on. The thread has a signal stack.
pub(crate) fn prepare(store: &StoreState) -> Result<Option<OuterLimit>, Error> {
    let (here, block) = (stack_pointer(), store.block());
    let limit = block.stack_limit.load(Ordering::Relaxed);
    let most = store.engine().config().max_wasm_stack;
    let entry = block.entry_frame.load(Ordering::Relaxed);
    if entry == 0 {
        set_limit(store, limit_for(here, most)?);
        store.limit_set_at.set(here);
        return Ok(None);
    }
    // A call from a host call: the same stack goes on, unless the host switched.
    if limit.saturating_sub(HOST_RESERVE) <= here && here <= entry {
        return Ok(None);
    }
    set_limit(store, limit_for(here, most)?);
    Ok(Some(OuterLimit(limit)))
}

/// Puts back what [`prepare`] replaced.
pub(crate) fn restore(store: &StoreState, outer: OuterLimit) {
    set_limit(store, outer.0);
}

/// Sets the limit without losing a request to stop that comes at the same time.
pub(crate) fn set_limit(store: &StoreState, limit: usize) {
    store.shared_block().set_limit(limit);
}

fn limit_for(here: usize, most: usize) -> Result<usize, Error> {
    let lowest = lowest_address(here)? + HOST_RESERVE;
    Ok(lowest.max(here.saturating_sub(most)))
}

thread_local! {
    /// The thread's own stack, once somebody asked.
    static OWN_STACK: Cell<OwnStack> = const { Cell::new(OwnStack::UNKNOWN) };
}

/// The stack that the system gave to a thread.
#[derive(Clone, Copy, PartialEq, Eq)]
struct OwnStack {
    /// Lowest limit that leaves the reserve.
    lowest_limit: usize,
    end: usize,
}

impl OwnStack {
    /// No limit is high enough, no address low enough.
    const UNKNOWN: Self = Self { lowest_limit: usize::MAX, end: 0 };

    /// True if `limit` leaves the reserve on this stack, and `here` is on it too.
    #[inline]
    fn covers(self, limit: usize, here: usize) -> bool {
        self.lowest_limit <= limit && here < self.end
    }

    fn lowest_address(self) -> usize {
        self.lowest_limit - HOST_RESERVE
    }
}

/// The thread is ending and has no signal stack any more. [ST-READY]
pub(crate) fn forget_thread() {
    OWN_STACK.set(OwnStack::UNKNOWN);
}

/// The lowest address of the stack that `here` is on.
fn lowest_address(here: usize) -> Result<usize, Error> {
    if OWN_STACK.get() == OwnStack::UNKNOWN
        && let Some((lowest, end)) = thread_bounds()
    {
        // [ST-READY]
        OWN_STACK.set(OwnStack { lowest_limit: lowest + HOST_RESERVE, end });
    }
    let own = OWN_STACK.get();
    if own != OwnStack::UNKNOWN && own.lowest_address() <= here && here < own.end {
        return Ok(own.lowest_address());
    }
    mapping_bounds(here).ok_or_else(|| {
        let message = "cannot find the bounds of the stack that Wasm is to run on";
        ErrorKind::Unsupported(message.to_owned()).into()
    })
}

/// Lowest address and end of the stack that the system gave to this thread.
fn thread_bounds() -> Option<(usize, usize)> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: a call for the calling thread.
    let thread = unsafe { libc::pthread_self() };
    // SAFETY: `attributes` is room for the attributes, which this call fills in.
    if unsafe { libc::pthread_getattr_np(thread, attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut start, mut size) = (std::ptr::null_mut(), 0);
    // SAFETY: the attributes were filled in; both results have room.
    let found =
        unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut start, &raw mut size) };
    // SAFETY: filled in above, and destroyed once.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (found == 0).then(|| (start as usize, start as usize + size))
}

/// Start of the mapping that contains `here`.
fn mapping_bounds(here: usize) -> Option<usize> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (start, rest) = line.split_once('-')?;
        let (end, _) = rest.split_once(' ')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        let end = usize::from_str_radix(end, 16).ok()?;
        (start <= here && here < end).then_some(start)
    })
}

/// About where the stack pointer is.
#[inline(always)]
fn stack_pointer() -> usize {
    let here: usize;
    // SAFETY: copies a register.
    unsafe {
        std::arch::asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags));
    }
    here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_thread_has_bounds_that_contain_it() {
        let (start, end) = thread_bounds().unwrap();
        let here = stack_pointer();
        assert!(start < here && here < end);
        // The map knows the main thread's stack as far as it was touched, and other threads'
        // whole stacks; both contain the stack pointer.
        assert!(mapping_bounds(here).unwrap() <= here);
    }

    #[test]
    fn an_address_on_no_stack_has_no_bounds() {
        assert_eq!(mapping_bounds(8), None);
    }
}
