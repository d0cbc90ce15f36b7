//! Compiling one function, because somebody called it.
//!
//! ```text
//!  lazy stub ──► compile ──► gate: one thread compiles, others wait and look again
//!                              └─► validate if that was put off ─► compiler ─► place ─► publish
//! ```
//!
//! Whatever goes wrong, a panic of the compiler included, is an error for the callers of that
//! function and a counted event; nothing is remembered, so the next call tries again.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use codespace::{Draft, Tier, Unit};
use tierup_abi::InstanceLayout;
use tierup_compile::{CompileError, CompileErrorKind, Compiled, Compiler, Request, Settings};
use tierup_wasm::{DefinedFunc, Module};

use crate::{
    CompileCounters,
    counters::Compile,
    gate::{Entered, Gate},
};

/// Whether bodies are known to be valid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validation {
    /// All of them were validated.
    Done,
    /// Each is validated when it is compiled.
    AtCompile,
}

/// Compiles the functions of one module.
#[derive(Debug)]
pub struct FunctionCompiler {
    compiler: Arc<dyn Compiler>,
    /// Compiles what the other one cannot.
    fallback: Option<Arc<dyn Compiler>>,
    settings: Settings,
    validation: Validation,
    counters: Arc<CompileCounters>,
    gate: Gate,
}

/// A module as a compiler sees it, and the place for its code.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The module.
    pub module: &'a Module,
    /// Layout of its instances.
    pub layout: &'a InstanceLayout,
    /// Where the code goes.
    pub unit: &'a Arc<Unit>,
}

impl FunctionCompiler {
    /// Will compile with `compiler`, and count in `counters`.
    pub fn new(
        compiler: Arc<dyn Compiler>,
        settings: Settings,
        validation: Validation,
        counters: Arc<CompileCounters>,
    ) -> Self {
        Self { compiler, fallback: None, settings, validation, counters, gate: Gate::new() }
    }

    /// What the compiler refuses as unsupported is compiled by `fallback`.
    #[must_use]
    pub fn with_fallback(self, fallback: Option<Arc<dyn Compiler>>) -> Self {
        Self { fallback, ..self }
    }

    /// Gives a function code, if it has none.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled, or there is no room for its code.
    pub fn compile_now(
        &self,
        target: Target<'_>,
        function: DefinedFunc,
    ) -> Result<(), CompileError> {
        loop {
            if target.unit.tier(function.0).is_some() {
                return Ok(());
            }
            let Entered::Compile(_pass) = self.gate.enter(function.0) else { continue };
            // Somebody may have been here between the look and the gate.
            if target.unit.tier(function.0).is_some() {
                return Ok(());
            }
            tracing::debug!(target: "tiering", function = function.0, "lazy compile");
            let draft = self.draft(target, function)?;
            self.install(target.unit, vec![draft])?;
            self.counters.count_lazy();
            return Ok(());
        }
    }

    /// Compiles a function, without any effect on its unit.
    pub(crate) fn draft(
        &self,
        target: Target<'_>,
        function: DefinedFunc,
    ) -> Result<Draft, CompileError> {
        let start = Instant::now();
        let compile = AssertUnwindSafe(|| self.run_compiler(target, function));
        let result = catch_unwind(compile).unwrap_or_else(|payload| {
            let message = panic_message(&*payload);
            Err(CompileErrorKind::Internal { message }.into())
        });
        let (compiled, tier) = result.inspect_err(|error| {
            self.counters.count_failure();
            tracing::warn!(target: "tiering", function = function.0, %error, "compile failed");
        })?;
        self.counters.count(Compile {
            tier,
            time: start.elapsed(),
            body_bytes: target.module.body(function).len(),
            code_bytes: compiled.bytes.len(),
        });
        Ok(compiled.into_draft(function, tier))
    }

    fn run_compiler(
        &self,
        target: Target<'_>,
        function: DefinedFunc,
    ) -> Result<(Compiled, Tier), CompileError> {
        if self.validation == Validation::AtCompile {
            target.module.validate_body(function).map_err(|error| CompileErrorKind::Invalid {
                message: error.message().to_owned(),
                offset: error.offset(),
            })?;
        }
        let Target { module, layout, .. } = target;
        let request = Request { module, layout, function, settings: &self.settings };
        match (self.compiler.compile(&request), &self.fallback) {
            (Err(error), Some(fallback)) if is_bailout(&error) => {
                self.counters.count_bailout();
                tracing::debug!(target: "tiering", function = function.0, %error, "bailout");
                Ok((fallback.compile(&request)?, fallback.tier()))
            }
            (result, _) => Ok((result?, self.compiler.tier())),
        }
    }

    /// Places and publishes a batch.
    pub(crate) fn install(&self, unit: &Arc<Unit>, drafts: Vec<Draft>) -> Result<(), CompileError> {
        let installed = unit.place(drafts).and_then(|placed| unit.publish(placed));
        installed.map(drop).map_err(|error| {
            self.counters.count_failure();
            CompileErrorKind::NoRoom { message: error.to_string() }.into()
        })
    }
}

/// Whether another compiler may succeed.
fn is_bailout(error: &CompileError) -> bool {
    matches!(error.kind(), CompileErrorKind::Unsupported { .. })
}

/// What a panic said.
fn panic_message(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "the compiler panicked".to_owned())
}
