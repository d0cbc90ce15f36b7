//! What a unit takes before it has any code.
//!
//! ```text
//!   arena     data  │ cells          │ 8 bytes a function        both in one arena, so that every
//!             code  │ lazy table     │ 10 bytes a function       cell is in reach of the code there
//!   heap            │ installed code │ 8 bytes a function        (`Books::table`)
//! ```
//!
//! How much code follows is the compilers' to say: the user tells it in
//! [`UnitSpec`](crate::UnitSpec), and the arena is chosen by that.
#![forbid(unsafe_code)]

use crate::{cells::CELL_BYTES, index::GRANULE, lazy_table, object::Code};

/// What a unit takes before it has any code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UnitEstimate {
    /// Its cells, in the data part of an arena.
    pub cell_bytes: usize,
    /// Its lazy table, in the code part of the same arena.
    pub lazy_table_bytes: usize,
    /// What is kept of its functions and of the lazy table, on the heap.
    pub metadata_bytes: usize,
}

impl UnitEstimate {
    /// For a unit with that many functions.
    pub fn new(functions: u32) -> Self {
        if functions == 0 {
            return Self::default();
        }
        let count = functions as usize;
        Self {
            cell_bytes: (count * CELL_BYTES).next_multiple_of(GRANULE),
            lazy_table_bytes: lazy_table::size(functions).next_multiple_of(GRANULE),
            metadata_bytes: count * size_of::<Option<u32>>() + size_of::<Code>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_functions_there_is_nothing() {
        assert_eq!(UnitEstimate::new(0), UnitEstimate::default());
    }

    #[test]
    fn sizes_are_those_of_the_granules_that_are_taken() {
        let one = UnitEstimate::new(1);
        assert_eq!((one.cell_bytes, one.lazy_table_bytes), (64, 64));
        let many = UnitEstimate::new(1000);
        assert_eq!((many.cell_bytes, many.lazy_table_bytes), (8000, 10_048));
    }
}
