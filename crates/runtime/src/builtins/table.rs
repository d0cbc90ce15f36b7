//! Builtins for tables, element segments and function references.
//!
//! Bounds are checked before anything is written, so an instruction that traps changes nothing.
//! Between the two, what the length costs is paid for; growth is paid for when it has succeeded.

use tierup_abi::InstanceHead;
use tierup_wasm::{ElementIndex, FuncIndex, TableIndex};

use super::{Outcome, operate};
use crate::{
    Error, InstanceHandle, StoreState, TableHandle, Trap, TrapKind, Value, fuel::Work,
    table::Element,
};

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn get(
    instance: *const InstanceHead,
    table: u32,
    index: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let table = table_of(store, instance, table)?;
        Ok(store.table_reference(table, index)?.ok_or_else(out_of_bounds)?.to_u64())
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn set(
    instance: *const InstanceHead,
    table: u32,
    index: u32,
    value: u64,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let table = table_of(store, instance, table)?;
        let element = element(store, table, value)?;
        inside(store.table_mut(table)?.set(index, element))
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn grow(
    instance: *const InstanceHead,
    table: u32,
    value: u64,
    delta: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let table = table_of(store, instance, table)?;
        let element = element(store, table, value)?;
        // All that goes wrong looks the same to Wasm, and costs nothing.
        let Ok(previous) = store.grow_table_by(table, delta, element) else {
            return Ok(u32::MAX.into());
        };
        store.pay(Work::Elements(delta))?;
        Ok(previous.into())
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn fill(
    instance: *const InstanceHead,
    table: u32,
    start: u32,
    value: u64,
    length: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let table = table_of(store, instance, table)?;
        let element = element(store, table, value)?;
        inside(store.table(table)?.covers(start, length))?;
        store.pay(Work::Elements(length))?;
        inside(store.table_mut(table)?.fill(start, length, element))
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn copy(
    instance: *const InstanceHead,
    target: u32,
    source: u32,
    target_start: u32,
    source_start: u32,
    length: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let target = table_of(store, instance, target)?;
        let source = table_of(store, instance, source)?;
        inside(store.table(source)?.covers(source_start, length))?;
        inside(store.table(target)?.covers(target_start, length))?;
        store.pay(Work::Elements(length))?;
        inside(store.copy_elements((target, target_start), (source, source_start), length)?)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn init(
    instance: *const InstanceHead,
    table: u32,
    segment: u32,
    start: u32,
    source_start: u32,
    length: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let target = (instance, TableIndex(table), start);
        let source = (ElementIndex(segment), source_start);
        inside(store.can_init_table(target, source, length)?)?;
        store.pay(Work::Elements(length))?;
        inside(store.init_table(target, source, length)?)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn drop_elements(
    instance: *const InstanceHead,
    segment: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        store.instance_mut(instance)?.drop_elements(ElementIndex(segment));
        Ok(0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn ref_func(instance: *const InstanceHead, function: u32) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let function = store.instance_function(instance, FuncIndex(function))?;
        Ok(store.raw_function(Some(function))?.to_u64())
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

fn table_of(
    store: &StoreState,
    instance: InstanceHandle,
    table: u32,
) -> Result<TableHandle, Error> {
    Ok(store.instance(instance)?.tables[TableIndex(table).index()])
}

fn element(store: &StoreState, table: TableHandle, value: u64) -> Result<Element, Error> {
    let ty = store.table(table)?.ty().element;
    Ok(store.element_of(ty, Value::from_u64(value)))
}

/// What `true` and `false` mean for an instruction.
#[expect(
    clippy::fn_params_excessive_bools,
    reason = "turns the answer of a bounds check into an outcome"
)]
fn inside(inside: bool) -> Result<u64, Error> {
    if inside { Ok(0) } else { Err(out_of_bounds()) }
}

#[cold]
fn out_of_bounds() -> Error {
    Trap::new(TrapKind::TableOutOfBounds).into()
}
