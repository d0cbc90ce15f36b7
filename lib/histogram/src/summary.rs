//! What is told of a distribution.
#![forbid(unsafe_code)]

/// What is told of a distribution. Percentiles are off by at most [`ERROR`](crate::ERROR), and are
/// 0 if nothing was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Summary {
    /// How many numbers.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
    /// Half of them are not above this.
    pub p50: u64,
    /// 99 of 100 are not above this.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}
