//! The compiler as the engine sees it.

use codespace::Tier;
use tierup_compile::{CompileError, Compiled, Compiler, Request};

use crate::{generator::Generator, operators::Body, validate::Validating};

/// The baseline compiler.
///
/// ```
/// use tierup_compile::Compiler;
///
/// assert_eq!(tierup_baseline::Baseline::new().name(), "baseline");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    features: Features,
}

/// What the processor has beyond SSE4.1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Features {
    /// It counts bits.
    pub(crate) popcnt: bool,
}

impl Baseline {
    /// A compiler that uses what this machine's processor has.
    pub fn new() -> Self {
        #[cfg(target_arch = "x86_64")]
        let popcnt = std::arch::is_x86_feature_detected!("popcnt");
        #[cfg(not(target_arch = "x86_64"))]
        let popcnt = false;
        Self { features: Features { popcnt } }
    }

    /// A compiler that uses nothing but what every supported processor has.
    pub fn portable() -> Self {
        Self { features: Features { popcnt: false } }
    }
}

impl Baseline {
    fn compile_validating(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        let mut body = Body::new(request)?;
        let mut validating = Validating::new(request, &body)?;
        let mut generator = Generator::enter(self.features, request, &mut body)?;
        validating.translate(&mut body, &mut generator)?;
        validating.finish();
        generator.finish()
    }
}

impl Default for Baseline {
    fn default() -> Self {
        Self::new()
    }
}

impl Compiler for Baseline {
    fn name(&self) -> &'static str {
        "baseline"
    }

    fn tier(&self) -> Tier {
        Tier::Baseline
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        let mut body = Body::new(request)?;
        let mut generator = Generator::enter(self.features, request, &mut body)?;
        body.translate(&mut generator)?;
        generator.finish()
    }

    fn validate_and_compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        let compiled = self.compile_validating(request);
        if compiled.is_err() {
            // [VA-SAME] The pass may also have stopped before it came to what is wrong.
            request.validate()?;
        }
        compiled
    }
}
