//! An exception of JavaScript, for Rust.
#![forbid(unsafe_code)]

use std::fmt;

use rquickjs::{CaughtError, Coerced, Value};

/// An exception that nobody caught.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScriptError {
    message: String,
    stack: String,
}

impl ScriptError {
    pub(crate) fn new(error: impl std::error::Error) -> Self {
        Self { message: error.to_string(), stack: String::new() }
    }

    pub(crate) fn caught(error: CaughtError<'_>) -> Self {
        match error {
            CaughtError::Error(error) => Self::new(error),
            CaughtError::Exception(exception) => Self::of_value(exception.as_object().as_value()),
            CaughtError::Value(value) => Self::of_value(&value),
        }
    }

    /// Describes what was thrown.
    pub fn of_value(value: &Value<'_>) -> Self {
        // Descriptions may run scripts, which may throw in turn.
        let text = |value: &Value<'_>| {
            let text = value.get::<Coerced<String>>().map(|text| text.0);
            text.unwrap_or_else(|_| {
                value.ctx().catch();
                "an exception that cannot be described".to_owned()
            })
        };
        let stack = value.as_object().filter(|object| object.is_error());
        let stack = stack.and_then(|error| error.get::<_, String>("stack").ok());
        Self { message: text(value), stack: stack.unwrap_or_default() }
    }

    /// What was thrown, as a string.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where an error was made: a line for each frame, or nothing.
    pub fn stack(&self) -> &str {
        self.stack.trim_end()
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.stack() {
            "" => Ok(()),
            stack => write!(f, "\n{stack}"),
        }
    }
}

impl std::error::Error for ScriptError {}
