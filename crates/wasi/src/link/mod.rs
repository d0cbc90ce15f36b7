//! The functions as imports of a module: the only file that knows the engine.

use tierup::{Caller, Error, Linker};

use crate::{
    WasiContext,
    functions::{Call, MODULE, Stop, calls, for_each_function},
    memory::GuestMemory,
};

/// What a number is that a program passes.
macro_rules! core_type {
    (u32) => {
        i32
    };
    (u64) => {
        i64
    };
    (i64) => {
        i64
    };
}

/// A number as it is passed on, without a sign.
macro_rules! bits {
    ($value:ident: u32) => {
        u64::from($value as u32)
    };
    ($value:ident: $ty:ident) => {
        $value as u64
    };
}

/// Adds all functions of WASI preview 1 to `linker`, under the name that programs import them
/// from. `context` finds the [`WasiContext`] in the data of a store.
///
/// A program that exits ends the call that ran it with an error that is an [`Exit`](crate::Exit):
///
/// ```
/// use tierup::{Config, Engine, Linker, Module, Store};
/// use tierup_wasi::{Exit, OutputBuffer, Stdout, WasiContext};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::new(&Config::new())?;
/// let module = Module::new(&engine, r#"
///     (module
///       (import "wasi_snapshot_preview1" "fd_write"
///         (func $write (param i32 i32 i32 i32) (result i32)))
///       (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
///       (memory (export "memory") 1)
///       (data (i32.const 0) "\08\00\00\00\03\00\00\00hi\n")
///       (func (export "_start")
///         (call $exit (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))
/// "#)?;
/// let mut linker = Linker::new(&engine);
/// tierup_wasi::add_to_linker(&mut linker, |context: &mut WasiContext| context)?;
///
/// let output = OutputBuffer::new(100);
/// let context = WasiContext::builder().stdout(Stdout::Buffer(output.clone())).build()?;
/// let mut store = Store::new(&engine, context);
/// let instance = linker.instantiate(&mut store, &module)?;
/// let start = instance.typed_func::<(), ()>(&mut store, "_start")?;
/// let error = start.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.downcast_ref::<Exit>().map(|exit| exit.code()), Some(0));
/// assert_eq!(output.contents(), b"hi\n");
/// # Ok(())
/// # }
/// ```
///
/// The functions act on the memory that the calling instance exports as `memory`. If there is
/// none, every address is a bad one.
///
/// # Errors
///
/// If one of the names is taken.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    context: impl Fn(&mut T) -> &mut WasiContext + Copy + Send + Sync + 'static,
) -> Result<(), Error> {
    add_returning(linker, context)?;
    linker.func(MODULE, "proc_exit", move |caller: Caller<'_, T>, code: i32| {
        call(caller, context, calls::proc_exit, &[bits!(code: u32)]).map(|_| ())
    })?;
    Ok(())
}

/// Defines a function that adds those that return.
macro_rules! add_each {
    (
        $names:tt
        $($name:ident($($parameter:ident: $ty:ident),*) -> [$($result:ident),*] = $call:expr;)*
    ) => {
        fn add_returning<T: 'static>(
            linker: &mut Linker<T>,
            context: impl Fn(&mut T) -> &mut WasiContext + Copy + Send + Sync + 'static,
        ) -> Result<(), Error> {
            $(linker.func(
                MODULE,
                stringify!($name),
                move |caller: Caller<'_, T>, $($parameter: core_type!($ty),)* $($result: i32),*| {
                    let arguments = [$(bits!($parameter: $ty),)* $(bits!($result: u32)),*];
                    call(caller, context, calls::$name, &arguments)
                },
            )?;)*
            Ok(())
        }
    };
}

for_each_function!(add_each);

/// Makes one call, with the memory of the program; gives what the program gets for it.
fn call<T: 'static>(
    mut caller: Caller<'_, T>,
    context: impl Fn(&mut T) -> &mut WasiContext,
    function: Call,
    arguments: &[u64],
) -> Result<i32, Error> {
    let result = match caller.memory("memory") {
        Some(memory) => {
            let (bytes, data) = memory.data_and_state(&mut caller);
            function(context(data), &mut GuestMemory::new(bytes), arguments)
        }
        None => {
            let data = caller.data_mut();
            function(context(data), &mut GuestMemory::new(&mut []), arguments)
        }
    };
    match result {
        Ok(()) => Ok(0),
        Err(Stop::Errno(errno)) => Ok(errno.number().into()),
        Err(Stop::Exit(exit)) => Err(Error::host(exit)),
    }
}

#[cfg(test)]
mod tests;
