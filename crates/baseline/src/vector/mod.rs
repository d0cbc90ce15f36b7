//! Vectors: one value class, six ways to see its lanes.
//!
//! Everything here needs no more than SSE4.1. What has no instruction of its own becomes a short
//! sequence, written where it is used with the reason why it is right.

mod operands;
mod bits;
mod lanes;
mod shuffle;
mod integer;
mod multiply;
mod compare;
mod shift;
mod float;
mod convert;
mod memory;
