//! Tiering of one module: from the first call of a function to its best code.
//!
//! ```text
//!   called without code ──► compile_now: first tier, at once, on the caller's thread
//!   budget spent ──► heat ──► priority rises ──► policy ──► queue ──► worker: second tier
//!                                                      └──► or at once, on the caller's thread
//! ```
//!
//! A function whose second compile fails stays on its first code for good. One whose code is taken
//! away starts from below.
#![forbid(unsafe_code)]

use std::{
    num::NonZeroUsize,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use codespace::{Installed, Reason};
use tierup_compile::{CompileError, CompileErrorKind, Compiler, Entry, Limits, Settings};
use tierup_wasm::DefinedFunc;

use crate::{
    Answer, CompileCounters, FunctionCompiler, Policy, PoolHandle, Question, Subject, Threads,
    Validation, Validity, events,
    functions::{FunctionState, Functions},
    job::Stage,
    lazy::Outcome,
    pool::{Task, Wanted, Work},
    queue::Wish,
};

/// What the tiering of a module is made from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Compiles functions that are called.
    pub first: Arc<dyn Compiler>,
    /// Compiles those that `first` cannot.
    pub fallback: Option<Arc<dyn Compiler>>,
    /// Compiles those that ran long.
    pub second: Option<Arc<dyn Compiler>>,
    /// For both.
    pub settings: Settings,
    /// Of time for `second`, which has code to leave a function with; of memory for all.
    pub limits: Limits,
    /// Whether bodies are known to be valid.
    pub validation: Validation,
    /// When to tier up.
    pub policy: Policy,
    /// Where to tier up; none for the caller's thread.
    pub pool: Option<PoolHandle>,
    /// How threads are started that compile all of a module.
    pub threads: Threads,
    /// Where to count.
    pub counters: Arc<CompileCounters>,
}

/// Decides what of a module is compiled with what, and when.
#[derive(Debug)]
pub struct ModuleTiering {
    subject: Arc<dyn Subject>,
    first: FunctionCompiler,
    second: Option<FunctionCompiler>,
    functions: Functions,
    policy: Policy,
    pool: Option<PoolHandle>,
    threads: Threads,
    cores: usize,
    counters: Arc<CompileCounters>,
    /// For tasks.
    own: Weak<Self>,
}

/// What a function gets that reported its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spent {
    /// How much it may do before it reports again.
    pub slice: i32,
    /// Whether to call [`ModuleTiering::tier_up`] now, for the lack of other threads.
    pub tier_up: bool,
    /// The position of the loop for which to call [`ModuleTiering::replace`] now, likewise.
    pub replace: Option<u32>,
    /// In which code its frame goes on.
    pub next: Next,
}

/// In which code a frame goes on that reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Next {
    /// In its own.
    #[default]
    Own,
    /// In that which there is for its loop, if it is still there.
    Other,
}

impl ModuleTiering {
    /// Tiering for a module of `functions` functions.
    pub fn new(plan: Plan, subject: Arc<dyn Subject>, functions: u32) -> Arc<Self> {
        let Plan { first, fallback, second, settings, limits, validation, .. } = plan;
        let Plan { policy, pool, threads, counters, .. } = plan;
        let validity = Arc::new(Validity::new(validation, functions));
        let bytes = size_of::<Self>() + size_of::<Validity>() + validity.heap_bytes();
        let footprint = counters.modules().add(bytes);
        let compiler = |compiler, settings| {
            FunctionCompiler::new(compiler, settings, Arc::clone(&validity), Arc::clone(&counters))
        };
        // Somebody waits for the first code however long it takes, but not with all memory.
        let patient = Limits { time: Duration::MAX, ..limits };
        let first = compiler(first, Settings { limits: patient, ..settings.clone() });
        let first = first.with_fallback(fallback);
        let second = second.map(|second| compiler(second, Settings { limits, ..settings }));
        Arc::new_cyclic(|own| Self {
            subject,
            first,
            second,
            functions: Functions::new(functions, footprint),
            policy,
            pool,
            threads,
            cores: sync::cores(),
            counters,
            own: Weak::clone(own),
        })
    }

    /// Bytes on the heap of what is remembered of the module's functions.
    pub fn heap_bytes(&self) -> usize {
        self.functions.footprint().bytes()
    }

    /// Gives a function that was called its first code.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled, or there is no room for its code.
    pub fn compile_now(&self, function: DefinedFunc) -> Result<(), CompileError> {
        self.first.compile_now(&*self.subject, function)?;
        if let Some(state) = self.functions.find(function.0) {
            // It had no code, so if it ever had better code, that was taken away.
            state.reset();
        }
        Ok(())
    }

    /// Gives all functions without code their first code, on `count` threads at most.
    ///
    /// # Errors
    ///
    /// The error of the function with the lowest index that has one. Other functions have code.
    pub fn compile_all(&self, count: NonZeroUsize) -> Result<(), (DefinedFunc, CompileError)> {
        self.first.compile_all(&*self.subject, count, &self.threads)
    }

    pub(crate) fn first(&self) -> &FunctionCompiler {
        &self.first
    }

    /// Compiles what ran long, if it is ever compiled again.
    pub(crate) fn second(&self) -> Option<&FunctionCompiler> {
        self.second.as_ref()
    }

    pub(crate) fn has_second(&self) -> bool {
        self.second.is_some()
    }

    pub(crate) fn has_pool(&self) -> bool {
        self.pool.is_some()
    }

    pub(crate) fn functions(&self) -> &Functions {
        &self.functions
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(crate) fn counters(&self) -> &CompileCounters {
        &self.counters
    }

    /// What a function gets of which nothing new is expected.
    pub(crate) fn idle(&self) -> Spent {
        self.going_on(self.policy.largest_slice())
    }

    /// What a function gets that goes on as it is.
    fn going_on(&self, slice: i32) -> Spent {
        Spent { slice, tier_up: false, replace: None, next: Next::Own }
    }

    pub(crate) fn subject(&self) -> &dyn Subject {
        &*self.subject
    }

    /// A function has done `used` more units of work.
    pub fn budget_spent(&self, function: DefinedFunc, used: u32) -> Spent {
        let idle = self.idle();
        if self.second.is_none() {
            return idle;
        }
        let state = self.functions.get(function.0);
        let before = state.add_heat(used);
        self.counters.count_work(used);
        let heat = before.saturating_add(u64::from(used));
        let priority = self.policy.priority(heat);
        let rises = self.policy.priority(before) < priority;
        match state.job.stage() {
            Stage::Compiling | Stage::Done | Stage::Failed => idle,
            Stage::Queued => {
                // Again with more heat; whichever entry comes first is worked on.
                if rises && 4 <= priority && priority.is_power_of_two() {
                    self.push(Wanted::call(function.0), heat);
                }
                self.going_on(self.policy.waiting_slice())
            }
            Stage::Idle if rises && self.decide(function, state, heat) => match &self.pool {
                None => Spent { tier_up: true, ..self.going_on(self.policy.waiting_slice()) },
                Some(_) => {
                    self.queue(function, state, heat);
                    self.going_on(self.policy.waiting_slice())
                }
            },
            Stage::Idle => self.going_on(self.policy.slice(heat)),
        }
    }

    /// Gives a function its best code now, on this thread.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled, or there is no room for its code. It stays as it is then.
    pub fn tier_up(&self, function: DefinedFunc) -> Result<(), CompileError> {
        let Some(second) = &self.second else { return self.compile_now(function) };
        let job = &self.functions.get(function.0).job;
        // If a worker has it, the gate of the compiler makes us wait for the result.
        let claimed = job.claim();
        let result = self.optimize(second, function);
        if claimed {
            self.finish(second, function, &result);
        }
        result.map(drop)
    }

    /// Gives a function first code now, and its best code in the background, before all that only
    /// ran long. Without threads for that, on this one.
    ///
    /// # Errors
    ///
    /// If what is compiled on this thread cannot be.
    pub fn request_tier_up(&self, function: DefinedFunc) -> Result<(), CompileError> {
        if self.pool.is_none() || self.second.is_none() {
            return self.tier_up(function);
        }
        self.compile_now(function)?;
        self.queue(function, self.functions.get(function.0), u64::MAX);
        Ok(())
    }

    /// Gives all functions their best code now, on this thread.
    ///
    /// # Errors
    ///
    /// The first error. Other functions have their best code.
    pub fn tier_up_all(&self) -> Result<(), (DefinedFunc, CompileError)> {
        let mut first = Ok(());
        for function in (0..self.subject.module().defined_functions()).map(DefinedFunc) {
            let result = self.tier_up(function).map_err(|error| (function, error));
            first = first.and(result);
        }
        first
    }

    /// Asks the policy.
    pub(crate) fn decide(&self, function: DefinedFunc, state: &FunctionState, heat: u64) -> bool {
        let load = self.pool.as_ref().map(PoolHandle::load).unwrap_or_default();
        let workers = self.pool.as_ref().map_or(0, PoolHandle::workers);
        let (chosen, chosen_bytes) = self.counters.chosen();
        let body_bytes = self.subject.module().body(function).len();
        let question = Question {
            heat,
            body_bytes,
            all_heat: self.counters.work(),
            chosen,
            chosen_bytes,
            waiting: load.waiting as u64,
            waiting_bytes: load.waiting_bytes as u64,
            workers,
            // One core is the program's.
            spare_cores: workers.min(self.cores - 1).saturating_sub(load.running),
        };
        match self.policy.decide(question) {
            Answer::TierUp => {
                self.counters.count_chosen(body_bytes);
                true
            }
            Answer::Wait => false,
            Answer::Never => {
                if let Some(second) = self.second.as_ref().filter(|_| state.job.give_up()) {
                    let limit = "the size of bodies that are optimized";
                    let error = CompileErrorKind::TooLarge { limit }.into();
                    second.note_failure(&*self.subject, function, &error);
                    self.counters.count_tier_up_failure();
                }
                false
            }
        }
    }

    fn queue(&self, function: DefinedFunc, state: &FunctionState, heat: u64) {
        if !state.job.queue() {
            return;
        }
        events::queue(&*self.subject, function, heat);
        self.counters.count_tier_up_queued();
        if !self.push(Wanted::call(function.0), heat) {
            state.job.unqueue();
        }
    }

    pub(crate) fn push(&self, job: Wanted, heat: u64) -> bool {
        let Some(pool) = &self.pool else { return false };
        let body_bytes = self.subject.module().body(DefinedFunc(job.function)).len();
        let module: Weak<Self> = Weak::clone(&self.own);
        pool.push(Wish { heat, body_bytes }, Task { module, job })
    }

    /// Compiles with the second compiler and counts what became of it.
    fn optimize(
        &self,
        second: &FunctionCompiler,
        function: DefinedFunc,
    ) -> Result<Outcome, CompileError> {
        let start = Instant::now();
        let result = second.compile(&*self.subject, function);
        match &result {
            Ok(Outcome::Compiled(Installed::Yes)) => {
                self.counters.count_tier_up();
                events::tier_up(&*self.subject, function, start.elapsed());
            }
            Ok(Outcome::Compiled(Installed::No(reason))) => {
                self.counters.count_discarded();
                events::discard(&*self.subject, function, Some(*reason));
            }
            Ok(Outcome::Gone) => {
                self.counters.count_discarded();
                events::discard(&*self.subject, function, None);
            }
            Ok(Outcome::Present) => {}
            Err(_) => self.counters.count_tier_up_failure(),
        }
        result
    }
}

impl Work for ModuleTiering {
    fn run(&self, Wanted { function, entry }: Wanted) {
        if let Entry::Loop { position } = entry {
            // It has been counted and logged; frames go on as before.
            let _ = self.replace(DefinedFunc(function), position);
            return;
        }
        let state = self.functions.get(function);
        let Some(second) = self.second.as_ref().filter(|_| state.job.start()) else { return };
        // The thread that dropped the module has not waited for us: nobody needs the result.
        if !self.is_wanted(DefinedFunc(function)) {
            state.job.finish(Stage::Idle);
            return;
        }
        let result = self.optimize(second, DefinedFunc(function));
        self.finish(second, DefinedFunc(function), &result);
    }
}

impl ModuleTiering {
    /// Ends what the job's `start` or `claim` began.
    fn finish(
        &self,
        second: &FunctionCompiler,
        function: DefinedFunc,
        result: &Result<Outcome, CompileError>,
    ) {
        let stage = stage_after(result);
        let job = &self.functions.get(function.0).job;
        job.finish(stage);
        // [JO-OUTLIVED]
        let was_installed =
            matches!(result, Ok(Outcome::Present | Outcome::Compiled(Installed::Yes)));
        if was_installed && !second.has_code(&*self.subject, function) {
            job.reset();
        }
    }

    /// False if the function has no code that could be replaced: it was taken away, or the module
    /// is gone.
    fn is_wanted(&self, function: DefinedFunc) -> bool {
        let wanted = self.subject.tier(function).is_some();
        if !wanted {
            self.counters.count_discarded();
            events::discard(&*self.subject, function, None);
        }
        wanted
    }
}

fn stage_after(result: &Result<Outcome, CompileError>) -> Stage {
    match result {
        Ok(Outcome::Compiled(Installed::No(Reason::Outdated))) => Stage::Idle,
        Ok(_) => Stage::Done,
        Err(_) => Stage::Failed,
    }
}
