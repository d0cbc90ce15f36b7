//! Entry and host wrappers: code that moves values between a buffer and the calling convention.
//!
//! ```text
//!   enter ──► entry wrapper ──► Wasm ──► host wrapper ──► host_call
//!             buffer to registers       registers to buffer
//!
//!   engine ── RegisteredType ──┐
//!   engine ── RegisteredType ──┴─► Wrapper ── CodeRef ──► unit of all wrappers of the process
//!                                     ▲                   (a code manager of its own)
//!                 (side, type) ─ weak ┘
//! ```
//!
//! A wrapper depends on a function type only: not on fuel, how memories are checked, or anything
//! else of an engine. So all engines share one for each type and side, which is made when it is
//! first needed and goes when nobody uses the type any more. They are code of one unit, in an arena
//! that no engine's limit counts: an engine whose code memory is full can still be entered.
//!
//! There is one such cache for each way of protecting code, as an engine is given one for a reason.
//! An engine with planned faults has a cache of its own, which the plan reaches, and so has every
//! engine in a forked child: what the process shares is its parent's.
//!
//! * [WR-USED] a wrapper that is on a stack, or that anybody will jump to, has a user. For a host
//!   wrapper it is the host context that was called ([WR-OWNER]); for an entry wrapper the function
//!   that was called, or the store, if that function was reclaimed meanwhile
//!   (`StoreState::keep_entered`).
//! * [WR-ENDED] so a wrapper without a user is on no stack, and its code can be freed without
//!   looking at any.
//! * [WR-NEVER-BACK] a wrapper that has lost its last user is not found again, and its code is
//!   retired for ever: whoever wants it next makes another ([SHM-DEAD]).

mod code;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use codespace::{CodeManager, CodeRef, Config, Draft, Kind, Strategy, TenantSpec, Unit, UnitSpec};
use sync::{Rank, SharedMap};
use tierup_wasm::FuncType;
use vmem::ForkGuard;

pub(crate) use self::code::{entry_wrapper, host_wrapper};
use crate::{Error, ErrorKind, RegisteredType};

/// Sizes of the cache's code memory.
mod sizes {
    /// Most bytes of code: some 200,000 wrappers of 300 bytes (16,000 where each has a page). It is
    /// address space, which costs nothing; a bound for those who make up types.
    pub(super) const LIMIT: usize = 64 << 20;
    /// Committed at once. Most processes need a few dozen wrappers.
    pub(super) const COMMIT: usize = 64 << 10;
    /// Dead wrappers are freed when they are more bytes than these, ...
    pub(super) const FLOOR: usize = 16 << 10;
    /// ... and this share of what is committed; or if no other are left.
    pub(super) const SHARE_PERCENT: usize = 10;
}

/// Who is out of code memory, says the error.
const TENANT: &str = "wrappers of the process";

/// The wrappers of a process.
#[derive(Debug)]
pub(crate) struct Wrappers {
    unit: Arc<Unit>,
    made: SharedMap<Key, Wrapper>,
    fork_guard: ForkGuard,
}

/// What a wrapper depends on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Key {
    side: Side,
    ty: FuncType,
}

/// Which way a wrapper leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Side {
    Entry,
    Host,
}

/// A wrapper that somebody uses.
#[derive(Debug)]
pub(crate) struct Wrapper {
    key: Key,
    /// `None` only while dropping.
    code: Option<CodeRef>,
    wrappers: Arc<Wrappers>,
}

impl Wrappers {
    /// The cache for engines with that code memory.
    pub(crate) fn for_engine(config: &Config) -> Result<Arc<Self>, Error> {
        static FILE: OnceLock<Arc<Wrappers>> = OnceLock::new();
        static TOGGLE: OnceLock<Arc<Wrappers>> = OnceLock::new();
        static PKEY: OnceLock<Arc<Wrappers>> = OnceLock::new();
        // First: from here on a forked child is known to be one.
        let fork_guard = ForkGuard::new()?;
        let of_process = match config.strategy.resolve()? {
            Strategy::File => &FILE,
            Strategy::Pkey => &PKEY,
            _ => &TOGGLE,
        };
        if config.faults.is_some() || vmem::is_forked_child() {
            return Self::new(config, fork_guard, sizes::LIMIT);
        }
        match of_process.get() {
            Some(wrappers) => Ok(Arc::clone(wrappers)),
            // The first wins; there is nothing in it yet.
            None => {
                let fresh = Self::new(config, fork_guard, sizes::LIMIT)?;
                Ok(Arc::clone(of_process.get_or_init(|| fresh)))
            }
        }
    }

    fn new(config: &Config, fork_guard: ForkGuard, limit: usize) -> Result<Arc<Self>, Error> {
        let manager = CodeManager::new(&Config {
            strategy: config.strategy,
            faults: config.faults.clone(),
            // Twice, as there are gaps: what is to be hit is the limit with a name.
            arena_code_bytes: 2 * limit,
            arena_data_bytes: 0,
            committed_limit: 2 * limit,
            commit_bytes: sizes::COMMIT,
            collect_floor_bytes: sizes::FLOOR,
            collect_share_percent: sizes::SHARE_PERCENT,
            ..Config::default()
        })?;
        let tenant = Some(manager.new_tenant(TenantSpec { name: TENANT.to_owned(), limit }));
        let spec = UnitSpec { functions: 0, lazy_stub: 0, owner: Arc::new(()), tenant };
        let unit = manager.new_unit(spec)?;
        let made = SharedMap::new(Rank::Wrappers);
        Ok(Arc::new(Self { unit, made, fork_guard }))
    }

    /// Address of the entry wrapper for a type.
    pub(crate) fn entry(self: &Arc<Self>, ty: &RegisteredType) -> Result<usize, Error> {
        self.find(Side::Entry, ty, &ty.entry_wrapper)
    }

    /// Address of the host wrapper for a type.
    pub(crate) fn host(self: &Arc<Self>, ty: &RegisteredType) -> Result<usize, Error> {
        self.find(Side::Host, ty, &ty.host_wrapper)
    }

    /// What the code memory of wrappers is used for.
    pub(crate) fn stats(&self) -> codespace::Stats {
        self.unit.manager().stats()
    }

    /// Frees wrappers that have lost their last user.
    pub(crate) fn collect(&self) {
        let manager = self.unit.manager();
        // SAFETY: (a), (b) all retired code of this manager are wrappers that have lost their last
        // user, or never had one: [WR-ENDED]. That stays so for those that are retired meanwhile.
        let idle = unsafe { manager.assume_idle() };
        let collected = manager.collect(&idle);
        let (wrappers, bytes) = (collected.objects, collected.code_bytes);
        tracing::trace!(target: "runtime", wrappers, bytes, "wrappers collected");
    }

    #[inline]
    fn find(
        self: &Arc<Self>,
        side: Side,
        ty: &RegisteredType,
        place: &OnceLock<Arc<Wrapper>>,
    ) -> Result<usize, Error> {
        match place.get() {
            Some(wrapper) => Ok(wrapper.address()),
            None => self.get_or_make(side, ty, place),
        }
    }

    #[cold]
    fn get_or_make(
        self: &Arc<Self>,
        side: Side,
        ty: &RegisteredType,
        place: &OnceLock<Arc<Wrapper>>,
    ) -> Result<usize, Error> {
        if self.fork_guard.is_inherited() {
            // A lock of the parent's may be held for ever.
            return Err(ErrorKind::ForkedChild.into());
        }
        let key = Key { side, ty: ty.ty().clone() };
        let (wrapper, _) = self.made.get_or_make(&key, || self.make(key.clone(), ty))?;
        Ok(place.get_or_init(|| wrapper).address())
    }

    fn make(self: &Arc<Self>, key: Key, ty: &RegisteredType) -> Result<Arc<Wrapper>, Error> {
        let draft = match key.side {
            Side::Entry => Draft::new(Kind::EntryWrapper, entry_wrapper(ty)),
            Side::Host => Draft::new(Kind::HostWrapper, host_wrapper(ty)),
        };
        let drafts = [draft];
        let placed = match self.unit.place_all(&drafts) {
            Err(error) if error.shortage().is_some() => {
                self.collect();
                self.unit.place_all(&drafts)?
            }
            placed => placed?,
        };
        let published = self.unit.publish(placed)?.pop();
        let code = published.expect("one draft gives one code object").code;
        Ok(Arc::new(Wrapper { key, code: Some(code), wrappers: Arc::clone(self) }))
    }

    /// Wrappers have lost their last user.
    fn consider(&self) {
        if self.made.is_empty() || self.unit.manager().wants_collection() {
            self.collect();
        }
    }
}

impl Wrapper {
    fn address(&self) -> usize {
        self.code().entry()
    }

    /// Is that address part of it?
    pub(crate) fn contains(&self, pc: usize) -> bool {
        self.code().range().contains(&pc)
    }

    fn code(&self) -> &CodeRef {
        self.code.as_ref().expect("only dropping takes the code away")
    }
}

impl Drop for Wrapper {
    fn drop(&mut self) {
        if self.wrappers.fork_guard.is_inherited() {
            return;
        }
        self.wrappers.made.forget(&self.key);
        drop(self.code.take());
        self.wrappers.consider();
    }
}
