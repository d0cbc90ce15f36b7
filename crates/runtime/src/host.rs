//! Host functions, as Wasm sees them.
//!
//! Wasm calls a host function like any other: through a cell, with an address in `rdi` where an
//! instance would be. That address is a [`HostContext`], whose head looks like an instance's. The
//! cell holds a host wrapper, which calls [`host_call`] with the context and a buffer of values.
//!
//! A function has one context of its own, and one for each instance that imports it, so that it
//! can tell who called.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::AtomicUsize},
};

use tierup_abi::{InstanceHead, machine_struct};

use crate::{Error, ErrorKind, InstanceHandle, RegisteredType, StoreState, Value, owner::Owner};

/// What a host function does: reads its parameters from the values and writes its results there.
pub type HostCall = dyn Fn(&mut StoreState, Option<InstanceHandle>, &mut [Value]) -> Result<(), Error>
    + Send
    + Sync;

/// A host function, before it is part of a store.
#[derive(Clone)]
pub struct HostFunction {
    pub(crate) ty: Arc<RegisteredType>,
    pub(crate) call: Arc<HostCall>,
}

impl HostFunction {
    /// A function of type `ty` that does `call`.
    ///
    /// `call` gets as many values as the type has parameters or results, whichever is more. It
    /// reads the parameters from the front and writes the results to the front.
    pub fn new(
        ty: Arc<RegisteredType>,
        call: impl Fn(&mut StoreState, Option<InstanceHandle>, &mut [Value]) -> Result<(), Error>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { ty, call: Arc::new(call) }
    }

    /// Its type.
    pub fn ty(&self) -> &Arc<RegisteredType> {
        &self.ty
    }

    /// Number of values that `call` gets.
    pub(crate) fn value_count(&self) -> usize {
        self.ty.ty().params.len().max(self.ty.ty().results.len())
    }
}

impl fmt::Debug for HostFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostFunction({})", self.ty.ty())
    }
}

machine_struct! {
    /// The first argument of a host function.
    pub struct HostContext {
        /// As in an instance.
        head / HEAD: InstanceHead,
        /// [`host_call`].
        call / CALL: unsafe extern "C" fn(*const HostContext, *mut Value) -> u32,
        /// What to call.
        function / FUNCTION: HostFunction,
        /// The cell through which Wasm comes here; it never changes.
        cell / CELL: AtomicUsize,
        /// The instance that imported the function.
        caller / CALLER: Option<InstanceHandle>,
    }
}

impl HostContext {
    /// A context that never moves again.
    pub(crate) fn new(
        function: HostFunction,
        store: &StoreState,
        (owner, caller): (Owner, Option<InstanceHandle>),
    ) -> Result<Box<Self>, Error> {
        let wrapper = store.engine().wrappers().host(&function.ty)?;
        let head = store.head(owner, std::ptr::null());
        let cell = AtomicUsize::new(wrapper);
        Ok(Box::new(Self { head, call: host_call, function, cell, caller }))
    }

    pub(crate) fn head(&self) -> *mut InstanceHead {
        (&raw const self.head).cast_mut()
    }
}

// A head must come first, or wrappers and stubs would read something else.
const _: () = assert!(HostContext::HEAD == 0);

/// What stopped Wasm: kept in the store while the frames are left.
#[derive(Debug)]
pub(crate) enum Pending {
    /// An error or trap.
    Error(Error),
    /// A panic of a host function, to go on where Wasm was entered.
    Panic(Box<dyn Any + Send>),
}

/// Calls the host function of a context. Returns 0, or 1 if the store has something pending.
///
/// # Safety
///
/// (a) `context` is a live context whose store runs on this thread and called it.
/// (b) `values` points to as many values as the function's type needs.
unsafe extern "C" fn host_call(context: *const HostContext, values: *mut Value) -> u32 {
    // SAFETY: (a); it lives at least as long as its owner, which is on the stack and thus a root.
    let context = unsafe { &*context };
    // SAFETY: (a); a store sets the pointer before it enters Wasm, and gives up its own reference
    // until Wasm returns.
    let store = unsafe { StoreState::of_head(&context.head) };
    let count = context.function.value_count();
    // SAFETY: (b); the wrapper made the buffer for this type.
    let values = unsafe { std::slice::from_raw_parts_mut(values, count) };

    let call = AssertUnwindSafe(|| {
        // [IN-CALLS]
        store.poll()?;
        (context.function.call)(store, context.caller, values)
    });
    let result = catch_unwind(call);
    // SAFETY: as above; the closure with the other reference is gone.
    let store = unsafe { StoreState::of_head(&context.head) };
    if store.engine().is_inherited() {
        // The process forked in the host call, and this is the child.
        end_forked_child();
    }
    // Whatever the host function has done with this thread's rights.
    vmem::make_code_readable();
    let pending = match result {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => Pending::Error(error),
        Err(payload) => Pending::Panic(payload),
    };
    if let Pending::Error(_) = pending {
        // The error may be a trap that has no backtrace yet.
        store.capture_backtrace();
    }
    store.set_pending(pending);
    1
}

#[cold]
fn end_forked_child() -> ! {
    let message = Error::from(ErrorKind::ForkedChild);
    tracing::error!("a host call returned to Wasm in a forked child: {message}");
    let text = b"tierup: a host call returned to Wasm in a forked child, which has no code\n";
    // Nothing more can be done about a message that cannot be written.
    let _ = rustix::io::write(rustix::stdio::stderr(), text);
    std::process::abort();
}
