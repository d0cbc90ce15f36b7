//! Samples, medians and ratios.

use rustix::time::{ClockId, clock_gettime};

/// How often and how long to measure.
#[derive(Clone, Copy, Debug)]
pub struct Samples {
    /// Number of samples; the median of them counts.
    pub samples: usize,
    /// Operations in each sample.
    pub operations: usize,
}

/// Processor time of the calling thread, in nanoseconds.
pub fn cpu_now() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// The middle one; the mean of the two in the middle of an even number. 0 of none.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values {
        [] => 0.0,
        _ if values.len() % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Processor time of one operation. `work` does as many as it is told; one sample before the
/// first is not counted.
pub fn nanoseconds(samples: Samples, mut work: impl FnMut(usize)) -> f64 {
    work(samples.operations);
    let mut times: Vec<f64> =
        (0..samples.samples).map(|_| once(samples.operations, &mut work)).collect();
    median(&mut times)
}

/// Processor time of one operation of `first`, and how many times that `second` takes: the median
/// of the ratios of samples taken one right after the other.
pub fn ratio(
    samples: Samples,
    mut first: impl FnMut(usize),
    mut second: impl FnMut(usize),
) -> (f64, f64) {
    first(samples.operations);
    second(samples.operations);
    let (mut times, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..samples.samples {
        let time = once(samples.operations, &mut first);
        times.push(time);
        ratios.push(once(samples.operations, &mut second) / time);
    }
    (median(&mut times), median(&mut ratios))
}

fn once(operations: usize, work: &mut impl FnMut(usize)) -> f64 {
    let start = cpu_now();
    work(operations);
    (cpu_now() - start) / operations as f64
}

#[test]
fn the_median_is_in_the_middle() {
    assert_eq!(median(&mut []), 0.0);
    assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
}
