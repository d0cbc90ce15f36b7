//! Tests of tiering without a runtime: compilers that misbehave, modules that go away.
#![cfg(not(loom))]
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

mod failing;
mod upward;
