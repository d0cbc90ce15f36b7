//! Calls of runtime functions through the table in the instance.
//!
//! Addresses are loaded where they are used, never ahead: most of these calls are cold, and an
//! address kept in a register across a loop would cost more than the load.

use cranelift_codegen::{
    ir::{AbiParam, Inst, InstBuilder, Signature, Type, Value, types},
    isa::CallConv,
};
use tierup_abi::{Builtin, InstanceHead, MachineType};

use super::{Translated, Translator, environment::Region};

impl Translator<'_> {
    /// Calls a builtin that polls.
    pub(super) fn call_poll(&mut self, builtin: Builtin) {
        self.emit_builtin(builtin, &[]);
    }

    /// Calls a builtin.
    pub(super) fn call_builtin(&mut self, builtin: Builtin, args: &[Value]) -> Translated<Inst> {
        let params = builtin.params();
        let dfg = &self.builder.func.dfg;
        let fits = args.len() == params.len()
            && args.iter().zip(params).all(|(&arg, &ty)| dfg.value_type(arg) == ir_type(ty));
        if !fits {
            return Err(crate::compiler::internal(format!("wrong arguments for {builtin:?}")));
        }
        self.needs_stack_check = true;
        Ok(self.emit_builtin(builtin, args))
    }

    /// Calls a builtin for its result.
    pub(super) fn call_builtin_for_value(
        &mut self,
        builtin: Builtin,
        args: &[Value],
    ) -> Translated<Value> {
        let call = self.call_builtin(builtin, args)?;
        self.result(call)
    }

    /// Calls a builtin that copies from one thing to another: pops length, source offset and
    /// target offset.
    pub(super) fn copying_builtin(
        &mut self,
        builtin: Builtin,
        target: u32,
        source: u32,
    ) -> Translated {
        let length = self.pop_i32()?;
        let source_offset = self.pop_i32()?;
        let target_offset = self.pop_i32()?;
        let target = self.number(target);
        let source = self.number(source);
        self.call_builtin(builtin, &[target, source, target_offset, source_offset, length])?;
        Ok(())
    }

    /// An index as an argument.
    pub(super) fn number(&mut self, index: u32) -> Value {
        self.builder.ins().iconst(types::I32, i64::from(index))
    }

    fn emit_builtin(&mut self, builtin: Builtin, args: &[Value]) -> Inst {
        let signature = match self.callees.builtin(builtin) {
            Some(signature) => signature,
            None => {
                let imported = self.builder.import_signature(signature(builtin));
                self.callees.remember_builtin(builtin, imported);
                imported
            }
        };
        let instance = self.environment.instance;
        let region = Region::Builtins;
        let table = self.region_load(types::I64, region, instance, InstanceHead::BUILTINS);
        let address = self.region_load(types::I64, region, table, builtin.offset());
        let mut all = Vec::with_capacity(1 + args.len());
        all.push(instance);
        all.extend_from_slice(args);
        self.builder.ins().call_indirect(signature, address, &all)
    }
}

fn signature(builtin: Builtin) -> Signature {
    let mut signature = Signature::new(match builtin {
        Builtin::Poll => CallConv::PreserveAll,
        _ => CallConv::SystemV,
    });
    let params = builtin.params().iter().map(|&ty| AbiParam::new(ir_type(ty)));
    signature.params.push(AbiParam::new(types::I64));
    signature.params.extend(params);
    signature.returns.extend(builtin.result().map(|ty| AbiParam::new(ir_type(ty))));
    signature
}

fn ir_type(ty: MachineType) -> Type {
    match ty {
        MachineType::I32 => types::I32,
        MachineType::I64 => types::I64,
    }
}
