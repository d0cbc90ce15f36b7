//! Locals, globals, `drop` and `select`.

use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use cranelift_frontend::Variable;
use tierup_abi::{GlobalPlace, GlobalRecord};
use tierup_wasm::{GlobalIndex, Mutability, ValType};

use super::{Translated, Translator, environment::Region, value};

/// The function's locals, parameters first.
#[derive(Default)]
pub(super) struct Locals {
    list: Vec<(Variable, ValType)>,
}

impl Locals {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
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
    pub(super) fn define_local(&mut self, ty: ValType, initial: Value) {
        let variable = self.builder.declare_var(value::ir_type(ty));
        if ty.is_reference() {
            self.builder.declare_var_needs_stack_map(variable);
        }
        self.builder.def_var(variable, initial);
        self.locals.list.push((variable, ty));
    }

    pub(super) fn visit_local_get(&mut self, index: u32) -> Translated {
        let (variable, _) = self.local(index)?;
        let value = self.builder.use_var(variable);
        self.push(value);
        Ok(())
    }

    pub(super) fn visit_local_set(&mut self, index: u32) -> Translated {
        let (variable, ty) = self.local(index)?;
        let value = self.pop_value(ty)?;
        self.builder.def_var(variable, value);
        Ok(())
    }

    pub(super) fn visit_local_tee(&mut self, index: u32) -> Translated {
        let (variable, ty) = self.local(index)?;
        let value = self.pop_value(ty)?;
        self.builder.def_var(variable, value);
        self.push(value);
        Ok(())
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

    fn local(&self, index: u32) -> Translated<(Variable, ValType)> {
        let local = self.locals.list.get(index as usize).copied();
        local.ok_or_else(|| self.invalid("an unknown local"))
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
