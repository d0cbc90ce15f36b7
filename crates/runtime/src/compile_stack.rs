//! A stack of its own for compiling, so that it never depends on how deep the guest is.
//!
//! A function may be compiled when the guest has used its stack up to the last frame, and a
//! compiler may need megabytes. So each thread that compiles has one more stack, made when it is
//! first needed and freed with the thread:
//!
//! ```text
//!   guest stack ── lazy stub ──► switch ──► compile stack: compile_lazily ──► switch back
//! ```

use std::{
    any::Any,
    arch::naked_asm,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use vmem::Reservation;

use crate::Error;

/// Size in bytes; only what is touched costs memory.
const STACK_SIZE: usize = 16 << 20;

thread_local! {
    /// The thread's compile stack while nobody uses it.
    static IDLE: Cell<Option<CompileStack>> = const { Cell::new(None) };
}

/// Runs `work` on the thread's compile stack.
///
/// # Errors
///
/// If there is no memory for the stack.
///
/// # Panics
///
/// With the panic of `work`.
pub(crate) fn run<R>(work: impl FnOnce() -> R) -> Result<R, Error> {
    // Nested use is not expected, but gets a stack of its own all the same. So does work of a
    // thread that is about to end.
    let stack = match IDLE.try_with(Cell::take) {
        Ok(Some(stack)) => stack,
        Ok(None) | Err(_) => CompileStack::new()?,
    };
    let result = stack.run(work);
    // What cannot be kept is freed.
    let _ = IDLE.try_with(|idle| idle.set(Some(stack)));
    match result {
        Ok(result) => Ok(result),
        Err(payload) => resume_unwind(payload),
    }
}

#[derive(Debug)]
struct CompileStack {
    memory: Reservation,
}

impl CompileStack {
    fn new() -> Result<Self, Error> {
        let page = vmem::page_size();
        let memory = Reservation::reserve(page + STACK_SIZE, page, None)?;
        // The lowest page stays without access, as a guard.
        memory.commit(page..page + STACK_SIZE)?;
        Ok(Self { memory })
    }

    fn top(&self) -> *mut u8 {
        self.memory.base().wrapping_add(self.memory.len())
    }

    fn run<R>(&self, work: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
        fn entry<W: FnOnce() -> R, R>(_: &Call<W, R>) -> unsafe extern "C" fn(*mut ()) {
            run_call::<W, R>
        }
        let mut call = Call { work: Some(work), result: None };
        let entry = entry(&call);
        // SAFETY: the top is 16-byte aligned, since pages are; nobody else uses the stack, which
        // stays alive during the call; `run_call` gets what it expects and does not unwind.
        unsafe { switch(entry, (&raw mut call).cast(), self.top()) };
        call.result.expect("`run_call` sets the result")
    }
}

struct Call<W, R> {
    work: Option<W>,
    result: Option<Result<R, Box<dyn Any + Send>>>,
}

/// # Safety
///
/// `call` points to a `Call<W, R>` that nobody else uses.
unsafe extern "C" fn run_call<W: FnOnce() -> R, R>(call: *mut ()) {
    // SAFETY: the caller's promise.
    let call = unsafe { &mut *call.cast::<Call<W, R>>() };
    let work = call.work.take().expect("a call runs once");
    // Panics must not cross the switch.
    call.result = Some(catch_unwind(AssertUnwindSafe(work)));
}

/// Calls `function(argument)` with the stack pointer at `top`.
///
/// # Safety
///
/// (a) `top` is the 16-byte aligned end of a stack that nobody uses.
/// (b) `function` may be called with `argument`, and does not unwind.
#[unsafe(naked)]
unsafe extern "C" fn switch(
    _function: unsafe extern "C" fn(*mut ()),
    _argument: *mut (),
    _top: *mut u8,
) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov rsp, rdx",
        "mov rax, rdi",
        "mov rdi, rsi",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        "ret",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_that_stack() {
        let stack = CompileStack::new().unwrap();
        let there = stack.run(|| {
            let local = 0_u8;
            (&raw const local) as usize
        });
        let start = stack.memory.base() as usize;
        assert!((start..start + stack.memory.len()).contains(&there.unwrap()));
    }

    #[test]
    fn a_panic_comes_back() {
        let caught = catch_unwind(|| run(|| panic!("on purpose")));
        assert!(caught.is_err());
        assert_eq!(run(|| 5).unwrap(), 5);
    }

    #[test]
    fn nested_use_works() {
        assert_eq!(run(|| run(|| 1).unwrap() + 1).unwrap(), 2);
    }
}
