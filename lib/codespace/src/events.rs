//! What the code manager tells as it happens, through `tracing`: one function for each event.
//!
//! ```text
//!   unit_made                                                        unit_dropped
//!      └─ publish ─ install ─ … ─ retire (replaced, removed) ─ collect ─ free
//! ```
//!
//! Names and fields are an interface, which `docs/statistics.md` lists. Events of one object are of
//! level `trace`, those of many are of level `debug`. Nobody listening costs a load and a branch:
//! fields are computed only for those who listen.
#![forbid(unsafe_code)]

use std::{cell::LazyCell, ops::Range, time::Duration};

use tracing::{debug, trace};

use crate::{
    cold::Swept,
    collect::Collected,
    draft::{Kind, Tier},
    install::Installed,
    remove::Removed,
};

const TARGET: &str = "codespace";

/// What events tell of a code object.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) unit: u64,
    pub(crate) kind: Kind,
    pub(crate) tier: Tier,
    /// The range that was allocated.
    pub(crate) range: Range<usize>,
}

impl Subject {
    fn cell(&self) -> Option<u32> {
        self.kind.function()
    }

    /// Only functions have a tier.
    fn tier(&self) -> Option<&'static str> {
        self.cell().map(|_| self.tier.name())
    }
}

/// Address space for an arena was reserved.
pub(crate) fn reserve(bytes: usize, code: &Range<usize>) {
    let address = code.start;
    debug!(name: "reserve", target: TARGET, bytes, address, code_bytes = code.len(), "arena reserved");
}

pub(crate) fn unit_made(unit: u64, functions: u32) {
    debug!(name: "unit_made", target: TARGET, unit, functions, "unit made");
}

pub(crate) fn unit_dropped(unit: u64, objects: usize) {
    debug!(name: "unit_dropped", target: TARGET, unit, objects, "unit dropped");
}

/// An object can be found.
#[inline]
pub(crate) fn publish(of: impl FnOnce() -> Subject) {
    let of = LazyCell::new(of);
    trace!(
        name: "publish",
        target: TARGET,
        unit = of.unit,
        kind = of.kind.name(),
        cell = of.cell(),
        tier = of.tier(),
        address = of.range.start,
        bytes = of.range.len(),
        "code published"
    );
}

/// The rule has said whether callers reach it, and not what it `replaces`.
#[inline]
pub(crate) fn install(of: impl FnOnce() -> Subject, installed: Installed, replaces: Option<usize>) {
    let of = LazyCell::new(of);
    trace!(
        name: "install",
        target: TARGET,
        unit = of.unit,
        cell = of.cell(),
        tier = of.tier(),
        address = of.range.start,
        ?installed,
        replaces,
        "code installed"
    );
}

/// No call reaches it any more.
#[inline]
pub(crate) fn retire(of: &Subject) {
    trace!(
        name: "retire",
        target: TARGET,
        unit = of.unit,
        kind = of.kind.name(),
        cell = of.cell(),
        tier = of.tier(),
        address = of.range.start,
        bytes = of.range.len(),
        "code retired"
    );
}

/// Its memory is about to be used again; `since` it was retired.
#[inline]
pub(crate) fn free(of: impl FnOnce() -> Subject, since: Option<Duration>) {
    let of = LazyCell::new(of);
    trace!(
        name: "free",
        target: TARGET,
        unit = of.unit,
        cell = of.cell(),
        address = of.range.start,
        bytes = of.range.len(),
        microseconds = since.map(microseconds),
        "code freed"
    );
}

/// Functions of a unit went back to their lazy entries.
pub(crate) fn remove(unit: u64, removed: Removed) {
    let Removed { functions, code_bytes: bytes, metadata_bytes } = removed;
    debug!(name: "remove", target: TARGET, unit, functions, bytes, metadata_bytes, "code removed");
}

/// Cold code of a unit was taken away, and what may be cold was suspended.
pub(crate) fn sweep(unit: u64, swept: Swept) {
    let Swept { removed: Removed { functions, code_bytes: bytes, .. }, suspended } = swept;
    debug!(name: "sweep", target: TARGET, unit, functions, bytes, suspended, "cold code swept");
}

/// A collection came to its end.
pub(crate) fn collect(collected: Collected, time: Duration) {
    let Collected { objects, code_bytes: bytes, metadata_bytes, survivors } = collected;
    let microseconds = microseconds(time);
    debug!(
        name: "collect",
        target: TARGET,
        objects,
        bytes,
        metadata_bytes,
        survivors,
        microseconds,
        "retired code collected"
    );
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
