//! Which function is compiled next: those with the most to gain for their price.
//!
//! Big bodies have a queue of their own, which is looked at when the other one is empty, and by
//! never more threads than leave one for what is small and comes meanwhile.
#![forbid(unsafe_code)]

use std::{cmp::Reverse, collections::BinaryHeap};

/// Jobs by priority.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    small: BinaryHeap<Entry<J>>,
    big: BinaryHeap<Entry<J>>,
    sequence: u64,
    body_bytes: u64,
}

/// A body of this size takes some 20 ms to optimize at 0.9 MB/s: longer than anybody should wait
/// for whom a core is at hand.
pub(crate) const BIG_BODY: usize = 20_000;

/// How much a job is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wish {
    /// Work that the function has done.
    pub(crate) heat: u64,
    /// Bytes of its body.
    pub(crate) body_bytes: usize,
}

#[derive(Debug)]
struct Entry<J> {
    /// Heat for each byte, and first come, first served.
    order: (u64, Reverse<u64>),
    body_bytes: usize,
    job: J,
}

impl Wish {
    pub(crate) fn is_big(self) -> bool {
        BIG_BODY <= self.body_bytes
    }

    fn value(self) -> u64 {
        // A constant for what every compile costs, so that the tiniest do not always win.
        self.heat.saturating_mul(16) / (self.body_bytes as u64 + 100)
    }
}

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        Self { small: BinaryHeap::new(), big: BinaryHeap::new(), sequence: 0, body_bytes: 0 }
    }

    pub(crate) fn push(&mut self, wish: Wish, job: J) {
        self.sequence += 1;
        self.body_bytes += wish.body_bytes as u64;
        let order = (wish.value(), Reverse(self.sequence));
        let entry = Entry { order, body_bytes: wish.body_bytes, job };
        if wish.is_big() { self.big.push(entry) } else { self.small.push(entry) }
    }

    /// The next job, and whether it is big.
    pub(crate) fn pop(&mut self) -> Option<(J, bool)> {
        let small = self.pop_small().map(|job| (job, false));
        small.or_else(|| {
            let entry = self.big.pop()?;
            self.body_bytes -= entry.body_bytes as u64;
            Some((entry.job, true))
        })
    }

    /// The next job that is not big.
    pub(crate) fn pop_small(&mut self) -> Option<J> {
        let entry = self.small.pop()?;
        self.body_bytes -= entry.body_bytes as u64;
        Some(entry.job)
    }

    pub(crate) fn len(&self) -> usize {
        self.small.len() + self.big.len()
    }

    /// Bytes of the bodies of all that wait.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes
    }
}

impl<J> PartialEq for Entry<J> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<J> Eq for Entry<J> {}

impl<J> PartialOrd for Entry<J> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> Ord for Entry<J> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn wish(heat: u64, body_bytes: usize) -> Wish {
        Wish { heat, body_bytes }
    }

    #[test]
    fn hot_and_small_first_then_as_they_came() {
        let mut queue = Queue::new();
        queue.push(wish(1_000, 500), "cold");
        queue.push(wish(1_000_000, 500), "hot");
        queue.push(wish(1_000_000, 5_000), "hot but longer");
        queue.push(wish(1_000_000, 500), "as hot, but later");
        assert_eq!((queue.len(), queue.body_bytes()), (4, 6_500));
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|(job, _)| job).collect();
        assert_eq!(order, ["hot", "as hot, but later", "hot but longer", "cold"]);
        assert_eq!((queue.len(), queue.body_bytes()), (0, 0));
    }

    #[test]
    fn big_bodies_come_last_and_only_when_allowed() {
        let mut queue = Queue::new();
        queue.push(wish(u64::MAX, 4_500_000), "giant");
        queue.push(wish(1, 10), "small");
        assert_eq!(queue.pop(), Some(("small", false)));
        assert_eq!(queue.pop_small(), None);
        assert_eq!(queue.pop(), Some(("giant", true)));
    }
}
