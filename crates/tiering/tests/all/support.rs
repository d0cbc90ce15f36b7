//! A module with a unit, and compilers that can be told what to do.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering},
    mpsc::{Receiver, Sender},
};

use codespace::{CodeManager, Config, Draft, Installed, Tier, Unit, UnitSpec};
use sync::{Mutex, Rank};
use tierup_abi::InstanceLayout;
use tierup_compile::{CompileError, Compiled, Compiler, Request, Trivial};
use tierup_tiering::Subject;
use tierup_wasm::{DefinedFunc, Module};

/// A module of many small functions. Whoever made it owns the unit.
#[derive(Debug)]
pub(crate) struct Small {
    module: Module,
    layout: InstanceLayout,
    unit: Weak<Unit>,
}

pub(crate) fn small(functions: u32) -> (Arc<Small>, Arc<Unit>) {
    of("(func (param i32) (result i32) (i32.add (local.get 0) (i32.const 5)))", functions)
}

/// The same, of this function.
pub(crate) fn of(function: &str, functions: u32) -> (Arc<Small>, Arc<Unit>) {
    let text = format!("(module {})", function.repeat(functions as usize));
    let module = Module::decode(wat::parse_str(text).unwrap().into()).unwrap();
    let manager = CodeManager::new(&Config::default()).unwrap();
    let spec = UnitSpec { functions, lazy_stub: 4096, owner: Arc::new(()), tenant: None };
    let unit = manager.new_unit(spec).unwrap();
    let layout = InstanceLayout::new(&module);
    (Arc::new(Small { module, layout, unit: Arc::downgrade(&unit) }), unit)
}

impl Subject for Small {
    fn unit(&self) -> u64 {
        self.unit.upgrade().map_or(0, |unit| unit.id())
    }

    fn module(&self) -> &Module {
        &self.module
    }

    fn layout(&self) -> &InstanceLayout {
        &self.layout
    }

    fn name(&self, function: DefinedFunc) -> Option<String> {
        Some(format!("small-{}", function.0))
    }

    fn tier(&self, function: DefinedFunc) -> Option<Tier> {
        self.unit.upgrade()?.tier(function.0)
    }

    fn suspend(&self, function: DefinedFunc) {
        if let Some(unit) = self.unit.upgrade() {
            unit.suspend(function.0);
        }
    }

    fn is_suspended(&self, function: DefinedFunc) -> bool {
        self.unit.upgrade().is_some_and(|unit| unit.is_suspended(function.0))
    }

    fn replaces(&self, function: DefinedFunc, position: u32) -> bool {
        self.unit.upgrade().is_some_and(|unit| unit.replacement(function.0, position).is_some())
    }

    fn assumptions(&self) -> Option<u64> {
        Some(self.unit.upgrade()?.assumptions())
    }

    fn install(&self, drafts: Vec<Draft>) -> codespace::Result<Option<Vec<Installed>>> {
        let Some(unit) = self.unit.upgrade() else { return Ok(None) };
        let published = unit.publish(unit.place(drafts)?)?;
        Ok(Some(published.into_iter().map(|published| published.installed).collect()))
    }
}

/// `Trivial` as an optimizing compiler, with a say before each function.
pub(crate) struct Second<F>(pub(crate) F);

impl<F: Fn(DefinedFunc) -> Result<(), CompileError> + Send + Sync> Compiler for Second<F> {
    fn name(&self) -> &'static str {
        "second"
    }

    fn tier(&self) -> Tier {
        Tier::Optimized
    }

    fn compile(&self, request: &Request<'_>) -> Result<Compiled, CompileError> {
        (self.0)(request.function)?;
        Trivial.compile(request)
    }
}

impl<F> std::fmt::Debug for Second<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Second")
    }
}

/// Stops whoever passes until it is opened.
#[derive(Debug)]
pub(crate) struct Barrier {
    reached: Mutex<Sender<DefinedFunc>>,
    open: Mutex<Receiver<()>>,
    pub(crate) passed: AtomicU64,
}

impl Barrier {
    pub(crate) fn new() -> (Arc<Self>, Receiver<DefinedFunc>, Sender<()>) {
        let (reached, reaches) = std::sync::mpsc::channel();
        let (opener, open) = std::sync::mpsc::channel();
        let passed = AtomicU64::new(0);
        let reached = Mutex::new(Rank::Process, reached);
        let open = Mutex::new(Rank::Process, open);
        let barrier = Self { reached, open, passed };
        (Arc::new(barrier), reaches, opener)
    }

    /// Waits to be let through; passes freely once nobody is there to do that.
    pub(crate) fn pass(&self, function: DefinedFunc) {
        let _ = self.reached.lock().send(function);
        let _ = self.open.lock().recv();
        self.passed.fetch_add(1, Ordering::Relaxed);
    }
}
