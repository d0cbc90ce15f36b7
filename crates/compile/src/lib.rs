//! What a compiler is: a request in, compiled code out, or a reason why not.
//!
//! Compilers hold no state of their own between requests and know nothing of stores, threads or
//! tiering. They are called from many threads at once.
#![forbid(unsafe_code)]

mod request;
mod error;
mod fuel;
mod estimate;
mod trivial;

pub use error::{CompileError, CompileErrorKind};
pub use estimate::{Estimate, Factors, TierEstimate};
pub use fuel::{FuelPlan, FuelTake};
pub use request::{Compiled, Entry, Limits, Request, Settings};
pub use trivial::Trivial;

use codespace::Tier;

/// A compiler of function bodies.
pub trait Compiler: Send + Sync + std::fmt::Debug {
    /// Its name, for logs and statistics.
    fn name(&self) -> &'static str;

    /// The tier of its code.
    fn tier(&self) -> Tier;

    /// Compiles one function, whose body is valid.
    ///
    /// # Errors
    ///
    /// If the body uses what this compiler cannot do, or exceeds a limit.
    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError>;

    /// Validates the body of a function and compiles it; in one pass if this compiler can.
    ///
    /// # Errors
    ///
    /// If the body is invalid, with the message and offset that validation alone gives. All other
    /// errors are as for `compile`, and mean that the body is valid.
    fn validate_and_compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        request.validate()?;
        self.compile(request)
    }
}
