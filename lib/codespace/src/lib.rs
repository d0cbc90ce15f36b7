#![doc = include_str!("../README.md")]

pub mod draft;
mod config;
mod manager;
mod unit;
mod place;
mod reloc;
mod publish;
mod install;
mod assumptions;
mod remove;
mod cold;
mod budget;
mod collect;
mod refs;
mod scope;
mod lookup;
mod object;
mod tables;
mod slab;
mod state;
mod retired;
mod eras;
mod limbo;
mod cells;
mod lazy_table;
mod arena;
mod index;
mod space;
mod pool;
mod blocks;
mod pages;
mod registry;
mod stats;
mod events;
mod error;

pub use budget::{GENTLE_STEPS, HARD_STEPS, Step};
pub use cold::Swept;
pub use collect::{
    Activation, Answer, Answered, Collected, Collection, Handshake, Idle, Look, Round,
};
pub use config::Config;
pub use draft::*;
pub use error::{Error, ErrorKind, Result};
pub use install::{Installed, Mode, Reason};
pub use lookup::lookup_in_signal;
pub use manager::CodeManager;
pub use object::Code;
pub use place::Placed;
pub use publish::Published;
pub use refs::CodeRef;
pub use remove::{Filter, Removed};
pub use scope::CodeScope;
pub use stats::{CodeStats, Share, Stats};
pub use tables::SafepointView;
pub use unit::{Unit, UnitSpec};
pub use vmem::{FaultKind, FaultPlan, Strategy};
