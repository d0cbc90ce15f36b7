//! The directives of a script, one after the other.

use std::fmt;

use tierup::{Engine, Error, InterruptHandle, ResourceLimiter};
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, lexer::Lexer, parser};

use crate::{
    Delivery, Report,
    session::{Problem, Session},
    values,
};

/// What happens between two directives.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Between {
    /// Nothing.
    #[default]
    Nothing,
    /// All compiled functions of the engine are removed, so that each directive compiles what it
    /// needs anew, into memory that was used before.
    RemoveCode,
}

/// Runs a script in a store of its own.
///
/// A script that is no script makes a report with one failure.
pub fn run(engine: &Engine, text: &str, between: Between) -> Report {
    match Runner::new(engine, Options { between, ..Options::default() }) {
        Ok(runner) => runner.run(text),
        Err(error) => Report::failure(1, format!("no store: {error}")),
    }
}

/// How a script runs.
#[derive(Default)]
pub struct Options {
    /// What happens between two directives.
    pub between: Between,
    /// How the bytes of modules come to the engine.
    pub delivery: Delivery,
    /// Asked before memories and tables are made or grow, and for the number of instances.
    pub limits: Option<Box<dyn ResourceLimiter>>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { between, delivery, limits } = self;
        f.debug_struct("Options")
            .field("between", between)
            .field("delivery", delivery)
            .field("limits", &limits.is_some())
            .finish()
    }
}

/// Runs one script, in a store of its own, and can be interrupted.
pub struct Runner {
    session: Session,
    between: Between,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("between", &self.between).finish_non_exhaustive()
    }
}

impl Runner {
    /// A runner with a new store.
    ///
    /// # Errors
    ///
    /// If there is no memory for what scripts may import.
    pub fn new(engine: &Engine, options: Options) -> Result<Self, Error> {
        let Options { between, delivery, limits } = options;
        Ok(Self { session: Session::new(engine, delivery, limits)?, between })
    }

    /// Lets any thread stop the script. The directive that runs fails, and those behind it do not
    /// run. Compiling a module is not interrupted.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.session.store().interrupt_handle()
    }

    /// Runs a script; one that is no script makes a report with one failure.
    pub fn run(mut self, text: &str) -> Report {
        let mut report = Report::default();
        if let Err(error) = self.run_text(text, &mut report) {
            let line = line_of(text, error.span());
            report += Report::failure(line, format!("not a script: {}", error.message()));
        }
        report
    }

    fn run_text(&mut self, text: &str, report: &mut Report) -> Result<(), wast::Error> {
        let mut lexer = Lexer::new(text);
        // Scripts test names with characters that look like something else.
        lexer.allow_confusing_unicode(true);
        let buffer = parser::ParseBuffer::new_with_lexer(lexer)?;
        let script = parser::parse::<Wast<'_>>(&buffer)?;
        let mut directives = script.directives.into_iter();
        while let Some(directive) = directives.next() {
            let span = directive.span();
            match self.session.run(directive) {
                Verdict::Passed => report.passed += 1,
                Verdict::Skipped => report.skipped += 1,
                Verdict::Failed(message) => {
                    *report += Report::failure(line_of(text, span), message);
                }
            }
            if self.session.is_interrupted() {
                if let Some(next) = directives.next() {
                    let message = format!(
                        "not run, nor the {} behind it: the script was interrupted",
                        directives.len()
                    );
                    *report += Report::failure(line_of(text, next.span()), message);
                }
                break;
            }
            if self.between == Between::RemoveCode {
                self.session.engine().remove_code();
            }
        }
        Ok(())
    }
}

fn line_of(text: &str, span: wast::token::Span) -> usize {
    span.linecol_in(text).0 + 1
}

enum Verdict {
    Passed,
    Failed(String),
    Skipped,
}

impl Session {
    fn run(&mut self, directive: WastDirective<'_>) -> Verdict {
        match directive {
            WastDirective::Module(module) => self.module(module).into(),
            WastDirective::ModuleDefinition(module) => self.define(module).into(),
            WastDirective::ModuleInstance { instance, module, .. } => {
                self.instance(instance, module).into()
            }
            WastDirective::Register { name, module, .. } => self.register(name, module).into(),
            WastDirective::Invoke(call) => self.invoke(call).map(drop).into(),
            WastDirective::AssertMalformed { module, message, .. }
            | WastDirective::AssertInvalid { module, message, .. } => {
                self.assert_refused(module, message)
            }
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => self.assert_trap(exec, message),
            WastDirective::AssertExhaustion { call, message, .. } => {
                self.assert_trap(WastExecute::Invoke(call), message)
            }
            WastDirective::AssertUnlinkable { module, message, .. } => {
                self.assert_unlinkable(QuoteWat::Wat(module), message)
            }
            // Exceptions, stack switching, threads, and what is said about custom sections.
            _ => Verdict::Skipped,
        }
    }

    fn assert_refused(&self, mut module: QuoteWat<'_>, message: &str) -> Verdict {
        match self.compile(&mut module) {
            Ok(_) => Verdict::Failed(format!("accepted, expected `{message}`")),
            Err(Problem::Refused(_)) => Verdict::Passed,
            Err(problem) => problem.into(),
        }
    }

    fn assert_return(&mut self, exec: WastExecute<'_>, expected: &[wast::WastRet<'_>]) -> Verdict {
        let results = match self.execute(exec) {
            Ok(results) => results,
            Err(problem) => return problem.into(),
        };
        let matches = expected.len() == results.len()
            && expected
                .iter()
                .zip(&results)
                .all(|(expected, result)| values::matches(self.store(), expected, result));
        if matches {
            Verdict::Passed
        } else {
            Verdict::Failed(format!("returned {results:x?}, expected {expected:x?}"))
        }
    }

    fn assert_trap(&mut self, exec: WastExecute<'_>, message: &str) -> Verdict {
        let error = match self.execute(exec) {
            Ok(results) => {
                return Verdict::Failed(format!(
                    "returned {results:x?}, expected trap `{message}`"
                ));
            }
            Err(Problem::Failed(error)) => error,
            Err(problem) => return problem.into(),
        };
        match error.trap() {
            Some(trap) if same_message(&trap.message(), message) => Verdict::Passed,
            _ => Verdict::Failed(format!("failed with `{error}`, expected trap `{message}`")),
        }
    }

    fn assert_unlinkable(&mut self, mut module: QuoteWat<'_>, message: &str) -> Verdict {
        let module = match self.compile(&mut module) {
            Ok(module) => module,
            Err(problem) => return problem.into(),
        };
        match self.instantiate(&module) {
            Ok(_) => Verdict::Failed(format!("linked, expected `{message}`")),
            Err(Problem::Failed(error)) if is_link_error(&error, message) => Verdict::Passed,
            Err(problem) => {
                Verdict::Failed(format!("failed with `{problem}`, expected `{message}`"))
            }
        }
    }

    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Vec<tierup::Val>, Problem> {
        match exec {
            WastExecute::Invoke(call) => self.invoke(call),
            WastExecute::Get { module, global, .. } => Ok(vec![self.get(module, global)?]),
            WastExecute::Wat(module) => {
                let module = self.compile(&mut QuoteWat::Wat(module))?;
                self.instantiate(&module)?;
                Ok(Vec::new())
            }
        }
    }

    fn invoke(&mut self, call: WastInvoke<'_>) -> Result<Vec<tierup::Val>, Problem> {
        let arguments = call
            .args
            .iter()
            .map(|argument| {
                values::argument(self.store_mut(), argument)
                    .ok_or_else(|| Problem::Script(format!("no such argument: {argument:?}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.call(call.module, call.name, &arguments)
    }
}

/// Scripts may say more than an engine (`uninitialized element 2`), or less.
fn same_message(actual: &str, expected: &str) -> bool {
    actual.starts_with(expected) || expected.starts_with(actual)
}

/// An error that is no trap and has the specification's words in it, among names and types.
fn is_link_error(error: &Error, expected: &str) -> bool {
    error.trap().is_none() && error.to_string().contains(expected)
}

impl From<Result<(), Problem>> for Verdict {
    fn from(result: Result<(), Problem>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(problem) => problem.into(),
        }
    }
}

impl From<Problem> for Verdict {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem.to_string())
    }
}
