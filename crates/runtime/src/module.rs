//! A module that can be instantiated: its contents, its layout and its code unit.
#![forbid(unsafe_code)]

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use codespace::{Footprint, Tenant, Unit, UnitSpec};
use tierup_abi::InstanceLayout;
use tierup_wasm::{Entity, Module, Names};

use crate::{EngineState, Error, Hooks, RegisteredType, lazy};

/// What is known about a module without its code; the owner of its code objects.
#[derive(Debug)]
pub struct ModuleInfo {
    module: Module,
    layout: InstanceLayout,
    names: OnceLock<Names>,
    exports: HashMap<String, Entity>,
    footprint: Footprint,
}

impl ModuleInfo {
    fn new(engine: &EngineState, module: Module) -> Self {
        let layout = InstanceLayout::new(&module);
        let exports = module.exports.iter().map(|export| (export.name.clone(), export.entity));
        let exports: HashMap<_, _> = exports.collect();
        let entries = exports.capacity() * (size_of::<(String, Entity)>() + 1);
        let names = exports.keys().map(String::capacity).sum::<usize>();
        let types = module.types.len() * size_of::<Arc<RegisteredType>>();
        let fixed = size_of::<Self>() + size_of::<CompiledModule>() + types;
        let bytes = fixed + module.heap_bytes() + layout.heap_bytes() + entries + names;
        let footprint = engine.modules().add(bytes);
        Self { module, layout, names: OnceLock::new(), exports, footprint }
    }

    /// Bytes on the heap: what was decoded, the binary among it, and what was derived from it.
    pub fn heap_bytes(&self) -> usize {
        self.footprint.bytes()
    }

    /// The decoded module.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Layout of its instances.
    pub fn layout(&self) -> &InstanceLayout {
        &self.layout
    }

    /// The export of that name.
    pub fn export(&self, name: &str) -> Option<Entity> {
        self.exports.get(name).copied()
    }

    /// Its names, read when first asked for.
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| {
            let names = Names::parse(&self.module);
            self.footprint.grow(names.heap_bytes());
            names
        })
    }
}

/// A module with a unit for its code. All functions are lazy at first.
#[derive(Debug)]
pub struct CompiledModule {
    info: Arc<ModuleInfo>,
    unit: Arc<Unit>,
    types: Vec<Arc<RegisteredType>>,
    engine: Arc<EngineState>,
    hooks: Arc<dyn Hooks>,
}

impl CompiledModule {
    /// Makes a unit for `module`, whose functions `hooks` will have compiled to about
    /// `expected_code` bytes, and for whose memory
    /// `tenant` pays; the engine's default tenant if it is none.
    ///
    /// # Errors
    ///
    /// If there is no room for the unit.
    pub fn new(
        engine: &Arc<EngineState>,
        tenant: Option<&Arc<Tenant>>,
        module: Module,
        hooks: Arc<dyn Hooks>,
        expected_code: usize,
    ) -> Result<Self, Error> {
        let types = module.types.iter().map(|ty| engine.types().register(ty));
        let types = types.collect::<Result<_, _>>()?;
        let functions = module.defined_functions();
        let info = Arc::new(ModuleInfo::new(engine, module));
        let spec = || UnitSpec {
            functions,
            lazy_stub: lazy::stub_address(),
            owner: Arc::clone(&info) as _,
            tenant: None,
        };
        let unit = engine.new_unit(tenant, spec, expected_code)?;
        Ok(Self { info, unit, types, engine: Arc::clone(engine), hooks })
    }

    /// What is known about it without its code.
    pub fn info(&self) -> &Arc<ModuleInfo> {
        &self.info
    }

    /// The decoded module.
    pub fn module(&self) -> &Module {
        self.info.module()
    }

    /// Its code.
    pub fn unit(&self) -> &Arc<Unit> {
        &self.unit
    }

    /// Its engine.
    pub fn engine(&self) -> &Arc<EngineState> {
        &self.engine
    }

    /// Who has its functions compiled.
    pub fn hooks(&self) -> &Arc<dyn Hooks> {
        &self.hooks
    }

    /// Its types, as the engine knows them.
    pub fn types(&self) -> &[Arc<RegisteredType>] {
        &self.types
    }
}
