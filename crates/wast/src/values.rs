//! Values in scripts: arguments, and patterns that results are compared with.

use tierup::{ExternRef, Store, Val, ValType};
use wast::{
    WastArg, WastRet,
    core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore},
    token::{F32, F64},
};

use crate::session::Host;

/// The value of an argument; `None` if it is of a type that we do not have.
pub(crate) fn argument(store: &mut Store<Host>, argument: &WastArg<'_>) -> Option<Val> {
    let WastArg::Core(argument) = argument else { return None };
    Some(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes())),
        WastArgCore::RefNull(ty) => match reference(ty)? {
            ValType::FuncRef => Val::FuncRef(None),
            _ => Val::ExternRef(None),
        },
        WastArgCore::RefExtern(number) => {
            Val::ExternRef(Some(ExternRef::new(store, *number).ok()?))
        }
        WastArgCore::RefHost(_) => return None,
    })
}

/// The value that a result has before it is known.
pub(crate) fn zero(ty: ValType) -> Val {
    match ty {
        ValType::I32 => Val::I32(0),
        ValType::I64 => Val::I64(0),
        ValType::F32 => Val::F32(0),
        ValType::F64 => Val::F64(0),
        ValType::V128 => Val::V128(0),
        ValType::FuncRef => Val::FuncRef(None),
        ValType::ExternRef => Val::ExternRef(None),
    }
}

/// Whether a result is what the script expects.
pub(crate) fn matches(store: &Store<Host>, expected: &WastRet<'_>, actual: &Val) -> bool {
    match expected {
        WastRet::Core(expected) => matches_core(store, expected, actual),
        _ => false,
    }
}

fn matches_core(store: &Store<Host>, expected: &WastRetCore<'_>, actual: &Val) -> bool {
    match (expected, actual) {
        (WastRetCore::I32(expected), Val::I32(actual)) => expected == actual,
        (WastRetCore::I64(expected), Val::I64(actual)) => expected == actual,
        (WastRetCore::F32(expected), Val::F32(actual)) => matches_f32(expected, *actual),
        (WastRetCore::F64(expected), Val::F64(actual)) => matches_f64(expected, *actual),
        (WastRetCore::V128(expected), Val::V128(actual)) => matches_v128(expected, *actual),
        (WastRetCore::RefNull(ty), Val::FuncRef(None)) => is_null(ty, ValType::FuncRef),
        (WastRetCore::RefNull(ty), Val::ExternRef(None)) => is_null(ty, ValType::ExternRef),
        (WastRetCore::RefFunc(_), Val::FuncRef(Some(_)))
        | (WastRetCore::RefExtern(None), Val::ExternRef(Some(_))) => true,
        (WastRetCore::RefExtern(Some(expected)), Val::ExternRef(Some(actual))) => {
            number(store, actual) == Some(*expected)
        }
        (WastRetCore::Either(choices), _) => {
            choices.iter().any(|choice| matches_core(store, choice, actual))
        }
        _ => false,
    }
}

/// The number in `ref.extern number`.
fn number(store: &Store<Host>, reference: &ExternRef) -> Option<u32> {
    reference.data(store).ok()?.downcast_ref::<u32>().copied()
}

fn is_null(expected: &Option<HeapType<'_>>, actual: ValType) -> bool {
    expected.as_ref().is_none_or(|expected| reference(expected) == Some(actual))
}

fn reference(ty: &HeapType<'_>) -> Option<ValType> {
    use AbstractHeapType::{Extern, Func, NoExtern, NoFunc};
    match ty {
        HeapType::Abstract { shared: false, ty: Func | NoFunc } => Some(ValType::FuncRef),
        HeapType::Abstract { shared: false, ty: Extern | NoExtern } => Some(ValType::ExternRef),
        _ => None,
    }
}

fn matches_f32(expected: &NanPattern<F32>, actual: u32) -> bool {
    match expected {
        NanPattern::Value(expected) => expected.bits == actual,
        // The sign is free; of the payload, the quiet bit alone is set.
        NanPattern::CanonicalNan => actual & 0x7fff_ffff == 0x7fc0_0000,
        // The quiet bit is set.
        NanPattern::ArithmeticNan => actual & 0x7fc0_0000 == 0x7fc0_0000,
    }
}

fn matches_f64(expected: &NanPattern<F64>, actual: u64) -> bool {
    match expected {
        NanPattern::Value(expected) => expected.bits == actual,
        NanPattern::CanonicalNan => actual & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => actual & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
    }
}

/// Lane by lane, since each float has its own pattern.
fn matches_v128(expected: &V128Pattern, actual: u128) -> bool {
    match expected {
        V128Pattern::I8x16(expected) => all_lanes(expected, actual, 8, |e, a| *e as u8 == a as u8),
        V128Pattern::I16x8(expected) => {
            all_lanes(expected, actual, 16, |e, a| *e as u16 == a as u16)
        }
        V128Pattern::I32x4(expected) => {
            all_lanes(expected, actual, 32, |e, a| *e as u32 == a as u32)
        }
        V128Pattern::I64x2(expected) => {
            all_lanes(expected, actual, 64, |e, a| *e as u64 == a as u64)
        }
        V128Pattern::F32x4(expected) => {
            all_lanes(expected, actual, 32, |e, a| matches_f32(e, a as u32))
        }
        V128Pattern::F64x2(expected) => {
            all_lanes(expected, actual, 64, |e, a| matches_f64(e, a as u64))
        }
    }
}

/// Compares lanes of that many bits; `equal` gets the lane in the low bits.
fn all_lanes<T>(expected: &[T], actual: u128, bits: usize, equal: fn(&T, u128) -> bool) -> bool {
    expected.iter().enumerate().all(|(lane, expected)| equal(expected, actual >> (lane * bits)))
}
