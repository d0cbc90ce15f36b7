//! Vectors as 128 bits: constants, logic, tests.

use cranelift_codegen::ir::{InstBuilder, Type, Value, types};
use wasmparser::V128;

use crate::translate::{Translated, Translator};

impl Translator<'_> {
    pub(in crate::translate) fn visit_v128_const(&mut self, value: V128) -> Translated {
        let bytes = value.bytes().as_slice().into();
        let constant = self.builder.func.dfg.constants.insert(bytes);
        let value = self.builder.ins().vconst(types::I8X16, constant);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_not(&mut self) -> Translated {
        let operand = self.pop_vector(types::I8X16)?;
        let value = self.builder.ins().bnot(operand);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_and(&mut self) -> Translated {
        let (left, right) = self.pop_alike()?;
        let value = self.builder.ins().band(left, right);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_andnot(&mut self) -> Translated {
        let (left, right) = self.pop_alike()?;
        let value = self.builder.ins().band_not(left, right);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_or(&mut self) -> Translated {
        let (left, right) = self.pop_alike()?;
        let value = self.builder.ins().bor(left, right);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_xor(&mut self) -> Translated {
        let (left, right) = self.pop_alike()?;
        let value = self.builder.ins().bxor(left, right);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_bitselect(&mut self) -> Translated {
        // As lanes of the mask: the code generator knows masks that comparisons made.
        let mask = self.pop()?;
        let lanes = self.lanes_of(mask)?;
        let (then, otherwise) = self.pop_vectors(lanes)?;
        let value = self.builder.ins().bitselect(mask, then, otherwise);
        self.push(value);
        Ok(())
    }

    pub(in crate::translate) fn visit_v128_any_true(&mut self) -> Translated {
        let operand = self.pop_vector(types::I8X16)?;
        let flag = self.builder.ins().vany_true(operand);
        self.push_flag(flag);
        Ok(())
    }

    /// Pops two vectors, both as lanes of the second.
    fn pop_alike(&mut self) -> Translated<(Value, Value)> {
        let right = self.pop()?;
        let lanes = self.lanes_of(right)?;
        Ok((self.pop_vector(lanes)?, right))
    }

    fn lanes_of(&self, value: Value) -> Translated<Type> {
        let ty = self.builder.func.dfg.value_type(value);
        if ty.is_vector() { Ok(ty) } else { Err(self.invalid("an operand is not a vector")) }
    }
}
