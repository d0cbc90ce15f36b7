//! The name section: what functions and locals were called in the source.
//!
//! It is for people, so nothing in it is ever an error. Reading keeps what makes sense: a name
//! that is not UTF-8 is skipped, a map that is cut short keeps the names before the cut, of two
//! names for the same function the first counts, and order does not matter.
//!
//! Reading is lazy twice: a [`Names`] is made when somebody wants a name, and it only notes where
//! names are. Locals are looked for when asked for, since hardly anybody does.
#![forbid(unsafe_code)]

mod demangle;

use std::ops::Range;

use wasmparser::BinaryReader;

pub use demangle::demangle;

use crate::{Bytes, FuncIndex, Module};

/// The names in a module.
#[derive(Debug)]
pub struct Names {
    bytes: Bytes,
    module: Option<Range<usize>>,
    /// Where the name of each named function lies; sorted by function.
    functions: Vec<(u32, Range<usize>)>,
    /// Where the names of a function's locals lie; sorted by function.
    locals: Vec<(u32, Range<usize>)>,
}

impl Names {
    /// Finds the names of a module, as far as it has any.
    pub fn parse(module: &Module) -> Self {
        let mut names = Self {
            bytes: module.bytes.clone(),
            module: None,
            functions: Vec::new(),
            locals: Vec::new(),
        };
        if let Some(section) = module.name_section.clone() {
            names.read_section(section);
        }
        names
    }

    /// The name of the module.
    pub fn module(&self) -> Option<&str> {
        self.text(self.module.clone()?)
    }

    /// The name of a function.
    pub fn function(&self, function: FuncIndex) -> Option<&str> {
        self.text(find(&self.functions, function.0)?)
    }

    /// The name of a local or parameter of a function.
    pub fn local(&self, function: FuncIndex, local: u32) -> Option<&str> {
        let map = find(&self.locals, function.0)?;
        let mut reader = self.reader(map);
        let mut found = None;
        read_map(&mut reader, |index, name| {
            if index == local && found.is_none() {
                found = Some(name);
            }
        });
        self.text(found?)
    }

    pub(crate) fn lists(&self) -> [&[(u32, Range<usize>)]; 2] {
        [&self.functions, &self.locals]
    }

    /// Number of functions that have a name.
    pub fn len(&self) -> usize {
        self.functions.len()
    }

    /// True if no function has a name.
    pub fn is_empty(&self) -> bool {
        self.functions.is_empty()
    }

    fn read_section(&mut self, section: Range<usize>) {
        let bytes = self.bytes.clone();
        let mut reader = reader(&bytes, section);
        // Ends at the end, or at the first subsection that does not fit in the section.
        while let Some((id, mut contents)) = subsection(&mut reader) {
            match id {
                MODULE => self.module = self.module.take().or_else(|| read_name(&mut contents)),
                FUNCTIONS => self.read_functions(contents),
                LOCALS => self.read_locals(contents),
                _ => {}
            }
        }
        sort(&mut self.functions);
        sort(&mut self.locals);
    }

    fn read_functions(&mut self, mut reader: BinaryReader<'_>) {
        read_map(&mut reader, |index, name| {
            if self.text(name.clone()).is_some() {
                self.functions.push((index, name));
            }
        });
    }

    fn read_locals(&mut self, mut reader: BinaryReader<'_>) {
        let functions = reader.read_var_u32().unwrap_or(0);
        for _ in 0..functions {
            let Ok(function) = reader.read_var_u32() else { return };
            let start = reader.original_position() as usize;
            let end = read_map(&mut reader, |_, _| {});
            self.locals.push((function, start..reader.original_position() as usize));
            if end == MapEnd::Cut {
                return;
            }
        }
    }

    fn reader(&self, range: Range<usize>) -> BinaryReader<'_> {
        reader(&self.bytes, range)
    }

    fn text(&self, range: Range<usize>) -> Option<&str> {
        str::from_utf8(&self.bytes[range]).ok()
    }
}

const MODULE: u8 = 0;
const FUNCTIONS: u8 = 1;
const LOCALS: u8 = 2;

fn reader(bytes: &[u8], range: Range<usize>) -> BinaryReader<'_> {
    let start = range.start as u64;
    BinaryReader::new_features(&bytes[range], start, crate::FEATURES)
}

fn subsection<'a>(reader: &mut BinaryReader<'a>) -> Option<(u8, BinaryReader<'a>)> {
    Some((reader.read_u8().ok()?, reader.read_reader().ok()?))
}

#[derive(PartialEq, Eq)]
enum MapEnd {
    Whole,
    Cut,
}

/// Reads pairs of an index and a name until the map ends or makes no sense.
fn read_map(reader: &mut BinaryReader<'_>, mut each: impl FnMut(u32, Range<usize>)) -> MapEnd {
    let Ok(count) = reader.read_var_u32() else { return MapEnd::Cut };
    for _ in 0..count {
        let Ok(index) = reader.read_var_u32() else { return MapEnd::Cut };
        let Some(name) = read_name(reader) else { return MapEnd::Cut };
        each(index, name);
    }
    MapEnd::Whole
}

fn read_name(reader: &mut BinaryReader<'_>) -> Option<Range<usize>> {
    let name = reader.read_reader().ok()?.range();
    Some(name.start as usize..name.end as usize)
}

/// Sorts by index. Of entries with the same index the first one stays.
fn sort(entries: &mut Vec<(u32, Range<usize>)>) {
    entries.sort_by_key(|entry| entry.0);
    entries.dedup_by_key(|entry| entry.0);
    entries.shrink_to_fit();
}

fn find(entries: &[(u32, Range<usize>)], index: u32) -> Option<Range<usize>> {
    let at = entries.binary_search_by_key(&index, |entry| entry.0).ok()?;
    Some(entries[at].1.clone())
}

#[cfg(test)]
mod tests;
