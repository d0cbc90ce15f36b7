//! Code that a compiler might have made, as far as the code manager can see.
#![forbid(unsafe_code)]

use std::sync::Arc;

use codespace::{
    CodeManager, Config, Draft, Kind, Position, Relocation, RelocationKind, SideTables, Strategy,
    Target, TrapSite, Unit, UnitSpec,
};

use crate::Outcome;

/// A manager with the strategy that is measured.
pub(crate) fn manager() -> Outcome<CodeManager> {
    Ok(CodeManager::new(&Config { strategy: Strategy::File, ..Config::default() })?)
}

/// A unit whose functions are never called before they have code.
pub(crate) fn unit(manager: &CodeManager, functions: u32) -> Outcome<Arc<Unit>> {
    // Any address will do for the stub: nothing here is called without code.
    let spec = UnitSpec { functions, lazy_stub: 1 << 20, owner: Arc::new(()), tenant: None };
    Ok(manager.new_unit(spec)?)
}

/// A function of that many bytes, with calls, traps and source positions as real code has them:
/// a call for each 128 bytes, a trap for each 64, a position for each 16.
pub(crate) fn typical(function: u32, bytes: usize) -> Draft {
    let mut draft = Draft::new(Kind::Function(function), vec![0x90; bytes]);
    draft.bytes[bytes - 1] = 0xc3;
    let places = |step: usize| (0..bytes.saturating_sub(8) as u32).step_by(step);
    draft.relocations = places(128).map(|offset| cell(offset, function)).collect();
    draft.tables = SideTables {
        traps: places(64).map(|offset| TrapSite { offset, code: 1 }).collect(),
        positions: places(16).map(|offset| Position { offset, position: offset }).collect(),
        ..SideTables::default()
    };
    draft
}

/// The operand of an instruction that uses a cell; it ends the instruction.
pub(crate) fn cell(offset: u32, function: u32) -> Relocation {
    let target = Target::Cell(function);
    Relocation { offset, kind: RelocationKind::Relative4, target, addend: -4 }
}
