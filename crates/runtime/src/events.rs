//! What the runtime tells as it happens, through `tracing`.
//!
//! Names and fields are an interface, which `docs/statistics.md` lists.
#![forbid(unsafe_code)]

use codespace::{CodeManager, Removed, Whose};
use tracing::{debug, trace};

use crate::FlushCause;

const TARGET: &str = "runtime";

/// Code was taken away from functions.
pub(crate) fn flush(cause: FlushCause, removed: Removed) {
    let Removed { functions, code_bytes: bytes, metadata_bytes } = removed;
    let cause = cause.name();
    debug!(name: "flush", target: TARGET, cause, functions, bytes, metadata_bytes, "code flushed");
}

/// Code is about to be given up: so much is wanted under a limit, of all or of a tenant.
pub(crate) fn budget(
    cause: FlushCause,
    manager: &CodeManager,
    (whose, wanted): (Whose<'_>, usize),
) {
    let (tenant, limit) = match whose {
        Whose::Everybody => (None, manager.config().committed_limit),
        Whose::Tenant(tenant) => (Some(tenant.name()), tenant.limit()),
    };
    let (cause, used) = (cause.name(), manager.occupied_bytes(whose));
    debug!(
        name: "budget",
        target: TARGET,
        cause,
        tenant,
        used,
        limit,
        wanted,
        "making room for code"
    );
}

/// A function that was about to lose its code was called. `cell` is its number in the unit.
#[inline]
pub(crate) fn revive(unit: u64, cell: u32) {
    trace!(name: "revive", target: TARGET, unit, cell, "code revived");
}
