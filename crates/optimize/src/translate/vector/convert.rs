//! Conversions between integer and float lanes.

use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::shapes::unary;
use crate::translate::{Translated, Translator};

/// Conversions of lanes to as many lanes of another type.
macro_rules! convert {
    ($($visit:ident: $from:ident => $to:ident, $instruction:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let operand = self.pop_vector(types::$from)?;
            let value = self.builder.ins().$instruction(types::$to, operand);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Conversions of the low integer lanes to floats twice as wide.
macro_rules! convert_low {
    ($($visit:ident: $widen:ident, $instruction:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let operand = self.pop_vector(types::I32X4)?;
            let low = self.builder.ins().$widen(operand);
            let value = self.builder.ins().$instruction(types::F64X2, low);
            self.push(value);
            Ok(())
        }
    )*};
}

/// Conversions of wide floats to the low integer lanes.
macro_rules! truncate_to_low {
    ($($visit:ident: $instruction:ident, $narrow:ident;)*) => {$(
        pub(in crate::translate) fn $visit(&mut self) -> Translated {
            let operand = self.pop_vector(types::F64X2)?;
            let low = self.builder.ins().$instruction(types::I64X2, operand);
            let high = self.zero_lanes();
            let value = self.builder.ins().$narrow(low, high);
            self.push(value);
            Ok(())
        }
    )*};
}

impl Translator<'_> {
    convert! {
        visit_i32x4_trunc_sat_f32x4_s: F32X4 => I32X4, fcvt_to_sint_sat;
        visit_i32x4_trunc_sat_f32x4_u: F32X4 => I32X4, fcvt_to_uint_sat;
        visit_f32x4_convert_i32x4_s: I32X4 => F32X4, fcvt_from_sint;
        visit_f32x4_convert_i32x4_u: I32X4 => F32X4, fcvt_from_uint;
    }

    convert_low! {
        visit_f64x2_convert_low_i32x4_s: swiden_low, fcvt_from_sint;
        visit_f64x2_convert_low_i32x4_u: uwiden_low, fcvt_from_uint;
    }

    truncate_to_low! {
        visit_i32x4_trunc_sat_f64x2_s_zero: fcvt_to_sint_sat, snarrow;
        visit_i32x4_trunc_sat_f64x2_u_zero: fcvt_to_uint_sat, uunarrow;
    }

    unary! {
        visit_f32x4_demote_f64x2_zero: F64X2, fvdemote;
        visit_f64x2_promote_low_f32x4: F32X4, fvpromote_low;
    }

    fn zero_lanes(&mut self) -> Value {
        let bytes = self.builder.func.dfg.constants.insert([0; 16].as_slice().into());
        self.builder.ins().vconst(types::I64X2, bytes)
    }
}
