//! The compiler as the engine sees it.

use std::fmt;

use codespace::Tier;
use cranelift_codegen::{CodegenError, isa::OwnedTargetIsa};
use tierup_compile::{CompileError, CompileErrorKind, Compiled, Compiler, Request};

use crate::{
    HostError,
    allowance::Allowance,
    finish,
    host::{self, Feature},
    phases, translate,
    workspace::{self, Workspace},
};

/// The optimizing compiler for this machine.
///
/// ```
/// use tierup_compile::Compiler;
///
/// let compiler = tierup_optimize::Optimizing::new()?;
/// assert_eq!(compiler.name(), "optimizing");
/// # Ok::<(), tierup_optimize::HostError>(())
/// ```
pub struct Optimizing {
    isa: OwnedTargetIsa,
}

impl Optimizing {
    /// A compiler that uses what this machine's processor has.
    ///
    /// # Errors
    ///
    /// If this machine is not an x86-64 with SSE4.1.
    pub fn new() -> Result<Self, HostError> {
        Self::with_features(&host::detected_features())
    }

    /// A compiler that uses nothing but what every supported processor has, for tests and for
    /// code that is to run elsewhere.
    ///
    /// # Errors
    ///
    /// If this machine is not an x86-64.
    pub fn portable() -> Result<Self, HostError> {
        Self::with_features(&host::BASELINE)
    }

    fn with_features(features: &[Feature]) -> Result<Self, HostError> {
        Ok(Self { isa: host::target(features)? })
    }

    /// The Cranelift IR of a function before it is optimized, as text.
    ///
    /// # Errors
    ///
    /// Like [`Compiler::compile`].
    pub fn intermediate(&self, request: &Request<'_>) -> Result<String, CompileError> {
        workspace::with(|workspace| {
            let allowance = Allowance::new(request.settings.limits);
            translate::function(&*self.isa, request, workspace, &allowance)?;
            Ok(workspace.context.func.display().to_string())
        })
    }

    fn generate(
        &self,
        request: &Request<'_>,
        workspace: &mut Workspace,
    ) -> Result<Compiled, CompileError> {
        let allowance = Allowance::new(request.settings.limits);
        translate::function(&*self.isa, request, workspace, &allowance)?;
        let code = phases::run(&*self.isa, workspace, &allowance)?;
        finish::compiled(&workspace.context.func, &code)
    }
}

impl Compiler for Optimizing {
    fn name(&self) -> &'static str {
        "optimizing"
    }

    fn tier(&self) -> Tier {
        Tier::Optimized
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        workspace::with(|workspace| self.generate(request, workspace))
    }
}

impl fmt::Debug for Optimizing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Optimizing").field("target", &self.isa.triple().to_string()).finish()
    }
}

/// A failure of this compiler, not of its input.
#[cold]
pub(crate) fn internal(message: impl Into<String>) -> CompileError {
    CompileErrorKind::Internal { message: message.into() }.into()
}

/// What a refusal of Cranelift means.
#[cold]
pub(crate) fn refused(error: CodegenError) -> CompileError {
    match error {
        CodegenError::ImplLimitExceeded => {
            CompileErrorKind::TooLarge { limit: "a limit of the code generator" }.into()
        }
        CodegenError::CodeTooLarge => {
            CompileErrorKind::TooLarge { limit: "the size of a function's code" }.into()
        }
        CodegenError::Verifier(errors) => internal(errors.to_string()),
        error => internal(error.to_string()),
    }
}
