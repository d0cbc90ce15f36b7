//! Instances and their exports.

use tierup_runtime::{ExternItem, InstanceHandle, StoreState};
use tierup_wasm::{Entity, ExternType};

use crate::{
    AsContext, AsContextMut, Error, ErrorKind, Func, Global, Memory, Module, Table, TypedFunc,
    WasmParams, WasmResults,
};

/// An instance of a module in a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Instance(InstanceHandle);

impl Instance {
    /// Makes an instance, with one item for each of the module's imports, and runs its start
    /// function.
    ///
    /// # Errors
    ///
    /// If an import does not match, a limit forbids it, an active segment does not fit, or the
    /// start function does not return.
    pub fn new(
        mut store: impl AsContextMut,
        module: &Module,
        imports: &[Extern],
    ) -> Result<Self, Error> {
        let state = store.as_context_mut().into_state();
        let (wanted, found) = (module.imports().count(), imports.len());
        if wanted != found {
            return Err(ErrorKind::ImportCount { wanted, found }.into());
        }
        let items: Vec<_> = imports.iter().map(|item| item.to_item()).collect();
        // If it fails, nothing but what it has written to tables keeps the instance.
        let mut scope = state.scope();
        let handle = scope.instantiate(module.compiled(), &items)?;
        if let Some(start) = module.compiled().module().start {
            let start = scope.instance_function(handle, start)?;
            scope.call(start, &mut [])?;
        }
        drop(scope);
        Ok(Self(state.root(handle)))
    }

    pub(crate) fn from_handle(handle: InstanceHandle) -> Self {
        Self(handle)
    }

    pub(crate) fn handle(self) -> InstanceHandle {
        self.0
    }

    /// The export of that name.
    pub fn export(&self, mut store: impl AsContextMut, name: &str) -> Option<Extern> {
        let state = store.as_context_mut().into_state();
        // An instance that is gone exports nothing.
        let item = state.export(self.0, name).ok().flatten()?;
        Some(Extern::from_item(state, item))
    }

    /// All exports, in the module's order.
    ///
    /// # Errors
    ///
    /// If the instance is of another store or was reclaimed.
    pub fn exports(&self, mut store: impl AsContextMut) -> Result<Vec<(String, Extern)>, Error> {
        let state = store.as_context_mut().into_state();
        let module = std::sync::Arc::clone(state.instance(self.0)?.module());
        let export = |(name, entity): (&String, Entity)| {
            let item = state.instance_item(self.0, entity)?;
            Ok((name.clone(), Extern::from_item(state, item)))
        };
        let exports = module.module().exports.iter();
        exports.map(|export| (&export.name, export.entity)).map(export).collect()
    }

    /// The exported function of that name.
    pub fn func(&self, store: impl AsContextMut, name: &str) -> Option<Func> {
        self.export(store, name)?.into_func()
    }

    /// The exported function of that name, for calls with static types.
    ///
    /// # Errors
    ///
    /// If there is none, or it has another type.
    pub fn typed_func<P: WasmParams, R: WasmResults>(
        &self,
        mut store: impl AsContextMut,
        name: &str,
    ) -> Result<TypedFunc<P, R>, Error> {
        let func = self.func(&mut store, name);
        let missing = || ErrorKind::NoExport { name: name.to_owned(), wanted: "function" };
        func.ok_or_else(missing)?.typed(&store)
    }

    /// The exported memory of that name.
    pub fn memory(&self, store: impl AsContextMut, name: &str) -> Option<Memory> {
        self.export(store, name)?.into_memory()
    }

    /// The exported table of that name.
    pub fn table(&self, store: impl AsContextMut, name: &str) -> Option<Table> {
        match self.export(store, name)? {
            Extern::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The exported global of that name.
    pub fn global(&self, store: impl AsContextMut, name: &str) -> Option<Global> {
        match self.export(store, name)? {
            Extern::Global(global) => Some(global),
            _ => None,
        }
    }

    /// True if the instance still exists in that store.
    pub fn is_live(&self, store: impl AsContext) -> bool {
        store.as_context().state().instance(self.0).is_ok()
    }
}

/// Something that can be imported and exported.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Extern {
    /// A function.
    Func(Func),
    /// A table.
    Table(Table),
    /// A memory.
    Memory(Memory),
    /// A global.
    Global(Global),
}

impl Extern {
    /// The function, if it is one.
    pub fn into_func(self) -> Option<Func> {
        if let Self::Func(func) = self { Some(func) } else { None }
    }

    /// The memory, if it is one.
    pub fn into_memory(self) -> Option<Memory> {
        if let Self::Memory(memory) = self { Some(memory) } else { None }
    }

    /// Its type, with its present size as the minimum.
    ///
    /// # Errors
    ///
    /// If it is of another store or was reclaimed.
    pub fn ty(&self, store: impl AsContext) -> Result<ExternType, Error> {
        store.as_context().state().item_type(self.to_item())
    }

    pub(crate) fn to_item(self) -> ExternItem {
        match self {
            Self::Func(func) => ExternItem::Func(func.handle()),
            Self::Table(table) => ExternItem::Table(table.handle()),
            Self::Memory(memory) => ExternItem::Memory(memory.handle()),
            Self::Global(global) => ExternItem::Global(global.handle()),
        }
    }

    /// The item becomes a root.
    pub(crate) fn from_item(state: &mut StoreState, item: ExternItem) -> Self {
        Self::from_item_unrooted(match item {
            ExternItem::Func(func) => ExternItem::Func(state.root(func)),
            ExternItem::Table(table) => ExternItem::Table(state.root(table)),
            ExternItem::Memory(memory) => ExternItem::Memory(state.root(memory)),
            ExternItem::Global(global) => ExternItem::Global(state.root(global)),
        })
    }

    /// The item is no root because of this.
    pub(crate) fn from_item_unrooted(item: ExternItem) -> Self {
        match item {
            ExternItem::Func(func) => Self::Func(Func::from_handle(func)),
            ExternItem::Table(table) => Self::Table(Table::from_handle(table)),
            ExternItem::Memory(memory) => Self::Memory(Memory::from_handle(memory)),
            ExternItem::Global(global) => Self::Global(Global::from_handle(global)),
        }
    }
}

macro_rules! into_extern {
    ($($kind:ident)*) => {$(
        impl From<$kind> for Extern {
            fn from(item: $kind) -> Self {
                Self::$kind(item)
            }
        }
    )*};
}

into_extern! { Func Table Memory Global }
