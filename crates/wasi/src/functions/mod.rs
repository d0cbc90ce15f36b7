//! The 46 functions, one file for each group, and the table of how programs call them.
//!
//! The functions themselves take and return Rust values. The table says for each what it is called,
//! which numbers it is passed, how they become its arguments, and where its results go. What a
//! program passes for results is checked before the function does anything, so that nothing
//! happens in a call that fails for that reason.

mod args_env;
mod clock;
pub(crate) mod fd;
mod fd_dir;
pub(crate) mod path;
mod poll;
mod proc;
mod random;
mod sock;

pub use proc::Exit;

use crate::{
    Clock, Errno, WasiContext,
    flags::{Fdflags, Fstflags, Lookupflags, Oflags, Sdflags},
    functions::{
        fd::NewTimes,
        path::{GuestPath, OpenRequest},
    },
    memory::{GuestMemory, List, Pointer, Region},
    rights::Rights,
    types::{Advice, Fd, Plain, Whence},
};

/// The module that programs import the functions from.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// One of the functions, as programs call it.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [Core],
    /// Takes as many arguments as there are parameters.
    pub(crate) call: Call,
}

/// Calls a function with the numbers that the program passed.
pub(crate) type Call = fn(&mut WasiContext, &mut GuestMemory<'_>, &[u64]) -> Result<(), Stop>;

/// Types of parameters.
#[cfg(test)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Core {
    I32,
    I64,
}

/// Why a call did not succeed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    Errno(Errno),
    Exit(Exit),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// The table: a row is
///
/// ```text
///   name(numbers passed) -> [addresses passed for results] = the call, as a Result;
/// ```
macro_rules! for_each_function {
    ($make:ident) => {
        $make! {
            (context, memory)
            args_get(pointers: u32, buffer: u32) -> [] =
                context.args_get(memory, Pointer(pointers), Pointer(buffer));
            args_sizes_get() -> [count, size] = Ok(context.args_sizes_get());
            environ_get(pointers: u32, buffer: u32) -> [] =
                context.environ_get(memory, Pointer(pointers), Pointer(buffer));
            environ_sizes_get() -> [count, size] = Ok(context.environ_sizes_get());
            clock_res_get(clock: u32) -> [resolution] = context.clock_res_get(Clock::try_from(clock)?);
            clock_time_get(clock: u32, _precision: u64) -> [time] =
                context.clock_time_get(Clock::try_from(clock)?);
            fd_advise(fd: u32, offset: u64, length: u64, advice: u32) -> [] =
                context.fd_advise(Fd(fd), offset, length, Advice::try_from(advice)?);
            fd_allocate(fd: u32, offset: u64, length: u64) -> [] =
                context.fd_allocate(Fd(fd), offset, length);
            fd_close(fd: u32) -> [] = context.fd_close(Fd(fd));
            fd_datasync(fd: u32) -> [] = context.fd_datasync(Fd(fd));
            fd_fdstat_get(fd: u32) -> [stat] = context.fd_fdstat_get(Fd(fd));
            fd_fdstat_set_flags(fd: u32, flags: u32) -> [] =
                context.fd_fdstat_set_flags(Fd(fd), Fdflags::try_from(flags)?);
            fd_fdstat_set_rights(fd: u32, base: u64, inheriting: u64) -> [] = context
                .fd_fdstat_set_rights(Fd(fd), Rights::truncated(base), Rights::truncated(inheriting));
            fd_filestat_get(fd: u32) -> [stat] = context.fd_filestat_get(Fd(fd));
            fd_filestat_set_size(fd: u32, size: u64) -> [] = context.fd_filestat_set_size(Fd(fd), size);
            fd_filestat_set_times(fd: u32, accessed: u64, modified: u64, flags: u32) -> [] =
                context.fd_filestat_set_times(Fd(fd), new_times(accessed, modified, flags)?);
            fd_pread(fd: u32, buffers: u32, count: u32, offset: u64) -> [size] =
                context.fd_pread(memory, Fd(fd), List::new(buffers, count), offset);
            fd_prestat_get(fd: u32) -> [prestat] = context.fd_prestat_get(Fd(fd));
            fd_prestat_dir_name(fd: u32, name: u32, length: u32) -> [] =
                context.fd_prestat_dir_name(memory, Fd(fd), Region::new(name, length));
            fd_pwrite(fd: u32, buffers: u32, count: u32, offset: u64) -> [size] =
                context.fd_pwrite(memory, Fd(fd), List::new(buffers, count), offset);
            fd_read(fd: u32, buffers: u32, count: u32) -> [size] =
                context.fd_read(memory, Fd(fd), List::new(buffers, count));
            fd_readdir(fd: u32, buffer: u32, length: u32, cookie: u64) -> [size] =
                context.fd_readdir(memory, Fd(fd), Region::new(buffer, length), cookie);
            fd_renumber(from: u32, to: u32) -> [] = context.fd_renumber(Fd(from), Fd(to));
            fd_seek(fd: u32, offset: i64, whence: u32) -> [position] =
                context.fd_seek(Fd(fd), offset, Whence::try_from(whence)?);
            fd_sync(fd: u32) -> [] = context.fd_sync(Fd(fd));
            fd_tell(fd: u32) -> [position] = context.fd_tell(Fd(fd));
            fd_write(fd: u32, buffers: u32, count: u32) -> [size] =
                context.fd_write(memory, Fd(fd), List::new(buffers, count));
            path_create_directory(fd: u32, path: u32, length: u32) -> [] =
                context.path_create_directory(memory, at(fd, path, length));
            path_filestat_get(fd: u32, lookup: u32, path: u32, length: u32) -> [stat] =
                context.path_filestat_get(memory, at(fd, path, length), Lookupflags::try_from(lookup)?);
            path_filestat_set_times(
                fd: u32, lookup: u32, path: u32, length: u32, accessed: u64, modified: u64, flags: u32
            ) -> [] = context.path_filestat_set_times(
                memory,
                at(fd, path, length),
                Lookupflags::try_from(lookup)?,
                new_times(accessed, modified, flags)?,
            );
            path_link(
                old_fd: u32, lookup: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32
            ) -> [] = context.path_link(
                memory,
                Lookupflags::try_from(lookup)?,
                at(old_fd, old, old_length),
                at(new_fd, new, new_length),
            );
            path_open(
                fd: u32, lookup: u32, path: u32, length: u32, oflags: u32, base: u64, inheriting: u64,
                fdflags: u32
            ) -> [opened] = {
                let request = OpenRequest {
                    lookup: Lookupflags::try_from(lookup)?,
                    oflags: Oflags::try_from(oflags)?,
                    base: Rights::truncated(base),
                    inheriting: Rights::truncated(inheriting),
                    fdflags: Fdflags::try_from(fdflags)?,
                };
                context.path_open(memory, at(fd, path, length), request)
            };
            path_readlink(fd: u32, path: u32, length: u32, buffer: u32, size: u32) -> [used] =
                context.path_readlink(memory, at(fd, path, length), Region::new(buffer, size));
            path_remove_directory(fd: u32, path: u32, length: u32) -> [] =
                context.path_remove_directory(memory, at(fd, path, length));
            path_rename(
                old_fd: u32, old: u32, old_length: u32, new_fd: u32, new: u32, new_length: u32
            ) -> [] =
                context.path_rename(memory, at(old_fd, old, old_length), at(new_fd, new, new_length));
            path_symlink(target: u32, target_length: u32, fd: u32, path: u32, length: u32) -> [] =
                context.path_symlink(memory, Region::new(target, target_length), at(fd, path, length));
            path_unlink_file(fd: u32, path: u32, length: u32) -> [] =
                context.path_unlink_file(memory, at(fd, path, length));
            poll_oneoff(subscriptions: u32, events: u32, count: u32) -> [happened] =
                context.poll_oneoff(memory, List::new(subscriptions, count), Pointer(events));
            proc_raise(signal: u32) -> [] = context.proc_raise(signal);
            random_get(buffer: u32, length: u32) -> [] =
                context.random_get(memory, Region::new(buffer, length));
            sched_yield() -> [] = {
                context.sched_yield();
                Ok(())
            };
            sock_accept(fd: u32, flags: u32) -> [accepted] = {
                Fdflags::try_from(flags)?;
                context.sock_accept(Fd(fd))
            };
            sock_recv(fd: u32, buffers: u32, count: u32, flags: u32) -> [size, out_flags] =
                context.sock_recv(memory, Fd(fd), List::new(buffers, count), flags);
            sock_send(fd: u32, buffers: u32, count: u32, flags: u32) -> [size] =
                context.sock_send(memory, Fd(fd), List::new(buffers, count), flags);
            sock_shutdown(fd: u32, how: u32) -> [] =
                context.sock_shutdown(Fd(fd), Sdflags::try_from(how)?);
        }
    };
}

pub(crate) use for_each_function;

/// Defines [`calls`], and for tests the list of all. `proc_exit` has no row: it does not return.
macro_rules! functions {
    (
        ($context:ident, $memory:ident)
        $($name:ident($($parameter:ident: $ty:ident),*) -> [$($result:ident),*] = $call:expr;)*
    ) => {
        /// The functions as programs call them: each takes the numbers that were passed.
        pub(crate) mod calls {
            use super::{Errno, GuestMemory, Pointer, Stop, WasiContext, returning};
            use super::{Clock, Advice, Fd, Fdflags, List, Lookupflags, Oflags, OpenRequest, Region};
            use super::{Rights, Sdflags, Whence, at, new_times};

            $(pub(crate) fn $name(
                $context: &mut WasiContext,
                memory: &mut GuestMemory<'_>,
                arguments: &[u64],
            ) -> Result<(), Stop> {
                let &[$($parameter,)* $($result),*] = arguments else {
                    // The engine passes as many as there are parameters.
                    return Err(Errno::Inval.into());
                };
                $(let $parameter = $parameter as $ty;)*
                let results = [$(Pointer($result as u32)),*];
                Ok(returning(memory, &results, |$memory| {
                    // Not every function uses it.
                    let _ = &$memory;
                    $call
                })?)
            })*

            pub(crate) fn proc_exit(
                _: &mut WasiContext,
                _: &mut GuestMemory<'_>,
                arguments: &[u64],
            ) -> Result<(), Stop> {
                let code = arguments.first().map_or(0, |&code| code as u32);
                Err(Stop::Exit(super::Exit::new(code)))
            }
        }

        /// All functions.
        #[cfg(test)]
        pub(crate) const FUNCTIONS: &[Function] = &[
            $(Function {
                name: stringify!($name),
                parameters: &[$(core_type!($ty),)* $(core_type!($result as u32)),*],
                call: calls::$name,
            },)*
            Function { name: "proc_exit", parameters: &[Core::I32], call: calls::proc_exit },
        ];
    };
}

#[cfg(test)]
macro_rules! core_type {
    (u32) => {
        Core::I32
    };
    (u64) => {
        Core::I64
    };
    (i64) => {
        Core::I64
    };
    ($result:ident as u32) => {
        Core::I32
    };
}

for_each_function!(functions);

/// What a function returns beside its error.
trait Results {
    /// Bytes of each result.
    const SIZES: &'static [u32];
    fn store(&self, memory: &mut GuestMemory<'_>, pointers: &[Pointer]) -> Result<(), Errno>;
}

impl Results for () {
    const SIZES: &'static [u32] = &[];
    fn store(&self, _: &mut GuestMemory<'_>, _: &[Pointer]) -> Result<(), Errno> {
        Ok(())
    }
}

impl<R: Plain> Results for R {
    const SIZES: &'static [u32] = &[R::SIZE];
    fn store(&self, memory: &mut GuestMemory<'_>, pointers: &[Pointer]) -> Result<(), Errno> {
        memory.store(pointers[0], self)
    }
}

impl<R: Plain, S: Plain> Results for (R, S) {
    const SIZES: &'static [u32] = &[R::SIZE, S::SIZE];
    fn store(&self, memory: &mut GuestMemory<'_>, pointers: &[Pointer]) -> Result<(), Errno> {
        memory.store(pointers[0], &self.0)?;
        memory.store(pointers[1], &self.1)
    }
}

/// Runs `call` with somewhere to put what it returns.
fn returning<R: Results>(
    memory: &mut GuestMemory<'_>,
    pointers: &[Pointer],
    call: impl FnOnce(&mut GuestMemory<'_>) -> Result<R, Errno>,
) -> Result<(), Errno> {
    for (pointer, &size) in pointers.iter().zip(R::SIZES) {
        memory.check(*pointer, size)?;
    }
    call(memory)?.store(memory, pointers)
}

fn at(fd: u32, path: u32, length: u32) -> GuestPath {
    GuestPath { directory: Fd(fd), path: Region::new(path, length) }
}

fn new_times(accessed: u64, modified: u64, flags: u32) -> Result<NewTimes, Errno> {
    Ok(NewTimes { accessed, modified, flags: Fstflags::try_from(flags)? })
}
