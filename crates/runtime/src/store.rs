//! A store: the objects of some instances, and the thread of control that runs them.
//!
//! All objects live in slots of the store (`slots`) and are reclaimed one by one (`collect`).
//! While Wasm runs, the `&mut StoreState` that entered it is not used; what Wasm calls gets the
//! store back from the block's pointer, for the time of the call.

use std::{
    any::Any,
    cell::Cell,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sync::atomic::AtomicUsize;
use tierup_abi::{InstanceHead, StoreBlock};

use crate::{
    EngineState, ExternObject, FunctionObject, GlobalObject, InstanceObject, InterruptHandler,
    Limiter, MemoryObject, TableObject, builtins, collect::TraceHook, faults::TrapRecord,
    host::Pending, interrupt::SharedBlock, owner::Owner, replacement::ReplacementBuffer,
    roots::Roots, slots::Slots, wrappers::Wrapper,
};

/// Tells stores apart; never used twice in a process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StoreId(pub(crate) u64);

impl StoreId {
    fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The objects of some instances.
pub struct StoreState {
    id: StoreId,
    engine: Arc<EngineState>,
    block: Arc<SharedBlock>,
    trap_record: Box<TrapRecord>,
    pending: Option<Pending>,
    data: Box<dyn Any>,
    pub(crate) instances: Slots<InstanceObject>,
    pub(crate) memories: Slots<MemoryObject>,
    pub(crate) tables: Slots<TableObject>,
    pub(crate) globals: Slots<GlobalObject>,
    pub(crate) functions: Slots<FunctionObject>,
    pub(crate) externs: Slots<ExternObject>,
    pub(crate) roots: Roots,
    pub(crate) limiter: Option<Limiter>,
    pub(crate) interrupt_handler: Option<InterruptHandler>,
    pub(crate) tracer: Option<TraceHook>,
    /// See [`StoreState::keep_entered`].
    pub(crate) entered: Vec<Arc<Wrapper>>,
    /// Where values of frames travel that are replaced: see `replacement`.
    pub(crate) replacement_buffer: ReplacementBuffer,
    /// Where the stack pointer was when the limit was set; see `stack`.
    pub(crate) limit_set_at: Cell<usize>,
}

impl StoreState {
    /// An empty store that keeps `data` for the embedder.
    pub fn new(engine: &Arc<EngineState>, data: Box<dyn Any>) -> Box<Self> {
        let id = StoreId::next();
        let mut trap_record = Box::new(TrapRecord::new());
        let block = Arc::new(SharedBlock::new((&raw mut *trap_record).cast()));
        engine.add_block(&block);
        Box::new(Self {
            id,
            engine: Arc::clone(engine),
            block,
            trap_record,
            pending: None,
            data,
            instances: Slots::new(id),
            memories: Slots::new(id),
            tables: Slots::new(id),
            globals: Slots::new(id),
            functions: Slots::new(id),
            externs: Slots::new(id),
            roots: Roots::default(),
            limiter: None,
            interrupt_handler: None,
            tracer: None,
            entered: Vec::new(),
            replacement_buffer: ReplacementBuffer::default(),
            limit_set_at: Cell::new(0),
        })
    }

    /// Which store this is.
    pub fn id(&self) -> StoreId {
        self.id
    }

    /// Its engine.
    pub fn engine(&self) -> &Arc<EngineState> {
        &self.engine
    }

    /// What the embedder keeps here.
    pub fn data(&self) -> &dyn Any {
        &*self.data
    }

    /// What the embedder keeps here, to change.
    pub fn data_mut(&mut self) -> &mut dyn Any {
        &mut *self.data
    }

    /// What the embedder keeps here.
    pub fn into_data(mut self: Box<Self>) -> Box<dyn Any> {
        std::mem::replace(&mut self.data, Box::new(()))
    }

    /// True while Wasm code of this store runs or waits for a host call.
    pub fn is_running(&self) -> bool {
        self.block().entry_frame.load(Ordering::Relaxed) != 0
    }

    #[inline]
    pub(crate) fn block(&self) -> &StoreBlock {
        self.block.block()
    }

    #[inline]
    pub(crate) fn shared_block(&self) -> &Arc<SharedBlock> {
        &self.block
    }

    pub(crate) fn trap_record(&mut self) -> &mut TrapRecord {
        &mut self.trap_record
    }

    pub(crate) fn trap_record_ref(&self) -> &TrapRecord {
        &self.trap_record
    }

    pub(crate) fn set_pending(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    pub(crate) fn take_pending(&mut self) -> Option<Pending> {
        self.pending.take()
    }

    /// The limiter and the data that it may look at.
    pub(crate) fn limiter(&mut self) -> Option<(&mut Limiter, &mut dyn Any)> {
        let limiter = self.limiter.as_mut()?;
        Some((limiter, &mut *self.data))
    }

    /// The tracer and the data that it may look at.
    pub(crate) fn tracer(&mut self) -> Option<(&mut TraceHook, &dyn Any)> {
        let tracer = self.tracer.as_mut()?;
        Some((tracer, &*self.data))
    }

    /// The interrupt handler and the data that it may change.
    pub(crate) fn interrupt_handler(&mut self) -> Option<(&mut InterruptHandler, &mut dyn Any)> {
        let handler = self.interrupt_handler.as_mut()?;
        Some((handler, &mut *self.data))
    }

    /// All memories, and what the embedder keeps here, both to change.
    pub(crate) fn memories_and_data(&mut self) -> (&mut Slots<MemoryObject>, &mut dyn Any) {
        (&mut self.memories, &mut *self.data)
    }

    /// A head for an object of this store.
    pub(crate) fn head(&self, owner: Owner, cells: *const AtomicUsize) -> InstanceHead {
        InstanceHead {
            store_block: self.block(),
            builtins: builtins::table(),
            cells,
            owner: owner.encode(),
        }
    }

    /// The store that the object with this head belongs to.
    ///
    /// # Safety
    ///
    /// The store is alive, and the caller is (called by) Wasm code of it, which was entered on
    /// this thread; no other reference to the store is in use while the result is.
    pub(crate) unsafe fn of_head<'a>(head: &InstanceHead) -> &'a mut Self {
        // SAFETY: a head points to the block of its store, which is alive.
        let block = unsafe { &*head.store_block };
        // SAFETY: whoever entered Wasm set the pointer from its exclusive reference, and does
        // not use that until Wasm returns.
        unsafe { &mut *block.store.cast::<Self>() }
    }
}

impl fmt::Debug for StoreState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("id", &self.id.0)
            .field("instances", &self.instances.len())
            .field("memories", &self.memories.len())
            .field("tables", &self.tables.len())
            .field("globals", &self.globals.len())
            .field("functions", &self.functions.len())
            .field("externs", &self.externs.len())
            .finish_non_exhaustive()
    }
}
