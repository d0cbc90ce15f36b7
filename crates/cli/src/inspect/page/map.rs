//! The map of each arena, as SVG: a square for each cell of a grid.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use tierup::CodeArena;

use crate::inspect::{
    format::bytes,
    grid::Grid,
    ran::{Class, Ran},
};

/// Squares in a row. On the narrowest screens they are two and a half pixels wide.
const COLUMNS: usize = 128;
const ROWS: usize = 28;

/// Side of a square, of which there is one in each unit of length.
const SIDE: &str = ".84";

/// The names that style sheet and script use.
pub(super) const fn class_name(class: Class) -> &'static str {
    match class {
        Class::Baseline => "baseline",
        Class::Optimized => "optimized",
        Class::Other => "other",
        Class::Retired => "retired",
    }
}

/// What lies where.
pub(super) fn of(ran: &Ran) -> String {
    let arenas: String =
        ran.map.arenas.iter().enumerate().map(|(number, arena)| figure(number, arena)).collect();
    format!(
        "<section aria-labelledby=\"map-title\"><h2 id=\"map-title\">Code memory</h2>{}{arenas}</section>\n",
        legend(ran)
    )
}

fn legend(ran: &Ran) -> String {
    let mut items = String::new();
    for class in Class::ALL {
        let (objects, size) = ran.class(class);
        // Writing to a string does not fail.
        let _ = write!(
            items,
            "<li><i class=\"swatch {}\"></i>{} <b>{}</b> <span>in {objects}</span></li>",
            class_name(class),
            class.name(),
            bytes(size),
        );
    }
    format!(
        "<ul class=\"legend\">{items}<li><i class=\"swatch free\"></i>free; blank is given back</li></ul>"
    )
}

fn figure(number: usize, arena: &CodeArena) -> String {
    let grid = Grid::of(arena, COLUMNS * ROWS);
    let rows = grid.cells.len().div_ceil(COLUMNS).max(1);
    let committed: usize = arena.committed.iter().map(ExactSizeIterator::len).sum();
    let summary = format!(
        "Arena {number}: {} occupied, {} committed, {} reserved. A square is {}; {} behind are free.",
        bytes(arena.occupied()),
        bytes(committed),
        bytes(arena.code.len()),
        bytes(grid.cell_bytes),
        bytes(grid.free_behind),
    );
    format!(
        "<figure><svg class=\"map\" viewBox=\"0 0 {COLUMNS} {rows}\" role=\"img\" tabindex=\"0\" \
         aria-label=\"{summary}\" data-arena=\"{number}\" \
         data-cell=\"{}\" data-columns=\"{COLUMNS}\">{}<path class=\"chosen\" d=\"\"/></svg>\
         <p class=\"readout\" aria-live=\"polite\">Point at a square, or use the arrow keys.</p><figcaption>{summary}</figcaption></figure>",
        grid.cell_bytes,
        squares(&grid),
    )
}

/// One path for each class, and one for what is free.
fn squares(grid: &Grid) -> String {
    let mut paths = String::new();
    for class in [
        None,
        Some(Class::Optimized),
        Some(Class::Baseline),
        Some(Class::Other),
        Some(Class::Retired),
    ] {
        let mut path = String::new();
        for (index, cell) in grid.cells.iter().enumerate() {
            if cell.class() == class && (class.is_some() || cell.is_committed()) {
                let (x, y) = (index % COLUMNS, index / COLUMNS);
                let _ = write!(path, "M{x} {y}h{SIDE}v{SIDE}h-{SIDE}z");
            }
        }
        let name = class.map_or("free", class_name);
        let _ = write!(paths, "<path class=\"{name}\" d=\"{path}\"/>");
    }
    paths
}
