//! Compiling all functions of a module at once, before any is called.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicU32, Ordering},
};

use tierup_compile::CompileError;
use tierup_wasm::DefinedFunc;

use crate::{FunctionCompiler, Subject, Threads};

/// Functions that a thread compiles before it places and publishes them together.
const BATCH: u32 = 32;

impl FunctionCompiler {
    /// Compiles all functions on `count` threads at most, the caller's among them.
    ///
    /// # Errors
    ///
    /// The error of the function with the lowest index that has one. Other functions have code.
    pub fn compile_all(
        &self,
        subject: &dyn Subject,
        count: NonZeroUsize,
        threads: &Threads,
    ) -> Result<(), (DefinedFunc, CompileError)> {
        let next = AtomicU32::new(0);
        let work = || self.compile_batches(subject, &next);
        let batches = subject.module().defined_functions().div_ceil(BATCH) as usize;
        let helpers = (count.get() - 1).min(batches.saturating_sub(1));
        let failures: Vec<_> = std::thread::scope(|scope| {
            // A thread that the system refuses is one that does not help.
            let start = |_| threads.builder().and_then(|one| one.spawn_scoped(scope, work)).ok();
            let helpers: Vec<_> = (0..helpers).map_while(start).collect();
            let own = work();
            // Compiler panics are caught per function, so a thread returns what it found.
            helpers.into_iter().filter_map(|helper| helper.join().ok()).chain([own]).collect()
        });
        let first = failures.into_iter().flatten().min_by_key(|(function, _)| *function);
        first.map_or(Ok(()), Err)
    }

    /// Takes batches until none is left. Returns the first failure.
    fn compile_batches(
        &self,
        subject: &dyn Subject,
        next: &AtomicU32,
    ) -> Option<(DefinedFunc, CompileError)> {
        let count = subject.module().defined_functions();
        let mut failure = None;
        loop {
            // Relaxed: the counter only hands out numbers.
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            if count <= start {
                return failure;
            }
            let mut drafts = Vec::with_capacity(BATCH as usize);
            let functions = start..count.min(start + BATCH);
            let lazy = functions.filter(|&function| !self.has_code(subject, DefinedFunc(function)));
            for function in lazy.map(DefinedFunc) {
                match self.draft(subject, function) {
                    Ok(draft) => drafts.push(draft),
                    Err(error) => failure = failure.or(Some((function, error))),
                }
            }
            if let Err(error) = self.install(subject, drafts) {
                failure = failure.or(Some((DefinedFunc(start), error)));
            }
        }
    }
}
