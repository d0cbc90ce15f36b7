//! What tiering knows of a module: its contents, and a way to its code.
#![forbid(unsafe_code)]

use std::fmt::Debug;

use codespace::{Draft, Installed, Tier};
use tierup_abi::InstanceLayout;
use tierup_wasm::{DefinedFunc, Module};

/// A module whose functions are compiled.
///
/// Jobs hold a subject while they compile. So it owns the module's contents, but must not keep
/// its code alive: whoever runs the module can drop it at any time.
pub trait Subject: Send + Sync + Debug {
    /// A number that no other module of the process has, for logs: that of its unit; 0 as long as it
    /// has none.
    fn unit(&self) -> u64;

    /// The module.
    fn module(&self) -> &Module;

    /// Layout of its instances.
    fn layout(&self) -> &InstanceLayout;

    /// The function's name, for logs.
    fn name(&self, function: DefinedFunc) -> Option<String>;

    /// The tier of a function's code. None if it has no code, or the code's place is gone.
    fn tier(&self, function: DefinedFunc) -> Option<Tier>;

    /// Finds out whether a function is called again: that is what [`Self::is_suspended`] tells later.
    fn suspend(&self, function: DefinedFunc);

    /// Was the function not called since it was suspended?
    fn is_suspended(&self, function: DefinedFunc) -> bool;

    /// Is there code for frames of a function that have come to the loop at that position?
    fn replaces(&self, function: DefinedFunc, position: u32) -> bool;

    /// The version of what compilers may rely on, as `codespace::Unit::assumptions`.
    fn assumptions(&self) -> Option<u64>;

    /// Places and publishes code. None if the code's place is gone.
    ///
    /// # Errors
    ///
    /// If there is no room.
    fn install(&self, drafts: Vec<Draft>) -> codespace::Result<Option<Vec<Installed>>>;
}
