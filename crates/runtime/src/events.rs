//! What the runtime tells as it happens, through `tracing`.
//!
//! Names and fields are an interface, which `docs/statistics.md` lists.
#![forbid(unsafe_code)]

use codespace::{CodeManager, Removed, Step, Whose};
use tracing::{debug, trace};

use crate::FlushCause;

const TARGET: &str = "runtime";

/// Code was taken away from functions.
pub(crate) fn flush(cause: FlushCause, removed: Removed) {
    let Removed { functions, code_bytes: bytes, metadata_bytes } = removed;
    let cause = cause.name();
    debug!(name: "flush", target: TARGET, cause, functions, bytes, metadata_bytes, "code flushed");
}

/// A step is about to be taken because too much code memory is occupied, or for other reasons.
pub(crate) fn budget(cause: FlushCause, manager: &CodeManager, (whose, step): (Whose<'_>, Step)) {
    let (tenant, used, limit) = match whose {
        Whose::Everybody => (None, manager.occupied_bytes(), manager.config().committed_limit),
        Whose::Tenant(tenant) => (Some(tenant.name()), tenant.used_bytes(), tenant.limit()),
    };
    let cause = cause.name();
    debug!(
        name: "budget", target: TARGET, cause, tenant, used, limit, ?step, "making room for code"
    );
}

/// A function that was about to lose its code was called. `cell` is its number in the unit.
#[inline]
pub(crate) fn revive(unit: u64, cell: u32) {
    trace!(name: "revive", target: TARGET, unit, cell, "code revived");
}
