//! Modules: decoded, validated, and with a place for their code.

use std::sync::Arc;

use tierup_runtime::{CompiledModule, ErrorKind, Hooks, LazyError, TrapKind};
use tierup_tiering::{FunctionCompiler, Target, Validation};
use tierup_wasm::{Bytes, DefinedFunc, ExternType};

use crate::{Engine, Error};

/// A module, ready to be instantiated. Cheap to clone.
///
/// ```
/// # fn main() -> Result<(), tierup::Error> {
/// let engine = tierup::Engine::default();
/// let module = tierup::Module::new(&engine, r#"(module (func (export "f")))"#)?;
/// assert_eq!(module.exports().next().unwrap().name, "f");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Module(Arc<ModuleInner>);

#[derive(Debug)]
struct ModuleInner {
    engine: Engine,
    compiled: Arc<CompiledModule>,
    compiler: Arc<LazyHooks>,
}

/// An import of a module.
#[derive(Clone, Debug)]
pub struct ImportType<'a> {
    /// First name.
    pub module: &'a str,
    /// Second name.
    pub name: &'a str,
    /// What is imported.
    pub ty: ExternType,
}

/// An export of a module.
#[derive(Clone, Debug)]
pub struct ExportType<'a> {
    /// Its name.
    pub name: &'a str,
    /// What is exported.
    pub ty: ExternType,
}

impl Module {
    /// A module from its binary or text form.
    ///
    /// # Errors
    ///
    /// If it is malformed or invalid, or there is no room for its code's tables. Without lazy
    /// compilation also if a function cannot be compiled.
    pub fn new(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Self, Error> {
        Self::from_vec(engine, bytes.as_ref().to_vec())
    }

    /// A module from its binary or text form. Binary is kept as it is and not copied.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_vec(engine: &Engine, bytes: Vec<u8>) -> Result<Self, Error> {
        let binary = if is_binary(&bytes) { bytes } else { parse_text(&bytes)? };
        Self::from_bytes(engine, Bytes::from(binary))
    }

    /// A module from its binary form, which is shared and not copied.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_bytes(engine: &Engine, bytes: Bytes) -> Result<Self, Error> {
        let module = tierup_wasm::Module::decode(bytes)?;
        let config = engine.config();
        let validation = match config.lazy_validation {
            true => Validation::AtCompile,
            false => Validation::Done,
        };
        if validation == Validation::Done {
            module.validate_bodies(config.compile_threads)?;
        }
        let compiler = Arc::new(LazyHooks(
            FunctionCompiler::new(
                engine.compiler(),
                engine.settings(),
                validation,
                engine.counters(),
            )
            .with_fallback(engine.fallback()),
        ));
        let compiled = CompiledModule::new(engine.state(), module, Arc::clone(&compiler) as _)?;
        let compiled = Arc::new(compiled);
        engine.add_module(&compiled);
        let module = Self(Arc::new(ModuleInner { engine: engine.clone(), compiled, compiler }));
        if !config.lazy {
            module.compile()?;
        }
        Ok(module)
    }

    /// Checks that `bytes` are a valid module in binary form.
    ///
    /// # Errors
    ///
    /// If they are not.
    pub fn validate(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        let module = tierup_wasm::Module::decode(Bytes::from(bytes.as_ref().to_vec()))?;
        Ok(module.validate_bodies(engine.config().compile_threads)?)
    }

    /// Compiles all functions that have no code, on the engine's compile threads.
    ///
    /// # Errors
    ///
    /// If one cannot be compiled: the first by its index. The others have code.
    pub fn compile(&self) -> Result<(), Error> {
        let target = target(&self.0.compiled);
        let threads = self.0.engine.config().compile_threads;
        self.0.compiler.0.compile_all(target, threads).map_err(|(function, error)| {
            let function = target.module.function(function).0;
            ErrorKind::Compile { function, message: error.to_string() }.into()
        })
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Its name, from the name section.
    pub fn name(&self) -> Option<&str> {
        self.0.compiled.info().names().module()
    }

    /// What it imports, in order.
    pub fn imports(&self) -> impl Iterator<Item = ImportType<'_>> {
        let wasm = self.0.compiled.module();
        wasm.imports.iter().map(|import| ImportType {
            module: &import.module,
            name: &import.name,
            ty: wasm.entity_type(import.entity),
        })
    }

    /// What it exports, in order.
    pub fn exports(&self) -> impl Iterator<Item = ExportType<'_>> {
        let wasm = self.0.compiled.module();
        wasm.exports
            .iter()
            .map(|export| ExportType { name: &export.name, ty: wasm.entity_type(export.entity) })
    }

    /// The type of an export.
    pub fn export(&self, name: &str) -> Option<ExternType> {
        let entity = self.0.compiled.info().export(name)?;
        Some(self.0.compiled.module().entity_type(entity))
    }

    /// Contents of the custom sections of that name.
    pub fn custom_sections<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let wasm = self.0.compiled.module();
        let sections = wasm.custom_sections.iter().filter(move |(found, _)| found == name);
        sections.map(|(_, range)| &wasm.bytes[range.clone()])
    }

    pub(crate) fn compiled(&self) -> &Arc<CompiledModule> {
        &self.0.compiled
    }
}

/// Connects the runtime to tiering.
#[derive(Debug)]
struct LazyHooks(FunctionCompiler);

impl Hooks for LazyHooks {
    fn compile_lazily(
        &self,
        module: &CompiledModule,
        function: DefinedFunc,
    ) -> Result<(), LazyError> {
        self.0.compile_now(target(module), function).map_err(|error| {
            let index = module.module().function(function).0;
            LazyError {
                kind: TrapKind::CompileFailed,
                message: format!("function {index}: {error}"),
            }
        })
    }
}

fn target(module: &CompiledModule) -> Target<'_> {
    Target { module: module.module(), layout: module.info().layout(), unit: module.unit() }
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0") || bytes.is_empty() || std::str::from_utf8(bytes).is_err()
}

fn parse_text(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let parsed = wat::parse_bytes(bytes);
    Ok(parsed.map_err(|error| ErrorKind::Text(error.to_string()))?.into_owned())
}
