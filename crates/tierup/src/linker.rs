//! Names for what modules import.

use std::{collections::HashMap, fmt, marker::PhantomData};

use tierup_runtime::HostFunction;
use tierup_wasm::FuncType;

use crate::{
    AsContextMut, Caller, Engine, Error, ErrorKind, Extern, Instance, IntoFunc, MissingImport,
    Module, Val, func::dynamic_for,
};

/// Names for what modules import: host functions for any store, and objects of one store.
///
/// A clone is independent of the original.
pub struct Linker<T> {
    engine: Engine,
    definitions: HashMap<(String, String), Definition>,
    shadowing: Shadowing,
    data: PhantomData<fn(T)>,
}

#[derive(Clone, Debug)]
enum Definition {
    Host(HostFunction),
    Item(Extern),
}

#[derive(Clone, Copy, Debug)]
enum Shadowing {
    Allowed,
    Refused,
}

impl<T: 'static> Linker<T> {
    /// A linker that knows nothing.
    pub fn new(engine: &Engine) -> Self {
        Self {
            engine: engine.clone(),
            definitions: HashMap::new(),
            shadowing: Shadowing::Refused,
            data: PhantomData,
        }
    }

    /// Whether a name may be defined again, which replaces the earlier definition. By default
    /// that is an error.
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn allow_shadowing(&mut self, allow: bool) -> &mut Self {
        self.shadowing = if allow { Shadowing::Allowed } else { Shadowing::Refused };
        self
    }

    /// Defines a host function; its type follows from the closure's.
    ///
    /// # Errors
    ///
    /// If the name is taken.
    pub fn func<P, R>(
        &mut self,
        module: &str,
        name: &str,
        call: impl IntoFunc<T, P, R>,
    ) -> Result<&mut Self, Error> {
        let function = call.into_host_function(self.engine.state().types())?;
        self.insert(module, name, Definition::Host(function))
    }

    /// Defines a host function of that type.
    ///
    /// # Errors
    ///
    /// If the name is taken.
    pub fn func_dynamic(
        &mut self,
        module: &str,
        name: &str,
        ty: FuncType,
        call: impl Fn(Caller<'_, T>, &[Val], &mut [Val]) -> Result<(), Error> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error> {
        let function = dynamic_for(&self.engine, &ty, call)?;
        self.insert(module, name, Definition::Host(function))
    }

    /// Defines an object of a store.
    ///
    /// # Errors
    ///
    /// If the name is taken.
    pub fn define(
        &mut self,
        module: &str,
        name: &str,
        item: impl Into<Extern>,
    ) -> Result<&mut Self, Error> {
        self.insert(module, name, Definition::Item(item.into()))
    }

    /// Defines all exports of an instance under the name `module`.
    ///
    /// # Errors
    ///
    /// If a name is taken, or the instance is of another store.
    pub fn instance(
        &mut self,
        store: impl AsContextMut,
        module: &str,
        instance: Instance,
    ) -> Result<&mut Self, Error> {
        for (name, item) in instance.exports(store)? {
            self.define(module, &name, item)?;
        }
        Ok(self)
    }

    /// Makes an instance of `module` and runs its start function.
    ///
    /// # Errors
    ///
    /// If imports are missing, all of them; otherwise as for [`Instance::new`].
    pub fn instantiate(
        &self,
        mut store: impl AsContextMut<Data = T>,
        module: &Module,
    ) -> Result<Instance, Error> {
        self.check_complete(module)?;
        let mut imports = Vec::new();
        for import in module.imports() {
            imports.push(match self.find(import.module, import.name) {
                Some(Definition::Item(item)) => *item,
                Some(Definition::Host(function)) => {
                    let state = store.as_context_mut().into_state();
                    let handle = state.new_host_function(function.clone())?;
                    Extern::Func(crate::Func::from_handle(handle))
                }
                None => unreachable!("`check_complete` found all"),
            });
        }
        Instance::new(store, module, &imports)
    }

    fn check_complete(&self, module: &Module) -> Result<(), Error> {
        let missing =
            module.imports().filter(|import| self.find(import.module, import.name).is_none());
        let missing: Vec<_> = missing
            .map(|import| MissingImport {
                module: import.module.to_owned(),
                name: import.name.to_owned(),
                ty: import.ty,
            })
            .collect();
        if missing.is_empty() { Ok(()) } else { Err(ErrorKind::MissingImports(missing).into()) }
    }

    fn find(&self, module: &str, name: &str) -> Option<&Definition> {
        self.definitions.get(&(module.to_owned(), name.to_owned()))
    }

    fn insert(
        &mut self,
        module: &str,
        name: &str,
        definition: Definition,
    ) -> Result<&mut Self, Error> {
        let (module, name) = (module.to_owned(), name.to_owned());
        let key = (module, name);
        if matches!(self.shadowing, Shadowing::Refused) && self.definitions.contains_key(&key) {
            let (module, name) = key;
            return Err(ErrorKind::DuplicateDefinition { module, name }.into());
        }
        self.definitions.insert(key, definition);
        Ok(self)
    }
}

impl<T> Clone for Linker<T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            definitions: self.definitions.clone(),
            shadowing: self.shadowing,
            data: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker")
            .field("definitions", &self.definitions.len())
            .finish_non_exhaustive()
    }
}
