//! The manager: arenas, records, and what has to wait before it is used again.
//!
//! ```text
//!   CodeManager ─┬─ arenas      address space, free ranges        grow, never shrink
//!                ├─ slab        records of code objects
//!                ├─ units       whose code it is                  weak
//!                └─ eras, limbo what is dead but may be in use    until scopes have closed
//! ```
//!
//! What unlinks objects ends with [`CodeManager::reap`]; what wants memory comes to it where there is
//! no other.
#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    // Loom does not look at numbers alone.
    sync::{Arc, OnceLock, Weak, atomic::AtomicUsize},
};

use sync::{Mutex, Rank, atomic::AtomicU32};

use crate::{
    arena::Arena,
    blocks::Account,
    collect::pace::{HasteCount, OBJECTS_A_TURN, Pace},
    config::Config,
    eras::Eras,
    error::{ErrorKind, Result},
    events,
    limbo::Limbo,
    measures::Measures,
    object::Contents,
    retired::RetiredList,
    scope::CodeScope,
    slab::{Doomed, Expired, Slab},
    spares::Spares,
    stats::{Counters, Stats},
    tenant::{Tenant, TenantSpec},
    unit::{Unit, UnitSpec},
};

/// Owns code memory and finds code by address. Clones are the same manager.
#[derive(Clone)]
pub struct CodeManager(Arc<Shared>);

struct Shared {
    config: Config,
    first: OnceLock<Arc<Arena>>,
    arenas: Mutex<Arc<[Arc<Arena>]>>,
    units: Mutex<BTreeMap<u64, Weak<Unit>>>,
    tenants: Mutex<Vec<Weak<Tenant>>>,
    default_tenant: Arc<Tenant>,
    slab: Arc<Slab>,
    committed: Arc<Account>,
    reserved: Account,
    /// What all tenants occupy of what is committed.
    occupied: Arc<Account>,
    counters: Arc<Counters>,
    /// How much had been generated when everybody was relieved for the last time.
    relieved_at: AtomicUsize,
    measures: Arc<Measures>,
    eras: Eras,
    limbo: Limbo,
    retired: RetiredList,
    /// Held by who collects.
    collecting: Mutex<()>,
    /// Number of the last collection.
    collection: AtomicU32,
    haste: HasteCount,
    spares: Spares,
}

impl CodeManager {
    /// A manager with one arena.
    ///
    /// # Errors
    ///
    /// If the configuration cannot work, or there is no address space.
    pub fn new(config: &Config) -> Result<Self> {
        let config = config.rounded()?;
        let occupied = Arc::new(Account::new(usize::MAX));
        let spec = TenantSpec { name: "default".to_owned(), limit: usize::MAX };
        let default_tenant = Arc::new(Tenant::new(spec, &occupied));
        let manager = Self(Arc::new(Shared {
            first: OnceLock::new(),
            arenas: Mutex::new(Rank::Arenas, Arc::new([])),
            units: Mutex::new(Rank::Arenas, BTreeMap::new()),
            tenants: Mutex::new(Rank::Arenas, vec![Arc::downgrade(&default_tenant)]),
            default_tenant,
            occupied,
            slab: Arc::new(Slab::new()),
            committed: Arc::new(Account::new(config.committed_limit)),
            reserved: Account::new(config.reserved_limit),
            counters: Arc::default(),
            relieved_at: AtomicUsize::new(0),
            measures: Arc::default(),
            eras: Eras::new(),
            limbo: Limbo::new(),
            retired: RetiredList::new(),
            collecting: Mutex::new(Rank::Collecting, ()),
            collection: AtomicU32::new(0),
            haste: HasteCount::default(),
            spares: Spares::new(),
            config,
        }));
        manager.add_arena(&manager.arenas())?;
        manager.0.first.get_or_init(|| Arc::clone(&manager.arenas()[0]));
        Ok(manager)
    }

    /// A unit: cells and lazy entries for functions, and the code that will be published for it.
    ///
    /// # Errors
    ///
    /// If there is no memory for its cells and lazy entries.
    pub fn new_unit(&self, spec: UnitSpec) -> Result<Arc<Unit>> {
        self.new_unit_expecting(spec, 0)
    }

    /// A unit that will have about so many bytes of code: its cells go where that code will find
    /// room beside them. See [`UnitEstimate`](crate::UnitEstimate).
    ///
    /// # Errors
    ///
    /// As for [`Self::new_unit`].
    pub fn new_unit_expecting(&self, spec: UnitSpec, code_bytes: usize) -> Result<Arc<Unit>> {
        self.check_process()?;
        let unit = Unit::new(self, spec, code_bytes)?;
        let id = unit.identity().id();
        events::unit_made(id, unit.functions());
        self.0.units.lock().insert(id, Arc::downgrade(&unit));
        Ok(unit)
    }

    /// Opens a scope, in which code can be looked up.
    pub fn scope(&self) -> CodeScope<'_> {
        CodeScope::new(self)
    }

    /// What the memory is used for. Takes no lock.
    pub fn stats(&self) -> Stats {
        Stats {
            arenas: self.0.counters.arenas(),
            units: self.0.counters.units(),
            reserved_bytes: self.0.reserved.used(),
            committed_bytes: self.0.committed.used(),
            limit_bytes: self.0.config.committed_limit,
            code: self.0.counters.snapshot(),
            distributions: self.0.measures.read(),
        }
    }

    /// The tenant of units that were made for nobody in particular. It has no limit of its own.
    pub fn default_tenant(&self) -> &Arc<Tenant> {
        &self.0.default_tenant
    }

    /// The tenants that live, in the order in which they were made.
    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.0.tenants.lock().iter().filter_map(Weak::upgrade).collect()
    }

    /// Its settings, sizes rounded up.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Frees what has ended and can be in nobody's use any more, now that scopes have closed. Was
    /// there anything?
    ///
    /// Everything that gives back memory does this too, and what wants memory that there is not.
    pub fn reap(&self) -> bool {
        if !self.is_waiting() || self.check_process().is_err() {
            return false;
        }
        let contents = self.0.reap(&mut Pace::hasty());
        !contents.is_empty()
    }

    /// Is there anything that has ended, and that a scope may have kept from being freed? Takes no
    /// lock.
    pub fn is_waiting(&self) -> bool {
        !self.0.limbo.is_empty()
    }

    /// Are both the same manager?
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Is this the process that the code memory belongs to?
    pub(crate) fn check_process(&self) -> Result<()> {
        match self.0.is_inherited() {
            false => Ok(()),
            true => Err(vmem::Error::from(vmem::ErrorKind::ForkedChild).into()),
        }
    }

    pub(crate) fn slab(&self) -> &Arc<Slab> {
        &self.0.slab
    }

    pub(crate) fn eras(&self) -> &Eras {
        &self.0.eras
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.0.counters
    }

    /// Bytes that a manager takes on the heap, without what it manages.
    pub(crate) fn own_bytes() -> usize {
        size_of::<Shared>() + size_of::<Slab>() + size_of::<Counters>() + size_of::<Measures>()
    }

    pub(crate) fn measures(&self) -> &Arc<Measures> {
        &self.0.measures
    }

    /// The arenas at this moment.
    pub(crate) fn arenas(&self) -> Arc<[Arc<Arena>]> {
        Arc::clone(&self.0.arenas.lock())
    }

    /// One more arena, unless another thread has added one to those `seen`.
    pub(crate) fn add_arena(&self, seen: &Arc<[Arc<Arena>]>) -> Result<()> {
        let mut arenas = self.0.arenas.lock();
        if !Arc::ptr_eq(&arenas, seen) {
            return Ok(());
        }
        let arena = self.0.new_arena()?;
        *arenas = arenas.iter().cloned().chain([Arc::new(arena)]).collect();
        self.0.counters.arena_added();
        Ok(())
    }

    /// The units that live.
    pub(crate) fn units(&self) -> Vec<Arc<Unit>> {
        // Upgraded under the lock, dropped by the caller without it.
        self.0.units.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// The unit of that number, if it lives.
    pub(crate) fn unit(&self, id: u64) -> Option<Arc<Unit>> {
        // Upgraded under the lock, dropped by the caller without it.
        self.0.units.lock().get(&id).and_then(Weak::upgrade)
    }

    /// A unit is gone.
    pub(crate) fn forget_unit(&self, id: u64) {
        self.0.units.lock().remove(&id);
    }

    /// What all tenants occupy.
    pub(crate) fn occupied_account(&self) -> &Arc<Account> {
        &self.0.occupied
    }

    pub(crate) fn relieved_at(&self) -> &AtomicUsize {
        &self.0.relieved_at
    }

    /// Puts a new tenant on the list.
    pub(crate) fn remember_tenant(&self, tenant: &Arc<Tenant>) {
        let mut tenants = self.0.tenants.lock();
        if tenants.len() == tenants.capacity() {
            tenants.retain(|tenant| tenant.strong_count() != 0);
            // If most live: room for as many again, before the next look.
            let room = tenants.len();
            tenants.reserve(room);
        }
        tenants.push(Arc::downgrade(tenant));
    }

    /// Bytes that are committed.
    pub(crate) fn committed_bytes(&self) -> usize {
        self.0.committed.used()
    }

    /// What collections work on.
    pub(crate) fn retired(&self) -> &RetiredList {
        &self.0.retired
    }

    /// Held by who collects.
    pub(crate) fn collecting(&self) -> &Mutex<()> {
        &self.0.collecting
    }

    /// Who waits for what collections free.
    pub(crate) fn haste(&self) -> &HasteCount {
        &self.0.haste
    }

    /// Side tables that are to be freed.
    pub(crate) fn spares(&self) -> &Spares {
        &self.0.spares
    }

    /// The number of the last collection.
    pub(crate) fn collection(&self) -> &AtomicU32 {
        &self.0.collection
    }

    /// Lets dead objects be found no more, and frees them when nobody can be using them. What they
    /// held is to be dropped without locks: it may run code of the user.
    pub(crate) fn bury(&self, doomed: Vec<Doomed>, pace: &mut Pace<'_>) -> Vec<Contents> {
        for object in &doomed {
            let code = self.0.slab.record(object.id());
            code.contents().arena.index().clear(&code.range());
        }
        self.0.limbo.add(doomed, &self.0.eras);
        match self.check_process() {
            Ok(()) => self.0.reap(pace),
            Err(_) => Vec::new(),
        }
    }
}

impl Shared {
    /// Takes no lock: in a forked child, one may be held by a thread that is not there.
    fn is_inherited(&self) -> bool {
        self.first.get().is_some_and(|arena| arena.is_inherited())
    }

    fn new_arena(&self) -> Result<Arena> {
        let out = |wanted| ErrorKind::OutOfAddressSpace { wanted, free: self.reserved.free() };
        let least = self.config.arena_code_bytes + self.config.arena_data_bytes;
        if self.reserved.free() < least {
            return Err(out(least).into());
        }
        let arena = Arena::new(&self.config, &self.committed, &self.slab)?;
        match self.reserved.take(arena.reserved_bytes()) {
            Some(_) => {
                events::reserve(arena.reserved_bytes(), &arena.code_range());
                Ok(arena)
            }
            None => Err(out(arena.reserved_bytes()).into()),
        }
    }

    fn reap(&self, pace: &mut Pace<'_>) -> Vec<Contents> {
        self.remove(self.limbo.take_ready(&self.eras), pace)
    }

    fn remove(&self, expired: Vec<Expired>, pace: &mut Pace<'_>) -> Vec<Contents> {
        let is_same = |one: &Expired, other: &Expired| one.retired_at() == other.retired_at();
        let times = |together: &[Expired]| Some((together[0].retired_at()?, together.len()));
        let retired: Vec<_> = expired.chunk_by(is_same).filter_map(times).collect();
        let mut objects = Vec::with_capacity(expired.len());
        let mut expired = expired.into_iter();
        while expired.len() != 0 {
            let some = expired.by_ref().take(OBJECTS_A_TURN).collect();
            objects.extend(self.forget(some));
            pace.turn();
        }
        let contents = give_back(objects, pace);
        for (then, objects) in retired {
            self.measures.retire_to_free.record_times(then.elapsed(), objects);
        }
        contents
    }

    /// Empties the records of some dead objects.
    fn forget(&self, expired: Vec<Expired>) -> Vec<(Range<usize>, Contents)> {
        // Told before it is so: what is published in the same place next is told afterwards.
        for object in &expired {
            let time = || object.retired_at().map(|then| then.elapsed());
            events::free(|| self.slab.record(object.id()).subject(), time);
        }
        let objects = self.slab.remove(expired);
        for of_unit in objects.chunk_by(|(_, a), (_, b)| Arc::ptr_eq(&a.unit, &b.unit)) {
            let items = of_unit.iter().map(|(range, contents)| contents.item(range));
            of_unit[0].1.unit.removed(&items.collect());
        }
        objects
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.is_inherited() {
            return;
        }
        // What is left in the slab would hold its arena, and the arena the slab.
        let expired = self.limbo.take_all();
        drop(self.remove(expired, &mut Pace::hasty()));
    }
}

impl fmt::Debug for CodeManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeManager({:?})", self.stats())
    }
}

/// Frees ranges arena by arena, and returns the rest, to be dropped: that may run code of the user.
pub(crate) fn give_back(
    mut objects: Vec<(Range<usize>, Contents)>,
    pace: &mut Pace<'_>,
) -> Vec<Contents> {
    objects.sort_unstable_by_key(|(range, _)| range.start);
    for run in objects.chunk_by(|(_, a), (_, b)| Arc::ptr_eq(&a.arena, &b.arena)) {
        let ranges: Vec<Range<usize>> = run.iter().map(|(range, _)| range.clone()).collect();
        let freed = run[0].1.arena.free(&ranges, pace);
        debug_assert!(freed.is_ok(), "objects have registered ranges: {freed:?}");
        for of_unit in run.chunk_by(|(_, a), (_, b)| Arc::ptr_eq(&a.unit, &b.unit)) {
            of_unit[0].1.unit.freed(of_unit.iter().map(|(range, _)| range.len()).sum());
        }
    }
    objects.into_iter().map(|(_, contents)| contents).collect()
}
