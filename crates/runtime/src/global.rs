//! Globals that more than one instance, or the host, can see.
//!
//! Globals that are neither imported nor exported live in their instance.
#![forbid(unsafe_code)]

use tierup_abi::GlobalRecord;
use tierup_wasm::{GlobalType, Mutability};

use crate::{Error, ErrorKind, StoreState, Value, slots::Handle};

/// Names a global.
pub type GlobalHandle = Handle<GlobalObject>;

/// A global.
#[derive(Debug)]
pub struct GlobalObject {
    /// Read by machine code; the box of the object keeps its address.
    record: GlobalRecord,
    ty: GlobalType,
}

impl GlobalObject {
    /// Its type.
    pub fn ty(&self) -> GlobalType {
        self.ty
    }

    /// Its value.
    pub fn value(&self) -> Value {
        Value::from_u128(u128::from_le_bytes(self.record.value))
    }

    pub(crate) fn record(&self) -> *const GlobalRecord {
        &raw const self.record
    }
}

impl StoreState {
    /// Makes a global of that value, which is no root yet.
    pub fn new_global(&mut self, ty: GlobalType, value: Value) -> GlobalHandle {
        let record = GlobalRecord { value: value.to_u128().to_le_bytes() };
        self.globals.insert(Box::new(GlobalObject { record, ty }))
    }

    /// The global of that handle.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn global(&self, global: GlobalHandle) -> Result<&GlobalObject, Error> {
        self.globals.get(global).ok_or_else(|| ErrorKind::StaleHandle("global").into())
    }

    /// Sets the value of a mutable global.
    ///
    /// # Errors
    ///
    /// If it is immutable, of another store, or was reclaimed.
    pub fn set_global(&mut self, global: GlobalHandle, value: Value) -> Result<(), Error> {
        let object = self.globals.get_mut(global).ok_or(ErrorKind::StaleHandle("global"))?;
        if object.ty.mutability == Mutability::Const {
            return Err(ErrorKind::ImmutableGlobal.into());
        }
        object.record.value = value.to_u128().to_le_bytes();
        Ok(())
    }
}
