//! Calls and tail calls.

use cranelift_codegen::ir::{
    Inst, InstBuilder, SigRef, StackSlotData, StackSlotKind, Value, types,
};
use tierup_abi::Place;
use tierup_wasm::{FuncIndex, TypeIndex};

use super::{
    Translated, Translator,
    call_type::CallType,
    callee::{Callee, Code},
    environment::Region,
    value,
};

/// log2 of the alignment of result areas.
const RESULT_AREA_ALIGN_SHIFT: u8 = 4;

impl<'a> Translator<'a> {
    pub(super) fn visit_call(&mut self, function: u32) -> Translated {
        let function = FuncIndex(function);
        let (signature, call_type) = self.call_type(self.type_of(function)?)?;
        let args = self.pop_call_args(&call_type)?;
        let callee = self.direct_callee(function, signature);
        self.call(signature, callee, &call_type, args)
    }

    pub(super) fn visit_call_indirect(&mut self, ty: u32, table: u32) -> Translated {
        let ty = TypeIndex(ty);
        let (signature, call_type) = self.call_type(ty)?;
        let callee = self.indirect_callee(table, ty)?;
        let args = self.pop_call_args(&call_type)?;
        self.call(signature, callee, &call_type, args)
    }

    pub(super) fn visit_return_call(&mut self, function: u32) -> Translated {
        let function = FuncIndex(function);
        let (signature, call_type) = self.call_type(self.type_of(function)?)?;
        let args = self.pop_call_args(&call_type)?;
        let callee = self.direct_callee(function, signature);
        self.return_call(signature, callee, &call_type, args)
    }

    pub(super) fn visit_return_call_indirect(&mut self, ty: u32, table: u32) -> Translated {
        let ty = TypeIndex(ty);
        let (signature, call_type) = self.call_type(ty)?;
        let callee = self.indirect_callee(table, ty)?;
        let args = self.pop_call_args(&call_type)?;
        self.return_call(signature, callee, &call_type, args)
    }

    fn type_of(&self, function: FuncIndex) -> Translated<TypeIndex> {
        let ty = self.environment.module.functions.get(function.index()).copied();
        ty.ok_or_else(|| self.invalid("an unknown function"))
    }

    /// Pops the arguments of a call, behind room for the hidden ones.
    fn pop_call_args(&mut self, call_type: &CallType<'a>) -> Translated<Vec<Value>> {
        self.spend(call_type.ty.params.len() + call_type.ty.results.len())?;
        let hidden = call_type.hidden_params();
        let params = &call_type.ty.params;
        // The room is filled by `call` and `return_call`.
        let mut args = vec![self.environment.instance; hidden + params.len()];
        for (slot, &ty) in args[hidden..].iter_mut().zip(params).rev() {
            *slot = self.pop_value(ty)?;
        }
        Ok(args)
    }

    fn call(
        &mut self,
        signature: SigRef,
        callee: Callee,
        call_type: &CallType<'a>,
        mut args: Vec<Value>,
    ) -> Translated {
        self.needs_stack_check = true;
        let area = self.result_area(call_type.layout.result_area_bytes);
        fill_hidden(&mut args, callee.instance, area);
        let call = match callee.code {
            Code::Cell(function) => self.builder.ins().call(function, &args),
            Code::Address(code) => self.builder.ins().call_indirect(signature, code, &args),
        };
        self.push_results(call, call_type, area)
    }

    /// Calls in place of this function's frame. Its result area, which exists exactly if the
    /// callee needs one, is handed on.
    fn return_call(
        &mut self,
        signature: SigRef,
        callee: Callee,
        call_type: &CallType<'a>,
        mut args: Vec<Value>,
    ) -> Translated {
        if call_type.ty.results != self.own_type()?.ty.results {
            return Err(self.invalid("a tail call of a function with other results"));
        }
        self.needs_stack_check = true;
        fill_hidden(&mut args, callee.instance, self.environment.result_area);
        match callee.code {
            Code::Cell(function) => self.builder.ins().return_call(function, &args),
            Code::Address(code) => self.builder.ins().return_call_indirect(signature, code, &args),
        };
        self.set_unreachable();
        Ok(())
    }

    /// The address of an area of this frame for `bytes` bytes of results, if there are any. All
    /// calls share it: it is read right after each.
    fn result_area(&mut self, bytes: u32) -> Option<Value> {
        if bytes == 0 {
            return None;
        }
        let slot = match self.result_slot {
            Some(slot) => slot,
            None => {
                let kind = StackSlotKind::ExplicitSlot;
                let data = StackSlotData::new(kind, bytes, RESULT_AREA_ALIGN_SHIFT);
                let slot = self.builder.create_sized_stack_slot(data);
                self.result_slot = Some(slot);
                slot
            }
        };
        let size = &mut self.builder.func.sized_stack_slots[slot].size;
        *size = bytes.max(*size);
        Some(self.builder.ins().stack_addr(types::I64, slot, 0))
    }

    /// Pushes the results of a call: from registers in order, the others from the area.
    fn push_results(
        &mut self,
        call: Inst,
        call_type: &CallType<'a>,
        area: Option<Value>,
    ) -> Translated {
        let returned = self.builder.inst_results(call).to_vec();
        let mut returned = returned.into_iter();
        for (&ty, place) in call_type.ty.results.iter().zip(&call_type.layout.results) {
            let result = match (*place, area) {
                (Place::Memory(offset), Some(area)) => {
                    let ty = value::ir_type(ty);
                    Some(self.region_load(ty, Region::Results, area, offset as i32))
                }
                _ => returned.next(),
            };
            let result = result.ok_or_else(|| self.invalid("a call lacks results"))?;
            self.push_new(ty, result);
        }
        Ok(())
    }
}

/// Fills in the arguments before those of the type.
fn fill_hidden(args: &mut [Value], instance: Value, area: Option<Value>) {
    args[0] = instance;
    if let Some(area) = area {
        args[1] = area;
    }
}
