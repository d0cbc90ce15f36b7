//! How the benchmarks measure, and how they show what they found.
//!
//! Every figure is a median of many short samples, and a comparison takes its samples in turns,
//! so that whatever else the machine does meets both sides. Work inside the process is counted in
//! processor time of the measuring thread, which other processes change little.
#![forbid(unsafe_code)]

mod measure;
mod table;

pub use measure::{Samples, cpu_now, median, nanoseconds, ratio};
pub use table::{Row, Table, Unit};
