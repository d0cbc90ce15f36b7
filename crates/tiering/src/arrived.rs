//! Compiling the functions of a module while the rest of it is still on its way.
//!
//! ```text
//!   header of the code │ body body body │ body body … │ data, names      arrive
//!                        draft_arrived     draft_arrived   │
//!                        └──────┬──────────────┘           ▼
//!                            drafts ─────────────► install_arrived       a unit exists from here on
//! ```
//!
//! What a body may refer to is known when the code section begins, so its code can be made then.
//! Where the code goes is not: a unit is made for a module that is there as a whole, because until
//! then anything may turn out to be wrong with it.
#![forbid(unsafe_code)]

use std::{
    num::NonZeroUsize,
    ops::Range,
    sync::atomic::{AtomicU32, Ordering},
};

use codespace::{Draft, Kind, Tier};
use tierup_compile::CompileError;
use tierup_wasm::DefinedFunc;

use crate::{FunctionCompiler, ModuleTiering, Subject};

/// Functions that a thread takes at once, and that are placed and published together.
const BATCH: u32 = 32;

type Failure = (DefinedFunc, CompileError);

impl ModuleTiering {
    /// Compiles some functions of a module of which the rest has not arrived, on `threads`
    /// threads, the caller's among them. `arrived` knows as much of the module as there is.
    ///
    /// # Errors
    ///
    /// The error of the function with the lowest index that has one.
    pub fn draft_arrived(
        &self,
        arrived: &dyn Subject,
        functions: Range<u32>,
        threads: NonZeroUsize,
    ) -> Result<Vec<Draft>, Failure> {
        self.first().draft_all(arrived, functions, threads)
    }

    /// Places and publishes what was compiled before, now that the module is there.
    ///
    /// # Errors
    ///
    /// If there is no room: the first function that has none.
    pub fn install_arrived(&self, drafts: Vec<Draft>) -> Result<(), Failure> {
        let mut drafts = drafts.into_iter();
        loop {
            let mut batch: Vec<_> = drafts.by_ref().take(BATCH as usize).collect();
            // The unit is new, so what compilers may rely on is what it was from the start.
            let assumptions = self.subject().assumptions();
            let optimized = batch.iter_mut().filter(|draft| draft.tier == Tier::Optimized);
            optimized.for_each(|draft| draft.assumptions = assumptions);
            let Some(first) = batch.first().map(|draft| draft.kind) else { return Ok(()) };
            let installed = self.first().install(self.subject(), batch);
            installed.map_err(|error| (function_of(first), error))?;
        }
    }
}

impl FunctionCompiler {
    fn draft_all(
        &self,
        subject: &dyn Subject,
        functions: Range<u32>,
        threads: NonZeroUsize,
    ) -> Result<Vec<Draft>, Failure> {
        let batches = functions.len().div_ceil(BATCH as usize);
        let helpers = (threads.get() - 1).min(batches.saturating_sub(1));
        let next = AtomicU32::new(functions.start);
        let work = || self.draft_batches(subject, &next, functions.end);
        let made: Vec<_> = std::thread::scope(|scope| {
            // A thread that the system refuses is one that does not help.
            let helpers: Vec<_> = (0..helpers)
                .map_while(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            let own = work();
            // Compiler panics are caught per function, so a thread returns what it made.
            helpers.into_iter().filter_map(|helper| helper.join().ok()).chain([own]).collect()
        });
        let (drafts, failures): (Vec<_>, Vec<_>) = made.into_iter().unzip();
        match failures.into_iter().flatten().min_by_key(|(function, _)| *function) {
            Some(first) => Err(first),
            None => Ok(drafts.into_iter().flatten().collect()),
        }
    }

    /// Takes batches until none is left, or a function has failed.
    fn draft_batches(
        &self,
        subject: &dyn Subject,
        next: &AtomicU32,
        end: u32,
    ) -> (Vec<Draft>, Option<Failure>) {
        let mut drafts = Vec::new();
        loop {
            // Relaxed: the counter only hands out numbers.
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            if end <= start {
                return (drafts, None);
            }
            for function in (start..end.min(start.saturating_add(BATCH))).map(DefinedFunc) {
                match self.draft(subject, function) {
                    Ok(draft) => drafts.push(draft),
                    Err(error) => return (drafts, Some((function, error))),
                }
            }
        }
    }
}

fn function_of(kind: Kind) -> DefinedFunc {
    match kind {
        Kind::Function(function) => DefinedFunc(function),
        _ => unreachable!("a compiler of functions makes code of functions"),
    }
}
