//! Validation of bodies: all of them on several threads, or one when it is first needed.
//!
//! Bodies are independent of each other, and everything they may refer to is known when the code
//! section begins. So the code section is cut into chunks of equal size in bytes, and each thread
//! takes the next chunk when it is done with one.
//!
//! ```text
//!   code section │ chunk 0 │ chunk 1 │ chunk 2 │ …        body ∈ chunk in which it starts
//!   thread A       ███████             ████████
//!   thread B                 █████████
//! ```
//!
//! * [VA-FIRST] The error reported is that of the first invalid body, however many threads there
//!   are: chunks are taken in order, and only chunks after a failed one are given up.
//! * [VA-SMALL] A small module is validated on the calling thread: making threads costs more.
#![forbid(unsafe_code)]

use std::{num::NonZeroUsize, ops::Range, thread};

use sync::atomic::{AtomicUsize, Ordering};
use wasmparser::{
    BinaryReader, FuncToValidate, FuncValidator, FuncValidatorAllocations, FunctionBody,
    ValidatorResources,
};

use crate::{DefinedFunc, Error, FEATURES, Module};

/// Validates one body, operator by operator.
pub type BodyValidator = FuncValidator<ValidatorResources>;

/// Memory of a [`BodyValidator`] that the next one can use.
pub type BodyValidatorAllocations = FuncValidatorAllocations;

impl Module {
    /// Validates all bodies, on up to `threads` threads of which the calling one is the first.
    ///
    /// # Errors
    ///
    /// What is wrong with the first invalid body.
    pub fn validate_bodies(&self, threads: NonZeroUsize) -> Result<(), Error> {
        self.validate_functions(0..self.bodies.len() as u32, threads)
    }

    /// Likewise, some of them.
    ///
    /// # Errors
    ///
    /// What is wrong with the first of them that is invalid.
    ///
    /// # Panics
    ///
    /// If a body has not arrived.
    pub fn validate_functions(
        &self,
        functions: Range<u32>,
        threads: NonZeroUsize,
    ) -> Result<(), Error> {
        self.validate_in(Chunks::new(self, functions, CHUNK_BYTES), threads.get())
    }

    /// Validates one body.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn validate_body(&self, function: DefinedFunc) -> Result<(), Error> {
        self.validate_reusing(function, BodyValidatorAllocations::default())?;
        Ok(())
    }

    /// The validator for a body, to be fed by somebody who reads the operators anyway.
    ///
    /// # Panics
    ///
    /// If the module has no such function.
    pub fn body_validator(
        &self,
        function: DefinedFunc,
        allocations: BodyValidatorAllocations,
    ) -> BodyValidator {
        let index = self.function(function);
        let resources = self.resources.clone();
        let function = FuncToValidate {
            resources: resources.expect("decoding keeps them if there is a body"),
            index: index.0,
            ty: self.functions[index.index()].0,
            features: FEATURES,
        };
        function.into_validator(allocations)
    }

    /// A reader at the start of a body, before its locals. Its positions are offsets in the
    /// module.
    pub fn body_reader(&self, function: DefinedFunc) -> BinaryReader<'_> {
        let range = self.bodies[function.index()].clone();
        let start = range.start as u64;
        BinaryReader::new_features(&self.bytes[range], start, FEATURES)
    }

    fn validate_in(&self, chunks: Chunks, threads: usize) -> Result<(), Error> {
        let work = || self.validate_chunks(&chunks);
        // [VA-SMALL] One chunk of work for each thread is the least.
        let helpers = threads.min(chunks.count / CHUNKS_PER_THREAD).saturating_sub(1);
        let failure = thread::scope(|scope| {
            // A thread that the system refuses is one that does not help.
            let helpers: Vec<_> = (0..helpers)
                .map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok())
                .collect();
            let own = work();
            helpers
                .into_iter()
                .map(|helper| {
                    helper.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .chain([own])
                .flatten()
                .min_by_key(|failure| failure.chunk)
        });
        failure.map_or(Ok(()), |failure| Err(failure.error))
    }

    /// Validates chunk after chunk until there are no more, or one fails.
    fn validate_chunks(&self, chunks: &Chunks) -> Option<Failure> {
        let mut allocations = BodyValidatorAllocations::default();
        while let Some(chunk) = chunks.claim() {
            for function in chunks.functions(self, chunk) {
                match self.validate_reusing(DefinedFunc(function), allocations) {
                    Ok(used) => allocations = used,
                    Err(error) => {
                        chunks.fail(chunk);
                        return Some(Failure { chunk, error });
                    }
                }
            }
        }
        None
    }

    fn validate_reusing(
        &self,
        function: DefinedFunc,
        allocations: BodyValidatorAllocations,
    ) -> Result<BodyValidatorAllocations, Error> {
        let mut validator = self.body_validator(function, allocations);
        validator.validate(&FunctionBody::new(self.body_reader(function)))?;
        Ok(validator.into_allocations())
    }
}

/// About 0.3 ms of work.
const CHUNK_BYTES: usize = 64 << 10;

/// A thread more must have at least that much to do: 256 KiB for two threads.
const CHUNKS_PER_THREAD: usize = 2;

struct Failure {
    chunk: usize,
    error: Error,
}

/// The chunks of some functions' bodies, and who does what.
struct Chunks {
    all: Range<u32>,
    /// Offset in the module of the first chunk.
    start: usize,
    count: usize,
    bytes: usize,
    next: AtomicUsize,
    /// The first chunk that failed.
    failed: AtomicUsize,
}

impl Chunks {
    fn new(module: &Module, all: Range<u32>, bytes: usize) -> Self {
        let bodies = &module.bodies[all.start as usize..all.end as usize];
        let start = bodies.first().map_or(0, |body| body.start);
        let end = bodies.last().map_or(0, |body| body.end);
        Self {
            all,
            start,
            // Also a last body without a byte, which is invalid, begins in a chunk.
            count: (end - start + 1).div_ceil(bytes),
            bytes,
            next: AtomicUsize::new(0),
            failed: AtomicUsize::new(usize::MAX),
        }
    }

    /// The next chunk that is worth validating.
    fn claim(&self) -> Option<usize> {
        // Relaxed: a chunk number carries no data, and missing a failure only wastes work.
        let chunk = self.next.fetch_add(1, Ordering::Relaxed);
        // [VA-FIRST] An error in this chunk could not be the first one.
        let useful = chunk < self.count && chunk < self.failed.load(Ordering::Relaxed);
        useful.then_some(chunk)
    }

    fn fail(&self, chunk: usize) {
        // Relaxed: as in `claim`.
        self.failed.fetch_min(chunk, Ordering::Relaxed);
    }

    /// The functions whose bodies start in the chunk.
    fn functions(&self, module: &Module, chunk: usize) -> Range<u32> {
        let bodies = &module.bodies[self.all.start as usize..self.all.end as usize];
        let first_from = |chunk: usize| {
            let offset = self.start + chunk * self.bytes;
            self.all.start + bodies.partition_point(|body| body.start < offset) as u32
        };
        first_from(chunk)..first_from(chunk + 1)
    }
}

#[cfg(test)]
mod tests;
