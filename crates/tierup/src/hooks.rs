//! Connects the runtime to tiering, which do not know each other.
//!
//! ```text
//!   CompiledModule ──► ModuleHooks ──► ModuleTiering ──► ModuleSubject ──┬──► ModuleInfo
//!         ▲                                                              │
//!         └──────────────────────────── weak ────────────────────────────┘
//! ```

use std::sync::{Arc, OnceLock, Weak};

use codespace::{Draft, Installed, Tier};
use tierup_abi::InstanceLayout;
use tierup_runtime::{CompiledModule, Hooks, LazyError, ModuleInfo, Next, Refill, Spent, TrapKind};
use tierup_tiering::{ModuleTiering, Subject};
use tierup_wasm::{DefinedFunc, Module};

/// What the runtime asks.
#[derive(Debug)]
pub(crate) struct ModuleHooks(pub(crate) Arc<ModuleTiering>);

impl Hooks for ModuleHooks {
    fn compile_lazily(
        &self,
        module: &CompiledModule,
        function: DefinedFunc,
    ) -> Result<(), LazyError> {
        self.0.compile_now(function).map_err(|error| {
            let index = module.module().function(function).0;
            LazyError {
                kind: TrapKind::CompileFailed,
                message: format!("function {index}: {error}"),
            }
        })
    }

    fn budget_spent(&self, _: &CompiledModule, spent: Spent<'_>) -> Refill {
        let Spent { function, used, position } = spent;
        let spent = match position {
            Some(position) => self.0.budget_spent_in_loop(function, used, position),
            None => self.0.budget_spent(function, used),
        };
        let tierup_tiering::Spent { slice, tier_up, replace, next } = spent;
        let next = match next {
            tierup_tiering::Next::Own => Next::Own,
            tierup_tiering::Next::Other => Next::Other,
        };
        Refill { slice, tier_up, replace, next }
    }

    fn tier_up(&self, _: &CompiledModule, function: DefinedFunc) {
        // It has been counted and logged; the function stays as it is.
        let _ = self.0.tier_up(function);
    }

    fn replace(&self, _: &CompiledModule, function: DefinedFunc, position: u32) {
        // The same.
        let _ = self.0.replace(function, position);
    }

    fn replaced(&self, _: &CompiledModule, function: DefinedFunc, position: u32) {
        self.0.note_replaced(function, position);
    }
}

/// What tiering asks. It is made before its module, and knows nothing until that is there.
#[derive(Debug, Default)]
pub(crate) struct ModuleSubject(OnceLock<Known>);

#[derive(Debug)]
struct Known {
    info: Arc<ModuleInfo>,
    unit: u64,
    compiled: Weak<CompiledModule>,
}

impl ModuleSubject {
    /// The module is there.
    pub(crate) fn set(&self, module: &Arc<CompiledModule>) {
        let compiled = Arc::downgrade(module);
        let (info, unit) = (Arc::clone(module.info()), module.unit().id());
        let known = Known { info, unit, compiled };
        self.0.set(known).expect("a module is made once");
    }

    fn known(&self) -> &Known {
        self.0.get().expect("a module is there before its functions are called")
    }

    fn compiled(&self) -> Option<Arc<CompiledModule>> {
        self.known().compiled.upgrade()
    }
}

impl Subject for ModuleSubject {
    fn unit(&self) -> u64 {
        self.known().unit
    }

    fn module(&self) -> &Module {
        self.known().info.module()
    }

    fn layout(&self) -> &InstanceLayout {
        self.known().info.layout()
    }

    fn name(&self, function: DefinedFunc) -> Option<String> {
        let info = &self.known().info;
        info.names().function(info.module().function(function)).map(str::to_owned)
    }

    fn tier(&self, function: DefinedFunc) -> Option<Tier> {
        self.compiled()?.unit().tier(function.0)
    }

    fn suspend(&self, function: DefinedFunc) {
        if let Some(module) = self.compiled() {
            module.unit().suspend(function.0);
        }
    }

    fn is_suspended(&self, function: DefinedFunc) -> bool {
        self.compiled().is_some_and(|module| module.unit().is_suspended(function.0))
    }

    fn replaces(&self, function: DefinedFunc, position: u32) -> bool {
        let module = self.compiled();
        module.is_some_and(|module| module.unit().replacement(function.0, position).is_some())
    }

    fn assumptions(&self) -> Option<u64> {
        Some(self.compiled()?.unit().assumptions())
    }

    fn install(&self, drafts: Vec<Draft>) -> codespace::Result<Option<Vec<Installed>>> {
        let Some(module) = self.compiled() else { return Ok(None) };
        let placed = module.engine().place(module.unit(), &drafts)?;
        module.engine().publish(module.unit(), placed).map(Some)
    }
}
