//! How a command ends: exit code and message.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

use crate::foreign::foreign;

/// Exit code for wrong usage.
pub(crate) const USAGE: u8 = 2;
/// Exit code after a trap, as a shell reports a program that was aborted.
const TRAP: u8 = 134;
const ERROR: u8 = 1;

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// The command was used wrongly.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self { code: USAGE, message: message.to_string() }
    }

    /// What is printed.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Anything else.
    pub(crate) fn error(message: impl Display) -> Self {
        Self { code: ERROR, message: message.to_string() }
    }
}

impl From<tierup::Error> for Failure {
    fn from(error: tierup::Error) -> Self {
        match error.trap() {
            Some(trap) => Self { code: TRAP, message: format!("trap: {trap}") },
            None => Self::error(error),
        }
    }
}

/// The exit code; prints the message if there is one.
pub(crate) fn finish(done: Result<u8, Failure>) -> ExitCode {
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Failure { code, message }) => {
            print(&message);
            ExitCode::from(code)
        }
    }
}

/// Ends the process because the program was interrupted while it waits for something.
pub(crate) fn end_waiting() -> ! {
    print("trap: interrupted while it waited in a system call");
    std::process::exit(i32::from(TRAP))
}

fn print(message: &str) {
    // There are names of modules in it; lines and tabs are our own.
    let parts = message.split_inclusive(['\n', '\t']).map(|part| {
        let text = part.trim_end_matches(['\n', '\t']);
        foreign(text) + &part[text.len()..]
    });
    let message: String = parts.collect();
    // If nobody reads our errors, the code must do.
    let _ = writeln!(io::stderr(), "tierup: {message}");
}
