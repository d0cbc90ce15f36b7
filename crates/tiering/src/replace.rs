//! Tiering of loops that run for long within one call, whose frames go on in optimized code.
//!
//! ```text
//!   report at a loop ─┬─ code for it is there ──────────────► enter it
//!                     ├─ function is worth optimizing ─┬─ was called meanwhile ──► function
//!                     │                                └─ was not ───────────────► loop
//!                     └─ function was optimized, and this is an old call: worth it? ──► loop
//! ```
//!
//! Whether a function was called meanwhile is what its cell knows: each time its priority has doubled
//! the function is suspended, so its next caller comes to the lazy stub. A function that is called once,
//! as a program's main, so gets code for its loop and none for callers.
//!
//! Which of several nested loops it is, `loops` says.
#![forbid(unsafe_code)]

use std::time::Instant;

use codespace::{Installed, Reason};
use tierup_compile::{CompileError, Entry};
use tierup_wasm::DefinedFunc;

use crate::{
    FunctionCompiler, ModuleTiering, Next, Spent, counters::Replacing, events,
    functions::FunctionState, job::Stage, lazy::Outcome, loops::Loops, pool::Wanted,
};

/// A report at a loop's header.
#[derive(Clone, Copy)]
struct Report<'a> {
    function: DefinedFunc,
    state: &'a FunctionState,
    loops: &'a Loops,
    position: u32,
}

impl ModuleTiering {
    /// A function has done `used` more units of work, and is at the header of a loop whose
    /// position `find` finds.
    pub fn budget_spent_in_loop(
        &self,
        function: DefinedFunc,
        used: u32,
        find: &dyn Fn() -> Option<u32>,
    ) -> Spent {
        let is_replaceable =
            self.has_second() && !self.functions().get(function.0).job.has_failed();
        let Some(position) = is_replaceable.then(find).flatten() else {
            return self.budget_spent(function, used);
        };
        let state = self.functions().get(function.0);
        let loops = self.functions().loops(state);
        let report = Report { function, state, loops, position };
        match loops.report(position) {
            Stage::Done if self.subject().replaces(function, position) => {
                return Spent { next: Next::Other, ..self.report_of_entering(report, used) };
            }
            Stage::Done => loops.lose(position),
            _ => {}
        }
        if self.policy().is_eager() {
            return self.replace_at_once(report, used);
        }
        match state.job.stage() {
            Stage::Idle => self.report_of_long_call(report, used),
            Stage::Done => self.report_of_old_call(report, used),
            Stage::Queued | Stage::Compiling | Stage::Failed => self.budget_spent(function, used),
        }
    }

    /// Gives frames of a function code to go on in at the loop at that position, on this thread.
    ///
    /// # Errors
    ///
    /// If it cannot be compiled, or there is no room for its code. They go on as before then.
    pub fn replace(&self, function: DefinedFunc, position: u32) -> Result<(), CompileError> {
        let Some(second) = self.second() else { return Ok(()) };
        let loops = self.functions().loops(self.functions().get(function.0));
        if !loops.start(position) {
            return Ok(());
        }
        // The thread that dropped the module has not waited for us.
        if self.subject().assumptions().is_none() {
            self.counters().count_replacement(Replacing::Discarded);
            events::discard(self.subject(), function, None);
            loops.finish(position, Stage::Idle);
            return Ok(());
        }
        let result = self.compile_replacement(second, function, position);
        loops.finish(position, stage_after(&result));
        result.map(drop)
    }

    /// A frame of a function goes on in optimized code.
    pub fn note_replaced(&self, function: DefinedFunc, position: u32) {
        self.counters().count_replacement(Replacing::Entered);
        events::enter(self.subject(), function, position);
    }

    /// Everything that is possible, for tests: code for callers at once, and for this frame when
    /// the loop comes round. Inner loops do so first.
    fn replace_at_once(&self, report: Report<'_>, used: u32) -> Spent {
        let mut spent = self.budget_spent(report.function, used);
        if report.loops.is_wanted(report.position) {
            spent.slice = self.policy().slice(0);
        }
        match report.loops.choose_itself(report.position) {
            Some(position) => self.want(report, position, u64::MAX, spent),
            None => spent,
        }
    }

    /// The call goes on elsewhere. Others that report count for the function.
    fn report_of_entering(&self, report: Report<'_>, used: u32) -> Spent {
        let Report { function, state, .. } = report;
        if self.subject().is_suspended(function) {
            state.add_heat(used);
            self.counters().count_work(used);
            return self.idle();
        }
        self.budget_spent(function, used)
    }

    /// The function has no better code yet. If it was not called lately, the loop is to get some.
    fn report_of_long_call(&self, report: Report<'_>, used: u32) -> Spent {
        let Report { function, state, loops, .. } = report;
        let heat = state.heat().saturating_add(u64::from(used));
        let priority = self.policy().priority(heat);
        let rises = self.policy().priority(state.heat()) < priority;
        if rises && self.subject().is_suspended(function) {
            state.add_heat(used);
            self.counters().count_work(used);
            let spent = Spent { slice: self.slice_in_loop(loops, heat), ..self.idle() };
            return self.decide_on_loop(report, heat, spent);
        }
        let mut spent = self.budget_spent(function, used);
        if rises && priority.is_power_of_two() && state.job.stage() == Stage::Idle {
            self.subject().suspend(function);
        }
        if loops.is_expecting() {
            spent.slice = self.policy().waiting_slice();
        }
        spent
    }

    /// The function has better code, but this call began before. If such calls go on, so shall they
    /// in better code.
    fn report_of_old_call(&self, report: Report<'_>, used: u32) -> Spent {
        self.budget_spent(report.function, used);
        let before = report.loops.add_late(used);
        let late = before.saturating_add(u64::from(used));
        let spent = Spent { slice: self.slice_in_loop(report.loops, late), ..self.idle() };
        if self.policy().priority(before) < self.policy().priority(late) {
            return self.decide_on_loop(report, late, spent);
        }
        spent
    }

    fn slice_in_loop(&self, loops: &Loops, heat: u64) -> i32 {
        if loops.is_expecting() {
            return self.policy().waiting_slice();
        }
        self.policy().slice(heat)
    }

    /// Asks the policy, and which loop it is to be.
    fn decide_on_loop(&self, report: Report<'_>, heat: u64, spent: Spent) -> Spent {
        let Report { function, state, loops, position } = report;
        let around = || self.subject().module().loops_around(function, position);
        let chosen = loops.choose(position, self.policy().patience(), around);
        match chosen.filter(|_| self.decide(function, state, heat)) {
            Some(chosen) => self.want(report, chosen, heat, spent),
            None => spent,
        }
    }

    /// Queues a loop, or lets the caller compile it.
    fn want(&self, report: Report<'_>, position: u32, heat: u64, spent: Spent) -> Spent {
        let Report { function, loops, .. } = report;
        if !loops.queue(position) {
            return spent;
        }
        if !self.has_pool() {
            let next = if position == report.position { Next::Other } else { Next::Own };
            return Spent { replace: Some(position), next, ..spent };
        }
        self.counters().count_replacement(Replacing::Queued);
        events::queue_loop(self.subject(), function, (position, heat));
        let job = Wanted { function: function.0, entry: Entry::Loop { position } };
        if !self.push(job, heat) {
            loops.finish(position, Stage::Idle);
        }
        let slice = spent.slice.min(self.policy().waiting_slice());
        Spent { slice, ..spent }
    }

    /// Compiles with the second compiler and counts what became of it.
    fn compile_replacement(
        &self,
        second: &FunctionCompiler,
        function: DefinedFunc,
        position: u32,
    ) -> Result<Outcome, CompileError> {
        let start = Instant::now();
        let result = second.compile_replacement(self.subject(), function, position);
        self.counters().count_replacement(match &result {
            Ok(Outcome::Compiled(Installed::Yes)) => Replacing::Done,
            Ok(_) => Replacing::Discarded,
            Err(_) => Replacing::Failed,
        });
        match &result {
            Ok(Outcome::Compiled(Installed::Yes)) => {
                events::replace(self.subject(), function, (position, start.elapsed()));
            }
            Ok(Outcome::Compiled(Installed::No(reason))) => {
                events::discard(self.subject(), function, Some(*reason));
            }
            Ok(_) => events::discard(self.subject(), function, None),
            Err(_) => {}
        }
        result
    }
}

fn stage_after(result: &Result<Outcome, CompileError>) -> Stage {
    match result {
        Ok(Outcome::Compiled(Installed::Yes)) => Stage::Done,
        Ok(Outcome::Gone | Outcome::Compiled(Installed::No(Reason::Outdated))) => Stage::Idle,
        Ok(_) | Err(_) => Stage::Failed,
    }
}
