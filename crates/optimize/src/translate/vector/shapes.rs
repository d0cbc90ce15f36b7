//! The shapes that most vector operators have, as macros for tables of operators.

use cranelift_codegen::ir::{Type, Value};

use crate::translate::{Translated, Translator};

/// Operators with one vector and a vector as result.
macro_rules! unary {
    ($($visit:ident: $lanes:ident, $instruction:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().$instruction(operand);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Operators with two vectors and a vector as result.
macro_rules! binary {
    ($($visit:ident: $lanes:ident, $instruction:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let (left, right) = self.pop_vectors(types::$lanes)?;
            let value = self.builder.ins().$instruction(left, right);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Comparisons of lanes: all ones where they hold.
macro_rules! compare {
    ($($visit:ident: $lanes:ident, $instruction:ident $condition:expr;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let (left, right) = self.pop_vectors(types::$lanes)?;
            let value = self.builder.ins().$instruction($condition, left, right);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Shifts of all lanes by one `i32`, whose high bits do not count.
macro_rules! shift {
    ($($visit:ident: $lanes:ident, $instruction:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let count = self.pop_i32()?;
            let operand = self.pop_vector(types::$lanes)?;
            let value = self.builder.ins().$instruction(operand, count);
            self.push(value);
            Ok(())
        }
    )*};
}

pub(super) use {binary, compare, shift, unary};

impl Translator<'_> {
    /// Pops two vectors.
    pub(super) fn pop_vectors(&mut self, lanes: Type) -> Translated<(Value, Value)> {
        let right = self.pop_vector(lanes)?;
        let left = self.pop_vector(lanes)?;
        Ok((left, right))
    }
}
