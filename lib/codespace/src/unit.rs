//! A unit: functions that are compiled, called and given up together, such as those of a module.
//!
//! ```text
//!   Unit ─┬─ cells        one word for each function: where callers go
//!         ├─ lazy table   where a cell leads while its function has no code
//!         └─ books        which code is installed, and all objects of the unit
//! ```
//!
//! Its steps have files of their own: `place`, `publish`, `remove`; the rule is in `install`.
#![forbid(unsafe_code)]

use std::{
    any::Any,
    collections::BTreeSet,
    fmt,
    ops::Range,
    // Handed out as a word of memory, and a static: loom's atomics are neither.
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::Instant,
};

use std::sync::Arc;

use sync::{Mutex, Rank};

use crate::{
    arena::{Allocation, Arena},
    assumptions::Assumptions,
    cells::{CELL_BYTES, Cells},
    config::Config,
    draft::{Flavor, Kind, Tier},
    error::{ErrorKind, Result},
    events, home,
    install::{Mode, Version},
    lazy_table,
    manager::CodeManager,
    measures::Measures,
    object::{Contents, Place},
    refs::CodeRef,
    reloc::Reach,
    replacement::Replacements,
    retired::Retired,
    state::{Phase, Released},
    stats::{CodeStats, Counters, Item},
    tables::Tables,
    tenant::Tenant,
};

/// What a unit is made from.
pub struct UnitSpec {
    /// How many functions it has. May be zero, for wrappers and stubs.
    pub functions: u32,
    /// Address of machine code that is entered when a function without code is called: with the
    /// function's number in `eax`, everything else as the caller left it. Not used if there are no
    /// functions.
    pub lazy_stub: usize,
    /// The user's data, which look-ups lead to. It lives at least as long as the unit's code, and
    /// must not hold the unit or its code, or neither is ever freed. Whatever call frees the last
    /// of the code drops it, without holding a lock of the manager.
    pub owner: Arc<dyn Any + Send + Sync>,
    /// Who pays for its memory; the manager's default tenant if nobody is named.
    pub tenant: Option<Arc<Tenant>>,
}

impl fmt::Debug for UnitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnitSpec({} functions, {:#x})", self.functions, self.lazy_stub)
    }
}

/// Functions with cells, and their code. Dropping it frees all of that: nothing may run it any
/// more then.
pub struct Unit {
    manager: CodeManager,
    identity: Arc<Identity>,
    home: Option<Home>,
    /// How many pins it has.
    pins: AtomicUsize,
    /// How much code there had ever been when it was last used.
    used_at: AtomicUsize,
    books: Mutex<Books>,
}

/// Where the cells and lazy entries of a unit with functions are.
struct Home {
    arena: Arc<Arena>,
    cells: Cells,
    lazy_table: usize,
}

/// Who has what.
#[derive(Debug)]
pub(crate) struct Books {
    pub(crate) mode: Mode,
    pub(crate) assumptions: Assumptions,
    /// Installed code of each function, with a counted reference.
    pub(crate) table: Vec<Option<u32>>,
    /// Which functions have installed code that no cell leads to; empty before the first. See
    /// `cold`.
    pub(crate) suspended: Vec<bool>,
    /// Code that frames of functions go on in.
    pub(crate) replacements: Replacements,
    /// All objects that have not been freed.
    pub(crate) objects: BTreeSet<u32>,
}

impl Unit {
    pub(crate) fn new(
        manager: &CodeManager,
        spec: UnitSpec,
        expected_code: usize,
    ) -> Result<Arc<Self>> {
        manager.check_process()?;
        lazy_table::check(spec.functions)?;
        check_capacity(spec.functions, manager.config())?;
        let tenant = spec.tenant.as_ref().unwrap_or_else(|| manager.default_tenant());
        if !tenant.is_of(manager.occupied_account()) {
            return Err(ErrorKind::ForeignTenant.into());
        }
        let identity = Arc::new(Identity::new(&spec, tenant, manager));
        let books = Books {
            mode: Mode::default(),
            assumptions: Assumptions::default(),
            table: vec![None; spec.functions as usize],
            suspended: Vec::new(),
            replacements: Replacements::default(),
            objects: BTreeSet::new(),
        };
        let mut unit = Self {
            manager: manager.clone(),
            identity,
            home: None,
            pins: AtomicUsize::new(0),
            used_at: AtomicUsize::new(0),
            books: Mutex::new(Rank::Unit, books),
        };
        manager.counters().unit_added();
        if spec.functions != 0 {
            unit.settle(spec.functions, spec.lazy_stub, expected_code)?;
            unit.identity.count(|counters| counters.functions_added(spec.functions));
        }
        unit.touch();
        Ok(Arc::new(unit))
    }

    /// A number that no other unit of the process has.
    pub fn id(&self) -> u64 {
        self.identity.id
    }

    /// How many functions it has.
    pub fn functions(&self) -> u32 {
        self.home.as_ref().map_or(0, |home| home.cells.count())
    }

    /// The cell of a function. Its address stays the same while the unit lives; what it holds is
    /// the address to call, for one call.
    ///
    /// # Panics
    ///
    /// If the unit has no function of that number.
    pub fn cell(&self, function: u32) -> *const AtomicUsize {
        let cell = self.home.as_ref().and_then(|home| home.cells.get(function));
        cell.unwrap_or_else(|| panic!("function {function} of {}", self.functions()))
    }

    /// The first cell; the others follow. Null if the unit has no functions.
    pub fn cells(&self) -> *const AtomicUsize {
        self.home
            .as_ref()
            .and_then(|home| home.cells.get(0))
            .map_or(std::ptr::null(), std::ptr::from_ref)
    }

    /// The function whose cell lies at that address.
    pub fn function_of_cell(&self, address: usize) -> Option<u32> {
        let index = address.checked_sub(self.cells() as usize)? / size_of::<usize>();
        let function = u32::try_from(index).ok().filter(|&index| index < self.functions())?;
        (self.cell(function) as usize == address).then_some(function)
    }

    /// The address of a function's lazy entry, where its cell leads while it has no code.
    ///
    /// # Panics
    ///
    /// If the unit has no function of that number.
    pub fn lazy_entry(&self, function: u32) -> usize {
        assert!(function < self.functions(), "function {function} of {}", self.functions());
        self.home.as_ref().map_or(0, |home| home.lazy_entry(function))
    }

    /// The installed code of a function.
    pub fn code(self: &Arc<Self>, function: u32) -> Option<CodeRef> {
        let books = self.books.lock();
        let id = (*books.table.get(function as usize)?)?;
        self.manager.slab().record(id).state().acquire();
        Some(CodeRef::adopt(self, id))
    }

    /// The tier of a function's installed code.
    pub fn tier(&self, function: u32) -> Option<Tier> {
        let books = self.books.lock();
        let id = (*books.table.get(function as usize)?)?;
        Some(self.manager.slab().record(id).tier())
    }

    /// The version of what compilers may rely on now. To be read before compiling.
    pub fn assumptions(&self) -> u64 {
        self.books.lock().assumptions.version()
    }

    /// Something that compilers relied on has changed: code that is published later but relied on
    /// it is not installed.
    pub fn change_assumptions(&self) {
        self.books.lock().assumptions.change();
    }

    /// In how many arenas its code lies.
    pub fn arenas(&self) -> usize {
        let books = self.books.lock();
        let slab = self.manager.slab();
        let starts: Vec<_> =
            books.objects.iter().map(|&id| slab.record(id).range().start).collect();
        let arenas = self.manager.arenas();
        let is_used = |arena: &&Arc<Arena>| {
            let range = arena.code_range();
            starts.iter().any(|start| range.contains(start))
        };
        arenas.iter().filter(is_used).count()
    }

    /// What the unit is being used for.
    pub fn mode(&self) -> Mode {
        self.books.lock().mode
    }

    /// Changes which code is installed from now on; what is installed stays.
    pub fn set_mode(&self, mode: Mode) {
        self.books.lock().mode = mode;
    }

    /// Keeps its code when the manager takes code away from all units. Counted.
    pub fn pin(&self) {
        self.pins.fetch_add(1, Ordering::Relaxed);
    }

    /// Ends what one [`Self::pin`] began.
    pub fn unpin(&self) {
        let before = self.pins.fetch_sub(1, Ordering::Relaxed);
        debug_assert!(before != 0, "every pin ends once");
    }

    /// Is its code kept?
    pub fn is_pinned(&self) -> bool {
        self.pins.load(Ordering::Relaxed) != 0
    }

    /// Who pays for its memory.
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.identity.tenant
    }

    /// It is in use. What is not is the first to lose its code; see [`CodeManager::victims`].
    ///
    /// Who makes an instance or enters code for the first time in a while may say so. Placing code
    /// and [`Self::revive`] do, so that running code never has to.
    pub fn touch(&self) {
        let now = self.manager.counters().generated();
        if self.used_at() != now {
            self.used_at.store(now, Ordering::Relaxed);
            self.tenant().touch(now);
        }
    }

    pub(crate) fn used_at(&self) -> usize {
        // Relaxed: for an order that need not be exact.
        self.used_at.load(Ordering::Relaxed)
    }

    /// What became of its code. Takes no lock.
    pub fn stats(&self) -> CodeStats {
        self.identity.own.snapshot()
    }

    /// The user's data.
    pub fn owner(&self) -> &Arc<dyn Any + Send + Sync> {
        self.identity.owner()
    }

    /// The manager that it belongs to.
    pub fn manager(&self) -> &CodeManager {
        &self.manager
    }

    /// Who the unit is, for its code.
    pub(crate) fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// Gives back a counted reference to an object of this unit.
    pub(crate) fn release(&self, id: u32) {
        let code = self.manager.slab().record(id);
        // Read before: once it is retired, its unit's end may end it.
        let (item, subject) = (code.item(), code.subject());
        let generation = code.state().get().generation();
        if code.state().release() == Released::Retired && self.manager.check_process().is_ok() {
            self.identity.count(|counters| counters.retired(item));
            events::retire(&subject);
            // [RET-AFTER]
            let retired = Retired { id, generation, unit: self.identity.id, at: Instant::now() };
            self.manager.retired().add(retired, item.bytes, self.manager.slab());
        }
    }

    pub(crate) fn books(&self) -> &Mutex<Books> {
        &self.books
    }

    /// Lets callers of a function reach that address. The caller has the books.
    pub(crate) fn lead(&self, _books: &mut Books, function: u32, entry: usize) {
        if let Some(home) = &self.home {
            home.cells.set(function, entry);
        }
    }

    /// Where its cells are.
    pub(crate) fn reach(&self) -> Reach {
        let cells = self.home.as_ref().map_or(0..0, |home| home.cells.range());
        Reach { cells, limit: self.manager.config().cell_reach }
    }

    /// The arena in which its cells are.
    pub(crate) fn home_arena(&self) -> Option<&Arc<Arena>> {
        self.home.as_ref().map(|home| &home.arena)
    }

    /// Finds an arena for cells and lazy table, with room for the code that is expected if that
    /// can be had.
    fn settle(&mut self, functions: u32, lazy_stub: usize, expected_code: usize) -> Result<()> {
        let wanted = expected_code.saturating_add(lazy_table::size(functions));
        let mut may_add = true;
        loop {
            let arenas = self.manager.arenas();
            let free: Vec<_> = arenas.iter().map(|arena| arena.free_code_bytes()).collect();
            let choice = home::choose(&free, wanted, self.manager.config().arena_code_bytes);
            // Once: if others take what was added, any arena will do. So it will if none can be had.
            if choice.wants_new && std::mem::take(&mut may_add) {
                drop(self.manager.add_arena(&arenas));
                continue;
            }
            for index in choice.order {
                if self.settle_in(&arenas[index], functions, lazy_stub)? {
                    return Ok(());
                }
            }
            self.manager.add_arena(&arenas)?;
        }
    }

    fn settle_in(&mut self, arena: &Arc<Arena>, functions: u32, lazy_stub: usize) -> Result<bool> {
        let size = lazy_table::size(functions);
        let Some(allocation) = arena.allocate(&[size], self.tenant())? else { return Ok(false) };
        let lazy_table = allocation.objects()[0].start;
        let entry = |function| lazy_table + function as usize * lazy_table::ENTRY_BYTES;
        let Some(cells) = Cells::new(arena, self.tenant(), functions, entry)? else {
            return Ok(false);
        };
        let (mut scope, _) = allocation.write()?;
        lazy_table::write(scope.bytes(), functions, lazy_stub);
        allocation.finish(scope)?;
        self.publish_lazy_table(allocation, size)?;
        self.home = Some(Home { arena: Arc::clone(arena), cells, lazy_table });
        Ok(true)
    }

    fn publish_lazy_table(&mut self, allocation: Allocation, size: usize) -> Result<()> {
        let version = Version { tier: Tier::Baseline, flavor: Flavor::Normal };
        let owners = (&self.identity, allocation.arena());
        let contents = Contents::new(owners, Kind::LazyTable, version, Tables::default());
        let start = allocation.objects()[0].start;
        let place = Place { range: start..start + size, body: size as u32 };
        let reserved = self.manager.slab().insert(vec![(place, contents)])?;
        let bytes = allocation.take().iter().map(Range::len).sum();
        self.identity.placed(bytes);
        for reserved in reserved {
            let id = self.start(reserved, 1);
            self.books.get_mut().objects.insert(id);
        }
        Ok(())
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        if self.manager.check_process().is_err() {
            // A forked child has none of the memory, and a lock may be held for ever.
            return;
        }
        self.manager.counters().unit_gone();
        let objects = std::mem::take(&mut self.books.get_mut().objects);
        let mut doomed = Vec::with_capacity(objects.len());
        for id in objects {
            let item = self.manager.slab().record(id).item();
            let Some((object, phase)) = self.manager.slab().condemn(id) else { continue };
            self.identity.count(|counters| match phase {
                Phase::Retiring => counters.ended_retired(item),
                _ => counters.ended(item),
            });
            doomed.push(object);
        }
        let own = self.stats();
        self.identity.count(|counters| counters.functions_gone(&own));
        self.manager.forget_unit(self.identity.id);
        events::unit_dropped(self.identity.id, doomed.len());
        drop(self.manager.bury(doomed));
    }
}

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({}, {} functions)", self.identity.id, self.functions())
    }
}

/// Would the cells and the lazy table fit in an empty arena?
fn check_capacity(functions: u32, config: &Config) -> Result<()> {
    for (wanted, available) in [
        (functions as usize * CELL_BYTES, config.arena_data_bytes),
        (lazy_table::size(functions), config.arena_code_bytes),
    ] {
        if available < wanted && functions != 0 {
            return Err(ErrorKind::TooLarge { wanted, available }.into());
        }
    }
    Ok(())
}

impl Home {
    fn lazy_entry(&self, function: u32) -> usize {
        self.lazy_table + function as usize * lazy_table::ENTRY_BYTES
    }
}

/// What code knows of its unit, and keeps.
pub(crate) struct Identity {
    id: u64,
    owner: Arc<dyn Any + Send + Sync>,
    tenant: Arc<Tenant>,
    own: Counters,
    all: Arc<Counters>,
    sizes: Option<Sizes>,
}

/// How large a unit is, for distributions: see [LE-MOVE] of `histogram`.
struct Sizes {
    measures: Arc<Measures>,
    code: AtomicUsize,
    metadata: AtomicUsize,
}

impl Identity {
    fn new(spec: &UnitSpec, tenant: &Arc<Tenant>, manager: &CodeManager) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            owner: Arc::clone(&spec.owner),
            tenant: Arc::clone(tenant),
            own: Counters::default(),
            all: Arc::clone(manager.counters()),
            // Others hold wrappers, which are no modules.
            sizes: (spec.functions != 0).then(|| Sizes::new(manager.measures())),
        }
    }

    /// Memory was handed out.
    pub(crate) fn placed(&self, bytes: usize) {
        self.count(|counters| counters.placed(bytes));
        self.sizes.iter().for_each(|sizes| sizes.grow_code(bytes));
    }

    /// It can be handed out again. [TE-EXACT]
    pub(crate) fn freed(&self, bytes: usize) {
        self.count(|counters| counters.freed(bytes));
        self.tenant.give(bytes);
        self.sizes.iter().for_each(|sizes| sizes.grow_code(bytes.wrapping_neg()));
    }

    /// An object can be found.
    pub(crate) fn published(&self, item: Item) {
        self.count(|counters| counters.published(item));
        self.sizes.iter().for_each(|sizes| sizes.grow_metadata(item.metadata));
    }

    /// It is about to be freed.
    pub(crate) fn removed(&self, item: Item) {
        self.count(|counters| counters.removed(item));
        self.sizes.iter().for_each(|sizes| sizes.grow_metadata(item.metadata.wrapping_neg()));
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn owner(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.owner
    }

    /// Counts something for the unit, its tenant and all units.
    pub(crate) fn count(&self, what: impl Fn(&Counters)) {
        what(&self.own);
        what(&self.tenant.counters);
        what(&self.all);
    }
}

impl Sizes {
    fn new(measures: &Arc<Measures>) -> Self {
        measures.unit_code.enter(0);
        measures.unit_metadata.enter(0);
        let measures = Arc::clone(measures);
        Self { measures, code: AtomicUsize::new(0), metadata: AtomicUsize::new(0) }
    }

    fn grow_code(&self, bytes: usize) {
        let before = self.code.fetch_add(bytes, Ordering::Relaxed);
        self.measures.unit_code.change(before as u64, before.wrapping_add(bytes) as u64);
    }

    fn grow_metadata(&self, bytes: usize) {
        let before = self.metadata.fetch_add(bytes, Ordering::Relaxed);
        self.measures.unit_metadata.change(before as u64, before.wrapping_add(bytes) as u64);
    }
}

/// The unit and all of its code are gone.
impl Drop for Sizes {
    fn drop(&mut self) {
        self.measures.unit_code.leave(*self.code.get_mut() as u64);
        self.measures.unit_metadata.leave(*self.metadata.get_mut() as u64);
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.id)
    }
}
