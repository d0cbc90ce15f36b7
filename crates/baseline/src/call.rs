//! Calls and tail calls.
//!
//! Operands in registers are spilled before a call. Arguments on the stack are written to the low
//! end of the frame; the callee pops them, so their space is taken again after the call. The
//! result area lies in the slots above the results' heights, where no operand is.

use codespace::{Safepoint, Slot};
use tierup_abi::{CallLayout, Place as AbiPlace, ReferenceKind};
use tierup_asm::{Address, R10, R11, RBP, RSI, RSP, Width};
use tierup_wasm::{FuncIndex, TypeIndex, ValType};

use crate::{
    callee::Callee,
    generator::{Generated, Generator, LocalPlace},
    stack::{Entry, Place, Value, load_operation, next_end, store_operation},
    transfer::{Move, Target},
};

/// Where a tail call keeps the caller's rbp, below the arguments that it stages.
const STAGED: u32 = 16;

impl<'a> Generator<'a> {
    pub(crate) fn visit_call(&mut self, function: u32) -> Generated {
        let function = FuncIndex(function);
        let ty = self.type_of(function)?;
        self.call(self.direct_callee(function), ty)
    }

    pub(crate) fn visit_call_indirect(&mut self, ty: u32, table: u32) -> Generated {
        let ty = self.known_type(ty)?;
        let callee = self.indirect_callee(table, ty)?;
        self.call(callee, ty)
    }

    pub(crate) fn visit_return_call(&mut self, function: u32) -> Generated {
        let function = FuncIndex(function);
        let ty = self.type_of(function)?;
        self.return_call(self.direct_callee(function), ty)
    }

    pub(crate) fn visit_return_call_indirect(&mut self, ty: u32, table: u32) -> Generated {
        let ty = self.known_type(ty)?;
        let callee = self.indirect_callee(table, ty)?;
        self.return_call(callee, ty)
    }

    fn type_of(&self, function: FuncIndex) -> Generated<TypeIndex> {
        let ty = self.environment.module.functions.get(function.index()).copied();
        ty.ok_or_else(|| self.invalid("an unknown function"))
    }

    fn known_type(&self, ty: u32) -> Generated<TypeIndex> {
        let ty = TypeIndex(ty);
        let known = ty.index() < self.environment.module.types.len();
        if known { Ok(ty) } else { Err(self.invalid("an unknown type")) }
    }

    fn call(&mut self, callee: Callee, ty: TypeIndex) -> Generated {
        let layout = self.environment.layout.call(ty);
        let first = self.first_argument(ty)?;
        self.frame.outgoing_bytes = self.frame.outgoing_bytes.max(layout.stack_bytes);
        self.spill_registers(first);
        self.move_arguments(ty, layout, 0);
        let results = &self.environment.module.types[ty.index()].results;
        let area = self.result_area(first, results, layout.result_area_bytes);
        if let Some(area) = area {
            self.asm.load_address(RSI, area);
        }
        self.load_callee(callee);
        self.store_float_locals();
        self.call_callee(callee);
        self.drop_to(first);
        let slots = self.live_references(first);
        self.note_safepoint(slots);
        self.load_float_locals();
        self.asm.take_stack(layout.stack_bytes);
        self.spend(results.len())?;
        self.push_results(results, layout, area);
        Ok(())
    }

    /// Puts locals into memory that the callee does not keep.
    pub(crate) fn store_float_locals(&mut self) {
        for &(ty, register, home) in &self.frame.float_locals {
            let home = Address::new(RBP, home);
            self.asm.operate(store_operation(ty), Width::W32, register, home);
        }
    }

    /// Gets them back.
    pub(crate) fn load_float_locals(&mut self) {
        for &(ty, register, home) in &self.frame.float_locals {
            let home = Address::new(RBP, home);
            self.asm.operate(load_operation(ty), Width::W32, register, home);
        }
    }

    /// Height of the first argument of a call.
    fn first_argument(&mut self, ty: TypeIndex) -> Generated<usize> {
        let ty = &self.environment.module.types[ty.index()];
        self.spend(ty.params.len())?;
        let first = self.stack.len().checked_sub(ty.params.len());
        first
            .filter(|&first| first >= self.control.floor())
            .ok_or_else(|| self.invalid("an operand is missing"))
    }

    /// Moves arguments to registers and, `staged` bytes further up, to the frame's low end.
    fn move_arguments(&mut self, ty: TypeIndex, layout: &CallLayout, staged: u32) {
        let params = &self.environment.module.types[ty.index()].params;
        let first = self.stack.len() - params.len();
        let mut moves = self.take_moves();
        for (index, (&ty, place)) in params.iter().zip(&layout.params).enumerate() {
            let source = self.value(self.stack[first + index]);
            let target = match *place {
                AbiPlace::Gpr(register) => Target::Gpr(register),
                AbiPlace::Xmm(register) => Target::Xmm(register),
                AbiPlace::Memory(offset) => {
                    Target::Memory(Address::new(RSP, (offset + staged) as i32))
                }
            };
            moves.push(Move { ty, source, target });
        }
        self.transfer(moves);
    }

    /// Drops operands before a call returns: no operand is in a register.
    pub(crate) fn drop_to(&mut self, height: usize) {
        let floor = self.floor.min(height);
        self.reset(height);
        self.floor = floor;
    }

    /// The result area of a call whose results begin at that height.
    fn result_area(&mut self, first: usize, results: &[ValType], bytes: u32) -> Option<Address> {
        if bytes == 0 {
            return None;
        }
        let end = results.iter().fold(self.end(first), |end, &ty| next_end(end, ty));
        let end = (end + bytes).next_multiple_of(16);
        self.frame.operand_bytes = self.frame.operand_bytes.max(end);
        Some(self.slot(end))
    }

    fn push_results(&mut self, results: &[ValType], layout: &CallLayout, area: Option<Address>) {
        for (&ty, place) in results.iter().zip(&layout.results) {
            let slot = self.slot(next_end(self.end(self.stack.len()), ty));
            match (*place, area) {
                (AbiPlace::Gpr(R10), _) => {
                    self.store(ty, slot.into(), Value::Gpr(R10));
                    self.push(ty, Place::Slot);
                }
                (AbiPlace::Gpr(register), _) => {
                    self.registers.take_gpr(register);
                    self.clear_upper_half(ty, register);
                    self.push(ty, Place::Gpr(register));
                }
                (AbiPlace::Xmm(register), _) => {
                    self.registers.take_xmm(register);
                    self.push(ty, Place::Xmm(register));
                }
                (AbiPlace::Memory(offset), area) => {
                    let area = area.unwrap_or(slot);
                    self.store(ty, slot.into(), Value::Memory(area.plus(offset as i32)));
                    self.push(ty, Place::Slot);
                }
            }
        }
    }

    /// Calls in place of this function's frame. Its result area, which exists exactly if the
    /// callee needs one, is handed on.
    fn return_call(&mut self, callee: Callee, ty: TypeIndex) -> Generated {
        let layout = self.environment.layout.call(ty);
        self.first_argument(ty)?;
        if self.environment.module.types[ty.index()].results != self.own.ty.results {
            return Err(self.invalid("a tail call of a function with other results"));
        }
        let own = self.own.layout.stack_bytes;
        let moves_frame = own != 0 || layout.stack_bytes != 0;
        let staged = if moves_frame { STAGED } else { 0 };
        let outgoing = layout.stack_bytes + staged;
        self.frame.outgoing_bytes = self.frame.outgoing_bytes.max(outgoing);
        self.move_arguments(ty, layout, staged);
        if let Some(area) = self.frame.result_area {
            self.asm.load(Width::W64, RSI, Address::new(RBP, area));
        }
        self.load_callee(callee);
        if moves_frame {
            self.spend(layout.stack_bytes as usize / 8)?;
            self.move_frame(layout);
        } else {
            self.restore_registers();
            self.asm.leave();
        }
        self.jump_to_callee(callee);
        self.set_unreachable();
        Ok(())
    }

    /// Takes the frame down and puts staged arguments where the callee expects them: their ends
    /// are where those of this function's own end. The return address moves along.
    fn move_frame(&mut self, layout: &CallLayout) {
        let shift = self.own.layout.stack_bytes as i32 - layout.stack_bytes as i32;
        self.asm.load(Width::W64, R10, Address::new(RBP, 0));
        self.asm.store(Width::W64, Address::new(RSP, 0), R10);
        self.asm.load(Width::W64, R11, Address::new(RBP, 8));
        self.restore_registers();
        // From the highest on: the target may overlap with what was staged, further up.
        for offset in (0..layout.stack_bytes as i32).step_by(8).rev() {
            self.asm.load(Width::W64, R10, Address::new(RSP, STAGED as i32 + offset));
            self.asm.store(Width::W64, Address::new(RBP, 16 + shift + offset), R10);
        }
        self.asm.store(Width::W64, Address::new(RBP, 8 + shift), R11);
        self.asm.load_address(R10, Address::new(RBP, 8 + shift));
        self.asm.load(Width::W64, RBP, Address::new(RSP, 0));
        self.asm.move_register(RSP, R10);
    }

    /// References in the frame: locals, and operands below `height`, which are in their slots.
    pub(crate) fn live_references(&mut self, height: usize) -> Vec<Slot> {
        let mut slots = Vec::new();
        for &index in &self.reference_locals {
            let local = self.locals[index as usize];
            if let LocalPlace::Frame(frame_offset) = local.place {
                slots.push(Slot { frame_offset, kind: kind(local.ty) });
            }
        }
        for &index in &self.references {
            let index = index as usize;
            if index < height && self.stack[index].place == Place::Slot {
                let Entry { ty, end, .. } = self.stack[index];
                slots.push(Slot { frame_offset: self.slot(end).offset, kind: kind(ty) });
            }
        }
        self.moved += slots.len();
        slots.sort_unstable_by_key(|slot| slot.frame_offset);
        slots
    }

    /// Notes what the frame holds while the call before returns here.
    pub(crate) fn note_safepoint(&mut self, slots: Vec<Slot>) {
        if !slots.is_empty() {
            self.tables.safepoints.push(Safepoint { offset: self.asm.offset(), slots });
        }
    }
}

fn kind(ty: ValType) -> u8 {
    let kind = match ty {
        ValType::ExternRef => ReferenceKind::Extern,
        _ => ReferenceKind::Func,
    };
    kind as u8
}
