//! Locals, globals, `drop` and `select`.
//!
//! A local is a variable of the function builder, which keeps a table of blocks for each: fast,
//! but memory for variables times blocks. A function may have 50,000 locals and millions of
//! blocks, so the product is bounded ([`VARIABLE_BUDGET`]), and locals beyond it live in the
//! frame.

use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::Variable;
use tierup_abi::{GlobalPlace, GlobalRecord};
use tierup_compile::{CompileError, CompileErrorKind};
use tierup_wasm::{GlobalIndex, Mutability, ValType};

use super::{Translated, Translator, environment::Region, value};

/// Most entries in the function builder's tables of variables: 4 bytes each, if all are used.
pub(super) const VARIABLE_BUDGET: usize = 1 << 27;

/// The same for references: stack maps are made from sets of references in each block.
const REFERENCE_BUDGET: usize = 1 << 24;

/// log2 of the size of a local in the frame.
const LOCAL_SHIFT: u8 = 4;

/// The function's locals, parameters first.
pub(super) struct Locals {
    list: Vec<Local>,
    /// How many may be variables, and how many more of them references.
    most_variables: usize,
    most_references: usize,
    /// Where the others are.
    slot: Option<StackSlot>,
}

#[derive(Clone, Copy)]
struct Local {
    ty: ValType,
    place: LocalPlace,
}

#[derive(Clone, Copy)]
enum LocalPlace {
    Variable(Variable),
    /// In the frame, at this offset of the slot.
    Frame(StackSlot, i32),
}

impl Locals {
    /// No locals, in a function with that many blocks.
    pub(super) fn new(blocks: usize) -> Self {
        let blocks = blocks.max(1);
        Self {
            list: Vec::new(),
            most_variables: VARIABLE_BUDGET / blocks,
            most_references: REFERENCE_BUDGET / blocks,
            slot: None,
        }
    }
}

/// Where a global's value is.
struct GlobalAccess {
    ty: ValType,
    base: Value,
    offset: i32,
    flags: MemFlagsData,
}

impl Translator<'_> {
    /// Adds a local with an initial value.
    pub(super) fn define_local(&mut self, ty: ValType, initial: Value) -> Translated {
        let place = if ty.is_reference() {
            self.reference_variable(ty)?
        } else if self.locals.list.len() < self.locals.most_variables {
            LocalPlace::Variable(self.builder.declare_var(value::ir_type(ty)))
        } else {
            self.local_in_frame()
        };
        let local = Local { ty, place };
        self.locals.list.push(local);
        self.set_local(local, initial);
        Ok(())
    }

    pub(super) fn visit_local_get(&mut self, index: u32) -> Translated {
        let Local { ty, place } = self.local(index)?;
        let value = match place {
            LocalPlace::Variable(variable) => self.builder.use_var(variable),
            LocalPlace::Frame(slot, offset) => {
                let ty = value::ir_type(ty);
                self.builder.ins().stack_load(types::I64, ty, slot, offset)
            }
        };
        if ty.is_reference() {
            self.takeover.note_reference(value);
        }
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_local_set(&mut self, index: u32) -> Translated {
        let local = self.local(index)?;
        let value = self.pop_value(local.ty)?;
        self.set_local(local, value);
        Ok(())
    }

    pub(super) fn visit_local_tee(&mut self, index: u32) -> Translated {
        let local = self.local(index)?;
        let value = self.pop_value(local.ty)?;
        self.set_local(local, value);
        self.push(value);
        Ok(())
    }

    fn set_local(&mut self, local: Local, value: Value) {
        match local.place {
            LocalPlace::Variable(variable) => self.builder.def_var(variable, value),
            LocalPlace::Frame(slot, offset) => {
                self.builder.ins().stack_store(types::I64, value, slot, offset);
            }
        }
    }

    /// The types of all locals.
    pub(super) fn local_types(&self) -> Vec<ValType> {
        self.locals.list.iter().map(|local| local.ty).collect()
    }

    /// Gives all locals values.
    pub(super) fn assign_locals(&mut self, values: &[Value]) {
        for (index, &value) in values.iter().enumerate() {
            self.set_local(self.locals.list[index], value);
        }
    }

    fn local(&self, index: u32) -> Translated<Local> {
        let local = self.locals.list.get(index as usize).copied();
        local.ok_or_else(|| self.invalid("an unknown local"))
    }

    /// References are always variables: stack maps would not see them elsewhere.
    fn reference_variable(&mut self, ty: ValType) -> Translated<LocalPlace> {
        let rest = self.locals.most_references.checked_sub(1);
        self.locals.most_references = rest.ok_or_else(|| {
            let limit = "the product of reference locals and blocks";
            CompileError::from(CompileErrorKind::TooLarge { limit })
        })?;
        let variable = self.builder.declare_var(value::ir_type(ty));
        self.builder.declare_var_needs_stack_map(variable);
        Ok(LocalPlace::Variable(variable))
    }

    fn local_in_frame(&mut self) -> LocalPlace {
        let slot = match self.locals.slot {
            Some(slot) => slot,
            None => {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 0, LOCAL_SHIFT);
                let slot = self.builder.create_sized_stack_slot(data);
                self.locals.slot = Some(slot);
                slot
            }
        };
        let size = &mut self.builder.func.sized_stack_slots[slot].size;
        let offset = *size as i32;
        *size += 1 << LOCAL_SHIFT;
        LocalPlace::Frame(slot, offset)
    }

    pub(super) fn visit_global_get(&mut self, index: u32) -> Translated {
        let GlobalAccess { ty, base, offset, flags } = self.global(index)?;
        let value = self.builder.ins().load(value::ir_type(ty), flags, base, offset);
        self.push_new(ty, value);
        Ok(())
    }

    pub(super) fn visit_global_set(&mut self, index: u32) -> Translated {
        let GlobalAccess { ty, base, offset, flags } = self.global(index)?;
        if flags.readonly() {
            return Err(self.invalid("an assignment to a constant"));
        }
        let value = self.pop_value(ty)?;
        self.builder.ins().store(flags, value, base, offset);
        Ok(())
    }

    pub(super) fn visit_drop(&mut self) -> Translated {
        self.pop().map(drop)
    }

    pub(super) fn visit_nop(&mut self) -> Translated {
        Ok(())
    }

    pub(super) fn visit_select(&mut self) -> Translated {
        let value = self.selected()?;
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_typed_select(&mut self, ty: wasmparser::ValType) -> Translated {
        let ty = ValType::from_parser(ty).ok_or_else(|| self.unsupported("the selected type"))?;
        let value = self.selected()?;
        self.push_new(ty, value);
        Ok(())
    }

    fn selected(&mut self) -> Translated<Value> {
        let condition = self.pop_i32()?;
        let otherwise = self.pop()?;
        let then = self.pop()?;
        let otherwise = self.canonical(otherwise);
        let then = self.canonical(then);
        let types = &self.builder.func.dfg;
        if types.value_type(then) != types.value_type(otherwise) {
            return Err(self.invalid("a select between different types"));
        }
        Ok(self.builder.ins().select(condition, then, otherwise))
    }

    fn global(&mut self, index: u32) -> Translated<GlobalAccess> {
        let global = GlobalIndex(index);
        let ty = self.environment.module.globals.get(global.index()).copied();
        let ty = ty.ok_or_else(|| self.invalid("an unknown global"))?;
        let offset = self.environment.layout.global(global);
        let flags = match ty.mutability {
            // Set before any code of the instance runs.
            Mutability::Const => Region::Globals.flags().with_readonly().with_can_move(),
            Mutability::Var => Region::Globals.flags(),
        };
        let (base, offset) = match self.environment.layout.global_place(global) {
            GlobalPlace::Inline => (self.environment.instance, offset),
            GlobalPlace::Shared => (self.instance_pointer(offset), GlobalRecord::VALUE),
        };
        Ok(GlobalAccess { ty: ty.value, base, offset, flags })
    }
}
