//! Reclaiming objects of a store one by one.
//!
//! What lives: roots, what the embedder's tracer names, what the stack holds, and all that those
//! reach. The stack holds:
//!
//! * the references that the safepoint tables list for its frames;
//! * the owners of all frames that left Wasm ([WR-OWNER]);
//! * every instance of a module that has a frame there. Frames do not say which instance they
//!   run, so all instances of that module stay; this is the only inexactness.
//!
//! Everything else goes. Host functions and extern values are dropped, memory is given back, and
//! the slots are used again.

use std::{
    any::Any,
    sync::{Arc, atomic::Ordering},
};

use tierup_abi::{InstanceHead, ReferenceKind};
use tierup_wasm::{GlobalIndex, ValType};

use crate::{
    ExternItem, FunctionObject, ModuleInfo, StoreState, Value,
    frames::{Step, Walk},
    function::FunctionKind,
    owner::Owner,
    roots::{Object, Rooted},
    slots::Handle,
    table::Elements,
    wrappers::Wrapper,
};

/// How many objects a collection reclaimed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Reclaimed {
    /// Instances.
    pub instances: usize,
    /// Memories.
    pub memories: usize,
    /// Tables.
    pub tables: usize,
    /// Globals.
    pub globals: usize,
    /// Functions.
    pub functions: usize,
    /// Values of the host.
    pub externs: usize,
}

/// Names objects that the embedder holds by other means than handles in scopes.
#[derive(Debug)]
pub struct Tracer<'a> {
    marker: &'a mut Vec<Object>,
}

impl Tracer<'_> {
    /// The object is held.
    #[expect(private_bounds, reason = "the kinds are fixed: those of the public handles")]
    pub fn hold<T: Rooted>(&mut self, handle: Handle<T>) {
        self.marker.push(T::object(handle));
    }

    /// The object is held.
    pub fn hold_item(&mut self, item: ExternItem) {
        match item {
            ExternItem::Func(function) => self.hold(function),
            ExternItem::Table(table) => self.hold(table),
            ExternItem::Memory(memory) => self.hold(memory),
            ExternItem::Global(global) => self.hold(global),
        }
    }
}

type Trace = dyn FnMut(&dyn Any, &mut Tracer<'_>) + Send;

/// Names what the embedder holds.
pub(crate) struct TraceHook(Box<Trace>);

impl StoreState {
    /// Sets the hook that names, at each collection, what the embedder holds besides handles in
    /// scopes: edges from the outside. It sees the embedder's data.
    pub fn set_tracer(&mut self, tracer: impl FnMut(&dyn Any, &mut Tracer<'_>) + Send + 'static) {
        self.tracer = Some(TraceHook(Box::new(tracer)));
    }

    /// Reclaims every object that nothing reaches.
    pub fn collect(&mut self) -> Reclaimed {
        let mut work = self.roots.objects().to_vec();
        if let Some((tracer, data)) = self.tracer() {
            (tracer.0)(data, &mut Tracer { marker: &mut work });
        }
        self.find_stack_roots(&mut work);
        while let Some(object) = work.pop() {
            if self.mark(object) {
                self.push_children(object, &mut work);
            }
        }
        self.sweep()
    }

    fn sweep(&mut self) -> Reclaimed {
        // Everything is taken out before anything is dropped: destructors of the host may look
        // at nothing of the store, but memory must not go while others still point to it.
        let instances = self.instances.sweep();
        let memories = self.memories.sweep();
        let tables = self.tables.sweep();
        let globals = self.globals.sweep();
        let functions = self.functions.sweep();
        self.keep_entered(&functions);
        let externs = self.externs.sweep();
        Reclaimed {
            instances: instances.len(),
            memories: memories.len(),
            tables: tables.len(),
            globals: globals.len(),
            functions: functions.len(),
            externs: externs.len(),
        }
    }

    /// [WR-USED] A function that ended in a tail call is not on the stack, but the entry wrapper
    /// that called it is. If it goes, the store keeps the wrapper as long as it is there.
    fn keep_entered(&mut self, reclaimed: &[Box<FunctionObject>]) {
        let pcs = self.entry_wrappers_on_stack();
        let is_on_stack = |wrapper: &Wrapper| pcs.iter().any(|&pc| wrapper.contains(pc));
        self.entered.retain(|wrapper| is_on_stack(wrapper));
        for function in reclaimed {
            if let Some(wrapper) = function.ty().entry_wrapper.get()
                && is_on_stack(wrapper)
                && !self.entered.iter().any(|known| Arc::ptr_eq(known, wrapper))
            {
                self.entered.push(Arc::clone(wrapper));
            }
        }
    }

    /// An address in each entry wrapper that code of this store returns to.
    fn entry_wrappers_on_stack(&self) -> Vec<usize> {
        let mut exit = self.block().exit_frame.load(Ordering::Relaxed);
        let mut pcs = Vec::new();
        while exit != 0 {
            // SAFETY: the frame left Wasm and waits for the call that we are in.
            let mut walk = unsafe { Walk::new(exit) };
            // [FR-WRAPPER]
            pcs.extend(walk.by_ref().last().map(|step| step.return_address - 1));
            exit = walk.entry().previous_exit;
        }
        pcs
    }

    fn mark(&mut self, object: Object) -> bool {
        match object {
            Object::Instance(index) => self.instances.mark(index),
            Object::Memory(index) => self.memories.mark(index),
            Object::Table(index) => self.tables.mark(index),
            Object::Global(index) => self.globals.mark(index),
            Object::Function(index) => self.functions.mark(index),
            Object::Extern(index) => self.externs.mark(index),
        }
    }

    pub(crate) fn push_children(&self, object: Object, work: &mut Vec<Object>) {
        match object {
            Object::Instance(index) => self.push_instance(index, work),
            Object::Table(index) => self.push_table(index, work),
            Object::Global(index) => self.push_global(index, work),
            Object::Function(index) => self.push_function(index, work),
            Object::Memory(_) | Object::Extern(_) => {}
        }
    }

    fn push_instance(&self, index: u32, work: &mut Vec<Object>) {
        let handle = self.instances.handle_at(index);
        let Some(instance) = handle.and_then(|handle| self.instances.get(handle)) else { return };
        work.extend(instance.memories.iter().map(|memory| Object::Memory(memory.index)));
        work.extend(instance.tables.iter().map(|table| Object::Table(table.index)));
        work.extend(instance.shared_globals.values().map(|global| Object::Global(global.index)));
        let functions = instance.imported_functions.iter().copied();
        work.extend(functions.map(FunctionObject::object));
        work.extend(instance.known_functions().map(FunctionObject::object));
        let globals = &instance.module().module().globals;
        for (index, ty) in globals.iter().enumerate() {
            if ty.value.is_reference()
                && let Some(value) = instance.inline_global(GlobalIndex(index as u32))
            {
                self.push_reference(ty.value, value, work);
            }
        }
    }

    fn push_table(&self, index: u32, work: &mut Vec<Object>) {
        let handle = self.tables.handle_at(index);
        let Some(table) = handle.and_then(|handle| self.tables.get(handle)) else { return };
        match table.elements() {
            Elements::Externs(handles) => {
                for &bits in handles {
                    self.push_reference(ValType::ExternRef, Value::from_u32(bits), work);
                }
            }
            Elements::Functions(entries) => {
                let entries = entries.iter().filter(|entry| !entry.instance.is_null());
                // Most neighbours have the same instance; marking it again would only cost time.
                let mut last = std::ptr::null_mut();
                for entry in entries {
                    if entry.instance != last {
                        last = entry.instance;
                        // SAFETY: a table keeps what its entries point to alive.
                        work.push(owner_object(unsafe { &*entry.instance }));
                    }
                    let reference = Value::from_u64(entry.reference as u64);
                    self.push_reference(ValType::FuncRef, reference, work);
                }
            }
        }
    }

    fn push_global(&self, index: u32, work: &mut Vec<Object>) {
        let handle = self.globals.handle_at(index);
        if let Some(global) = handle.and_then(|handle| self.globals.get(handle)) {
            self.push_reference(global.ty().value, global.value(), work);
        }
    }

    fn push_function(&self, index: u32, work: &mut Vec<Object>) {
        let handle = self.functions.handle_at(index);
        let function = handle.and_then(|handle| self.functions.get(handle));
        if let Some(FunctionKind::Wasm { instance, .. }) = function.map(|function| function.kind())
        {
            work.push(Object::Instance(instance.index));
        }
    }

    fn push_reference(&self, ty: ValType, value: Value, work: &mut Vec<Object>) {
        match ty {
            ValType::FuncRef => {
                let function = self.function_of_raw(value);
                work.extend(function.map(FunctionObject::object));
            }
            ValType::ExternRef => {
                let handle = self.extern_of_raw(value);
                work.extend(handle.map(|handle| Object::Extern(handle.index)));
            }
            _ => {}
        }
    }

    /// What the Wasm frames on the stack of the running entries hold.
    pub(crate) fn find_stack_roots(&self, work: &mut Vec<Object>) {
        let mut exit = self.block().exit_frame.load(Ordering::Relaxed);
        if exit == 0 {
            return;
        }
        let scope = self.engine().manager().scope();
        let mut modules = Vec::new();
        while exit != 0 {
            // SAFETY: [WR-OWNER] the frame left Wasm and waits for the call that we are in.
            let head = unsafe { owner_of_exit(exit) };
            work.push(owner_object(head));
            // SAFETY: as above; it waits at least as long as we walk.
            let mut walk = unsafe { Walk::new(exit) };
            for step in walk.by_ref() {
                self.push_frame(&scope, step, &mut modules, work);
            }
            exit = walk.entry().previous_exit;
        }
        for (handle, instance) in self.instances.iter() {
            if modules.iter().any(|module| Arc::ptr_eq(module, instance.module().info())) {
                work.push(Object::Instance(handle.index));
            }
        }
    }

    /// What the frame that a call returns to holds.
    fn push_frame(
        &self,
        scope: &codespace::CodeScope<'_>,
        step: Step,
        modules: &mut Vec<Arc<ModuleInfo>>,
        work: &mut Vec<Object>,
    ) {
        let Some(code) = scope.lookup(step.return_address - 1) else { return };
        if code.function().is_none() {
            return;
        }
        if let Ok(module) = Arc::clone(code.owner()).downcast::<ModuleInfo>()
            && !modules.iter().any(|known| Arc::ptr_eq(known, &module))
        {
            modules.push(module);
        }
        let Some(safepoint) = code.safepoint_at(step.return_address) else { return };
        for slot in safepoint.slots() {
            let address = step.caller_frame.wrapping_add_signed(slot.frame_offset as isize);
            match ReferenceKind::from_code(slot.kind) {
                Some(ReferenceKind::Func) => {
                    // SAFETY: the table says that a reference lies there during the call.
                    let bits = unsafe { (address as *const u64).read_unaligned() };
                    self.push_reference(ValType::FuncRef, Value::from_u64(bits), work);
                }
                Some(ReferenceKind::Extern) => {
                    // SAFETY: likewise.
                    let bits = unsafe { (address as *const u32).read_unaligned() };
                    self.push_reference(ValType::ExternRef, Value::from_u32(bits), work);
                }
                None => {}
            }
        }
    }
}

fn owner_object(head: &InstanceHead) -> Object {
    match Owner::decode(head.owner) {
        Owner::Instance(index) => Object::Instance(index),
        Owner::Function(index) => Object::Function(index),
    }
}

/// The first argument of what was called when Wasm was left.
///
/// # Safety
///
/// `exit` is a live frame that left Wasm.
unsafe fn owner_of_exit<'a>(exit: usize) -> &'a InstanceHead {
    let head = (exit as *const *const InstanceHead).wrapping_sub(1);
    // SAFETY: [WR-OWNER]
    let head = unsafe { head.read() };
    // SAFETY: what is called lives until it returns.
    unsafe { &*head }
}

macro_rules! rooted {
    ($($ty:ident => $kind:ident,)*) => {$(
        impl Rooted for crate::$ty {
            fn object(handle: Handle<Self>) -> Object {
                Object::$kind(handle.index)
            }
        }
    )*};
}

rooted! {
    InstanceObject => Instance,
    MemoryObject => Memory,
    TableObject => Table,
    GlobalObject => Global,
    FunctionObject => Function,
    ExternObject => Extern,
}
