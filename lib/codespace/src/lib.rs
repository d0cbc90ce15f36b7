//! placeholder
pub mod draft;
pub use draft::*;
