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

/// How much an entry's depth may differ from the one that the limit was set for, in bytes.
const SLACK: usize = 64 << 10;

/// A limit to put back when an entry on another stack returns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OuterLimit(usize);

/// Makes the store's limit fit the stack that the caller runs on.
pub(crate) fn prepare(store: &StoreState) -> Result<Option<OuterLimit>, Error> {
    let block = store.block();
    let here = stack_pointer();
    let limit = block.stack_limit.load(Ordering::Relaxed);
    let most = store.engine().config().max_wasm_stack;
    let depth = here.wrapping_sub(limit);
    let entry = block.entry_frame.load(Ordering::Relaxed);
    if entry == 0 {
        let same_depth = depth.wrapping_sub(most.saturating_sub(SLACK)) <= 2 * SLACK;
        if same_depth && is_on_thread_stack(limit, here) {
            return Ok(None);
        }
        set_limit(store, limit_for(here, most)?);
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
    /// Bounds of the thread's own stack, once somebody asked.
    static BOUNDS: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// True if `limit` leaves the reserve on this thread's own stack, and `here` is on it too.
fn is_on_thread_stack(limit: usize, here: usize) -> bool {
    let bounds = BOUNDS.get();
    bounds.is_some_and(|(lowest, end)| lowest + HOST_RESERVE <= limit && here < end)
}

/// The lowest address of the stack that `here` is on.
fn lowest_address(here: usize) -> Result<usize, Error> {
    let bounds = match BOUNDS.get() {
        Some(bounds) => bounds,
        None => {
            let bounds = thread_bounds().unwrap_or((0, 0));
            BOUNDS.set(Some(bounds));
            bounds
        }
    };
    if bounds.0 <= here && here < bounds.1 {
        return Ok(bounds.0);
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
