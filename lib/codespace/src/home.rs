//! Which arena a unit settles in.
//!
//! ```text
//!   arenas   │ free ▒▒▒ │ free ▒▒▒▒▒▒▒▒ │          wanted ▒▒▒▒▒▒
//!                         ▲ the first with room for all code that is expected; if there is none,
//!                           a new one; if that cannot be had, any that holds cells and lazy table
//! ```
//!
//! Cells and lazy table stay where they are for the unit's life, and code in another arena may
//! reach the cells only through veneers, which cost 24 bytes for each callee of a function and a
//! jump for each call. Nothing is kept free for the unit: it is about odds, not promises.
#![forbid(unsafe_code)]

/// What to try.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Choice {
    /// Adding an arena would be better than any that there is.
    pub(crate) wants_new: bool,
    /// The arenas, best first.
    pub(crate) order: Vec<usize>,
}

/// Chooses for a unit whose code and lazy table will take about `wanted` bytes, among arenas with
/// so many bytes `free`. An empty one has `capacity`.
pub(crate) fn choose(free: &[usize], wanted: usize, capacity: usize) -> Choice {
    let fits = free.iter().position(|&free| wanted <= free);
    let first = fits.unwrap_or(0);
    let mut order: Vec<usize> = (0..free.len()).collect();
    if fits.is_some() {
        order[..=first].rotate_right(1);
    }
    Choice { wants_new: fits.is_none() && wanted <= capacity, order }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_holds_everything_comes_first() {
        let chosen = |free: &[usize], wanted| {
            let Choice { wants_new, order } = choose(free, wanted, 100);
            (wants_new, order)
        };
        assert_eq!(chosen(&[10, 50, 90], 0), (false, vec![0, 1, 2]));
        assert_eq!(chosen(&[10, 50, 90], 11), (false, vec![1, 0, 2]));
        assert_eq!(chosen(&[10, 50, 90], 90), (false, vec![2, 0, 1]));
        assert_eq!(chosen(&[10, 50, 90], 100), (true, vec![0, 1, 2]));
        // A new one would not hold it either.
        assert_eq!(chosen(&[10, 50, 90], 101), (false, vec![0, 1, 2]));
        assert_eq!(chosen(&[], 1), (true, vec![]));
    }
}
