//! Vectors: one value type, six ways to see its lanes.
//!
//! Operands carry whatever lane type made them; an operator that wants another casts, which
//! costs nothing.

mod shapes;
mod bits;
mod lanes;
mod integer;
mod float;
mod convert;
mod memory;
