//! Arithmetic and comparison of float lanes.

use cranelift_codegen::ir::{InstBuilder, Type, Value, condcodes::FloatCC, types};

use super::shapes::{binary, compare, unary};
use crate::translate::{Translated, Translator, environment::cast_flags};

/// The smaller or larger lane by one comparison, whatever it makes of NaNs and zeros.
macro_rules! pseudo {
    ($($min:ident $max:ident: $lanes:ident;)*) => {$(
        pub(in crate::translate) fn $min(&mut self) -> Translated {
            let (left, right) = self.pop_vectors(types::$lanes)?;
            self.push_if_less(types::$lanes, (right, left), (right, left));
            Ok(())
        }

        pub(in crate::translate) fn $max(&mut self) -> Translated {
            let (left, right) = self.pop_vectors(types::$lanes)?;
            self.push_if_less(types::$lanes, (left, right), (right, left));
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    compare! {
        visit_f32x4_eq: F32X4, fcmp FloatCC::Equal;
        visit_f32x4_ne: F32X4, fcmp FloatCC::NotEqual;
        visit_f32x4_lt: F32X4, fcmp FloatCC::LessThan;
        visit_f32x4_gt: F32X4, fcmp FloatCC::GreaterThan;
        visit_f32x4_le: F32X4, fcmp FloatCC::LessThanOrEqual;
        visit_f32x4_ge: F32X4, fcmp FloatCC::GreaterThanOrEqual;
        visit_f64x2_eq: F64X2, fcmp FloatCC::Equal;
        visit_f64x2_ne: F64X2, fcmp FloatCC::NotEqual;
        visit_f64x2_lt: F64X2, fcmp FloatCC::LessThan;
        visit_f64x2_gt: F64X2, fcmp FloatCC::GreaterThan;
        visit_f64x2_le: F64X2, fcmp FloatCC::LessThanOrEqual;
        visit_f64x2_ge: F64X2, fcmp FloatCC::GreaterThanOrEqual;
    }

    unary! {
        visit_f32x4_ceil: F32X4, ceil;
        visit_f32x4_floor: F32X4, floor;
        visit_f32x4_trunc: F32X4, trunc;
        visit_f32x4_nearest: F32X4, nearest;
        visit_f32x4_abs: F32X4, fabs;
        visit_f32x4_neg: F32X4, fneg;
        visit_f32x4_sqrt: F32X4, sqrt;
        visit_f64x2_ceil: F64X2, ceil;
        visit_f64x2_floor: F64X2, floor;
        visit_f64x2_trunc: F64X2, trunc;
        visit_f64x2_nearest: F64X2, nearest;
        visit_f64x2_abs: F64X2, fabs;
        visit_f64x2_neg: F64X2, fneg;
        visit_f64x2_sqrt: F64X2, sqrt;
    }

    binary! {
        visit_f32x4_add: F32X4, fadd;
        visit_f32x4_sub: F32X4, fsub;
        visit_f32x4_mul: F32X4, fmul;
        visit_f32x4_div: F32X4, fdiv;
        visit_f32x4_min: F32X4, fmin;
        visit_f32x4_max: F32X4, fmax;
        visit_f64x2_add: F64X2, fadd;
        visit_f64x2_sub: F64X2, fsub;
        visit_f64x2_mul: F64X2, fmul;
        visit_f64x2_div: F64X2, fdiv;
        visit_f64x2_min: F64X2, fmin;
        visit_f64x2_max: F64X2, fmax;
    }

    pseudo! {
        visit_f32x4_pmin visit_f32x4_pmax: F32X4;
        visit_f64x2_pmin visit_f64x2_pmax: F64X2;
    }

    /// Pushes lanes of the first choice where the first of `compared` is less than the second,
    /// and of the second choice elsewhere.
    fn push_if_less(&mut self, lanes: Type, compared: (Value, Value), choice: (Value, Value)) {
        let less = self.builder.ins().fcmp(FloatCC::LessThan, compared.0, compared.1);
        let less = self.builder.ins().bitcast(lanes, cast_flags(), less);
        let value = self.builder.ins().bitselect(less, choice.0, choice.1);
        self.push(value);
    }
}
