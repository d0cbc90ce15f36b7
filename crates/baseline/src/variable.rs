//! Locals, globals, `drop` and `select`.

use tierup_abi::{GlobalPlace, GlobalRecord};
use tierup_asm::{Address, R11, RBP, Width};
use tierup_wasm::{GlobalIndex, ValType};

use crate::{
    destination::Immediates,
    generator::{Generated, Generator, INSTANCE, Local, LocalPlace},
    registers::holds_operands,
    stack::{Place, Value, uses_xmm, width},
};

impl Generator<'_> {
    pub(crate) fn visit_local_get(&mut self, index: u32) -> Generated {
        let local = self.local(index)?;
        self.push(local.ty, Place::Local(index));
        Ok(())
    }

    pub(crate) fn visit_local_set(&mut self, index: u32) -> Generated {
        let local = self.local(index)?;
        let (_, value) = self.pop_value()?;
        self.detach_local(index);
        self.set_local(local, value);
        self.free(value);
        Ok(())
    }

    pub(crate) fn visit_local_tee(&mut self, index: u32) -> Generated {
        let local = self.local(index)?;
        let (_, value) = self.pop_value()?;
        self.detach_local(index);
        self.set_local(local, value);
        let place = match (value, local.place) {
            (Value::Constant(bits), _) => Place::Constant(bits),
            (Value::Vector(constant), _) => Place::Vector(constant),
            (Value::Xmm(register), _) if self.registers.is_operands(register) => {
                Place::Xmm(register)
            }
            (Value::Gpr(register), LocalPlace::Frame(_)) if holds_operands(register) => {
                Place::Gpr(register)
            }
            _ => {
                self.free(value);
                Place::Local(index)
            }
        };
        self.push(local.ty, place);
        Ok(())
    }

    fn set_local(&mut self, local: Local, value: Value) {
        match local.place {
            LocalPlace::Register(register) => self.load(local.ty, register, value),
            LocalPlace::Xmm { register, .. } => self.load_xmm(local.ty, register, value),
            LocalPlace::Frame(offset) => {
                self.store(local.ty, Address::new(RBP, offset).into(), value);
            }
        }
    }

    fn local(&self, index: u32) -> Generated<Local> {
        let local = self.locals.get(index as usize).copied();
        local.ok_or_else(|| self.invalid("an unknown local"))
    }

    pub(crate) fn visit_global_get(&mut self, index: u32) -> Generated {
        let ty = self.global_type(index)?;
        if uses_xmm(ty) {
            let target = self.new_xmm();
            let address = self.global_address(index);
            self.load_xmm(ty, target, Value::Memory(address));
            self.push_xmm(ty, target);
        } else {
            let destination = self.destination(Immediates::Index);
            let target = match &destination {
                Some(destination) => {
                    self.prepare(destination);
                    destination.register
                }
                None => self.new_gpr(),
            };
            let address = self.global_address(index);
            self.load(ty, target, Value::Memory(address));
            self.push_result(ty, target, destination);
        }
        Ok(())
    }

    pub(crate) fn visit_global_set(&mut self, index: u32) -> Generated {
        let ty = self.global_type(index)?;
        let (_, value) = self.pop_value()?;
        // r11 is the address's.
        let value = match uses_xmm(ty) {
            true => Value::Xmm(self.readable_xmm(ty, value)),
            false => Value::Gpr(self.readable_gpr(ty, value)),
        };
        let address = self.global_address(index);
        self.store(ty, address.into(), value);
        self.free(value);
        Ok(())
    }

    fn global_type(&self, index: u32) -> Generated<ValType> {
        let ty = self.environment.module.globals.get(GlobalIndex(index).index());
        Ok(ty.ok_or_else(|| self.invalid("an unknown global"))?.value)
    }

    /// Where a global's value is. May use r11.
    fn global_address(&mut self, index: u32) -> Address {
        let global = GlobalIndex(index);
        let offset = self.environment.layout.global(global);
        match self.environment.layout.global_place(global) {
            GlobalPlace::Inline => Address::new(INSTANCE, offset),
            GlobalPlace::Shared => {
                self.asm.load(Width::W64, R11, Address::new(INSTANCE, offset));
                Address::new(R11, GlobalRecord::VALUE)
            }
        }
    }

    pub(crate) fn visit_drop(&mut self) -> Generated {
        let (_, value) = self.pop_value()?;
        self.free(value);
        Ok(())
    }

    pub(crate) fn visit_nop(&mut self) -> Generated {
        Ok(())
    }

    pub(crate) fn visit_select(&mut self) -> Generated {
        self.select()
    }

    pub(crate) fn visit_typed_select(&mut self, ty: wasmparser::ValType) -> Generated {
        match ValType::from_parser(ty) {
            Some(_) => self.select(),
            None => Err(self.unsupported("the selected type")),
        }
    }

    /// What is emitted between the condition and its use keeps the flags.
    fn select(&mut self) -> Generated {
        let condition = self.pop_condition()?;
        let (_, otherwise) = self.pop_value()?;
        let (ty, then) = self.pop_value()?;
        if uses_xmm(ty) {
            let target = self.own_xmm(ty, then);
            let done = self.asm.label();
            self.asm.jump_if(condition, done);
            self.load_xmm(ty, target, otherwise);
            self.asm.bind(done);
            self.free(otherwise);
            self.push_xmm(ty, target);
            return Ok(());
        }
        let target = self.own_gpr(ty, then);
        let operand = self.integer_operand(ty, otherwise);
        self.asm.move_if(condition.inverse(), width(ty), target, operand);
        self.free(otherwise);
        self.push_gpr(ty, target);
        Ok(())
    }
}
