//! Bytes of many things as one sum, which is read without looking at any of them.
#![forbid(unsafe_code)]

use std::sync::{
    Arc,
    // Loom does not look at numbers alone.
    atomic::{AtomicUsize, Ordering},
};

/// A sum of footprints. Clones are the same sum.
#[derive(Clone, Debug, Default)]
pub struct Footprints(Arc<AtomicUsize>);

/// Bytes that are part of a sum as long as this is there.
#[derive(Debug)]
pub struct Footprint {
    sum: Footprints,
    own: AtomicUsize,
}

impl Footprints {
    /// All together.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// One more.
    pub fn add(&self, bytes: usize) -> Footprint {
        let footprint = Footprint { sum: self.clone(), own: AtomicUsize::new(0) };
        footprint.grow(bytes);
        footprint
    }
}

impl Footprint {
    /// It has become larger.
    pub fn grow(&self, bytes: usize) {
        self.own.fetch_add(bytes, Ordering::Relaxed);
        self.sum.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Its bytes.
    pub fn bytes(&self) -> usize {
        self.own.load(Ordering::Relaxed)
    }
}

impl Drop for Footprint {
    fn drop(&mut self) {
        self.sum.0.fetch_sub(*self.own.get_mut(), Ordering::Relaxed);
    }
}

#[test]
fn the_sum_is_of_those_that_are_there() {
    let sum = Footprints::default();
    let (one, two) = (sum.add(3), sum.add(4));
    one.grow(10);
    assert_eq!((sum.bytes(), one.bytes()), (17, 13));
    drop(one);
    assert_eq!((sum.bytes(), two.bytes()), (4, 4));
}
