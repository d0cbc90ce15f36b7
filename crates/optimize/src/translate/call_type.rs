//! How functions of a type are called: our layout and Cranelift's signature, side by side.
//!
//! The layout says which results travel in the result area; the signature has only those that
//! travel in registers, and the hidden parameters in front.

use std::{collections::HashMap, rc::Rc};

use cranelift_codegen::{
    ir::{AbiParam, SigRef, Signature, types},
    isa::CallConv,
};
use tierup_abi::{CallLayout, Place};
use tierup_wasm::{FuncType, Module, TypeIndex};

use super::{Translated, Translator, value};

/// How functions of a type are called.
pub(super) struct CallType<'a> {
    pub(super) ty: &'a FuncType,
    pub(super) layout: CallLayout,
}

impl<'a> CallType<'a> {
    fn new(ty: &'a FuncType) -> Self {
        Self { ty, layout: CallLayout::new(ty) }
    }

    /// Number of parameters before those of the type: instance, and result area if there is one.
    pub(super) fn hidden_params(&self) -> usize {
        if self.layout.result_area_bytes == 0 { 1 } else { 2 }
    }

    /// The same for Cranelift.
    pub(super) fn signature(&self) -> Signature {
        let mut signature = Signature::new(CallConv::Tail);
        let hidden = std::iter::repeat_n(AbiParam::new(types::I64), self.hidden_params());
        signature.params.extend(hidden);
        let params = self.ty.params.iter().map(|&ty| AbiParam::new(value::ir_type(ty)));
        signature.params.extend(params);
        let results = self.ty.results.iter().zip(&self.layout.results);
        let returned = results.filter(|(_, place)| !matches!(place, Place::Memory(_)));
        let returned = returned.map(|(&ty, _)| AbiParam::new(value::ir_type(ty)));
        signature.returns.extend(returned);
        signature
    }
}

/// The call types that a function uses.
#[derive(Default)]
pub(super) struct CallTypes<'a> {
    own: Option<Rc<CallType<'a>>>,
    used: HashMap<TypeIndex, (SigRef, Rc<CallType<'a>>)>,
}

impl<'a> CallTypes<'a> {
    /// Sets and gives the type of the function itself.
    pub(super) fn own(&mut self, module: &'a Module, ty: TypeIndex) -> Rc<CallType<'a>> {
        let own = Rc::new(CallType::new(&module.types[ty.index()]));
        self.own = Some(Rc::clone(&own));
        own
    }
}

impl<'a> Translator<'a> {
    /// The type of the function itself.
    pub(super) fn own_type(&self) -> Translated<Rc<CallType<'a>>> {
        let own = self.call_types.own.clone();
        own.ok_or_else(|| crate::compiler::internal("a function without type"))
    }

    /// A type of the module, ready for calls.
    pub(super) fn call_type(&mut self, ty: TypeIndex) -> Translated<(SigRef, Rc<CallType<'a>>)> {
        if let Some((signature, call_type)) = self.call_types.used.get(&ty) {
            return Ok((*signature, Rc::clone(call_type)));
        }
        let func_type = self.environment.module.types.get(ty.index());
        let func_type = func_type.ok_or_else(|| self.invalid("an unknown type"))?;
        let call_type = Rc::new(CallType::new(func_type));
        let signature = self.builder.import_signature(call_type.signature());
        self.call_types.used.insert(ty, (signature, Rc::clone(&call_type)));
        Ok((signature, call_type))
    }
}
