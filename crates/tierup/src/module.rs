//! Modules: decoded, validated, and with a place for their code.

use std::sync::Arc;

use codespace::{Draft, Filter, Removed};
use tierup_compile::{CompileError, Estimate};
use tierup_runtime::{CompiledModule, ErrorKind};
use tierup_tiering::{ModuleTiering, Plan, Validation};
use tierup_wasm::{Bytes, DefinedFunc, Entity, ExternType, FuncIndex, Section};

use crate::{
    CompilerStrategy, Config, Engine, Error, FunctionCode, MemoryStats, ModuleStats, Tenant,
    hooks::{ModuleHooks, ModuleSubject},
    sharing::{Handle, ModuleKey, Source, Way},
};

/// A module, ready to be instantiated. Cheap to clone.
///
/// Modules of an engine that are made from the same bytes in the same way share their code, as if
/// they were clones: it is compiled once, and flushed for all of them. See
/// [`Config::share_modules`].
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
pub struct Module(Arc<Handle>);

/// What equal modules share.
#[derive(Debug)]
pub(crate) struct ModuleInner {
    engine: Engine,
    compiled: Arc<CompiledModule>,
    tiering: Arc<ModuleTiering>,
    /// None if it is not shared.
    key: Option<ModuleKey>,
}

/// How one module is made, where it differs from its engine.
///
/// ```
/// # fn main() -> Result<(), tierup::Error> {
/// use tierup::{CompilerStrategy, Engine, Module, ModuleOptions};
///
/// let mut options = ModuleOptions::new();
/// options.strategy(CompilerStrategy::Optimizing);
/// let module = Module::with_options(&Engine::default(), "(module)", &options)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModuleOptions {
    strategy: Option<CompilerStrategy>,
    lazy: Option<bool>,
    tenant: Option<Tenant>,
}

impl ModuleOptions {
    /// Everything as the engine has it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Which compilers make the module's code.
    pub fn strategy(&mut self, strategy: CompilerStrategy) -> &mut Self {
        self.strategy = Some(strategy);
        self
    }

    /// Whether its functions are compiled when they are first called.
    #[expect(clippy::fn_params_excessive_bools, reason = "the setter of a switch")]
    pub fn lazy(&mut self, lazy: bool) -> &mut Self {
        self.lazy = Some(lazy);
        self
    }

    /// Who pays for the module's code. What the tenant's limit does not allow is an error, or a
    /// trap where a function is compiled when it is called.
    pub fn tenant(&mut self, tenant: &Tenant) -> &mut Self {
        self.tenant = Some(tenant.clone());
        self
    }

    /// What of this makes modules of one engine differ. [SHA-KEY]
    fn way(&self, config: &Config) -> Way {
        // All fields: one that is new is not to be forgotten here.
        let Self { strategy: _, lazy: _, tenant } = self;
        Way {
            strategy: self.chosen_strategy(config),
            lazy: self.is_lazy(config),
            tenant: tenant.as_ref().map(|tenant| tenant.inner().id()),
        }
    }

    pub(crate) fn is_lazy(&self, config: &Config) -> bool {
        self.lazy.unwrap_or(config.lazy)
    }

    pub(crate) fn chosen_strategy(&self, config: &Config) -> CompilerStrategy {
        self.strategy.unwrap_or(config.strategy)
    }
}

/// Tiering for a module that is not there yet.
#[derive(Debug)]
pub(crate) struct NewTiering {
    pub(crate) tiering: Arc<ModuleTiering>,
    subject: Arc<ModuleSubject>,
}

impl NewTiering {
    pub(crate) fn new(plan: Plan, functions: u32) -> Self {
        let subject = Arc::<ModuleSubject>::default();
        Self { tiering: ModuleTiering::new(plan, Arc::clone(&subject) as _, functions), subject }
    }
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
        Self::with_options(engine, bytes, &ModuleOptions::new())
    }

    /// A module from its binary or text form, compiled as `options` say.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn with_options(
        engine: &Engine,
        bytes: impl AsRef<[u8]>,
        options: &ModuleOptions,
    ) -> Result<Self, Error> {
        let bytes = bytes.as_ref();
        let source = match is_binary(bytes) {
            true => Source::Lent(bytes),
            false => Source::Own(parse_text(bytes)?.into()),
        };
        Self::make(engine, source, options)
    }

    /// A module from its binary or text form. Binary is kept as it is and not copied.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_vec(engine: &Engine, bytes: Vec<u8>) -> Result<Self, Error> {
        Self::from_bytes(engine, Bytes::from(into_binary(bytes)?))
    }

    /// A module from its binary form, which is shared and not copied.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn from_bytes(engine: &Engine, bytes: Bytes) -> Result<Self, Error> {
        Self::make(engine, Source::Own(bytes), &ModuleOptions::new())
    }

    fn make(engine: &Engine, source: Source<'_>, options: &ModuleOptions) -> Result<Self, Error> {
        let key = Self::key(engine, &source, options);
        let make = |key| ModuleInner::new(engine, source.into(), (options, key));
        Self::get_or_make(engine, (options, key), make)
    }

    /// What an equal module would have, if the engine shares modules.
    pub(crate) fn key(
        engine: &Engine,
        source: &Source<'_>,
        options: &ModuleOptions,
    ) -> Option<ModuleKey> {
        engine.shared_modules()?;
        let helpers = engine.helpers().claim();
        Some(ModuleKey::new(source, options.way(engine.config()), helpers.threads()))
    }

    /// A module that has the code of an equal one, or of what `make` makes.
    pub(crate) fn get_or_make(
        engine: &Engine,
        (options, key): (&ModuleOptions, Option<ModuleKey>),
        make: impl FnOnce(Option<ModuleKey>) -> Result<Arc<ModuleInner>, Error>,
    ) -> Result<Self, Error> {
        let inner = match engine.shared_modules().zip(key) {
            Some((shared, key)) => {
                let (inner, is_made) = shared.get_or_make(&key, || make(Some(key.clone())))?;
                if !is_made && !options.is_lazy(engine.config()) {
                    // It may have been flushed meanwhile.
                    inner.compile_whole()?;
                }
                inner
            }
            None => make(None)?,
        };
        Ok(Self(Arc::new(Handle::new(inner))))
    }

    /// Checks that `bytes` are a valid module in binary form.
    ///
    /// # Errors
    ///
    /// If they are not.
    pub fn validate(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        let module = tierup_wasm::Module::decode(Bytes::from(bytes.as_ref().to_vec()))?;
        Ok(module.validate_bodies(engine.helpers().claim().threads())?)
    }

    /// Takes code away from the module's functions, pinned or not, and says how much that was. They
    /// are compiled again when they are called. Equal modules have the same functions. See
    /// [`Engine::flush`].
    pub fn flush(&self, filter: Filter) -> Removed {
        self.0.engine.state().remove_code(&self.0.compiled, filter)
    }

    /// What became of its code, and what it occupies. Takes no lock.
    pub fn stats(&self) -> ModuleStats {
        let ModuleInner { compiled, tiering, .. } = &**self.0;
        ModuleStats {
            unit: compiled.unit().id(),
            code: compiled.unit().stats(),
            memory: MemoryStats::of_module(compiled, tiering),
        }
    }

    /// Keeps the module's code whatever is flushed, also to stay under the limit on code memory;
    /// until [`Self::unpin`], or until the last clone of this module is dropped. Pins of equal
    /// modules, made from the same bytes by themselves, are counted apart.
    pub fn pin(&self) {
        self.0.pin();
    }

    /// Lets the module's code be flushed again, unless an equal module is pinned.
    pub fn unpin(&self) {
        self.0.unpin();
    }

    /// Whether its code is kept, because it is pinned or an equal module is.
    pub fn is_pinned(&self) -> bool {
        self.0.compiled().unit().is_pinned()
    }

    /// Whether both have the same code: clones have, and equal modules that are shared.
    pub fn shares_code(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.0.compiled(), other.0.compiled())
    }

    /// Name of the tenant that pays for its code; `default` if it was made for nobody in particular.
    pub fn tenant_name(&self) -> &str {
        self.0.compiled().unit().tenant().name()
    }

    /// Compiles all functions that have no code, on the engine's compile threads.
    ///
    /// # Errors
    ///
    /// If one cannot be compiled: the first by its index. The others have code.
    pub fn compile(&self) -> Result<(), Error> {
        self.0.compile()
    }

    /// Gives all functions their best code now, on this thread.
    ///
    /// # Errors
    ///
    /// If one cannot be compiled: the first by its index. It stays as it is; the others have their
    /// best code.
    pub fn tier_up(&self) -> Result<(), Error> {
        self.0.tiering.tier_up_all().map_err(|failure| self.0.compile_error(failure))
    }

    /// Gives a function its best code now, on this thread.
    ///
    /// # Errors
    ///
    /// If the module does not define it, or it cannot be compiled. It stays as it is.
    pub fn tier_up_function(&self, function: u32) -> Result<(), Error> {
        let defined = self.defined(function).ok_or(ErrorKind::OutOfBounds("function"))?;
        let result = self.0.tiering.tier_up(defined);
        result.map_err(|error| self.0.compile_error((defined, error)))
    }

    /// Asks for a function's best code, which threads of the engine make in the background. If the
    /// engine has none, it is made now.
    ///
    /// # Errors
    ///
    /// If the module does not define it, or what is compiled now cannot be.
    pub fn request_tier_up(&self, function: u32) -> Result<(), Error> {
        let defined = self.defined(function).ok_or(ErrorKind::OutOfBounds("function"))?;
        let result = self.0.tiering.request_tier_up(defined);
        result.map_err(|error| self.0.compile_error((defined, error)))
    }

    /// Compiles one function, if it has no code.
    ///
    /// # Errors
    ///
    /// If the module does not define it, or it cannot be compiled.
    pub fn compile_function(&self, function: u32) -> Result<(), Error> {
        let defined = self.defined(function).ok_or(ErrorKind::OutOfBounds("function"))?;
        let result = self.0.tiering.compile_now(defined);
        result.map_err(|error| self.0.compile_error((defined, error)))
    }

    /// The code that callers of a function reach now; `None` if it has none.
    pub fn function_code(&self, function: u32) -> Option<FunctionCode> {
        let code = self.0.compiled.unit().code(self.defined(function)?.0)?;
        Some(FunctionCode::new(self.clone(), code))
    }

    /// The number of functions, imported ones among them.
    pub fn function_count(&self) -> u32 {
        self.0.compiled.module().functions.len() as u32
    }

    /// The number of imported functions, which come first.
    pub fn imported_function_count(&self) -> u32 {
        self.0.compiled.module().imported_functions
    }

    /// The name of a function, from the name section or an export.
    pub fn function_name(&self, function: u32) -> Option<&str> {
        let wasm = self.0.compiled.module();
        let function = FuncIndex(function);
        let export = || wasm.exports.iter().find(|export| export.entity == Entity::Func(function));
        let name = self.0.compiled.info().names().function(function);
        name.or_else(|| export().map(|export| export.name.as_str()))
    }

    /// How much code and metadata the module has if all of its functions are compiled, estimated
    /// from the size of their bodies.
    pub fn estimate(&self) -> Estimate {
        Estimate::of(self.0.compiled.module())
    }

    /// Bytes of a function's body, locals included; `None` if the module does not define it.
    pub fn function_body_size(&self, function: u32) -> Option<usize> {
        Some(self.0.compiled.module().body(self.defined(function)?).len())
    }

    fn defined(&self, function: u32) -> Option<DefinedFunc> {
        let wasm = self.0.compiled.module();
        wasm.defined(FuncIndex(function)).filter(|defined| defined.0 < wasm.defined_functions())
    }

    /// In how many arenas of code memory its code lies.
    pub fn code_spaces(&self) -> usize {
        self.0.compiled.unit().arenas()
    }

    /// True if `other` is the same module: a clone of it, not an equal one.
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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

    /// The number by which [`CodeMap`](crate::CodeMap) and events name the module's code.
    pub fn unit(&self) -> u64 {
        self.0.compiled.unit().id()
    }

    /// Its binary form, also if it was made from text.
    pub fn bytes(&self) -> &Bytes {
        &self.0.compiled.module().bytes
    }

    /// The sections of its binary form, in order.
    pub fn sections(&self) -> Vec<Section> {
        self.0.compiled.module().sections()
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

impl ModuleInner {
    fn new(
        engine: &Engine,
        bytes: Bytes,
        (options, key): (&ModuleOptions, Option<ModuleKey>),
    ) -> Result<Arc<Self>, Error> {
        let module = tierup_wasm::Module::decode(bytes)?;
        let config = engine.config();
        let plan = engine.plan(options);
        if plan.validation == Validation::Done {
            module.validate_bodies(engine.helpers().claim().threads())?;
        }
        let tiering = NewTiering::new(plan, module.defined_functions());
        let inner = Self::assemble(engine, module, tiering, (options, key))?;
        if !options.is_lazy(config) {
            inner.compile_whole()?;
        }
        Ok(inner)
    }

    /// A module without any code, whose bodies are as valid as its tiering thinks they are.
    pub(crate) fn assemble(
        engine: &Engine,
        module: tierup_wasm::Module,
        NewTiering { tiering, subject }: NewTiering,
        (options, key): (&ModuleOptions, Option<ModuleKey>),
    ) -> Result<Arc<Self>, Error> {
        let tenant = options.tenant.as_ref().map(Tenant::inner);
        let hooks = Arc::new(ModuleHooks(Arc::clone(&tiering)));
        let strategy = options.chosen_strategy(engine.config());
        let expected_code = expected_code(&Estimate::of(&module), strategy);
        let state = engine.state();
        let compiled = CompiledModule::new(state, tenant, module, hooks, expected_code)?;
        let compiled = Arc::new(compiled);
        subject.set(&compiled);
        Ok(Arc::new(Self { engine: engine.clone(), compiled, tiering, key }))
    }

    /// Gives it code that was compiled before it was there.
    pub(crate) fn install_arrived(&self, drafts: Vec<Draft>) -> Result<(), Error> {
        self.tiering.install_arrived(drafts).map_err(|failure| self.compile_error(failure))
    }

    /// Compiles a new module. Its bodies may be validated on the way, but whatever stops the
    /// compiler, an invalid body is the first to be reported.
    pub(crate) fn compile_whole(&self) -> Result<(), Error> {
        let config = self.engine.config();
        let compiled = self.compile();
        if compiled.is_err() && !config.lazy_validation {
            let helpers = self.engine.helpers().claim();
            self.compiled.module().validate_bodies(helpers.threads())?;
        }
        compiled
    }

    fn compile(&self) -> Result<(), Error> {
        let helpers = self.engine.helpers().claim();
        let compiled = self.tiering.compile_all(helpers.threads());
        compiled.map_err(|failure| self.compile_error(failure))
    }

    pub(crate) fn compiled(&self) -> &Arc<CompiledModule> {
        &self.compiled
    }

    fn compile_error(&self, failure: (DefinedFunc, CompileError)) -> Error {
        compile_error(self.compiled.module(), failure)
    }
}

/// A function of a module could not be compiled.
pub(crate) fn compile_error(
    module: &tierup_wasm::Module,
    (function, error): (DefinedFunc, CompileError),
) -> Error {
    let function = module.function(function).0;
    ErrorKind::Compile { function, message: error.to_string() }.into()
}

impl Drop for ModuleInner {
    fn drop(&mut self) {
        if self.engine.state().is_inherited() {
            // A lock of the parent's may be held for ever.
            return;
        }
        if let (Some(key), Some(shared)) = (&self.key, self.engine.shared_modules()) {
            shared.forget(key);
        }
    }
}

/// Bytes of code that an arena should have room for.
fn expected_code(estimate: &Estimate, strategy: CompilerStrategy) -> usize {
    match strategy {
        CompilerStrategy::Tiered => estimate.tiered_code_bytes(),
        CompilerStrategy::Baseline => estimate.baseline.code_bytes,
        CompilerStrategy::Optimizing => estimate.optimized.code_bytes,
    }
}

fn into_binary(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    if is_binary(&bytes) { Ok(bytes) } else { parse_text(&bytes) }
}

fn is_binary(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\0") || bytes.is_empty() || std::str::from_utf8(bytes).is_err()
}

fn parse_text(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let parsed = wat::parse_bytes(bytes);
    Ok(parsed.map_err(|error| ErrorKind::Text(error.to_string()))?.into_owned())
}
