//! Traps found by the processor: signal handlers for faults of Wasm code.
//!
//! ```text
//!  fault ──► handler, on an alternate stack
//!             ├─ pc in Wasm code, at a listed trap site ──► note kind and frames, go to `unwind`
//!             ├─ pc in Wasm code, fault near the stack pointer ──► the same, stack overflow
//!             └─ anything else ──► whoever handled the signal before
//! ```
//!
//! The handler takes no lock and allocates nothing: it looks the pc up in the process-wide
//! table, walks frame pointers, fills a record that exists, and changes the saved registers so
//! that the interrupted thread goes on in `unwind`.
//!
//! * [FA-OWN] a fault at a pc that is not a trap site of live code is never swallowed.

use std::{
    cell::{Cell, UnsafeCell},
    ffi::c_int,
    mem::MaybeUninit,
    sync::OnceLock,
};

use tierup_abi::{StoreBlock, TrapKind};
use vmem::Reservation;

use crate::{
    Error, ErrorKind, Trap,
    enter::unwind_address,
    frames::{RawBacktrace, Walk},
    stack,
};

/// What the handler found, for the host to pick up.
#[derive(Debug)]
pub(crate) struct TrapRecord {
    kind: u8,
    pub(crate) backtrace: RawBacktrace,
}

impl TrapRecord {
    pub(crate) const fn new() -> Self {
        Self { kind: 0, backtrace: RawBacktrace::new() }
    }

    /// The trap that the handler found.
    pub(crate) fn take_trap(&mut self) -> Trap {
        let kind = TrapKind::from_code(std::mem::take(&mut self.kind));
        Trap::new(kind.expect("a fault that unwinds has noted its kind"))
    }
}

/// Signals that faults of code raise.
const SIGNALS: [c_int; 4] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE];

/// Who handled each of [`SIGNALS`] before us.
struct Previous([UnsafeCell<MaybeUninit<libc::sigaction>>; 4]);

// SAFETY: written once, before the handler that reads it is installed.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous([const { UnsafeCell::new(MaybeUninit::uninit()) }; 4]);

/// Installs the handlers, once for the process.
pub(crate) fn install() -> Result<(), Error> {
    static INSTALLED: OnceLock<Result<(), String>> = OnceLock::new();
    let result = INSTALLED.get_or_init(|| SIGNALS.iter().enumerate().try_for_each(install_one));
    result.clone().map_err(|message| ErrorKind::Unsupported(message).into())
}

fn install_one((index, &signal): (usize, &c_int)) -> Result<(), String> {
    let failed = || format!("cannot handle signal {signal}: {}", std::io::Error::last_os_error());
    let previous = PREVIOUS.0[index].get().cast::<libc::sigaction>();
    // SAFETY: asks only; there is room for the answer.
    if unsafe { libc::sigaction(signal, std::ptr::null(), previous) } != 0 {
        return Err(failed());
    }
    // SAFETY: all zeros is a value of the struct.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handle as *const () as usize;
    // A fault of the handler itself must reach the previous one.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    // SAFETY: the set is part of a live value.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    // SAFETY: the handler has the signature that SA_SIGINFO asks for.
    match unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(failed()),
    }
}

unsafe extern "C" fn handle(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let ucontext = context.cast::<libc::ucontext_t>();
    // SAFETY: the system passes valid pointers to handlers, for our use alone.
    let registers = unsafe { &mut (*ucontext).uc_mcontext.gregs };
    // SAFETY: likewise.
    let info_ref = unsafe { &*info };
    // SAFETY: all signals that we handle carry an address.
    let address = unsafe { info_ref.si_addr() } as usize;
    let fault = Fault {
        pc: registers[libc::REG_RIP as usize] as usize,
        frame: registers[libc::REG_RBP as usize] as usize,
        stack_pointer: registers[libc::REG_RSP as usize] as usize,
        address: (signal == libc::SIGSEGV || signal == libc::SIGBUS).then_some(address),
    };
    match fault.trap() {
        Some(block) => {
            registers[libc::REG_RIP as usize] = unwind_address() as i64;
            registers[libc::REG_RDI as usize] = block as i64;
        }
        // SAFETY: the arguments are those of the system.
        None => unsafe { chain(signal, info, context) },
    }
}

/// What is known about a fault.
struct Fault {
    pc: usize,
    frame: usize,
    stack_pointer: usize,
    address: Option<usize>,
}

/// How far from the stack pointer a fault still means that the stack is used up: large frames
/// touch their pages in order.
const STACK_PROBE_REACH: usize = 64 << 10;

impl Fault {
    /// If this is a trap of Wasm code: notes it, and returns the block to unwind.
    fn trap(&self) -> Option<*const StoreBlock> {
        // SAFETY: the pc is one of this thread's stack, so its code, if any, is alive.
        let code = unsafe { codespace::lookup_in_signal(self.pc) }?;
        let kind = match code.trap_at(self.pc) {
            Some(kind) => kind,
            // [FA-OWN]
            None if self.is_stack_overflow() => TrapKind::StackOverflow as u8,
            None => return None,
        };
        // SAFETY: code of ours was running, so its frame and the ones further out are a chain;
        // at a function's very beginning the frame pointer is still the caller's.
        let block = unsafe { Walk::new(self.frame) }.entry().block;
        // SAFETY: an entered block is alive, and so is its store's record, which nobody else
        // uses while Wasm runs.
        let record = unsafe { &*block }.trap.cast::<TrapRecord>();
        // SAFETY: likewise.
        let record = unsafe { &mut *record };
        record.kind = kind;
        record.backtrace.clear();
        record.backtrace.push(self.pc);
        // SAFETY: as for the walk above.
        unsafe { record.backtrace.extend_from(self.frame) };
        Some(block)
    }

    fn is_stack_overflow(&self) -> bool {
        self.address.is_some_and(|address| address.abs_diff(self.stack_pointer) < STACK_PROBE_REACH)
    }
}

/// Leaves a signal to whoever handled it before us.
///
/// # Safety
///
/// The arguments are those that the system gave to our handler.
unsafe fn chain(signal: c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = SIGNALS.iter().position(|&handled| handled == signal).unwrap_or(0);
    let previous = PREVIOUS.0[index].get().cast::<libc::sigaction>();
    // SAFETY: filled in before our handler was installed, and never changed.
    let previous = unsafe { &*previous };
    match previous.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // The instruction faults again after we return, and the default action follows.
            // SAFETY: restores what was there before.
            unsafe { libc::sigaction(signal, previous, std::ptr::null_mut()) };
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            type Handler = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut libc::c_void);
            let handler = std::ptr::with_exposed_provenance::<()>(handler);
            // SAFETY: SA_SIGINFO says that the handler has this signature.
            let handler = unsafe { std::ptr::read((&raw const handler).cast::<Handler>()) };
            // SAFETY: the arguments are the system's.
            unsafe { handler(signal, info, context) };
        }
        handler => {
            type Handler = unsafe extern "C" fn(c_int);
            let handler = std::ptr::with_exposed_provenance::<()>(handler);
            // SAFETY: without SA_SIGINFO the handler has this signature.
            let handler = unsafe { std::ptr::read((&raw const handler).cast::<Handler>()) };
            // SAFETY: the argument is the system's.
            unsafe { handler(signal) };
        }
    }
}

/// Bytes of the stack that handlers run on. Registers alone may take 11 KiB.
const SIGNAL_STACK_SIZE: usize = 64 << 10;

thread_local! {
    /// Whether the thread has its alternate stack. Needs no destructor, so it is there to the end.
    static READY: Cell<bool> = const { Cell::new(false) };
    static STACK: Cell<Option<SignalStack>> = const { Cell::new(None) };
}

/// Gives the calling thread an alternate stack that is large enough, once.
pub(crate) fn prepare_thread() -> Result<(), Error> {
    if READY.get() {
        return Ok(());
    }
    let stack = SignalStack::install()?;
    STACK.try_with(|place| place.set(Some(stack))).map_err(|_| {
        let message = "the thread is ending and cannot run Wasm any more";
        ErrorKind::Unsupported(message.to_owned())
    })?;
    READY.set(true);
    Ok(())
}

/// An alternate signal stack, in use by the thread that made it.
#[derive(Debug)]
struct SignalStack {
    memory: Reservation,
    previous: libc::stack_t,
}

impl SignalStack {
    fn install() -> Result<Self, Error> {
        let page = vmem::page_size();
        let memory = Reservation::reserve(page + SIGNAL_STACK_SIZE, page, None)?;
        memory.commit(page..page + SIGNAL_STACK_SIZE)?;
        let stack = libc::stack_t {
            ss_sp: memory.base().wrapping_add(page).cast(),
            ss_flags: 0,
            ss_size: SIGNAL_STACK_SIZE,
        };
        let mut previous = MaybeUninit::uninit();
        // SAFETY: the memory is committed and stays so until the stack is put back.
        if unsafe { libc::sigaltstack(&raw const stack, previous.as_mut_ptr()) } != 0 {
            let message = format!("cannot set a signal stack: {}", std::io::Error::last_os_error());
            return Err(ErrorKind::Unsupported(message).into());
        }
        // SAFETY: the call succeeded and filled it in.
        let previous = unsafe { previous.assume_init() };
        Ok(Self { memory, previous })
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        READY.set(false);
        // [ST-READY]
        stack::forget_thread();
        let mut current = MaybeUninit::<libc::stack_t>::uninit();
        // SAFETY: asks only; there is room for the answer.
        if unsafe { libc::sigaltstack(std::ptr::null(), current.as_mut_ptr()) } != 0 {
            return;
        }
        // SAFETY: the call succeeded and filled it in.
        let current = unsafe { current.assume_init() };
        // Whoever gave the thread its previous stack may have taken that back already, and ours
        // with it: then the previous one is gone too.
        let ours = self.memory.base() as usize..self.memory.base() as usize + self.memory.len();
        if current.ss_flags & libc::SS_DISABLE == 0 && ours.contains(&(current.ss_sp as usize)) {
            // SAFETY: puts back what the thread had; our memory is freed only afterwards.
            unsafe { libc::sigaltstack(&raw const self.previous, std::ptr::null_mut()) };
        }
    }
}
