//! Machine code of wrappers: from a buffer of values to the calling convention, and back.
//!
//! * [WR-OWNER] the word below the frame pointer of a frame that leaves Wasm is the first
//!   argument of what was called: an instance or a host context.
#![forbid(unsafe_code)]

use tierup_abi::{CallLayout, InstanceHead, Place, StoreBlock, UNWIND_OFFSET, VALUE_SIZE};
use tierup_asm::{Address, Condition, Emitter, R11, RAX, RBP, RCX, RDI, RDX, RSI, RSP, Width};
use tierup_wasm::{FuncType, ValType};

use crate::{RegisteredType, host::HostContext};

/// Called as a C function: `(wrapper, cell, instance, values)`.
pub(crate) fn entry_wrapper(ty: &RegisteredType) -> Vec<u8> {
    let (layout, ty) = (ty.layout(), ty.ty());
    let mut asm = Emitter::new();
    let values = Address::new(RBP, -8);
    let area = Address::new(RBP, -16 - layout.result_area_bytes as i32);

    asm.push(RBP);
    asm.move_register(RBP, RSP);
    asm.push(RCX);
    asm.push(RCX);
    asm.take_stack(layout.result_area_bytes + layout.stack_bytes);
    asm.move_register(R11, RCX);
    asm.move_register(RAX, RSI);
    asm.move_register(RDI, RDX);
    load_params(&mut asm, layout, ty);
    if layout.result_area_bytes != 0 {
        asm.load_address(RSI, area);
    }
    asm.call_memory(Address::new(RAX, 0));

    asm.load(Width::W64, R11, values);
    for (index, &place) in layout.results.iter().enumerate() {
        let slot = value_slot(Address::new(R11, 0), index);
        match place {
            Place::Gpr(register) => asm.store(Width::W64, slot, register),
            Place::Xmm(register) => asm.store_vector(slot, register),
            Place::Memory(_) => {}
        }
    }
    // Only now are the result registers free to copy with.
    for (index, &place) in layout.results.iter().enumerate() {
        if let Place::Memory(offset) = place {
            let slot = value_slot(Address::new(R11, 0), index);
            copy(&mut asm, ty.results[index], slot, area.plus(offset as i32));
        }
    }
    asm.move_register(RSP, RBP);
    asm.pop(RBP);
    asm.ret(0);
    asm.finish()
}

/// From the buffer at `r11` to where the callee expects the parameters; the stack argument area
/// is at `rsp`. Leaves `rax`, `rdi` and `r11` alone, and `rsi` if it carries no parameter.
fn load_params(asm: &mut Emitter, layout: &CallLayout, ty: &FuncType) {
    // Memory first: copying needs a register that may carry a parameter.
    for (index, &place) in layout.params.iter().enumerate() {
        if let Place::Memory(offset) = place {
            let slot = value_slot(Address::new(R11, 0), index);
            let target = Address::new(RSP, offset as i32);
            copy_through(asm, RCX, (ty.params[index], target, slot));
        }
    }
    for (index, &place) in layout.params.iter().enumerate() {
        let slot = value_slot(Address::new(R11, 0), index);
        match place {
            Place::Gpr(register) => asm.load(Width::W64, register, slot),
            Place::Xmm(register) => asm.load_vector(register, slot),
            Place::Memory(_) => {}
        }
    }
}

/// Called as a Wasm function, with a host context in the place of the instance.
pub(crate) fn host_wrapper(ty: &RegisteredType) -> Vec<u8> {
    let (layout, ty) = (ty.layout(), ty.ty());
    let mut asm = Emitter::new();
    let context = Address::new(RBP, -8);
    let area = Address::new(RBP, -16);
    let buffer = Address::new(RSP, 0);

    asm.push(RBP);
    asm.move_register(RBP, RSP);
    asm.push(RDI); // [WR-OWNER]
    asm.push(RSI); // the result area's address, if there is one
    asm.take_stack((ty.params.len().max(ty.results.len()) * VALUE_SIZE) as u32);
    store_params(&mut asm, layout, ty);
    asm.load(Width::W64, RAX, Address::new(RDI, InstanceHead::STORE_BLOCK));
    asm.add_to_memory(Address::new(RAX, StoreBlock::SEQUENCE), 1);
    asm.store(Width::W64, Address::new(RAX, StoreBlock::EXIT_FRAME), RBP);
    asm.move_register(RSI, RSP);
    asm.call_memory(Address::new(RDI, HostContext::CALL));

    let unwind = asm.label();
    asm.load(Width::W64, RDX, context);
    asm.load(Width::W64, RCX, Address::new(RDX, InstanceHead::STORE_BLOCK));
    asm.test(RAX);
    asm.jump_if(Condition::NotEqual, unwind);
    asm.store_immediate(Address::new(RCX, StoreBlock::EXIT_FRAME), 0);
    asm.load(Width::W64, R11, area);
    for (index, &place) in layout.results.iter().enumerate() {
        if let Place::Memory(offset) = place {
            let target = Address::new(R11, offset as i32);
            copy(&mut asm, ty.results[index], target, value_slot(buffer, index));
        }
    }
    for (index, &place) in layout.results.iter().enumerate() {
        match place {
            Place::Gpr(register) => asm.load(Width::W64, register, value_slot(buffer, index)),
            Place::Xmm(register) => asm.load_vector(register, value_slot(buffer, index)),
            Place::Memory(_) => {}
        }
    }
    asm.move_register(RSP, RBP);
    asm.pop(RBP);
    let stack_bytes = u16::try_from(layout.stack_bytes);
    asm.ret(stack_bytes.expect("a function has at most 1,000 parameters of 16 bytes"));

    asm.bind(unwind);
    asm.move_register(RDI, RCX);
    asm.load(Width::W64, RAX, Address::new(RDX, InstanceHead::BUILTINS));
    asm.jump_memory(Address::new(RAX, UNWIND_OFFSET));
    asm.finish()
}

/// From where the caller put the parameters to the buffer at `rsp`.
fn store_params(asm: &mut Emitter, layout: &CallLayout, ty: &FuncType) {
    let buffer = Address::new(RSP, 0);
    for (index, &place) in layout.params.iter().enumerate() {
        let slot = value_slot(buffer, index);
        match place {
            Place::Gpr(register) => asm.store(Width::W64, slot, register),
            Place::Xmm(register) => asm.store_vector(slot, register),
            Place::Memory(offset) => {
                // Behind the saved frame pointer and the return address.
                copy(asm, ty.params[index], slot, Address::new(RBP, 16 + offset as i32));
            }
        }
    }
}

fn value_slot(buffer: Address, index: usize) -> Address {
    buffer.plus((index * VALUE_SIZE) as i32)
}

/// Copies a value through `rax`.
fn copy(asm: &mut Emitter, ty: ValType, target: Address, source: Address) {
    copy_through(asm, RAX, (ty, target, source));
}

fn copy_through(
    asm: &mut Emitter,
    scratch: tierup_abi::Gpr,
    (ty, target, source): (ValType, Address, Address),
) {
    asm.load(Width::W64, scratch, source);
    asm.store(Width::W64, target, scratch);
    if ty == ValType::V128 {
        asm.load(Width::W64, scratch, source.plus(8));
        asm.store(Width::W64, target.plus(8), scratch);
    }
}
