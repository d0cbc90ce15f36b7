//! What the natives of a realm share.
//!
//! ```text
//!   Realm ──► Context ──► QuickJS's objects ──► State ──► Store
//!     └──────────────────────────────────────────┘
//! ```
//!
//! * [ST-ORDER] QuickJS's objects go first: the buffers of memories point into the store. Before
//!   that, the state lets go of all values that it holds, because they need the runtime.
//! * [ST-CONTEXT] only natives of the context enter Wasm, so the runtime is entered where Wasm
//!   calls a host function.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    ptr::NonNull,
    rc::{Rc, Weak},
};

use rquickjs::{Class, Ctx, Function, JsLifetime, Object, Persistent, Result, Value, qjs};
use tierup::{Engine, Extern, Func, Held, Instance, Module, ResourceLimiter, Store, Tracer};

use crate::{
    buffer_source::BufferIntrinsics, buffers::Buffers, collect::Pressure,
    exports::ExportedFunction, limits::CountingLimiter, raw, store_cell::StoreCell, values::Values,
    wrapper::Wrapper,
};

/// A value that outlives the context's lifetime.
pub(crate) type Kept = Persistent<Value<'static>>;

/// What the natives of a realm share.
pub(crate) struct State {
    this: Weak<Self>,
    engine: Engine,
    pub(crate) store: StoreCell,
    context: Cell<Option<NonNull<qjs::JSContext>>>,
    plain_class: Cell<u32>,
    intrinsics: RefCell<Option<Intrinsics>>,
    transfers: RefCell<HashMap<usize, Persistent<Function<'static>>>>,
    /// The values that host values and host functions of the store stand for.
    pub(crate) values: RefCell<Values>,
    /// The JavaScript objects that stand for objects of the store.
    pub(crate) wrappers: RefCell<HashMap<Held, Kept>>,
    /// Functions of JavaScript in the store.
    pub(crate) host_functions: RefCell<HashMap<Func, ImportedFunction>>,
    /// Exported functions, by the identity of their objects.
    pub(crate) exported: RefCell<HashMap<usize, ExportedFunction>>,
    /// Which module an instance is of.
    pub(crate) modules: RefCell<HashMap<Instance, Module>>,
    /// The buffers that show memories.
    pub(crate) buffers: Buffers,
    /// Growths of memories so far.
    pub(crate) growths: Rc<Cell<u64>>,
    pub(crate) pressure: Pressure,
    /// How many calls from JavaScript into Wasm are open, and which of them run start functions.
    pub(crate) entries: Cell<usize>,
    pub(crate) start_entries: RefCell<Vec<usize>>,
}

/// A function of JavaScript that a module imports.
#[derive(Clone, Copy)]
pub(crate) struct ImportedFunction {
    /// Its place in [`State::values`].
    pub(crate) key: u32,
    /// Its number among the functions of the module that it was first imported by.
    pub(crate) index: u32,
}

/// Objects of the realm that scripts cannot replace.
pub(crate) struct Intrinsics {
    pub(crate) module: Persistent<Object<'static>>,
    pub(crate) instance: Persistent<Object<'static>>,
    pub(crate) memory: Persistent<Object<'static>>,
    pub(crate) table: Persistent<Object<'static>>,
    pub(crate) global: Persistent<Object<'static>>,
    pub(crate) compile_error: Persistent<Function<'static>>,
    pub(crate) link_error: Persistent<Function<'static>>,
    pub(crate) runtime_error: Persistent<Function<'static>>,
    pub(crate) range_error: Persistent<Function<'static>>,
    pub(crate) error: Persistent<Function<'static>>,
    pub(crate) buffers: BufferIntrinsics,
}

/// A call into Wasm that is open.
pub(crate) struct Entry<'a>(&'a State);

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.0.entries.set(self.0.entries.get() - 1);
    }
}

/// A start function that runs.
pub(crate) struct StartEntry<'a>(Entry<'a>);

impl Drop for StartEntry<'_> {
    fn drop(&mut self) {
        self.0.0.start_entries.borrow_mut().pop();
    }
}

/// The data of a realm's store.
pub(crate) struct Host {
    pub(crate) state: Weak<State>,
    pub(crate) limits: CountingLimiter,
}

impl State {
    pub(crate) fn new(engine: &Engine, limits: Option<Box<dyn ResourceLimiter>>) -> Rc<Self> {
        Rc::new_cyclic(|state| {
            let growths = Rc::new(Cell::new(0));
            let limits = CountingLimiter::new(limits, &growths);
            let mut store = Store::new(engine, Host { state: state.clone(), limits });
            store.limiter(|host| &mut host.limits);
            store.set_tracer(|host, tracer| {
                if let Some(state) = host.state.upgrade() {
                    state.trace(tracer);
                }
            });
            Self {
                this: state.clone(),
                engine: engine.clone(),
                store: StoreCell::new(store),
                context: Cell::default(),
                plain_class: Cell::default(),
                intrinsics: RefCell::default(),
                transfers: RefCell::default(),
                values: RefCell::default(),
                wrappers: RefCell::default(),
                host_functions: RefCell::default(),
                exported: RefCell::default(),
                modules: RefCell::default(),
                buffers: Buffers::default(),
                growths,
                pressure: Pressure::default(),
                entries: Cell::default(),
                start_entries: RefCell::default(),
            }
        })
    }

    /// Connects the state with the context that it is for.
    pub(crate) fn attach(&self, ctx: &Ctx<'_>, sample: &Value<'_>) {
        self.context.set(Some(ctx.as_raw()));
        self.plain_class.set(raw::class_id(sample));
    }

    /// For natives that outlive the borrow.
    pub(crate) fn shared(&self) -> Rc<Self> {
        self.this.upgrade().expect("somebody holds what we are called on")
    }

    /// Notes that a call into Wasm is open, until the result is dropped.
    pub(crate) fn enter_wasm(&self) -> Entry<'_> {
        self.entries.set(self.entries.get() + 1);
        Entry(self)
    }

    /// Likewise, for the start function of an instance.
    pub(crate) fn enter_start(&self) -> StartEntry<'_> {
        let entry = self.enter_wasm();
        self.start_entries.borrow_mut().push(self.entries.get());
        StartEntry(entry)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The number of the class that all our objects have.
    pub(crate) fn plain_class(&self) -> u32 {
        self.plain_class.get()
    }

    /// The context, for a host function that Wasm calls.
    pub(crate) fn with_context<R>(&self, work: impl FnOnce(&Ctx<'_>) -> R) -> R {
        // SAFETY: [ST-CONTEXT], and `work` ends before we return to Wasm.
        work(&unsafe { raw::context(self.context()) })
    }

    /// Likewise, as QuickJS has it.
    #[inline]
    pub(crate) fn context(&self) -> NonNull<qjs::JSContext> {
        self.context.get().expect("a realm is attached before it runs anything")
    }

    /// An intrinsic of the realm.
    pub(crate) fn intrinsic<'js, T>(
        &self,
        ctx: &Ctx<'js>,
        find: impl FnOnce(&Intrinsics) -> &Persistent<T>,
    ) -> Result<T::Changed<'js>>
    where
        T: JsLifetime<'static> + Clone,
    {
        self.with_intrinsics(|intrinsics| find(intrinsics).clone()).restore(ctx)
    }

    pub(crate) fn with_intrinsics<R>(&self, work: impl FnOnce(&Intrinsics) -> R) -> R {
        let intrinsics = self.intrinsics.borrow();
        let intrinsics = intrinsics.as_ref();
        work(intrinsics.expect("a realm has its intrinsics before it runs anything"))
    }

    /// The function of the store that a value is, if it is an exported function.
    pub(crate) fn exported_function(&self, value: &Value<'_>) -> Option<Func> {
        Some(self.exported.borrow().get(&raw::identity(value)?)?.func)
    }

    /// Names what JavaScript holds of the store.
    fn trace(&self, tracer: &mut Tracer<'_, '_>) {
        self.wrappers.borrow().keys().for_each(|&held| tracer.hold(held));
        self.buffers.for_each_memory(|memory| tracer.hold(memory));
    }

    /// [ST-ORDER] Lets go of all values.
    pub(crate) fn release(&self) {
        self.intrinsics.take();
        self.transfers.take();
        self.values.take();
        self.wrappers.take();
    }

    /// Keeps an original method of `ArrayBuffer`.
    pub(crate) fn set_transfer(&self, which: usize, original: &Function<'_>) {
        let kept = Persistent::save(original.ctx(), original.clone());
        self.transfers.borrow_mut().insert(which, kept);
    }

    pub(crate) fn transfer<'js>(&self, ctx: &Ctx<'js>, which: usize) -> Result<Function<'js>> {
        let transfers = self.transfers.borrow();
        let original = transfers.get(&which);
        original.expect("only what was kept was replaced").clone().restore(ctx)
    }

    pub(crate) fn set_intrinsics(&self, intrinsics: Intrinsics) {
        self.intrinsics.replace(Some(intrinsics));
    }

    /// Forgets objects that the store has reclaimed.
    pub(crate) fn forget_reclaimed(&self) {
        self.store.enter(|store| {
            self.modules.borrow_mut().retain(|instance, _| instance.is_live(&*store));
            self.host_functions.borrow_mut().retain(|func, _| func.origin(&mut *store).is_ok());
        });
    }

    /// The wrapper of an object of the store, if it has one.
    pub(crate) fn wrapper<'js>(
        &self,
        ctx: &Ctx<'js>,
        held: impl Into<Held>,
    ) -> Option<Result<Value<'js>>> {
        let wrapper = self.wrappers.borrow().get(&held.into())?.clone();
        Some(wrapper.restore(ctx))
    }

    /// Remembers the wrapper of an object of the store.
    pub(crate) fn set_wrapper<'js>(&self, held: impl Into<Held>, wrapper: &Value<'js>) {
        let kept = Persistent::save(wrapper.ctx(), wrapper.clone());
        self.wrappers.borrow_mut().insert(held.into(), kept);
    }

    /// The JavaScript object for a memory, table or global, which is made if there is none.
    pub(crate) fn wrap<'js>(&self, ctx: &Ctx<'js>, item: Extern) -> Result<Value<'js>> {
        if let Some(wrapper) = self.wrapper(ctx, item) {
            return wrapper;
        }
        let prototype = match item {
            Extern::Func(_) => unreachable!("functions have no wrappers of this kind"),
            Extern::Memory(_) => self.intrinsic(ctx, |intrinsics| &intrinsics.memory)?,
            Extern::Table(_) => self.intrinsic(ctx, |intrinsics| &intrinsics.table)?,
            Extern::Global(_) => self.intrinsic(ctx, |intrinsics| &intrinsics.global)?,
        };
        self.wrap_with(item, prototype)
    }

    /// A new JavaScript object for an object of the store.
    pub(crate) fn wrap_with<'js>(
        &self,
        held: impl Into<Held>,
        prototype: Object<'js>,
    ) -> Result<Value<'js>> {
        let held = held.into();
        let wrapper = Class::instance_proto(Wrapper::new(held), prototype)?.into_value();
        self.set_wrapper(held, &wrapper);
        Ok(wrapper)
    }
}
