//! Builtins for memories and data segments.
//!
//! Bounds are checked before anything is written, so an instruction that traps changes nothing.
//! Between the two, what the length costs is paid for; growth is paid for when it has succeeded.

use std::sync::Arc;

use tierup_abi::InstanceHead;
use tierup_wasm::{DataIndex, MemoryIndex};

use super::{Outcome, operate};
use crate::{Error, InstanceHandle, MemoryHandle, StoreState, Trap, TrapKind, fuel::Work};

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn grow(
    instance: *const InstanceHead,
    memory: u32,
    delta: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let memory = memory_of(store, instance, memory)?;
        // All that goes wrong looks the same to Wasm, and costs nothing.
        let Ok(previous) = store.grow_memory(memory, delta) else {
            return Ok(u32::MAX.into());
        };
        store.pay(Work::Pages(delta))?;
        Ok(previous.into())
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
    target_offset: u32,
    source_offset: u32,
    length: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let target = memory_of(store, instance, target)?;
        let source = memory_of(store, instance, source)?;
        let to = store.memory(target)?.range(target_offset, length).ok_or_else(out_of_bounds)?;
        let from = store.memory(source)?.range(source_offset, length).ok_or_else(out_of_bounds)?;
        store.pay(Work::Bytes(length))?;
        if target == source {
            store.memory_mut(target)?.bytes_mut().copy_within(from, to.start);
        } else {
            let source = store.memory(source)?.bytes()[from].as_ptr();
            let target = store.memory_mut(target)?.bytes_mut()[to].as_mut_ptr();
            // SAFETY: both ranges were checked, and lie in different memories.
            unsafe { std::ptr::copy_nonoverlapping(source, target, length as usize) };
        }
        Ok(0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn fill(
    instance: *const InstanceHead,
    memory: u32,
    offset: u32,
    value: u32,
    length: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let memory = memory_of(store, instance, memory)?;
        let range = store.memory(memory)?.range(offset, length).ok_or_else(out_of_bounds)?;
        store.pay(Work::Bytes(length))?;
        store.memory_mut(memory)?.bytes_mut()[range].fill(value as u8);
        Ok(0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn init(
    instance: *const InstanceHead,
    memory: u32,
    segment: u32,
    offset: u32,
    source_offset: u32,
    length: u32,
) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        let memory = memory_of(store, instance, memory)?;
        let object = store.instance(instance)?;
        let module = Arc::clone(object.module());
        let segment = DataIndex(segment);
        let data = if object.has_data(segment) { module.module().data(segment) } else { &[] };
        let source = source_offset as usize..source_offset as usize + length as usize;
        let data = data.get(source).ok_or_else(out_of_bounds)?;
        let range = store.memory(memory)?.range(offset, length).ok_or_else(out_of_bounds)?;
        store.pay(Work::Bytes(length))?;
        store.memory_mut(memory)?.bytes_mut()[range].copy_from_slice(data);
        Ok(0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

/// # Safety
///
/// As for [`operate`].
pub(super) unsafe extern "C" fn drop_data(instance: *const InstanceHead, segment: u32) -> Outcome {
    let work = |store: &mut StoreState, instance: InstanceHandle| {
        store.instance_mut(instance)?.drop_data(DataIndex(segment));
        Ok(0)
    };
    // SAFETY: the caller's promise is the same.
    unsafe { operate(instance, work) }
}

fn memory_of(
    store: &StoreState,
    instance: InstanceHandle,
    memory: u32,
) -> Result<MemoryHandle, Error> {
    Ok(store.instance(instance)?.memories[MemoryIndex(memory).index()])
}

#[cold]
fn out_of_bounds() -> Error {
    Trap::new(TrapKind::MemoryOutOfBounds).into()
}
