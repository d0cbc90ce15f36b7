//! Calls from the host into functions.

use std::{panic::resume_unwind, sync::atomic::Ordering};

use crate::{
    Backtrace, Error, ErrorKind, FunctionHandle, StoreState, Value,
    enter::{Callee, Status, enter},
    faults,
    function::{FunctionKind, FunctionObject},
    host::Pending,
    stack,
};

impl StoreState {
    /// Calls a function. `values` holds the parameters, and afterwards the results.
    ///
    /// References among the parameters must be of this store; the API checks that.
    ///
    /// # Errors
    ///
    /// What the function ended with, if it did not return.
    ///
    /// # Panics
    ///
    /// If `values` has less room than the function's type needs; and with the panic of a host
    /// function that panicked.
    pub fn call(&mut self, function: FunctionHandle, values: &mut [Value]) -> Result<(), Error> {
        let object = self.functions.get(function).ok_or(ErrorKind::StaleHandle("function"))?;
        let ty = object.ty().ty();
        assert!(ty.params.len().max(ty.results.len()) <= values.len(), "room for all values");
        if object.host().is_some() {
            return self.call_host(function, values);
        }
        let callee = self.callee(object)?;
        self.call_wasm(callee, values)
    }

    fn callee(&self, object: &FunctionObject) -> Result<Callee, Error> {
        let record = object.record();
        let wrapper = self.engine().wrappers().entry(object.ty())?;
        Ok(Callee { wrapper, cell: record.cell as usize, instance: record.instance })
    }

    fn call_wasm(&mut self, callee: Callee, values: &mut [Value]) -> Result<(), Error> {
        if self.engine().is_inherited() {
            return Err(ErrorKind::ForkedChild.into());
        }
        faults::prepare_thread()?;
        let outer = stack::prepare(self)?;
        let store = (&raw mut *self).cast();
        let block: *mut _ = self.shared_block().as_ptr();
        let outer_entry = self.block().entry_frame.load(Ordering::Relaxed);
        // SAFETY: the block lives as long as the store; only this thread uses the field.
        unsafe { (*block).store = store };
        // SAFETY: the callee is what the store says about the function; `values` has room for
        // its type; `self` is not used until `enter` returns.
        let status = unsafe { enter(callee, values.as_mut_ptr(), block) };
        if let Some(outer) = outer {
            stack::restore(self, outer);
        }
        if status == Status::Returned {
            return Ok(());
        }
        let pending = self.unwound();
        // [EN-UNWOUND] Release: what was looked up came before.
        self.block().entry_frame.store(outer_entry, Ordering::Release);
        match pending {
            Pending::Error(error) => Err(error),
            Pending::Panic(payload) => resume_unwind(payload),
        }
    }

    /// Calls a host function without a detour through Wasm.
    fn call_host(&mut self, function: FunctionHandle, values: &mut [Value]) -> Result<(), Error> {
        let object = self.function(function)?;
        let FunctionKind::Host(context) = object.kind() else {
            unreachable!("the caller has looked");
        };
        let host = context.function.clone();
        let count = host.value_count();
        (host.call)(self, None, &mut values[..count])
    }

    /// What ended a call that did not return.
    #[cold]
    fn unwound(&mut self) -> Pending {
        let error = match self.take_pending() {
            Some(Pending::Panic(payload)) => return Pending::Panic(payload),
            Some(Pending::Error(error)) => error,
            // Nothing else leaves Wasm that way but a fault.
            None => self.trap_record().take_trap().into(),
        };
        Pending::Error(self.add_backtrace(error))
    }

    fn add_backtrace(&mut self, error: Error) -> Error {
        match error.into_kind() {
            ErrorKind::Trap(mut trap) if trap.backtrace().frames().is_empty() => {
                let raw = &self.trap_record_ref().backtrace;
                let backtrace = Backtrace::resolve(self.engine().manager(), raw);
                trap.set_backtrace(backtrace);
                self.engine().counters().count_trap();
                trap.into()
            }
            kind => kind.into(),
        }
    }

    /// Notes where the store left Wasm, for the backtrace of a trap that is about to be raised.
    pub(crate) fn capture_backtrace(&mut self) {
        let frame = self.block().exit_frame.load(Ordering::Relaxed);
        let record = self.trap_record();
        record.backtrace.clear();
        // SAFETY: a stub or wrapper has set its frame before it called us, and still runs.
        unsafe { record.backtrace.extend_from(frame) };
    }

    /// The Wasm frames below the host call that runs now; empty outside of one.
    pub fn current_backtrace(&mut self) -> Backtrace {
        self.capture_backtrace();
        let raw = &self.trap_record_ref().backtrace;
        Backtrace::resolve(self.engine().manager(), raw)
    }
}
