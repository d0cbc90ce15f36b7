//! Runs in Tierup, in all its modes.
#![forbid(unsafe_code)]

use tierup::{
    AsContextMut, Caller, CompilerStrategy, Config, Engine, Error, Extern, ExternRef, ExternType,
    Func, FuncType, Global, Instance, Memory, MemoryMode, Module, Protection, Store, Table, Val,
};

use crate::{
    Random,
    observe::{Host, HostAction, HostFailure, Item, Machine, Outcome, Value, hash},
};

/// A way to run code that should make no difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Each function is compiled when it is called, by the optimizing compiler.
    Lazy,
    /// All are compiled before the first call.
    Eager,
    /// Bounds of memories are compared, not guarded.
    Explicit,
    /// All code is removed before each call, and in each call of the host; arenas are small.
    Removed,
    /// Pages of code switch between writable and executable.
    Toggle,
    /// Baseline code only.
    Baseline,
    /// The same, with bounds of memories compared.
    BaselineExplicit,
    /// Baseline code that tiers up at the first chance, on the calling thread.
    Tiered,
    /// The same on another thread, so that one never knows when.
    TieredWorker,
}

/// Whether code takes fuel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fuel {
    /// It does not.
    Off,
    /// It does, and each call has an amount that is enough or not.
    On,
}

impl Mode {
    /// All of them. The others are compared with the first.
    pub const ALL: [Self; 9] = [
        Self::Lazy,
        Self::Eager,
        Self::Explicit,
        Self::Removed,
        Self::Toggle,
        Self::Baseline,
        Self::BaselineExplicit,
        Self::Tiered,
        Self::TieredWorker,
    ];

    fn config(self, fuel: Fuel) -> Config {
        let mut config = Config::new();
        config.compile_threads(1).consume_fuel(fuel == Fuel::On);
        // Unless a mode says something else.
        config.strategy(CompilerStrategy::Optimizing);
        match self {
            Self::Lazy => &mut config,
            Self::Eager => config.lazy(false),
            Self::Explicit => config.memory_mode(MemoryMode::Explicit),
            Self::Removed => config.arena_code_bytes(64 << 10).lazy_validation(true),
            Self::Toggle => config.protection(Protection::Toggle),
            Self::Baseline => config.strategy(CompilerStrategy::Baseline),
            Self::BaselineExplicit => config
                .strategy(CompilerStrategy::Baseline)
                .memory_mode(MemoryMode::Explicit)
                .lazy(false),
            Self::Tiered => {
                config.strategy(CompilerStrategy::Tiered).tier_up_budget(1).compile_threads(0)
            }
            Self::TieredWorker => config.strategy(CompilerStrategy::Tiered).tier_up_budget(1),
        };
        config
    }
}

/// An engine in one mode. It serves many modules, so that memory of one's code becomes another's.
#[derive(Debug)]
pub(crate) struct TierupEngine {
    mode: Mode,
    fuel: Fuel,
    engine: Engine,
}

impl TierupEngine {
    pub(crate) fn new(mode: Mode, fuel: Fuel) -> Result<Self, Error> {
        Ok(Self { mode, fuel, engine: Engine::new(&mode.config(fuel))? })
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// What its first compiler left to the other, by reason.
    pub(crate) fn bailouts(&self) -> Vec<(String, u64)> {
        self.engine.bailouts()
    }

    pub(crate) fn module(&self, wasm: &[u8]) -> Result<Module, Error> {
        Module::new(&self.engine, wasm)
    }

    pub(crate) fn start(&self, module: &Module, seed: u64) -> Result<TierupMachine, Outcome> {
        let mut store = Store::new(&self.engine, Host::new(seed));
        let mut tank = (self.fuel == Fuel::On).then(|| Tank(Random::new(seed.rotate_left(32))));
        tank.iter_mut().for_each(|tank| tank.fill(&mut store));
        let instance = instantiate(&mut store, module, (self.mode, seed));
        let instance = instance.map_err(|error| failure(&error))?;
        Ok(TierupMachine { mode: self.mode, store, instance, tank })
    }
}

/// How much fuel the next call has.
struct Tank(Random);

impl Tank {
    fn fill(&mut self, store: &mut Store<Host>) {
        let fuel = some_fuel(&mut self.0);
        store.set_fuel(fuel).expect("the engine's code takes fuel");
    }
}

/// Enough, or just not, or not at all.
pub(crate) fn some_fuel(random: &mut Random) -> u64 {
    match random.below(3) {
        0 => random.below(100),
        1 => random.below(5000),
        _ => 1 << 40,
    }
}

pub(crate) struct TierupMachine {
    mode: Mode,
    store: Store<Host>,
    instance: Instance,
    tank: Option<Tank>,
}

impl Machine for TierupMachine {
    fn call(&mut self, name: &str, params: &[Value]) -> Outcome {
        self.tank.iter_mut().for_each(|tank| tank.fill(&mut self.store));
        let instance = self.instance;
        self.store.scope(|store| match call(store, instance, name, params) {
            Ok(results) => Outcome::Returned(results),
            Err(error) => failure(&error),
        })
    }

    fn observe(&mut self, name: &str) -> Option<Item> {
        let instance = self.instance;
        self.store.scope(|mut store| match instance.export(&mut store, name)? {
            Extern::Func(_) => None,
            Extern::Global(global) => {
                let value = global.get(&mut store);
                Some(Item::Global(from_val(store, value)))
            }
            Extern::Memory(memory) => {
                let bytes = memory.data(&*store);
                Some(Item::Memory(bytes.len(), hash(bytes)))
            }
            Extern::Table(table) => {
                let elements = (0..table.size(&store)).map(|index| {
                    let element = table.get(&mut store, index).expect("the index is inside");
                    from_val(&mut *store, element)
                });
                Some(Item::Table(elements.collect()))
            }
        })
    }

    fn host(&self) -> Host {
        self.store.data().clone()
    }

    fn fuel(&self) -> Option<u64> {
        self.store.get_fuel().ok()
    }

    fn pause(&mut self) {
        if self.mode == Mode::Removed {
            self.store.engine().remove_code();
            self.store.collect();
        }
    }
}

fn call(
    mut store: &mut tierup::StoreContextMut<'_, Host>,
    instance: Instance,
    name: &str,
    params: &[Value],
) -> Result<Vec<Value>, Error> {
    let func = instance.func(&mut store, name).expect("the plan names functions");
    let ty = func.ty(&store);
    let params = params.iter().zip(&ty.params);
    let params: Result<Vec<_>, _> =
        params.map(|(&value, &ty)| to_val(&mut store, value, ty)).collect();
    let mut results: Vec<_> = ty.results.iter().map(|&ty| Val::default_for(ty)).collect();
    func.call(&mut store, &params?, &mut results)?;
    Ok(results.into_iter().map(|value| from_val(&mut *store, value)).collect())
}

fn instantiate(
    store: &mut Store<Host>,
    module: &Module,
    (mode, seed): (Mode, u64),
) -> Result<Instance, Error> {
    let mut imports = Vec::new();
    let mut random = Random::new(!seed);
    // Engines list imports in different orders, but those of one kind in the same.
    let mut functions = 0..;
    for import in module.imports() {
        imports.push(match import.ty {
            ExternType::Func(ty) => {
                let number = functions.next().expect("it has no end");
                import_function(store, ty, (mode, number))?.into()
            }
            ExternType::Memory(ty) => Memory::new(&mut *store, ty)?.into(),
            ExternType::Table(ty) => {
                Table::new(&mut *store, ty, Val::default_for(ty.element))?.into()
            }
            ExternType::Global(ty) => {
                let value = to_val(&mut *store, Value::random(ty.value, &mut random), ty.value)?;
                Global::new(&mut *store, ty, value)?.into()
            }
        });
    }
    Instance::new(store, module, &imports)
}

fn import_function(
    store: &mut Store<Host>,
    ty: FuncType,
    (mode, number): (Mode, usize),
) -> Result<Func, Error> {
    let result_types = ty.results.clone();
    let engine = store.engine().clone();
    // The engine keeps no store alive, and the store's end frees the function.
    Func::new(store, ty, move |mut caller: Caller<'_, Host>, params, results| {
        if mode == Mode::Removed {
            engine.remove_code();
        }
        if let Ok(left) = caller.get_fuel()
            && let Some(fuel) = caller.data_mut().refuel(left)
        {
            caller.set_fuel(fuel)?;
        }
        let params: Vec<_> = params.iter().map(|&value| from_val(&mut caller, value)).collect();
        match caller.data_mut().call(number, &params, &result_types) {
            HostAction::Fail => return Err(Error::host(HostFailure)),
            HostAction::Return(values) => {
                for ((slot, value), &ty) in results.iter_mut().zip(values).zip(&result_types) {
                    *slot = to_val(&mut caller, value, ty)?;
                }
            }
        }
        Ok(())
    })
}

fn to_val(
    store: impl AsContextMut<Data = Host>,
    value: Value,
    ty: tierup::ValType,
) -> Result<Val, Error> {
    use tierup::ValType;
    Ok(match (value, ty) {
        (Value::Bits32(bits), ValType::F32) => Val::F32(bits),
        (Value::Bits32(bits), _) => Val::I32(bits as i32),
        (Value::Bits64(bits), ValType::F64) => Val::F64(bits),
        (Value::Bits64(bits), _) => Val::I64(bits as i64),
        (Value::Bits128(bits), _) => Val::V128(bits),
        (Value::Function(_), _) => Val::FuncRef(None),
        (Value::Extern(None), _) => Val::ExternRef(None),
        (Value::Extern(Some(number)), _) => Val::ExternRef(Some(ExternRef::new(store, number)?)),
    })
}

fn from_val(mut store: impl AsContextMut<Data = Host>, value: Val) -> Value {
    match value {
        Val::I32(value) => Value::Bits32(value as u32),
        Val::F32(bits) => Value::Bits32(bits),
        Val::I64(value) => Value::Bits64(value as u64),
        Val::F64(bits) => Value::Bits64(bits),
        Val::V128(bits) => Value::Bits128(bits),
        Val::FuncRef(func) => Value::Function(func.is_some()),
        Val::ExternRef(value) => Value::Extern(value.map(|value| {
            let store = store.as_context_mut();
            let data = value.data(&store).expect("a value from Wasm is of its store");
            *data.downcast_ref().expect("the host gave numbers only")
        })),
    }
}

fn failure(error: &Error) -> Outcome {
    match error.trap() {
        _ if error.downcast_ref::<HostFailure>().is_some() => Outcome::HostError,
        Some(trap) if trap.kind() != tierup::TrapKind::CompileFailed => Outcome::trap(trap.kind()),
        _ => Outcome::Failed(error.to_string()),
    }
}
