//! Compiling one function, because somebody called it or because it is hot.
//!
//! ```text
//!  lazy stub ──► compile ──► gate: one thread compiles, others wait and look again
//!                              └─► compiler, which validates if that was put off ─► place ─► publish
//! ```
//!
//! A compiler that cannot do a function *bails out*: another one does it then, if there is one. So
//! it does if the compiler fails on its own account or panics, which is also a counted failure.
//! Whatever else goes wrong is an error for the callers of that function and a counted event;
//! nothing is remembered here, so the next call tries again.
#![forbid(unsafe_code)]

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use codespace::{Draft, Installed, Kind, Tier};
use tierup_compile::{
    CompileError, CompileErrorKind, Compiled, Compiler, Entry, Request, Settings,
};
use tierup_wasm::DefinedFunc;

use crate::{
    CompileCounters, CompileFailure, Subject, Validity,
    counters::Compile,
    events,
    gate::{Entered, Gate},
};

/// Compiles functions of one module, for one tier.
#[derive(Debug)]
pub struct FunctionCompiler {
    compiler: Arc<dyn Compiler>,
    fallback: Option<Arc<dyn Compiler>>,
    settings: Settings,
    validity: Arc<Validity>,
    counters: Arc<CompileCounters>,
    gate: Gate,
}

/// What became of a compile that did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The function has such code already.
    Present,
    /// It was compiled, and this is what the install rule said.
    Compiled(Installed),
    /// It was compiled, but there is nobody left to run it.
    Gone,
}

impl FunctionCompiler {
    /// Will compile with `compiler`, and count in `counters`.
    pub fn new(
        compiler: Arc<dyn Compiler>,
        settings: Settings,
        validity: Arc<Validity>,
        counters: Arc<CompileCounters>,
    ) -> Self {
        Self { compiler, fallback: None, settings, validity, counters, gate: Gate::new() }
    }

    /// What the compiler does not support or finds too large, `fallback` compiles.
    #[must_use]
    pub fn with_fallback(self, fallback: Option<Arc<dyn Compiler>>) -> Self {
        Self { fallback, ..self }
    }

    /// Gives a function code, if it has none of this tier or a better one.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled, or there is no room for its code.
    pub fn compile_now(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
    ) -> Result<(), CompileError> {
        let start = Instant::now();
        if let Outcome::Compiled(_) = self.compile(subject, function)? {
            let time = start.elapsed();
            events::lazy(subject, function, time);
            self.counters.count_lazy(time);
        }
        Ok(())
    }

    /// As `compile_now`, for any reason.
    pub(crate) fn compile(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
    ) -> Result<Outcome, CompileError> {
        loop {
            if self.has_code(subject, function) {
                return Ok(Outcome::Present);
            }
            let Entered::Compile(_pass) = self.gate.enter(function.0) else { continue };
            // Somebody may have been here between the look and the gate.
            if self.has_code(subject, function) {
                return Ok(Outcome::Present);
            }
            let draft = self.draft(subject, function)?;
            return self.install_one(subject, draft);
        }
    }

    /// Gives a function code that frames go on in at the loop at that position. Nobody else may
    /// do the same at the same time.
    pub(crate) fn compile_replacement(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
        position: u32,
    ) -> Result<Outcome, CompileError> {
        let draft = self.draft_at(subject, function, Entry::Loop { position })?;
        self.install_one(subject, draft)
    }

    fn install_one(&self, subject: &dyn Subject, draft: Draft) -> Result<Outcome, CompileError> {
        let installed = self.install(subject, vec![draft])?;
        Ok(match installed.as_deref() {
            Some(&[installed]) => Outcome::Compiled(installed),
            _ => Outcome::Gone,
        })
    }

    /// True if the function has code that this compiler would not replace.
    pub(crate) fn has_code(&self, subject: &dyn Subject, function: DefinedFunc) -> bool {
        subject.tier(function).is_some_and(|present| self.compiler.tier() <= present)
    }

    /// Compiles a function, without any effect on its unit.
    pub(crate) fn draft(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
    ) -> Result<Draft, CompileError> {
        self.draft_at(subject, function, Entry::Call)
    }

    fn draft_at(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
        entry: Entry,
    ) -> Result<Draft, CompileError> {
        let start = Instant::now();
        // To be read before the compiler looks at anything.
        let assumptions = subject.assumptions();
        let result = caught(|| self.run_compilers(subject, function, entry));
        let (compiled, tier) =
            result.inspect_err(|error| self.note_failure(subject, function, error))?;
        let compile = Compile {
            tier,
            time: start.elapsed(),
            body_bytes: subject.module().body(function).len(),
            code_bytes: compiled.bytes.len(),
        };
        self.counters.count(compile);
        events::compile(subject, function, &compile);
        let mut draft = compiled.into_draft(entry.kind(function), tier);
        if tier == Tier::Optimized {
            draft.assumptions = assumptions;
        }
        Ok(draft)
    }

    /// Places and publishes a batch. None if there is nobody left to run it.
    pub(crate) fn install(
        &self,
        subject: &dyn Subject,
        drafts: Vec<Draft>,
    ) -> Result<Option<Vec<Installed>>, CompileError> {
        let first = drafts.first().map(|draft| draft.kind);
        subject.install(drafts).map_err(|error| {
            let error = CompileErrorKind::NoRoom { message: error.to_string() }.into();
            if let Some(function) = first.and_then(Kind::function) {
                self.note_failure(subject, DefinedFunc(function), &error);
            }
            error
        })
    }

    fn run_compilers(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
        entry: Entry,
    ) -> Result<(Compiled, Tier), CompileError> {
        let (module, layout) = (subject.module(), subject.layout());
        let request = Request { module, layout, function, entry, settings: &self.settings };
        let error = match caught(|| self.run_compiler(&request)) {
            Ok(compiled) => return Ok((compiled, self.compiler.tier())),
            Err(error) => error,
        };
        let Some(fallback) = self.fallback.as_ref().filter(|_| bails_out(&error)) else {
            return Err(error);
        };
        self.counters.count_bailout(&error);
        if let CompileErrorKind::Internal { .. } = error.kind() {
            self.note_failure(subject, function, &error);
        }
        events::bailout(subject, function, &error);
        if !self.validity.knows(function) {
            request.validate()?;
            self.validity.learn(function);
        }
        Ok((fallback.compile(&request)?, fallback.tier()))
    }

    /// Runs the compiler that is asked first, which validates what is not known to be valid.
    fn run_compiler(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        if self.validity.knows(request.function) {
            return self.compiler.compile(request);
        }
        let result = self.compiler.validate_and_compile(request);
        // What failed on its own account may not have come to the body's end.
        let is_unknown = |error: &CompileError| {
            use CompileErrorKind::{Internal, Invalid};
            matches!(error.kind(), Invalid { .. } | Internal { .. })
        };
        if !result.as_ref().is_err_and(is_unknown) {
            self.validity.learn(request.function);
        }
        result
    }

    #[cold]
    pub(crate) fn note_failure(
        &self,
        subject: &dyn Subject,
        function: DefinedFunc,
        error: &CompileError,
    ) {
        let tier = self.compiler.tier();
        events::failure(subject, function, tier, error);
        self.counters.count_failure(CompileFailure {
            function: subject.module().function(function).0,
            name: subject.name(function),
            tier,
            message: error.to_string(),
        });
    }
}

/// The result of `compile`, or its panic as an error.
fn caught<T>(compile: impl FnOnce() -> Result<T, CompileError>) -> Result<T, CompileError> {
    catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|payload| {
        let message = panic_message(&*payload);
        Err(CompileErrorKind::Internal { message }.into())
    })
}

/// Whether another compiler may do better.
fn bails_out(error: &CompileError) -> bool {
    use CompileErrorKind::{Internal, TooLarge, TooLong, Unsupported};
    let kind = error.kind();
    matches!(kind, Unsupported { .. } | TooLarge { .. } | TooLong { .. } | Internal { .. })
}

/// What a panic said.
fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "the compiler panicked".to_owned())
}
