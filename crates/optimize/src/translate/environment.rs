//! What surrounds a function: module, layout, and the parts of the instance that it reads.
//!
//! Loads say what they may assume. *Constant* parts of the instance never change while it lives,
//! so their loads move and merge freely; a limit, a table's length or a cell can change at any
//! call, so their loads stay where they are. Alias regions tell apart what cannot be the same
//! memory, so that a store to linear memory does not spoil what is known about a table.

use std::borrow::Cow;

use cranelift_codegen::ir::{
    AliasRegion, AliasRegionData, Endianness, Function, InstBuilder, MemFlagsData, TrapCode, Type,
    Value, types,
};
use tierup_abi::{InstanceLayout, MemoryMode, TrapKind};
use tierup_compile::Request;
use tierup_wasm::Module;

use super::Translator;

/// What surrounds a function.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    /// The module it belongs to.
    pub(super) module: &'a Module,
    /// Where the parts of an instance lie.
    pub(super) layout: &'a InstanceLayout,
    /// How accesses outside a memory are found.
    pub(super) memory_mode: MemoryMode,
    /// The instance: the function's first parameter.
    pub(super) instance: Value,
    /// The result area: the second parameter, if the function's type needs one.
    pub(super) result_area: Option<Value>,
}

impl<'a> Environment<'a> {
    /// The environment of a requested function with these parameters.
    pub(super) fn new(request: &Request<'a>, instance: Value, result_area: Option<Value>) -> Self {
        Self {
            module: request.module,
            layout: request.layout,
            memory_mode: request.settings.memory_mode,
            instance,
            result_area,
        }
    }
}

/// Kinds of memory that never overlap.
#[derive(Clone, Copy, Debug)]
#[repr(u32)]
pub(super) enum Region {
    /// A store's limit.
    Limit,
    /// A store's fuel.
    Fuel,
    /// Addresses of builtins.
    Builtins,
    /// Code addresses in cells.
    Cells,
    /// Bases and lengths of memories.
    MemoryRecords,
    /// Addresses and lengths of tables.
    TableRecords,
    /// Elements of tables.
    Elements,
    /// Values of globals.
    Globals,
    /// Linear memories: two of a module's may be the same.
    Memories,
    /// Result areas.
    Results,
    /// Values of replaced frames.
    Replacements,
}

impl Region {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Limit, "limit"),
        (Self::Fuel, "fuel"),
        (Self::Builtins, "builtins"),
        (Self::Cells, "cells"),
        (Self::MemoryRecords, "memory records"),
        (Self::TableRecords, "table records"),
        (Self::Elements, "elements"),
        (Self::Globals, "globals"),
        (Self::Memories, "memories"),
        (Self::Results, "results"),
        (Self::Replacements, "replacements"),
    ];

    /// Makes the regions known to a function. Their numbers are those of the variants.
    pub(super) fn declare_all(func: &mut Function) {
        for (region, name) in Self::ALL {
            func.dfg.alias_regions.insert(AliasRegionData {
                user_id: region as u32,
                description: Cow::Borrowed(name),
            });
        }
    }

    fn alias(self) -> AliasRegion {
        AliasRegion::from_u32(self as u32)
    }

    /// Flags for accesses that are always possible.
    pub(super) fn flags(self) -> MemFlagsData {
        MemFlagsData::trusted()
            .with_endianness(Endianness::Little)
            .with_alias_region(Some(self.alias()))
    }
}

/// Flags for accesses of linear memory.
pub(super) fn memory_flags() -> MemFlagsData {
    MemFlagsData::new()
        .with_endianness(Endianness::Little)
        .with_trap_code(Some(trap_code(TrapKind::MemoryOutOfBounds)))
        .with_alias_region(Some(Region::Memories.alias()))
}

/// Flags for reinterpreting a value: lanes are numbered from the lowest byte.
pub(super) fn cast_flags() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

/// Flags for loads of what is constant while the instance lives.
fn constant_flags() -> MemFlagsData {
    MemFlagsData::trusted().with_endianness(Endianness::Little).with_readonly().with_can_move()
}

/// The trap code of a kind.
pub(super) fn trap_code(kind: TrapKind) -> TrapCode {
    TrapCode::unwrap_user(kind as u8)
}

impl Translator<'_> {
    /// Loads something that is constant while the instance lives.
    pub(super) fn constant_load(&mut self, ty: Type, base: Value, offset: i32) -> Value {
        self.builder.ins().load(ty, constant_flags(), base, offset)
    }

    /// Loads a constant pointer of the instance.
    pub(super) fn instance_pointer(&mut self, offset: i32) -> Value {
        self.constant_load(types::I64, self.environment.instance, offset)
    }

    /// Loads something that another function may change.
    pub(super) fn region_load(
        &mut self,
        ty: Type,
        region: Region,
        base: Value,
        offset: i32,
    ) -> Value {
        self.builder.ins().load(ty, region.flags(), base, offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_the_numbers_of_their_variants() {
        let mut func = Function::new();
        Region::declare_all(&mut func);
        for (region, _) in Region::ALL {
            assert_eq!(func.dfg.alias_regions.get(region as u32), Some(region.alias()));
        }
    }
}
