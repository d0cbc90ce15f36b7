//! One module, all engines, the same calls: whoever sees a difference has found a fault.
//!
//! ```text
//!             plan: f(1, 2)   g(-1)   f(0, 7) ...
//!                     |         |        |
//!   Tierup, lazy      o====o====o===o====o      o outcome: results or kind of trap
//!   Tierup, eager     o====o====o===o====o      = exports and what the host saw
//!   ...
//!   wasmi             o====o====o===o====o
//! ```
//!
//! A call that used its fuel up leaves nothing for the next: all start again with new instances.
//! When one runs out of stack the others need not, and the rest of the module is skipped.
#![forbid(unsafe_code)]

use std::fmt;

use tierup::{Error, ExternType, Module, TrapKind, ValType};

use crate::{
    Fuel, Mode, Random,
    in_tierup::TierupEngine,
    in_wasmi::WasmiEngine,
    observe::{Machine, Outcome, Value},
    wasmi_faults,
};

/// All engines.
#[derive(Debug)]
pub struct Contest {
    ours: Vec<TierupEngine>,
    /// None where it cannot compete.
    other: Option<WasmiEngine>,
}

/// What was compared.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Calls that ended the same in all engines.
    pub calls: u32,
    /// Of these, those that returned.
    pub returned: u32,
    /// Those that used their fuel up.
    pub out_of_fuel: u32,
    /// Modules that were left because somebody's stack was used up.
    pub exhausted: u32,
    /// Modules that wasmi refused.
    pub refused: u32,
    /// Modules that wasmi would have run wrongly.
    pub spared: u32,
    /// Modules that cannot be instantiated, which was the same everywhere.
    pub stillborn: u32,
}

/// A difference, or a failure of one engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mismatch(String);

/// Calls of one module.
const MOST_CALLS: usize = 24;

struct Planned {
    name: String,
    params: Vec<ValType>,
}

struct Running<'a> {
    name: String,
    start: Box<Start<'a>>,
}

/// Makes an instance and a host of that seed.
type Start<'a> = dyn Fn(u64) -> Result<Box<dyn Machine>, Outcome> + 'a;

type Machines = Vec<Box<dyn Machine>>;

impl Contest {
    /// All engines, made once for many modules.
    ///
    /// # Errors
    ///
    /// If this machine cannot run one of them.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { ours: ours(Fuel::Off)?, other: Some(WasmiEngine::new()) })
    }

    /// Our own engines, whose code takes fuel: who else has other prices. The host looks at what
    /// is left in each of its functions, and sometimes gives more.
    ///
    /// # Errors
    ///
    /// If this machine cannot run one of them.
    pub fn with_fuel() -> Result<Self, Error> {
        Ok(Self { ours: ours(Fuel::On)?, other: None })
    }

    /// What the first compilers left to others since then, by reason.
    pub fn bailouts(&self) -> Vec<(String, u64)> {
        self.ours.iter().flat_map(TierupEngine::bailouts).collect()
    }

    /// Runs a module with arguments that follow from `seed`.
    ///
    /// # Errors
    ///
    /// The first difference.
    pub fn run(&self, wasm: &[u8], seed: u64) -> Result<Summary, Mismatch> {
        let mut summary = Summary::default();
        let mut modules = Vec::new();
        for engine in &self.ours {
            let module = engine.module(wasm);
            modules.push(module.map_err(|error| {
                Mismatch(format!("{:?} refuses the module: {error}", engine.mode()))
            })?);
        }
        let theirs = self.other.as_ref().map(|other| (other, other.module(wasm)));
        let mut engines: Vec<_> = self.ours.iter().zip(&modules).map(in_tierup).collect();
        match &theirs {
            None => {}
            Some(_) if wasmi_faults::concern(wasm) => summary.spared = 1,
            Some((other, Ok(module))) => engines.push(Running {
                name: "wasmi".to_owned(),
                start: Box::new(|seed| Ok(Box::new(other.start(module, seed)?))),
            }),
            Some((_, Err(_))) => summary.refused = 1,
        }
        let exports: Vec<_> = modules[0].exports().map(|export| export.name).collect();
        let calls = plan(&modules[0], seed);
        Round { engines: &engines, exports: &exports, seed }.run(&calls, &mut summary)?;
        Ok(summary)
    }
}

fn ours(fuel: Fuel) -> Result<Vec<TierupEngine>, Error> {
    Mode::ALL.into_iter().map(|mode| TierupEngine::new(mode, fuel)).collect()
}

fn in_tierup<'a>((engine, module): (&'a TierupEngine, &'a Module)) -> Running<'a> {
    Running {
        name: format!("{:?}", engine.mode()),
        start: Box::new(|seed| Ok(Box::new(engine.start(module, seed)?))),
    }
}

/// Every exported function twice, in the module's order; not more than [`MOST_CALLS`].
fn plan(module: &Module, seed: u64) -> Vec<Planned> {
    let functions = module.exports().filter_map(|export| match export.ty {
        ExternType::Func(ty) => Some((export.name, ty)),
        _ => None,
    });
    let functions: Vec<_> = functions.collect();
    let (first, count) = (seed as usize, functions.len());
    let order = (0..(2 * count).min(MOST_CALLS)).map(|call| &functions[(first + call) % count]);
    order
        .map(|(name, ty)| Planned { name: (*name).to_owned(), params: ty.params.to_vec() })
        .collect()
}

struct Round<'a> {
    engines: &'a [Running<'a>],
    exports: &'a [&'a str],
    seed: u64,
}

impl Round<'_> {
    fn run(&self, calls: &[Planned], summary: &mut Summary) -> Result<(), Mismatch> {
        let mut random = Random::new(self.seed);
        let Some(mut machines) = self.start(summary)? else { return Ok(()) };
        for call in calls {
            let params: Vec<_> =
                call.params.iter().map(|&ty| Value::random(ty, &mut random)).collect();
            let outcomes = machines.iter_mut().map(|machine| machine.call(&call.name, &params));
            let outcomes: Vec<_> = outcomes.collect();
            if outcomes.contains(&Outcome::Exhausted) {
                summary.exhausted += 1;
                return Ok(());
            }
            let place = || format!("after {} of {params:x?}", call.name);
            self.agree(&outcomes, &place)?;
            self.compare_state(&mut machines, &place)?;
            summary.calls += 1;
            summary.returned += u32::from(matches!(outcomes[0], Outcome::Returned(_)));
            summary.out_of_fuel += u32::from(outcomes[0] == Outcome::Trapped(TrapKind::OutOfFuel));
            if outcomes[0] == Outcome::Trapped(TrapKind::Unreachable) {
                let Some(fresh) = self.start(summary)? else { return Ok(()) };
                machines = fresh;
            }
            machines.iter_mut().for_each(|machine| machine.pause());
        }
        Ok(())
    }

    /// New instances in all engines; `None` if they agree that there can be none.
    fn start(&self, summary: &mut Summary) -> Result<Option<Machines>, Mismatch> {
        let started = self.engines.iter().map(|engine| (engine.start)(self.seed));
        let (mut machines, mut outcomes) = (Vec::new(), Vec::new());
        for start in started {
            match start {
                Ok(machine) => {
                    machines.push(machine);
                    outcomes.push(Outcome::Returned(Vec::new()));
                }
                Err(outcome) => outcomes.push(outcome),
            }
        }
        if outcomes.contains(&Outcome::Exhausted) {
            summary.exhausted += 1;
            return Ok(None);
        }
        let place = || "after instantiation".to_owned();
        self.agree(&outcomes, &place)?;
        if machines.is_empty() {
            summary.stillborn += 1;
            return Ok(None);
        }
        self.compare_state(&mut machines, &place)?;
        Ok(Some(machines))
    }

    fn compare_state(
        &self,
        machines: &mut Machines,
        place: &dyn Fn() -> String,
    ) -> Result<(), Mismatch> {
        for export in self.exports {
            let items: Vec<_> =
                machines.iter_mut().map(|machine| machine.observe(export)).collect();
            self.agree(&items, &|| format!("{}, export {export:?}", place()))?;
        }
        let hosts: Vec<_> = machines.iter().map(|machine| machine.host()).collect();
        self.agree(&hosts, &|| format!("{}, host", place()))?;
        let fuel: Vec<_> = machines.iter().map(|machine| machine.fuel()).collect();
        self.agree(&fuel, &|| format!("{}, fuel", place()))
    }

    /// Checks that all engines saw the same, and that it can be.
    fn agree<T: PartialEq + fmt::Debug + 'static>(
        &self,
        seen: &[T],
        place: &dyn Fn() -> String,
    ) -> Result<(), Mismatch> {
        for (engine, found) in self.engines.iter().zip(seen) {
            let (first, expected) = (&self.engines[0].name, &seen[0]);
            let failed = (found as &dyn std::any::Any).downcast_ref();
            if found != expected || matches!(failed, Some(Outcome::Failed(_))) {
                let name = &engine.name;
                return Err(Mismatch(format!(
                    "{}:\n  {first}: {expected:x?}\n  {name}: {found:x?}",
                    place()
                )));
            }
        }
        Ok(())
    }
}

impl Summary {
    /// Adds what was compared with another module.
    pub fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.returned += other.returned;
        self.out_of_fuel += other.out_of_fuel;
        self.exhausted += other.exhausted;
        self.refused += other.refused;
        self.spared += other.spared;
        self.stillborn += other.stillborn;
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Mismatch {}
