//! The operand stack.

use cranelift_codegen::ir::{BlockArg, InstBuilder, Type, Value, types};
use tierup_wasm::ValType;

use super::{Translated, Translator, environment::cast_flags};

impl Translator<'_> {
    /// Pushes a value that is no reference.
    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Pushes a new value of type `ty`, which stack maps must list if it is a reference.
    pub(super) fn push_new(&mut self, ty: ValType, value: Value) {
        self.declare_reference(ty, value);
        self.stack.push(value);
    }

    /// Has stack maps list the value if it is a reference.
    pub(super) fn declare_reference(&mut self, ty: ValType, value: Value) {
        if ty.is_reference() {
            self.takeover.note_reference(value);
            self.budget.note_reference();
            self.builder.declare_value_needs_stack_map(value);
        }
    }

    /// Pops any value.
    pub(super) fn pop(&mut self) -> Translated<Value> {
        self.height_below(1)?;
        self.stack.pop().ok_or_else(|| self.invalid("an operand is missing"))
    }

    /// Pops a value of a scalar type.
    pub(super) fn pop_scalar(&mut self, ty: Type) -> Translated<Value> {
        let value = self.pop()?;
        if self.builder.func.dfg.value_type(value) != ty {
            return Err(self.invalid("an operand has another type"));
        }
        Ok(value)
    }

    /// Pops an `i32`.
    pub(super) fn pop_i32(&mut self) -> Translated<Value> {
        self.pop_scalar(types::I32)
    }

    /// Pops a `v128` and sees it as lanes of type `ty`.
    pub(super) fn pop_vector(&mut self, ty: Type) -> Translated<Value> {
        let value = self.pop()?;
        self.as_lanes(ty, value)
    }

    /// Pops a value of type `ty` in the form in which it leaves a block.
    pub(super) fn pop_value(&mut self, ty: ValType) -> Translated<Value> {
        match ty {
            ValType::V128 => self.pop_vector(types::I8X16),
            ty => self.pop_scalar(super::value::ir_type(ty)),
        }
    }

    /// A vector as lanes of type `ty`.
    pub(super) fn as_lanes(&mut self, ty: Type, value: Value) -> Translated<Value> {
        let from = self.builder.func.dfg.value_type(value);
        if !from.is_vector() || from.bits() != ty.bits() {
            return Err(self.invalid("an operand is not a vector"));
        }
        if from == ty {
            return Ok(value);
        }
        Ok(self.builder.ins().bitcast(ty, cast_flags(), value))
    }

    /// A value in the form in which it leaves a block: vectors as bytes.
    pub(super) fn canonical(&mut self, value: Value) -> Value {
        let ty = self.builder.func.dfg.value_type(value);
        if ty.is_vector() && ty != types::I8X16 {
            return self.builder.ins().bitcast(types::I8X16, cast_flags(), value);
        }
        value
    }

    /// The values on top of the stack as arguments of types `params` for a branch. They stay
    /// where they are. Hand the list back with [`Translator::reuse_args`].
    pub(super) fn peek_args(&mut self, params: &[ValType]) -> Translated<Vec<BlockArg>> {
        self.spend(params.len())?;
        let first = self.height_below(params.len())?;
        let mut args = std::mem::take(&mut self.branch_args);
        args.clear();
        for (index, &ty) in params.iter().enumerate() {
            let value = self.canonical(self.stack[first + index]);
            if self.builder.func.dfg.value_type(value) != super::value::ir_type(ty) {
                return Err(self.invalid("a branch has operands of other types"));
            }
            args.push(BlockArg::Value(value));
        }
        Ok(args)
    }

    /// Takes back the list that [`Translator::peek_args`] lent.
    pub(super) fn reuse_args(&mut self, args: Vec<BlockArg>) {
        self.branch_args = args;
    }

    /// Height of the stack below its `count` topmost operands, which must be the innermost
    /// construct's own.
    pub(super) fn height_below(&self, count: usize) -> Translated<usize> {
        let height = self.stack.len().checked_sub(count);
        height
            .filter(|&height| height >= self.control.floor())
            .ok_or_else(|| self.invalid("an operand is missing"))
    }

    /// Removes all operands above `height`.
    pub(super) fn truncate(&mut self, height: usize) {
        self.stack.truncate(height);
    }

    /// Zero of type `ty`: the initial value of a local.
    pub(super) fn zero(&mut self, ty: ValType) -> Value {
        match ty {
            ValType::I32 | ValType::ExternRef => self.builder.ins().iconst(types::I32, 0),
            ValType::I64 | ValType::FuncRef => self.builder.ins().iconst(types::I64, 0),
            ValType::F32 => self.builder.ins().f32const(0.0),
            ValType::F64 => self.builder.ins().f64const(0.0),
            ValType::V128 => {
                let bytes = self.builder.func.dfg.constants.insert([0; 16].as_slice().into());
                self.builder.ins().vconst(types::I8X16, bytes)
            }
        }
    }
}
