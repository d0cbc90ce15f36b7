//! Values of the host that Wasm holds as `externref`.
//!
//! Machine code sees a 32-bit handle: the slot's number plus one, or zero for null. It never
//! moves, and is given to another value only when nothing holds it any more.
#![forbid(unsafe_code)]

use std::{any::Any, fmt};

use crate::{Error, ErrorKind, StoreState, Value, slots::Handle};

/// Names a value of the host.
pub type ExternHandle = Handle<ExternObject>;

/// A value of the host.
pub struct ExternObject {
    value: Box<dyn Any + Send + Sync>,
}

impl ExternObject {
    /// The value.
    pub fn value(&self) -> &(dyn Any + Send + Sync) {
        &*self.value
    }
}

impl fmt::Debug for ExternObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternObject")
    }
}

impl StoreState {
    /// Gives a value of the host to the store. It is no root yet.
    ///
    /// # Errors
    ///
    /// If there are four billion already.
    pub fn new_extern(&mut self, value: Box<dyn Any + Send + Sync>) -> Result<ExternHandle, Error> {
        if self.externs.next().index == u32::MAX {
            let most = u64::from(u32::MAX);
            return Err(
                ErrorKind::Limit { what: "externs", wanted: most + 1, allowed: most }.into()
            );
        }
        Ok(self.externs.insert(Box::new(ExternObject { value })))
    }

    /// The value of that handle.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn extern_value(&self, handle: ExternHandle) -> Result<&(dyn Any + Send + Sync), Error> {
        let object = self.externs.get(handle).ok_or(ErrorKind::StaleHandle("externref"))?;
        Ok(object.value())
    }

    /// As machine code sees it.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn raw_extern(&self, handle: Option<ExternHandle>) -> Result<Value, Error> {
        let Some(handle) = handle else { return Ok(Value::default()) };
        self.externs.get(handle).ok_or(ErrorKind::StaleHandle("externref"))?;
        Ok(Value::from_u32(handle.index + 1))
    }

    /// What machine code's value means. It is no root yet.
    pub fn extern_of_raw(&self, value: Value) -> Option<ExternHandle> {
        self.externs.handle_at(value.to_u32().checked_sub(1)?)
    }
}
