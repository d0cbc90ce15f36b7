//! Runs in wasmi: another decoder, another validator of limits, another way to execute.
#![forbid(unsafe_code)]

use tierup::TrapKind;
use wasmi::{
    AsContextMut, Config, Engine, Error, Extern, ExternRef, ExternType, F32, F64, Func, FuncType,
    Global, Instance, Memory, Module, Nullable, Ref, Store, Table, TrapCode, V128, Val, ValType,
    errors::{ErrorKind, InstantiationError},
};

use crate::{
    Random,
    observe::{Host, HostAction, HostFailure, Item, Machine, Outcome, Value, hash},
};

/// The other engine.
#[derive(Debug)]
pub(crate) struct WasmiEngine(Engine);

impl WasmiEngine {
    pub(crate) fn new() -> Self {
        let mut config = Config::default();
        config
            .wasm_multi_memory(true)
            .wasm_tail_call(true)
            .wasm_extended_const(true)
            .wasm_simd(true)
            .wasm_relaxed_simd(false)
            .wasm_memory64(false)
            .wasm_custom_page_sizes(false)
            .wasm_wide_arithmetic(false)
            .set_max_recursion_depth(10_000);
        Self(Engine::new(&config))
    }

    pub(crate) fn module(&self, wasm: &[u8]) -> Result<Module, Error> {
        Module::new(&self.0, wasm)
    }

    pub(crate) fn start(&self, module: &Module, seed: u64) -> Result<WasmiMachine, Outcome> {
        let mut store = Store::new(&self.0, Host::new(seed));
        let instance = instantiate(&mut store, module, seed);
        let instance = instance.map_err(|error| failure(&error))?;
        Ok(WasmiMachine { store, instance })
    }
}

pub(crate) struct WasmiMachine {
    store: Store<Host>,
    instance: Instance,
}

impl Machine for WasmiMachine {
    fn call(&mut self, name: &str, params: &[Value]) -> Outcome {
        let store = &mut self.store;
        let func = self.instance.get_func(&*store, name).expect("the plan names functions");
        let ty = func.ty(&*store);
        let params = params.iter().zip(ty.params());
        let params: Vec<_> = params.map(|(&value, &ty)| to_val(&mut *store, value, ty)).collect();
        let mut results: Vec<_> = ty.results().iter().map(|&ty| Val::default_for_ty(ty)).collect();
        match func.call(&mut *store, &params, &mut results) {
            Ok(()) => {
                Outcome::Returned(results.iter().map(|value| from_val(&*store, value)).collect())
            }
            Err(error) => failure(&error),
        }
    }

    fn observe(&mut self, name: &str) -> Option<Item> {
        let store = &self.store;
        match self.instance.get_export(store, name)? {
            Extern::Func(_) => None,
            Extern::Global(global) => Some(Item::Global(from_val(store, &global.get(store)))),
            Extern::Memory(memory) => {
                let bytes = memory.data(store);
                Some(Item::Memory(bytes.len(), hash(bytes)))
            }
            Extern::Table(table) => {
                let elements = (0..table.size(store)).map(|index| {
                    let element = table.get(store, index).expect("the index is inside");
                    from_ref(store, &element)
                });
                Some(Item::Table(elements.collect()))
            }
        }
    }

    fn host(&self) -> Host {
        self.store.data().clone()
    }
}

fn instantiate(store: &mut Store<Host>, module: &Module, seed: u64) -> Result<Instance, Error> {
    let mut imports: Vec<Extern> = Vec::new();
    let mut random = Random::new(!seed);
    let mut functions = 0..;
    for import in module.imports() {
        imports.push(match import.ty() {
            ExternType::Func(ty) => {
                let number = functions.next().expect("it has no end");
                import_function(store, ty, number).into()
            }
            ExternType::Memory(ty) => Memory::new(&mut *store, *ty)?.into(),
            ExternType::Table(ty) => Table::new(&mut *store, *ty, Ref::null(ty.element()))?.into(),
            ExternType::Global(ty) => {
                let value = Value::random(in_tierup(ty.content()), &mut random);
                let value = to_val(&mut *store, value, ty.content());
                Global::new(&mut *store, value, ty.mutability()).into()
            }
        });
    }
    Instance::new(store, module, &imports)
}

fn import_function(store: &mut Store<Host>, ty: &FuncType, number: usize) -> Func {
    let types: Vec<_> = ty.results().to_vec();
    let shared: Vec<_> = types.iter().map(|&ty| in_tierup(ty)).collect();
    Func::new(store, ty.clone(), move |mut caller, params, results| {
        let params: Vec<_> = params.iter().map(|value| from_val(&caller, value)).collect();
        let host: &mut Host = caller.data_mut();
        match host.call(number, &params, &shared) {
            HostAction::Fail => return Err(Error::host(HostFailure)),
            HostAction::Return(values) => {
                for ((slot, value), &ty) in results.iter_mut().zip(values).zip(&types) {
                    *slot = to_val(&mut caller, value, ty);
                }
            }
        }
        Ok(())
    })
}

fn in_tierup(ty: ValType) -> tierup::ValType {
    match ty {
        ValType::I32 => tierup::ValType::I32,
        ValType::I64 => tierup::ValType::I64,
        ValType::F32 => tierup::ValType::F32,
        ValType::F64 => tierup::ValType::F64,
        ValType::V128 => tierup::ValType::V128,
        ValType::FuncRef => tierup::ValType::FuncRef,
        ValType::ExternRef => tierup::ValType::ExternRef,
    }
}

fn to_val(store: impl AsContextMut<Data = Host>, value: Value, ty: ValType) -> Val {
    match (value, ty) {
        (Value::Bits32(bits), ValType::F32) => Val::F32(F32::from_bits(bits)),
        (Value::Bits32(bits), _) => Val::I32(bits as i32),
        (Value::Bits64(bits), ValType::F64) => Val::F64(F64::from_bits(bits)),
        (Value::Bits64(bits), _) => Val::I64(bits as i64),
        (Value::Bits128(bits), _) => Val::V128(V128::from(bits)),
        (Value::Function(_), _) => Val::FuncRef(Nullable::Null),
        (Value::Extern(None), _) => Val::ExternRef(Nullable::Null),
        (Value::Extern(Some(number)), _) => {
            Val::ExternRef(Nullable::Val(ExternRef::new(store, number)))
        }
    }
}

fn from_val(store: impl wasmi::AsContext<Data = Host>, value: &Val) -> Value {
    match value {
        Val::I32(value) => Value::Bits32(*value as u32),
        Val::F32(value) => Value::Bits32(value.to_bits()),
        Val::I64(value) => Value::Bits64(*value as u64),
        Val::F64(value) => Value::Bits64(value.to_bits()),
        Val::V128(value) => Value::Bits128(value.as_u128()),
        Val::FuncRef(func) => from_ref(store, &Ref::Func(*func)),
        Val::ExternRef(value) => from_ref(store, &Ref::Extern(*value)),
    }
}

fn from_ref(store: impl wasmi::AsContext<Data = Host>, value: &Ref) -> Value {
    match value {
        Ref::Func(func) => Value::Function(!func.is_null()),
        Ref::Extern(Nullable::Null) => Value::Extern(None),
        Ref::Extern(Nullable::Val(value)) => {
            let number = value.data(store.as_context()).downcast_ref();
            Value::Extern(Some(*number.expect("the host gave numbers only")))
        }
    }
}

fn failure(error: &Error) -> Outcome {
    match error.kind() {
        ErrorKind::TrapCode(code) => trap(*code),
        ErrorKind::Host(_) => Outcome::HostError,
        ErrorKind::Memory(_) => Outcome::Trapped(TrapKind::MemoryOutOfBounds),
        ErrorKind::Table(_)
        | ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            Outcome::Trapped(TrapKind::TableOutOfBounds)
        }
        _ => Outcome::Failed(error.to_string()),
    }
}

fn trap(code: TrapCode) -> Outcome {
    Outcome::trap(match code {
        TrapCode::UnreachableCodeReached => TrapKind::Unreachable,
        TrapCode::MemoryOutOfBounds => TrapKind::MemoryOutOfBounds,
        TrapCode::TableOutOfBounds => TrapKind::TableOutOfBounds,
        TrapCode::IndirectCallToNull => TrapKind::UninitializedElement,
        TrapCode::IntegerDivisionByZero => TrapKind::IntegerDivideByZero,
        TrapCode::IntegerOverflow => TrapKind::IntegerOverflow,
        TrapCode::BadConversionToInteger => TrapKind::InvalidConversion,
        TrapCode::StackOverflow => TrapKind::StackOverflow,
        TrapCode::BadSignature => TrapKind::IndirectCallTypeMismatch,
        code => return Outcome::Failed(code.to_string()),
    })
}
