//! Calls from the host into functions.

use std::{panic::resume_unwind, sync::atomic::Ordering};

use crate::{
    Backtrace, Error, ErrorKind, FunctionHandle, StoreState, TrapKind, Value,
    enter::{Callee, Status, enter},
    faults,
    function::FunctionKind,
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
    #[inline]
    pub fn call(&mut self, function: FunctionHandle, values: &mut [Value]) -> Result<(), Error> {
        let Some(callee) = self.ready_callee(function, values.len()) else {
            return self.call_slowly(function, values);
        };
        match self.enter(callee, values) {
            Status::Returned => {
                self.check_left();
                Ok(())
            }
            // A callee is ready only outside of every entry.
            Status::Unwound => Err(self.unwound(0)),
        }
    }

    /// What to enter, if nothing has to be done before: the usual case, which is a few loads and
    /// comparisons.
    #[inline]
    fn ready_callee(&self, function: FunctionHandle, room: usize) -> Option<Callee> {
        let object = self.functions.get(function)?;
        let wrapper = object.known_wrapper()?;
        let is_ready =
            object.value_count() <= room && stack::is_prepared(self) && !vmem::is_forked_child();
        let record = object.record();
        let callee = Callee { wrapper, cell: record.cell as usize, instance: record.instance };
        is_ready.then_some(callee)
    }

    /// Does what has to be done before, or finds out why it cannot be.
    #[inline(never)]
    fn call_slowly(&mut self, function: FunctionHandle, values: &mut [Value]) -> Result<(), Error> {
        let object = self.function(function)?;
        assert!(object.value_count() <= values.len(), "room for all values");
        if object.host().is_some() {
            return self.call_host(function, values);
        }
        if self.engine().is_inherited() {
            return Err(ErrorKind::ForkedChild.into());
        }
        let wrapper = self.engine().wrappers().entry(object.ty())?;
        object.set_known_wrapper(wrapper);
        let record = object.record();
        let callee = Callee { wrapper, cell: record.cell as usize, instance: record.instance };
        faults::prepare_thread()?;
        let outer = stack::prepare(self)?;
        let outer_entry = self.block().entry_frame.load(Ordering::Relaxed);
        let status = self.enter(callee, values);
        if let Some(outer) = outer {
            stack::restore(self, outer);
        }
        match status {
            Status::Returned => {
                self.check_left();
                Ok(())
            }
            Status::Unwound => Err(self.unwound(outer_entry)),
        }
    }

    #[inline]
    fn enter(&mut self, callee: Callee, values: &mut [Value]) -> Status {
        let store = (&raw mut *self).cast();
        let block: *mut _ = self.shared_block().as_ptr();
        // SAFETY: the block lives as long as the store; only this thread uses the field.
        unsafe { (*block).store = store };
        // Another thread may have made the code.
        vmem::make_code_readable();
        // SAFETY: the callee is what the store says about the function; `values` has room for
        // its type; `self` is not used until `enter` returns.
        unsafe { enter(callee, values.as_mut_ptr(), block) }
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

    /// What ended a call that did not return, which was made inside of `outer_entry`. A panic
    /// goes on.
    #[cold]
    #[inline(never)]
    fn unwound(&mut self, outer_entry: usize) -> Error {
        // Nothing but a fault leaves Wasm without leaving something.
        let pending = self.take_pending();
        let ended = match pending {
            Some(panic @ Pending::Panic(_)) => panic,
            Some(Pending::Error(error)) => Pending::Error(self.add_backtrace(error)),
            None => {
                let trap = self.trap_record().take_trap();
                if trap.kind() == TrapKind::OutOfFuel {
                    self.run_out_of_fuel();
                }
                Pending::Error(self.add_backtrace(trap.into()))
            }
        };
        // [EN-UNWOUND] Release: what was looked up came before.
        self.block().entry_frame.store(outer_entry, Ordering::Release);
        self.check_left();
        match ended {
            Pending::Error(error) => error,
            Pending::Panic(payload) => resume_unwind(payload),
        }
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
