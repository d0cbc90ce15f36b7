//! From Cranelift's output to a `Compiled`: relocations and side tables.
//!
//! The only relocation that may appear is the one of a call through a cell. Cranelift believes in
//! a global offset table with the addresses of functions; our cells are that table.

use codespace::{
    Position, Relocation, RelocationKind, Safepoint, SideTables, Slot, Target, TrapSite,
};
use cranelift_codegen::{
    CompiledCode, FinalizedMachReloc, FinalizedRelocTarget, MachBufferFinalized,
    binemit::Reloc,
    ir::{self, ExternalName, Function, TrapCode, Type, UserStackMap, types},
};
use tierup_abi::{ReferenceKind, TrapKind};
use tierup_compile::{CompileError, Compiled};

use crate::compiler::internal;

/// Alignment that every code object has.
const CODE_ALIGNMENT: u32 = 64;

type Buffer = MachBufferFinalized<cranelift_codegen::Final>;

/// Everything about `code` that outlives the compiler.
pub(crate) fn compiled(func: &Function, code: &CompiledCode) -> Result<Compiled, CompileError> {
    let buffer = &code.buffer;
    if buffer.alignment > CODE_ALIGNMENT {
        return Err(internal(format!("code wants an alignment of {}", buffer.alignment)));
    }
    Ok(Compiled {
        bytes: bytes(buffer),
        relocations: buffer
            .relocs()
            .iter()
            .map(|relocation| cell_relocation(func, relocation))
            .collect::<Result<_, _>>()?,
        tables: SideTables {
            traps: traps(buffer)?,
            positions: positions(buffer),
            safepoints: safepoints(buffer)?,
            handlers: Vec::new(),
            notes: Vec::new(),
        },
        frame_size: buffer.frame_layout().map_or(0, |layout| layout.frame_to_fp_offset),
    })
}

/// The code, with `ud2` at trap sites replaced by `hlt`.
///
/// Both fault in user mode. But hypervisors look at every invalid instruction of their guests:
/// measured on a virtual machine, the way from `ud2` to the host takes 8.5 us, from `hlt` 1.3.
fn bytes(buffer: &Buffer) -> Vec<u8> {
    const UD2: [u8; 2] = [0x0f, 0x0b];
    /// The second byte, a breakpoint, is never reached.
    const HLT: [u8; 2] = [0xf4, 0xcc];
    let mut bytes = buffer.data().to_vec();
    for trap in buffer.traps() {
        let start = trap.offset as usize;
        if let Some(site) = bytes.get_mut(start..start + UD2.len())
            && *site == UD2
        {
            site.copy_from_slice(&HLT);
        }
    }
    bytes
}

/// The relocation of a call through a cell; any other is a mistake of this crate.
fn cell_relocation(
    func: &Function,
    relocation: &FinalizedMachReloc,
) -> Result<Relocation, CompileError> {
    let unexpected = || {
        let target = relocation.target.display(Some(&func.params));
        internal(format!("unexpected relocation {:?} to {target}", relocation.kind))
    };
    let FinalizedRelocTarget::ExternalName(ExternalName::User(name)) = relocation.target else {
        return Err(unexpected());
    };
    if relocation.kind != Reloc::X86GOTPCRel4 {
        return Err(unexpected());
    }
    let cell = func.params.user_named_funcs()[name].index;
    let addend = i32::try_from(relocation.addend).map_err(|_| unexpected())?;
    Ok(Relocation {
        offset: relocation.offset,
        kind: RelocationKind::Relative4,
        target: Target::Cell(cell),
        addend,
    })
}

fn traps(buffer: &Buffer) -> Result<Vec<TrapSite>, CompileError> {
    buffer
        .traps()
        .iter()
        .map(|trap| Ok(TrapSite { offset: trap.offset, code: trap_kind(trap.code)? as u8 }))
        .collect()
}

/// The kind of a trap, of our own making or of Cranelift's.
fn trap_kind(code: TrapCode) -> Result<TrapKind, CompileError> {
    match code {
        TrapCode::STACK_OVERFLOW => Ok(TrapKind::StackOverflow),
        TrapCode::INTEGER_OVERFLOW => Ok(TrapKind::IntegerOverflow),
        TrapCode::HEAP_OUT_OF_BOUNDS => Ok(TrapKind::MemoryOutOfBounds),
        TrapCode::INTEGER_DIVISION_BY_ZERO => Ok(TrapKind::IntegerDivideByZero),
        TrapCode::BAD_CONVERSION_TO_INTEGER => Ok(TrapKind::InvalidConversion),
        own => TrapKind::from_code(own.as_raw().get())
            .ok_or_else(|| internal(format!("unknown trap code {own}"))),
    }
}

/// One entry for each change of position, gaps included.
fn positions(buffer: &Buffer) -> Vec<Position> {
    let mut list = PositionList { entries: Vec::new() };
    let mut covered = 0;
    for range in buffer.get_srclocs_sorted() {
        if covered < range.start {
            list.add(covered, Position::NONE);
        }
        list.add(range.start, position(range.loc));
        covered = range.end;
    }
    if covered < buffer.total_size() {
        list.add(covered, Position::NONE);
    }
    list.entries
}

fn position(location: ir::SourceLoc) -> u32 {
    if location.is_default() { Position::NONE } else { location.bits() }
}

struct PositionList {
    entries: Vec<Position>,
}

impl PositionList {
    fn add(&mut self, offset: u32, position: u32) {
        if self.entries.last().is_none_or(|last| last.position != position) {
            self.entries.push(Position { offset, position });
        }
    }
}

fn safepoints(buffer: &Buffer) -> Result<Vec<Safepoint>, CompileError> {
    buffer
        .user_stack_maps()
        .iter()
        .map(|(offset, span, map)| Ok(Safepoint { offset: *offset, slots: slots(*span, map)? }))
        .collect()
}

/// A map's entries, which are relative to the stack pointer, relative to the frame pointer. The
/// two are `span` bytes apart.
fn slots(span: u32, map: &UserStackMap) -> Result<Vec<Slot>, CompileError> {
    let mut slots = map
        .entries()
        .map(|(ty, offset)| {
            let frame_offset = i64::from(offset) - i64::from(span);
            let frame_offset = i32::try_from(frame_offset)
                .map_err(|_| internal("a reference lies too far from its frame pointer"))?;
            Ok(Slot { frame_offset, kind: reference_kind(ty)? as u8 })
        })
        .collect::<Result<Vec<_>, CompileError>>()?;
    slots.sort_unstable_by_key(|slot| slot.frame_offset);
    Ok(slots)
}

fn reference_kind(ty: Type) -> Result<ReferenceKind, CompileError> {
    match ty {
        types::I64 => Ok(ReferenceKind::Func),
        types::I32 => Ok(ReferenceKind::Extern),
        other => Err(internal(format!("a reference of type {other}"))),
    }
}
