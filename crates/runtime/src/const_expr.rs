//! Constant expressions.
#![forbid(unsafe_code)]

use tierup_wasm::{ConstExpr, ConstOp, GlobalIndex};

use crate::{Error, ErrorKind, InstanceHandle, StoreState, Value};

impl StoreState {
    /// The value of a constant expression of an instance's module.
    pub(crate) fn evaluate(
        &mut self,
        instance: InstanceHandle,
        expression: &ConstExpr,
    ) -> Result<Value, Error> {
        let mut stack = Vec::with_capacity(1);
        for &op in expression.operators() {
            let value = match op {
                ConstOp::I32(value) => Value::from_u32(value as u32),
                ConstOp::I64(value) => Value::from_u64(value as u64),
                ConstOp::F32(bits) => Value::from_u32(bits),
                ConstOp::F64(bits) => Value::from_u64(bits),
                ConstOp::V128(bytes) => Value::from_u128(u128::from_le_bytes(bytes)),
                ConstOp::GlobalGet(index) => self.instance_global(instance, index)?,
                ConstOp::RefNull(_) => Value::default(),
                ConstOp::RefFunc(index) => {
                    let function = self.instance_function(instance, index)?;
                    self.raw_function(Some(function))?
                }
                ConstOp::I32Add => binary_32(&mut stack, u32::wrapping_add),
                ConstOp::I32Sub => binary_32(&mut stack, u32::wrapping_sub),
                ConstOp::I32Mul => binary_32(&mut stack, u32::wrapping_mul),
                ConstOp::I64Add => binary_64(&mut stack, u64::wrapping_add),
                ConstOp::I64Sub => binary_64(&mut stack, u64::wrapping_sub),
                ConstOp::I64Mul => binary_64(&mut stack, u64::wrapping_mul),
            };
            stack.push(value);
        }
        Ok(pop(&mut stack))
    }

    /// The raw value of a global of an instance.
    pub(crate) fn instance_global(
        &self,
        instance: InstanceHandle,
        index: GlobalIndex,
    ) -> Result<Value, Error> {
        let object = self.instance(instance)?;
        match object.inline_global(index) {
            Some(value) => Ok(value),
            None => {
                let global = object.shared_globals.get(&index);
                let global = global.ok_or(ErrorKind::OutOfBounds("global"))?;
                Ok(self.global(*global)?.value())
            }
        }
    }
}

fn binary_32(stack: &mut Vec<Value>, op: fn(u32, u32) -> u32) -> Value {
    let right = pop(stack).to_u32();
    Value::from_u32(op(pop(stack).to_u32(), right))
}

fn binary_64(stack: &mut Vec<Value>, op: fn(u64, u64) -> u64) -> Value {
    let right = pop(stack).to_u64();
    Value::from_u64(op(pop(stack).to_u64(), right))
}

fn pop(stack: &mut Vec<Value>) -> Value {
    stack.pop().expect("validation has checked the expression's stack")
}
