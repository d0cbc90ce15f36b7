//! The instruction set: a file with these items for each.

#[cfg_attr(target_arch = "x86_64", path = "x86_64.rs")]
mod imp;

pub(crate) use imp::{
    PROBE, PROBE_RESULT, TRAP_BYTE, call, has_protection_keys, rights, set_rights,
};
