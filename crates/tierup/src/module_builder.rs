//! Modules whose bytes arrive over time.
//!
//! Each piece is decoded as far as it reaches, and the bodies that it completes are dealt with
//! before [`ModuleBuilder::push`] returns, as the module's options say:
//!
//! ```text
//!   compiled as a whole by the quick compiler     validated and compiled in one pass
//!   compiled when called, or by a slow compiler   validated
//!   validated when compiled, and that when called nothing
//! ```
//!
//! So when the last piece comes, little is left to do. A unit for the code is made only then,
//! because until then the module may turn out to be none.
//!
//! * [MB-FIRST] the error is that of the first byte that something is wrong with, and comes with
//!   the piece that shows it; how the bytes are cut makes no difference.
//! * [MB-SAME] a module is the same as if its bytes had been there at once. Only where several
//!   things are wrong with one, [`Module::new`] may tell of another: it looks at bodies last.
//! * [MB-ONCE] a builder that failed fails for ever, with the same error.

use std::ops::Range;

use codespace::{Draft, Installed, Tier};
use tierup_abi::InstanceLayout;
use tierup_compile::CompileError;
use tierup_tiering::{Plan, Subject, Validation};
use tierup_wasm::{Decoder, DefinedFunc, Module as WasmModule};

use crate::{
    Engine, Error, Module, ModuleOptions,
    module::{ModuleInner, NewTiering, compile_error},
    sharing::Source,
};

/// Makes a [`Module`] from bytes that arrive over time, and does as much as it can meanwhile.
///
/// ```
/// # fn main() -> Result<(), tierup::Error> {
/// # let binary = b"\0asm\x01\0\0\0".to_vec();
/// # let mut socket = &*binary;
/// let engine = tierup::Engine::default();
/// let mut builder = tierup::ModuleBuilder::new(&engine);
/// let mut piece = [0; 4096];
/// loop {
///     match std::io::Read::read(&mut socket, &mut piece).unwrap() {
///         0 => break,
///         count => builder.push(&piece[..count])?,
///     }
/// }
/// let module = builder.finish()?;
/// # assert_eq!(module.exports().count(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ModuleBuilder {
    engine: Engine,
    options: ModuleOptions,
    decoder: Decoder,
    plan: Plan,
    on_arrival: OnArrival,
    begun: Option<Begun>,
    /// So many bodies have been dealt with.
    done: u32,
    drafts: Vec<Draft>,
    /// [MB-ONCE]
    invalid: Option<tierup_wasm::Error>,
    /// The first function that could not be compiled, although it is valid.
    uncompiled: Option<(DefinedFunc, CompileError)>,
}

/// What is done with bodies that arrive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OnArrival {
    Compile,
    Validate,
    Nothing,
}

/// What is there from the header of the code section on.
#[derive(Debug)]
struct Begun {
    tiering: NewTiering,
    layout: InstanceLayout,
}

impl Begun {
    /// For a module whose functions are known.
    fn new(plan: &Plan, module: &WasmModule) -> Self {
        let tiering = NewTiering::new(plan.clone(), module.defined_functions());
        Self { tiering, layout: InstanceLayout::new(module) }
    }
}

impl ModuleBuilder {
    /// A builder that has seen nothing.
    pub fn new(engine: &Engine) -> Self {
        Self::with_options(engine, &ModuleOptions::new())
    }

    /// Likewise; the module will be compiled as `options` say.
    pub fn with_options(engine: &Engine, options: &ModuleOptions) -> Self {
        let plan = engine.plan(options);
        let is_eager = !options.is_lazy(engine.config());
        let on_arrival = match plan.validation {
            Validation::Done => OnArrival::Validate,
            Validation::AtCompile if is_eager && plan.first.tier() == Tier::Baseline => {
                OnArrival::Compile
            }
            Validation::AtCompile => OnArrival::Nothing,
        };
        Self {
            engine: engine.clone(),
            options: options.clone(),
            decoder: Decoder::new(),
            plan,
            on_arrival,
            begun: None,
            done: 0,
            drafts: Vec::new(),
            invalid: None,
            uncompiled: None,
        }
    }

    /// Takes the next bytes of the module, which must be in binary form, and does all that can be
    /// done with them.
    ///
    /// # Errors
    ///
    /// If the bytes so far cannot begin a valid module.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(error) = &self.invalid {
            return Err(error.clone().into());
        }
        let decoded = self.decoder.push(bytes);
        // [MB-FIRST] Bodies come before whatever stopped the decoder.
        let result = self.take_bodies().and(decoded.map(drop));
        Ok(result.inspect_err(|error| self.invalid = Some(error.clone()))?)
    }

    /// The module, now that all bytes were pushed.
    ///
    /// # Errors
    ///
    /// As for [`Module::new`].
    pub fn finish(self) -> Result<Module, Error> {
        if let Some(error) = self.invalid {
            return Err(error.into());
        }
        let module = self.decoder.finish()?;
        if self.on_arrival == OnArrival::Validate {
            let helpers = self.engine.helpers().claim();
            let rest = self.done..module.defined_functions();
            module.validate_functions(rest, helpers.threads())?;
        }
        if let Some(failure) = self.uncompiled {
            return Err(compile_error(&module, failure));
        }
        let Begun { tiering, .. } = self.begun.unwrap_or_else(|| Begun::new(&self.plan, &module));
        let (engine, options) = (&self.engine, &self.options);
        let key = Module::key(engine, &Source::Lent(&module.bytes), options);
        Module::get_or_make(engine, (options, key), |key| {
            let inner = ModuleInner::assemble(engine, module, tiering, (options, key))?;
            inner.install_arrived(self.drafts)?;
            if !options.is_lazy(engine.config()) {
                inner.compile_whole()?;
            }
            Ok(inner)
        })
    }

    /// Bytes that have arrived.
    pub fn len(&self) -> usize {
        self.decoder.progress().bytes
    }

    /// True if none have.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bodies that have arrived, and were validated or compiled if that is done on arrival.
    pub fn function_bodies(&self) -> u32 {
        self.done
    }

    /// Deals with the bodies that have arrived since the last time.
    fn take_bodies(&mut self) -> Result<(), tierup_wasm::Error> {
        let progress = self.decoder.progress();
        if progress.bodies <= self.done {
            return Ok(());
        }
        let bodies = self.done..progress.bodies;
        match self.on_arrival {
            OnArrival::Compile if self.uncompiled.is_none() => self.compile(bodies)?,
            // [MB-SAME] An invalid body is told before a valid one that cannot be compiled.
            OnArrival::Compile if self.engine.config().lazy_validation => {}
            OnArrival::Compile | OnArrival::Validate => self.validate(bodies)?,
            OnArrival::Nothing => {}
        }
        self.done = progress.bodies;
        Ok(())
    }

    fn validate(&mut self, bodies: Range<u32>) -> Result<(), tierup_wasm::Error> {
        let helpers = self.engine.helpers().claim();
        self.decoder.arrived().validate_functions(bodies, helpers.threads())
    }

    fn compile(&mut self, bodies: Range<u32>) -> Result<(), tierup_wasm::Error> {
        let helpers = self.engine.helpers().claim();
        let threads = helpers.threads();
        let module = self.decoder.arrived();
        let Begun { tiering, layout } =
            self.begun.get_or_insert_with(|| Begun::new(&self.plan, module));
        let arrived = Arrived { module, layout };
        match tiering.tiering.draft_arrived(&arrived, bodies.clone(), threads) {
            Ok(drafts) => self.drafts.extend(drafts),
            Err(failure) => {
                if !self.engine.config().lazy_validation {
                    arrived.module.validate_functions(bodies, threads)?;
                }
                self.uncompiled = Some(failure);
            }
        }
        Ok(())
    }
}

/// As much of the module as there is. It has no place for code.
#[derive(Debug)]
struct Arrived<'a> {
    module: &'a WasmModule,
    layout: &'a InstanceLayout,
}

impl Subject for Arrived<'_> {
    fn unit(&self) -> u64 {
        0
    }

    fn module(&self) -> &WasmModule {
        self.module
    }

    fn layout(&self) -> &InstanceLayout {
        self.layout
    }

    /// Names come after the code.
    fn name(&self, _: DefinedFunc) -> Option<String> {
        None
    }

    fn tier(&self, _: DefinedFunc) -> Option<Tier> {
        None
    }

    fn suspend(&self, _: DefinedFunc) {}

    fn is_suspended(&self, _: DefinedFunc) -> bool {
        false
    }

    fn replaces(&self, _: DefinedFunc, _: u32) -> bool {
        false
    }

    fn assumptions(&self) -> Option<u64> {
        None
    }

    fn install(&self, _: Vec<Draft>) -> codespace::Result<Option<Vec<Installed>>> {
        Ok(None)
    }
}
