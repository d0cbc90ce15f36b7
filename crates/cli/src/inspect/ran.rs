//! What became of a module that ran: its code, where it lies, and how it came there.
#![forbid(unsafe_code)]

use std::collections::HashMap;

use tierup::{CodeKind, CodeMap, CodeObject, Module, Tier};

use super::record::{Event, Events, What};
use crate::outcome::Failure;

/// After a run.
pub(super) struct Ran {
    pub(super) map: CodeMap,
    pub(super) events: Events,
    /// How the program ended, in words.
    pub(super) outcome: String,
    /// Functions of the module that have code, the largest first.
    pub(super) functions: Vec<Compiled>,
    /// The number of the module's code.
    unit: u64,
}

/// A function that has code.
pub(super) struct Compiled {
    pub(super) index: u32,
    pub(super) tier: Tier,
    pub(super) code_bytes: usize,
    /// Time of its compiles, of all tiers.
    pub(super) microseconds: u64,
}

/// What lies at a place of code memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    Baseline,
    Optimized,
    /// Lazy tables and stubs; wrappers, where they are of the engine.
    Other,
    Retired,
}

impl Class {
    pub(super) const ALL: [Self; 4] = [Self::Optimized, Self::Baseline, Self::Other, Self::Retired];

    pub(super) fn of(object: &CodeObject) -> Self {
        match object.tier {
            _ if object.is_retired => Self::Retired,
            Some(Tier::Optimized) => Self::Optimized,
            Some(Tier::Baseline) => Self::Baseline,
            None => Self::Other,
        }
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Optimized => "optimized",
            Self::Other => "tables and stubs",
            Self::Retired => "retired",
        }
    }
}

impl Ran {
    pub(super) fn new(
        module: &Module,
        map: CodeMap,
        events: Events,
        done: &Result<u8, Failure>,
    ) -> Self {
        let outcome = match done {
            Ok(code) => format!("exit code {code}"),
            Err(failure) => failure.message().lines().next().unwrap_or_default().to_owned(),
        };
        let unit = module.unit();
        let functions = functions(&map, &events, unit);
        Self { map, events, outcome, functions, unit }
    }

    /// Objects of all arenas.
    pub(super) fn objects(&self) -> impl Iterator<Item = &CodeObject> {
        self.map.arenas.iter().flat_map(|arena| &arena.objects)
    }

    /// Objects of a class: how many, and their bytes.
    pub(super) fn class(&self, class: Class) -> (usize, usize) {
        let objects = self.objects().filter(|object| Class::of(object) == class);
        objects.fold((0, 0), |(count, bytes), object| (count + 1, bytes + object.range.len()))
    }

    /// Bytes of code memory that are committed.
    pub(super) fn committed(&self) -> usize {
        let ranges = self.map.arenas.iter().flat_map(|arena| &arena.committed);
        ranges.map(ExactSizeIterator::len).sum()
    }

    /// Bytes of code memory that are occupied.
    pub(super) fn occupied(&self) -> usize {
        self.objects().map(|object| object.range.len()).sum()
    }

    /// Events of one kind.
    pub(super) fn events(&self, what: What) -> impl Iterator<Item = &Event> {
        self.events.list.iter().filter(move |event| event.what == what)
    }

    /// What an object is called: a function by its number, if it is one of the module's.
    pub(super) fn title(&self, object: &CodeObject) -> String {
        let kind = match object.kind {
            CodeKind::Function(_) => "function",
            CodeKind::Replacement { .. } => "loop of function",
            CodeKind::EntryWrapper => "entry wrapper",
            CodeKind::HostWrapper => "host wrapper",
            CodeKind::LazyTable => "lazy table",
            CodeKind::Stub => "stub",
        };
        let number = object.function.map(|index| format!(" {index}")).unwrap_or_default();
        let name = object.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let foreign = object.function.is_some() && object.unit != self.unit;
        format!("{kind}{number}{name}{}", if foreign { " of another module" } else { "" })
    }
}

/// The module's functions that have code.
fn functions(map: &CodeMap, events: &Events, unit: u64) -> Vec<Compiled> {
    let mut times = HashMap::<u32, u64>::new();
    for event in &events.list {
        if let (What::Compile, Some(function), true) =
            (event.what, event.function, event.unit == unit)
        {
            *times.entry(function).or_default() += event.microseconds;
        }
    }
    let objects = map.arenas.iter().flat_map(|arena| &arena.objects);
    let own = objects.filter(|object| object.unit == unit && !object.is_retired);
    let own = own.filter(|object| matches!(object.kind, CodeKind::Function(_)));
    let mut functions: Vec<_> = own
        .filter_map(|object| {
            let index = object.function?;
            let microseconds = times.get(&index).copied().unwrap_or_default();
            Some(Compiled {
                index,
                tier: object.tier?,
                code_bytes: object.range.len(),
                microseconds,
            })
        })
        .collect();
    functions.sort_by_key(|function| (usize::MAX - function.code_bytes, function.index));
    functions
}
