//! Options that would have no effect are refused, and not ignored.
//!
//! | command | refused |
//! |---|---|
//! | `run`, `js` | nothing |
//! | `wast` | fuel, which scripts have no words for |
//! | `compile` | what is about a run; what another option says, too; `lazy`, which it never is |
//! | `inspect` without `--run` | what is about a run |
#![forbid(unsafe_code)]

use crate::{
    args::{CompileArgs, EngineArgs, InspectArgs, ProgramArgs, WastArgs},
    options::{CodeOption, WasmOption},
    outcome::Failure,
};

impl WastArgs {
    /// Whether all options have an effect.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.engine.wasm.iter().any(|option| matches!(option, WasmOption::Fuel(_))) {
            true => Err(Failure::usage(
                "scripts have no fuel of their own: -W fuel is for `run` and `js`",
            )),
            false => Ok(()),
        }
    }
}

impl CompileArgs {
    /// Whether all options have an effect.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        self.engine.check_without_run("`compile` only compiles")?;
        self.engine.code.iter().try_for_each(|option| match option {
            CodeOption::Lazy(true) => {
                Err(no_effect(option.key(), "`compile` compiles all functions at once"))
            }
            CodeOption::CompileThreads(_) if self.threads.is_some() => {
                Err(no_effect(option.key(), "--threads says it, too"))
            }
            CodeOption::Compiler(_) if self.tier.is_some() => {
                Err(no_effect(option.key(), "--tier says it, too"))
            }
            _ => Ok(()),
        })
    }
}

impl InspectArgs {
    /// Whether all options have an effect.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.run {
            return Ok(());
        }
        let why = "nothing runs without --run";
        self.engine.check_without_run(why)?;
        match self.program.first_given() {
            Some(option) => Err(no_effect(option, why)),
            None => Ok(()),
        }
    }
}

impl EngineArgs {
    fn check_without_run(&self, why: &str) -> Result<(), Failure> {
        let code = self.code.iter().filter(|option| option.is_for_runs()).map(CodeOption::key);
        let wasm = self.wasm.iter().filter(|option| option.is_for_runs()).map(WasmOption::key);
        match code.chain(wasm).next() {
            Some(key) => Err(no_effect(key, why)),
            None => Ok(()),
        }
    }
}

impl ProgramArgs {
    /// An option about the program that was given.
    fn first_given(&self) -> Option<&'static str> {
        let options = [
            ("--invoke", self.invoke.is_some()),
            ("--dir", !self.dirs.is_empty()),
            ("--env", !self.env.is_empty()),
            ("--argv0", self.argv0.is_some()),
            ("--preload", !self.preloads.is_empty()),
        ];
        options.into_iter().find_map(|(option, is_given)| is_given.then_some(option))
    }
}

fn no_effect(option: &str, why: &str) -> Failure {
    Failure::usage(format!("{option} has no effect here: {why}"))
}
