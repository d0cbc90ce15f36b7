//! Functions as objects: what a `funcref` points to, and what the embedder calls.
//!
//! A Wasm function gets an object only when somebody needs a reference to it, and then one for
//! each instance, so that equal references are the same. Host functions have one from the start.

use std::{cell::Cell, sync::Arc};

use tierup_abi::FuncRecord;
use tierup_wasm::{DefinedFunc, FuncIndex};

use crate::{
    Error, ErrorKind, HostFunction, InstanceHandle, RegisteredType, StoreState, Value,
    host::HostContext, owner::Owner, slots::Handle,
};

/// Names a function.
pub type FunctionHandle = Handle<FunctionObject>;

/// A function.
#[derive(Debug)]
pub struct FunctionObject {
    /// Read by machine code; the box of the object keeps its address.
    record: FuncRecord,
    /// Address of the entry wrapper; 0 if there is none yet, and of host functions.
    wrapper: Cell<usize>,
    /// Number of parameters or results, whichever is more.
    value_count: usize,
    ty: Arc<RegisteredType>,
    kind: FunctionKind,
}

/// Where a function comes from.
#[derive(Debug)]
pub(crate) enum FunctionKind {
    /// Defined by the module of an instance.
    Wasm {
        /// The instance.
        instance: InstanceHandle,
    },
    /// Given by the host.
    Host(Box<HostContext>),
}

impl FunctionObject {
    fn new(record: FuncRecord, ty: Arc<RegisteredType>, kind: FunctionKind) -> Box<Self> {
        let value_count = ty.ty().params.len().max(ty.ty().results.len());
        Box::new(Self { record, wrapper: Cell::new(0), value_count, ty, kind })
    }

    /// Its type.
    pub fn ty(&self) -> &Arc<RegisteredType> {
        &self.ty
    }

    #[inline]
    pub(crate) fn record(&self) -> &FuncRecord {
        &self.record
    }

    /// The entry wrapper that an earlier call has found. The type keeps it.
    #[inline]
    pub(crate) fn known_wrapper(&self) -> Option<usize> {
        Some(self.wrapper.get()).filter(|&wrapper| wrapper != 0)
    }

    pub(crate) fn set_known_wrapper(&self, wrapper: usize) {
        self.wrapper.set(wrapper);
    }

    /// How many values a call needs room for.
    #[inline]
    pub(crate) fn value_count(&self) -> usize {
        self.value_count
    }

    pub(crate) fn kind(&self) -> &FunctionKind {
        &self.kind
    }

    pub(crate) fn host(&self) -> Option<&HostFunction> {
        match &self.kind {
            FunctionKind::Host(context) => Some(&context.function),
            FunctionKind::Wasm { .. } => None,
        }
    }
}

impl StoreState {
    /// Makes a host function, which is no root yet.
    ///
    /// # Errors
    ///
    /// If there is no room for its wrapper, or its type is of another engine.
    pub fn new_host_function(&mut self, function: HostFunction) -> Result<FunctionHandle, Error> {
        if !self.engine().types().owns(&function.ty) {
            return Err(ErrorKind::OtherEngine.into());
        }
        let number = self.functions.next().index;
        let ty = Arc::clone(&function.ty);
        let context = HostContext::new(function, self, (Owner::Function(number), None))?;
        let record = FuncRecord {
            cell: &raw const context.cell,
            instance: context.head(),
            type_id: ty.id(),
            number,
        };
        let kind = FunctionKind::Host(context);
        Ok(self.functions.insert(FunctionObject::new(record, ty, kind)))
    }

    /// The function of that handle.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn function(&self, function: FunctionHandle) -> Result<&FunctionObject, Error> {
        self.functions.get(function).ok_or_else(|| ErrorKind::StaleHandle("function").into())
    }

    /// The object for a function of an instance, made if there is none yet. It is no
    /// root yet.
    ///
    /// # Errors
    ///
    /// If the instance is of another store or was reclaimed.
    pub fn instance_function(
        &mut self,
        instance: InstanceHandle,
        index: FuncIndex,
    ) -> Result<FunctionHandle, Error> {
        let object = self.instance(instance)?;
        if let Some(function) = object.known_function(index) {
            return Ok(function);
        }
        let record = object.func_record(index, self.functions.next().index);
        let module = object.module();
        let ty = Arc::clone(&module.types()[module.module().functions[index.index()].index()]);
        let kind = FunctionKind::Wasm { instance };
        let function = self.functions.insert(FunctionObject::new(record, ty, kind));
        self.instance_mut(instance)?.set_known_function(index, function);
        Ok(function)
    }

    /// The instance and index that a function was defined with; `None` for a host function.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn function_origin(
        &self,
        function: FunctionHandle,
    ) -> Result<Option<(InstanceHandle, FuncIndex)>, Error> {
        let object = self.function(function)?;
        let FunctionKind::Wasm { instance } = *object.kind() else { return Ok(None) };
        let module = self.instance(instance)?.module();
        let defined = module.unit().function_of_cell(object.record().cell as usize);
        Ok(defined.map(|defined| (instance, module.module().function(DefinedFunc(defined)))))
    }

    /// As machine code sees it: the address of its record.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn raw_function(&self, function: Option<FunctionHandle>) -> Result<Value, Error> {
        let Some(function) = function else { return Ok(Value::default()) };
        Ok(Value::from_u64((&raw const self.function(function)?.record) as u64))
    }

    /// What machine code's value means. It is no root yet.
    ///
    /// The value must be one that this store's code, tables or globals hold, or that
    /// [`StoreState::raw_function`] made: see [`Value`].
    pub fn function_of_raw(&self, value: Value) -> Option<FunctionHandle> {
        let record = value.to_u64() as *const FuncRecord;
        // SAFETY: the bits are 0 or the address of a record of this store, by the rule that
        // `Value` states; a function that a value may still name is not reclaimed.
        let number = unsafe { record.as_ref() }?.number;
        self.functions.handle_at(number)
    }
}
