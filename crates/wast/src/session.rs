//! What a script acts on: a store, the instances in it by name, and what imports resolve to.

use std::{collections::HashMap, fmt};

use tierup::{
    Engine, Error, Extern, Instance, Linker, Module, ResourceLimiter, Store, TrapKind, Val,
};
use wast::{QuoteWat, token::Id};

use crate::{Delivery, spectest, values};

pub(crate) struct Session {
    engine: Engine,
    delivery: Delivery,
    store: Store<Host>,
    linker: Linker<Host>,
    instances: Named<Instance>,
    definitions: Named<Module>,
    interrupted: bool,
}

/// What the store keeps: its limits, if there are any.
pub(crate) type Host = Option<Box<dyn ResourceLimiter>>;

/// Why something that a script asked for did not happen.
pub(crate) enum Problem {
    /// A module is malformed or invalid.
    Refused(String),
    /// Instantiating or calling failed, with a trap or otherwise.
    Failed(Error),
    /// The script wants what does not exist, which may be due to an earlier failure.
    Script(String),
}

impl Session {
    pub(crate) fn new(engine: &Engine, delivery: Delivery, limits: Host) -> Result<Self, Error> {
        let is_limited = limits.is_some();
        let mut store = Store::new(engine, limits);
        if is_limited {
            store.limiter(|limits| {
                limits.as_deref_mut().expect("there were some, and nothing takes them away")
            });
        }
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)?;
        Ok(Self {
            engine: engine.clone(),
            delivery,
            store,
            linker,
            instances: Named::new("instance"),
            definitions: Named::new("module definition"),
            interrupted: false,
        })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn store(&self) -> &Store<Host> {
        &self.store
    }

    pub(crate) fn store_mut(&mut self) -> &mut Store<Host> {
        &mut self.store
    }

    /// Whether something that was called was interrupted.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// `(module $name? …)`
    pub(crate) fn module(&mut self, mut module: QuoteWat<'_>) -> Result<(), Problem> {
        self.instances.forget_last();
        let name = module.name();
        let module = self.compile(&mut module)?;
        let instance = self.instantiate(&module)?;
        self.instances.add(name, instance);
        self.definitions.add(name, module);
        Ok(())
    }

    /// `(module definition $name? …)`
    pub(crate) fn define(&mut self, mut module: QuoteWat<'_>) -> Result<(), Problem> {
        let name = module.name();
        let module = self.compile(&mut module)?;
        self.definitions.add(name, module);
        Ok(())
    }

    /// `(module instance $instance? $module?)`
    pub(crate) fn instance(
        &mut self,
        name: Option<Id<'_>>,
        module: Option<Id<'_>>,
    ) -> Result<(), Problem> {
        self.instances.forget_last();
        let module = self.definitions.get(module)?.clone();
        let instance = self.instantiate(&module)?;
        self.instances.add(name, instance);
        Ok(())
    }

    /// `(register "name" $instance?)`
    pub(crate) fn register(&mut self, name: &str, module: Option<Id<'_>>) -> Result<(), Problem> {
        let instance = *self.instances.get(module)?;
        self.linker.instance(&mut self.store, name, instance).map_err(Problem::Failed)?;
        Ok(())
    }

    pub(crate) fn compile(&self, module: &mut QuoteWat<'_>) -> Result<Module, Problem> {
        let binary = module.encode().map_err(|error| Problem::Refused(error.message()))?;
        let compiled = self.delivery.compile(&self.engine, &binary).map_err(Problem::Script)?;
        compiled.map_err(|error| Problem::Refused(error.to_string()))
    }

    pub(crate) fn instantiate(&mut self, module: &Module) -> Result<Instance, Problem> {
        let instance = self.linker.instantiate(&mut self.store, module);
        instance.map_err(|error| self.failed(error))
    }

    fn failed(&mut self, error: Error) -> Problem {
        self.interrupted |= error.trap().is_some_and(|trap| trap.kind() == TrapKind::Interrupted);
        Problem::Failed(error)
    }

    /// Calls an exported function.
    pub(crate) fn call(
        &mut self,
        module: Option<Id<'_>>,
        name: &str,
        arguments: &[Val],
    ) -> Result<Vec<Val>, Problem> {
        let Extern::Func(function) = self.export(module, name)? else {
            return Err(Problem::Script(format!("export `{name}` is not a function")));
        };
        let ty = function.ty(&self.store);
        let mut results: Vec<_> = ty.results.iter().map(|&ty| values::zero(ty)).collect();
        let called = function.call(&mut self.store, arguments, &mut results);
        called.map_err(|error| self.failed(error))?;
        Ok(results)
    }

    /// The value of an exported global.
    pub(crate) fn get(&mut self, module: Option<Id<'_>>, name: &str) -> Result<Val, Problem> {
        let Extern::Global(global) = self.export(module, name)? else {
            return Err(Problem::Script(format!("export `{name}` is not a global")));
        };
        Ok(global.get(&mut self.store))
    }

    fn export(&mut self, module: Option<Id<'_>>, name: &str) -> Result<Extern, Problem> {
        let instance = self.instances.get(module)?;
        let export = instance.export(&mut self.store, name);
        export.ok_or_else(|| Problem::Script(format!("no export `{name}`")))
    }
}

/// Things with names, of which the last one also goes without.
struct Named<T> {
    what: &'static str,
    by_name: HashMap<String, T>,
    last: Option<T>,
}

impl<T: Clone> Named<T> {
    fn new(what: &'static str) -> Self {
        Self { what, by_name: HashMap::new(), last: None }
    }

    fn add(&mut self, name: Option<Id<'_>>, thing: T) {
        if let Some(name) = name {
            self.by_name.insert(name.name().to_owned(), thing.clone());
        }
        self.last = Some(thing);
    }

    /// What comes next must not be taken for a success of what came before.
    fn forget_last(&mut self) {
        self.last = None;
    }

    fn get(&self, name: Option<Id<'_>>) -> Result<&T, Problem> {
        let what = self.what;
        match name {
            Some(name) => self
                .by_name
                .get(name.name())
                .ok_or_else(|| Problem::Script(format!("no {what} `${}`", name.name()))),
            None => self.last.as_ref().ok_or_else(|| Problem::Script(format!("no {what} yet"))),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(message) => write!(f, "module refused: {message}"),
            Self::Failed(error) => error.fmt(f),
            Self::Script(message) => f.write_str(message),
        }
    }
}
