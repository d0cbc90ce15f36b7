//! The report for people, in a terminal or not.
//!
//! Text from the module is made harmless before it is printed; colours are for terminals only, and
//! never the only thing that tells something.
#![forbid(unsafe_code)]

use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
};

use rustix::termios;
use tierup::{CodeArena, TierEstimate};

use super::{
    Report,
    contents::{Contents, Function},
    format::{bytes, count, counted, foreign, percent, time},
    grid::{Cell, Grid},
    ran::{Class, Ran},
    record::What,
};

/// Where text is shown.
pub(super) struct Screen {
    columns: usize,
    has_colors: bool,
}

/// How many of a list are shown.
const SHOWN: usize = 12;

/// Columns where nobody says how many there are.
const DEFAULT_COLUMNS: usize = 80;

/// Rows of a map, at most.
const MAP_ROWS: usize = 20;

impl Screen {
    /// Where standard output leads.
    pub(super) fn of_stdout() -> Self {
        let stdout = io::stdout();
        let is_terminal = stdout.is_terminal();
        let size = termios::tcgetwinsize(&stdout).ok().filter(|_| is_terminal);
        let columns = size.map(|size| usize::from(size.ws_col)).filter(|&columns| columns != 0);
        let has_colors = is_terminal
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            && std::env::var_os("TERM").is_none_or(|terminal| terminal != "dumb");
        Self { columns: columns.unwrap_or(DEFAULT_COLUMNS).max(24), has_colors }
    }

    fn heading(&self, text: &str) -> String {
        if self.has_colors {
            format!("\n\u{1b}[1m{text}\u{1b}[0m\n")
        } else {
            format!("\n{text}\n")
        }
    }
}

/// All of it.
pub(super) fn of(report: &Report, screen: &Screen) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = module(&mut text, &report.contents, screen);
    if let Some(ran) = &report.ran {
        let _ = after(&mut text, ran, &report.contents, screen);
    }
    text
}

fn module(text: &mut String, contents: &Contents, screen: &Screen) -> std::fmt::Result {
    let name = contents.name.as_deref().map(|name| format!(" ({})", foreign(name)));
    writeln!(text, "{}{}", foreign(&contents.file), name.unwrap_or_default())?;
    writeln!(
        text,
        "{}: {}, {}, {}",
        bytes(contents.bytes),
        counted(contents.functions.len(), "function"),
        counted(contents.imports.len(), "import"),
        counted(contents.exports.len(), "export")
    )?;
    sections(text, contents, screen)?;
    let imports = contents.imports.iter();
    let imports =
        imports.map(|it| format!("{}.{}  {}", foreign(&it.module), foreign(&it.name), it.ty));
    list(text, &screen.heading("imports"), imports)?;
    let exports = contents.exports.iter();
    list(
        text,
        &screen.heading("exports"),
        exports.map(|it| format!("{}  {}", foreign(&it.name), it.ty)),
    )?;
    functions(text, contents, screen)?;
    estimates(text, contents, screen)
}

fn sections(text: &mut String, contents: &Contents, screen: &Screen) -> std::fmt::Result {
    text.push_str(&screen.heading("sections"));
    let width = screen.columns.saturating_sub(52).min(40);
    for section in &contents.sections {
        let share = contents.share(section.bytes);
        let bar = "█".repeat((share * width as f64).round() as usize);
        let title = foreign(&section.title());
        let line = format!("  {title:<26}{:>11}{:>9}  {bar}", bytes(section.bytes), percent(share));
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The first of a list.
fn list(
    text: &mut String,
    heading: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> std::fmt::Result {
    let all = lines.len();
    if all != 0 {
        text.push_str(heading);
    }
    for line in lines.take(SHOWN) {
        writeln!(text, "  {line}")?;
    }
    more(text, all)
}

fn more(text: &mut String, all: usize) -> std::fmt::Result {
    match all.checked_sub(SHOWN) {
        Some(rest) if rest != 0 => writeln!(text, "  and {} more", count(rest)),
        _ => Ok(()),
    }
}

fn functions(text: &mut String, contents: &Contents, screen: &Screen) -> std::fmt::Result {
    let all = contents.functions.len();
    if all == 0 {
        return Ok(());
    }
    let bodies = contents.body_bytes();
    let title =
        format!("functions: {} of bodies, {} on average", bytes(bodies), bytes(bodies / all));
    text.push_str(&screen.heading(&title));
    for function in contents.largest().into_iter().take(SHOWN) {
        writeln!(text, "  {:>10}  {}", bytes(function.body_bytes), title_of(function))?;
    }
    more(text, all)
}

fn title_of(function: &Function) -> String {
    let name = function.name.as_deref().map(foreign).unwrap_or_default();
    format!("{} {name}", function.index).trim_end().to_owned()
}

fn estimates(text: &mut String, contents: &Contents, screen: &Screen) -> std::fmt::Result {
    let estimate = &contents.estimate;
    text.push_str(&screen.heading("estimates                          code    metadata"));
    let unit = TierEstimate {
        code_bytes: estimate.unit.lazy_table_bytes,
        metadata_bytes: estimate.unit.cell_bytes + estimate.unit.metadata_bytes,
    };
    for (title, figures) in [
        ("before a function is compiled", unit),
        ("all by the baseline compiler", estimate.baseline),
        ("all by the optimizing compiler", estimate.optimized),
    ] {
        let TierEstimate { code_bytes, metadata_bytes } = figures;
        writeln!(text, "  {title:<30}{:>10}{:>12}", bytes(code_bytes), bytes(metadata_bytes))?;
    }
    Ok(())
}

fn after(text: &mut String, ran: &Ran, contents: &Contents, screen: &Screen) -> std::fmt::Result {
    let title = format!("run: {} after {}", foreign(&ran.outcome), time(ran.events.duration));
    text.push_str(&screen.heading(&title));
    for class in Class::ALL {
        let (objects, size) = ran.class(class);
        if objects != 0 {
            let what = match class {
                Class::Baseline | Class::Optimized => "function",
                Class::Other | Class::Retired => "object",
            };
            writeln!(
                text,
                "  {:<22}{:>10}  {}",
                class.name(),
                bytes(size),
                counted(objects, what)
            )?;
        }
    }
    happened(text, ran)?;
    for (number, arena) in ran.map.arenas.iter().enumerate() {
        map(text, (number, arena), screen)?;
    }
    legend(text, screen)?;
    compiled(text, ran, contents, screen)
}

fn happened(text: &mut String, ran: &Ran) -> std::fmt::Result {
    for (what, title) in [
        (What::Compile, "compiles"),
        (What::TierUp, "tier-ups"),
        (What::Replace, "replaced loops"),
        (What::Flush, "flushes"),
        (What::Collect, "collections"),
        (What::Failure, "failures"),
    ] {
        let events = ran.events(what).count();
        let spent: u64 = ran.events(what).map(|event| event.microseconds).sum();
        if events != 0 && spent != 0 {
            writeln!(text, "  {title:<22}{:>10}  {}", count(events), time(spent))?;
        } else if events != 0 {
            writeln!(text, "  {title:<22}{:>10}", count(events))?;
        }
    }
    match ran.events.dropped {
        0 => Ok(()),
        dropped => writeln!(text, "  {} more events were not kept", count(dropped as usize)),
    }
}

/// A map of an arena.
fn map(
    text: &mut String,
    (number, arena): (usize, &CodeArena),
    screen: &Screen,
) -> std::fmt::Result {
    let columns = screen.columns - 4;
    let grid = Grid::of(arena, columns * MAP_ROWS);
    let committed: usize = arena.committed.iter().map(ExactSizeIterator::len).sum();
    let title = format!(
        "arena {number}: {} reserved, {} committed, {} occupied; a cell is {}",
        bytes(arena.code.len()),
        bytes(committed),
        bytes(arena.occupied()),
        bytes(grid.cell_bytes)
    );
    text.push_str(&screen.heading(&title));
    for row in grid.cells.chunks(columns) {
        let line: String = row.iter().map(|cell| symbol(cell, screen)).collect();
        writeln!(text, "  {}", line.trim_end())?;
    }
    match grid.free_behind {
        0 => Ok(()),
        free => writeln!(text, "  and {} behind, free", bytes(free)),
    }
}

fn symbol(cell: &Cell, screen: &Screen) -> String {
    match cell.class() {
        Some(class) => colored(class, screen),
        None if cell.is_committed() => "·".to_owned(),
        None => " ".to_owned(),
    }
}

/// The symbol of a class, which tells it from others also without colours.
fn colored(class: Class, screen: &Screen) -> String {
    let (symbol, color) = match class {
        Class::Optimized => ('█', 32),
        Class::Baseline => ('▒', 34),
        Class::Other => ('=', 33),
        Class::Retired => ('x', 31),
    };
    if screen.has_colors { format!("\u{1b}[{color}m{symbol}\u{1b}[0m") } else { symbol.to_string() }
}

fn legend(text: &mut String, screen: &Screen) -> std::fmt::Result {
    let classes = Class::ALL.map(|class| format!("{} {}", colored(class, screen), class.name()));
    writeln!(text, "  {}  · free", classes.join("  "))
}

fn compiled(
    text: &mut String,
    ran: &Ran,
    contents: &Contents,
    screen: &Screen,
) -> std::fmt::Result {
    let all = ran.functions.len();
    let title =
        format!("functions with code: {} of {}", count(all), count(contents.functions.len()));
    text.push_str(&screen.heading(&title));
    for compiled in ran.functions.iter().take(SHOWN) {
        let Some(function) = contents.function(compiled.index) else { continue };
        let (code, body) = (bytes(compiled.code_bytes), bytes(function.body_bytes));
        let (tier, title) = (compiled.tier.name(), title_of(function));
        writeln!(text, "  {code:>10}  {tier:<9}  of {body:<9}  {title}")?;
    }
    more(text, all)
}
