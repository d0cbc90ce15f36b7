//! Distributions of numbers that many threads record at once, and anybody reads at any time.
//!
//! [`Histogram`] is for what happens (how long did it take?), [`Levels`] for what is (how large are
//! they?). Both end in a [`Summary`].
//!
//! Numbers are counted in buckets of fixed bounds, so recording is a few instructions without a
//! branch on what is there already, and reading needs nobody to stop. Sorting exact numbers, or
//! bounds that follow the data, would need locks or a merge; the price here is an error of at most
//! [`ERROR`] in percentiles.
#![forbid(unsafe_code)]

mod buckets;
mod histogram;
mod levels;
mod summary;

pub use buckets::ERROR;
pub use histogram::Histogram;
pub use levels::Levels;
pub use summary::Summary;
