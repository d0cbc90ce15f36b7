//! The code manager from outside, running real machine code.

mod common;
mod watched;
mod whole;
mod allocating;
mod finding;
mod counting;
mod living;
mod mapping;
mod replacing;
mod tenants;
mod calling;
mod collecting;
mod failing;
