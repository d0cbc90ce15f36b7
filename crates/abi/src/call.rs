//! Where arguments and results of a function travel.
//!
//! All Wasm code uses Cranelift's `Tail` convention on x86-64, as far as it is one: integers and
//! references in six registers, floats and vectors in eight, the rest on the stack, popped by the
//! callee. The instance is the first argument, always in `rdi`.
//!
//! Results beyond eight of a class go to a *result area* in the caller's frame, whose address is
//! the second argument. It is there exactly if the result types need it, so a tail call, whose
//! result types are equal, forwards it.
#![forbid(unsafe_code)]

use tierup_wasm::{FuncType, ValType};

/// A general register by its number in instruction encodings (`rax` is 0, `rdi` is 7).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Gpr(pub u8);

/// A vector register by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Xmm(pub u8);

/// General registers that carry arguments, in order: `rdi rsi rdx rcx r8 r9`.
pub const ARGUMENT_GPRS: [Gpr; 6] = [Gpr(7), Gpr(6), Gpr(2), Gpr(1), Gpr(8), Gpr(9)];
/// General registers that carry results, in order: `rax rcx rdx rsi rdi r8 r9 r10`.
pub const RESULT_GPRS: [Gpr; 8] = [Gpr(0), Gpr(1), Gpr(2), Gpr(6), Gpr(7), Gpr(8), Gpr(9), Gpr(10)];
/// Vector registers that carry arguments and, likewise, results: `xmm0` to this, exclusive.
pub const VECTOR_REGISTERS: u8 = 8;

/// Where one argument or result travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In a general register. The upper half of an `i32` or `externref` is undefined.
    Gpr(Gpr),
    /// In a vector register.
    Xmm(Xmm),
    /// In memory: an argument at this offset of the stack argument area, a result at this offset
    /// of the result area. The upper half of a 32-bit value is undefined.
    Memory(u32),
}

/// How a function of some type is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallLayout {
    /// Where each parameter travels.
    pub params: Vec<Place>,
    /// Where each result travels.
    pub results: Vec<Place>,
    /// Size of the stack argument area, a multiple of 16. The callee pops it.
    pub stack_bytes: u32,
    /// Size of the result area, a multiple of 16. If it is not 0, the area's address is the
    /// argument after the instance.
    pub result_area_bytes: u32,
}

impl CallLayout {
    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        (self.params.capacity() + self.results.capacity()) * size_of::<Place>()
    }

    /// How functions of type `ty` are called.
    pub fn new(ty: &FuncType) -> Self {
        let mut results = Assigner::new(&RESULT_GPRS);
        let result_places: Vec<_> = ty.results.iter().map(|&ty| results.assign(ty)).collect();
        let result_area_bytes = results.memory_bytes();

        // The instance, and the result area's address if there is one.
        let taken = if result_area_bytes == 0 { 1 } else { 2 };
        let mut params = Assigner::new(&ARGUMENT_GPRS[taken..]);
        let param_places = ty.params.iter().map(|&ty| params.assign(ty)).collect();
        Self {
            params: param_places,
            results: result_places,
            stack_bytes: params.memory_bytes(),
            result_area_bytes,
        }
    }
}

/// Hands out places in order.
struct Assigner<'a> {
    gprs: &'a [Gpr],
    next_xmm: u8,
    next_byte: u32,
}

impl<'a> Assigner<'a> {
    fn new(gprs: &'a [Gpr]) -> Self {
        Self { gprs, next_xmm: 0, next_byte: 0 }
    }

    fn assign(&mut self, ty: ValType) -> Place {
        match ty {
            ValType::F32 | ValType::F64 | ValType::V128 if self.next_xmm < VECTOR_REGISTERS => {
                self.next_xmm += 1;
                Place::Xmm(Xmm(self.next_xmm - 1))
            }
            ValType::F32 | ValType::F64 | ValType::V128 => self.memory(ty),
            _ => match self.gprs.split_first() {
                Some((first, rest)) => {
                    self.gprs = rest;
                    Place::Gpr(*first)
                }
                None => self.memory(ty),
            },
        }
    }

    fn memory(&mut self, ty: ValType) -> Place {
        let size = if ty == ValType::V128 { 16 } else { 8 };
        let offset = self.next_byte.next_multiple_of(size);
        self.next_byte = offset + size;
        Place::Memory(offset)
    }

    fn memory_bytes(&self) -> u32 {
        self.next_byte.next_multiple_of(16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_takes_rdi_and_the_result_area_rsi() {
        let layout = CallLayout::new(&FuncType::new([ValType::I32], []));
        assert_eq!(layout.params, [Place::Gpr(Gpr(6))]);
        let layout = CallLayout::new(&FuncType::new([ValType::I32], [ValType::I64; 9]));
        assert_eq!(layout.params, [Place::Gpr(Gpr(2))]);
        assert_eq!(layout.results[8], Place::Memory(0));
        assert_eq!(layout.result_area_bytes, 16);
    }

    #[test]
    fn classes_are_counted_independently() {
        let layout = CallLayout::new(&FuncType::new(
            [ValType::F32, ValType::I32, ValType::V128, ValType::ExternRef],
            [],
        ));
        assert_eq!(
            layout.params,
            [Place::Xmm(Xmm(0)), Place::Gpr(Gpr(6)), Place::Xmm(Xmm(1)), Place::Gpr(Gpr(2))]
        );
    }

    #[test]
    fn vectors_on_the_stack_are_aligned() {
        let mut params = vec![ValType::I64; 6];
        params.extend([ValType::V128; 9]);
        let layout = CallLayout::new(&FuncType::new(params, []));
        assert_eq!(layout.params[5], Place::Memory(0));
        assert_eq!(layout.params[14], Place::Memory(16));
        assert_eq!(layout.stack_bytes, 32);
    }
}
