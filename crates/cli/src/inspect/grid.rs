//! An arena as a grid of cells, from its start to the end of what is occupied.
//!
//! ```text
//!   addresses │ object │ object     │ free      │ object │ free behind │ (not committed)
//!   cells     │  opt   │ opt  │ base │ ·  │ ·    │ base   │
//! ```
//!
//! A cell stands for as many bytes as all others, and shows what occupies most of it.
#![forbid(unsafe_code)]

use std::ops::Range;

use tierup::{CodeArena, CodeObject};

use super::ran::Class;

/// Unit of allocating code: nothing smaller is worth a cell.
const LEAST_CELL: usize = 64;

/// An arena in cells.
pub(super) struct Grid {
    /// What a cell stands for.
    pub(super) cell_bytes: usize,
    pub(super) cells: Vec<Cell>,
    /// Committed bytes behind the last cell, all free.
    pub(super) free_behind: usize,
}

/// What is in a cell.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Cell {
    /// Bytes of each class.
    classes: [usize; Class::ALL.len()],
    /// Bytes that are committed.
    committed: usize,
}

impl Cell {
    /// The class that has most of what is occupied.
    pub(super) fn class(&self) -> Option<Class> {
        let bytes = |class: &Class| self.classes[place(*class)];
        Class::ALL.into_iter().rev().max_by_key(bytes).filter(|class| bytes(class) != 0)
    }

    /// Is there memory?
    pub(super) fn is_committed(&self) -> bool {
        self.committed != 0
    }
}

impl Grid {
    /// An arena in `most` cells or less.
    pub(super) fn of(arena: &CodeArena, most: usize) -> Self {
        let object = |object: &CodeObject| (object.range.clone(), Class::of(object));
        let objects: Vec<_> = arena.objects.iter().map(object).collect();
        Self::new(arena.code.start, &arena.committed, &objects, most)
    }

    fn new(
        start: usize,
        committed: &[Range<usize>],
        objects: &[(Range<usize>, Class)],
        most: usize,
    ) -> Self {
        let span = objects.last().map_or(0, |(last, _)| last.end - start);
        let cell_bytes = span.div_ceil(most.max(1)).max(LEAST_CELL).next_power_of_two();
        let cells = vec![Cell::default(); span.div_ceil(cell_bytes)];
        let shown = start + cells.len() * cell_bytes;
        let behind = |range: &Range<usize>| range.end - range.end.min(range.start.max(shown));
        let free_behind = committed.iter().map(behind).sum();
        let mut grid = Self { cell_bytes, cells, free_behind };
        let offsets = |range: &Range<usize>| range.start - start..range.end - start;
        for range in committed {
            grid.add(offsets(range), |cell| &mut cell.committed);
        }
        for (range, class) in objects {
            grid.add(offsets(range), |cell| &mut cell.classes[place(*class)]);
        }
        grid
    }

    /// Adds a range's bytes to the cells that it touches.
    fn add(&mut self, range: Range<usize>, sum: impl Fn(&mut Cell) -> &mut usize) {
        let mut start = range.start;
        while start < range.end {
            let index = start / self.cell_bytes;
            let end = range.end.min((index + 1) * self.cell_bytes);
            // Committed memory may go on behind the last object.
            let Some(cell) = self.cells.get_mut(index) else { return };
            *sum(cell) += end - start;
            start = end;
        }
    }
}

fn place(class: Class) -> usize {
    class as usize
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is one range")]
mod tests {
    use super::*;

    fn classes(grid: &Grid) -> Vec<Option<Class>> {
        grid.cells.iter().map(Cell::class).collect()
    }

    #[test]
    fn a_cell_shows_what_occupies_most_of_it() {
        let objects = [
            (1000..1064, Class::Other),
            (1064..1192, Class::Baseline),
            (1256..1320, Class::Optimized),
            (1448..1512, Class::Retired),
        ];
        // 512 bytes in 4 cells of 128.
        let grid = Grid::new(1000, &[1000..1300, 1300..1768], &objects, 4);
        assert_eq!((grid.cell_bytes, grid.cells.len()), (128, 4));
        let expected = [Class::Baseline, Class::Baseline, Class::Optimized, Class::Retired];
        assert_eq!(classes(&grid), expected.map(Some));
        assert!(grid.cells.iter().all(Cell::is_committed));
        assert_eq!(grid.free_behind, 256);
    }

    #[test]
    fn holes_are_not_committed() {
        let grid = Grid::new(0, &[0..128, 1024..2048], &[(1024..1088, Class::Other)], 100);
        assert_eq!((grid.cell_bytes, grid.cells.len(), grid.free_behind), (64, 17, 960));
        let committed: Vec<_> = (0..17).filter(|&cell| grid.cells[cell].is_committed()).collect();
        assert_eq!(committed, [0, 1, 16]);
        assert_eq!(classes(&grid)[..16], [None; 16]);
    }

    #[test]
    fn an_arena_without_objects_has_no_cells() {
        let grid = Grid::new(4096, &[4096..8192], &[], 10);
        assert_eq!((grid.cells.len(), grid.free_behind), (0, 4096));
    }
}
