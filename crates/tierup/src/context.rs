//! Stores, and access to them from outside and from host functions.

use std::{fmt, marker::PhantomData};

use tierup_runtime::{
    InterruptAction, InterruptHandle, Limiter, Limits, Reclaimed, StoreState, TypedStore,
};

use crate::{Engine, Error, Held, Tracer};

/// The instances of some modules, everything that they use, and data of the host.
///
/// A store is used by one thread at a time; it can move between threads.
///
/// ```
/// # fn main() -> Result<(), tierup::Error> {
/// let engine = tierup::Engine::default();
/// let mut store = tierup::Store::new(&engine, 7);
/// *store.data_mut() += 1;
/// assert_eq!(store.into_data(), 8);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Store<T: 'static> {
    inner: TypedStore<T>,
    engine: Engine,
}

impl<T: 'static> Store<T> {
    /// An empty store.
    pub fn new(engine: &Engine, data: T) -> Self {
        Self { inner: TypedStore::new(engine.state(), data), engine: engine.clone() }
    }

    /// Its engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        data(self.inner.state())
    }

    /// The host's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        data_mut(self.inner.state_mut())
    }

    /// Drops the store and returns the host's data.
    pub fn into_data(self) -> T {
        self.inner.into_data()
    }

    /// A handle for interrupting this store's code from any thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.inner.state().interrupt_handle()
    }

    /// Decides what happens when the store is interrupted. Without a handler its code traps.
    pub fn set_interrupt_handler(
        &mut self,
        mut handler: impl FnMut(&mut T) -> InterruptAction + Send + 'static,
    ) {
        self.inner.state_mut().set_interrupt_handler(move |data| handler(expect_mut(data)));
    }

    /// Sets the fuel that is left. The engine must be made with
    /// [`Config::consume_fuel`](crate::Config::consume_fuel).
    ///
    /// # Errors
    ///
    /// If it is not.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.inner.state_mut().set_fuel(fuel)
    }

    /// The fuel that is left; 0 after it was used up.
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.inner.state().fuel()
    }

    /// Asks the limits that `find` finds in the store's data before memories, tables and
    /// instances are made or grow.
    pub fn limiter(&mut self, find: impl Fn(&mut T) -> Limits<'_> + Send + 'static) {
        let limiter = Limiter::new(move |data| find(expect_mut(data)));
        self.inner.state_mut().set_limiter(limiter);
    }

    /// Runs `work` in a scope: handles that it gets keep their objects alive only until it ends.
    ///
    /// Handles that the store hands out outside of any scope keep theirs as long as the store
    /// lives.
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut StoreContextMut<'_, T>) -> R) -> R {
        let mut scope = self.inner.state_mut().scope();
        work(&mut StoreContextMut::new(&mut scope))
    }

    /// Names, at each collection, what the host holds besides handles in scopes.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// # use tierup::{Engine, ExternRef, Store};
    /// let mut store = Store::new(&Engine::default(), None);
    /// store.set_tracer(|held: &Option<ExternRef>, tracer| {
    ///     held.iter().for_each(|&value| tracer.hold(value));
    /// });
    /// let value = store.scope(|scope| ExternRef::new(scope, "kept"))?;
    /// *store.data_mut() = Some(value);
    /// assert_eq!(store.collect().externs, 0);
    /// *store.data_mut() = None;
    /// assert_eq!(store.collect().externs, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_tracer(&mut self, mut tracer: impl FnMut(&T, &mut Tracer<'_, '_>) + Send + 'static) {
        self.inner.state_mut().set_tracer(move |data, inner| {
            let data = data.downcast_ref().expect("a store keeps the type that it was made with");
            tracer(data, &mut Tracer::new(inner));
        });
    }

    /// Reclaims every instance, memory, table, global, function and host value that no handle,
    /// table, global or stack reaches.
    pub fn collect(&mut self) -> Reclaimed {
        self.inner.state_mut().collect()
    }
}

/// Read access to a store.
#[derive(Debug)]
pub struct StoreContext<'a, T: 'static> {
    state: &'a StoreState,
    data: PhantomData<&'a T>,
}

impl<'a, T: 'static> StoreContext<'a, T> {
    fn new(state: &'a StoreState) -> Self {
        Self { state, data: PhantomData }
    }

    /// The host's data.
    pub fn data(&self) -> &'a T {
        data(self.state)
    }

    /// Like [`Store::get_fuel`].
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.state.fuel()
    }

    pub(crate) fn state(&self) -> &'a StoreState {
        self.state
    }
}

/// Access to a store.
#[derive(Debug)]
pub struct StoreContextMut<'a, T: 'static> {
    state: &'a mut StoreState,
    data: PhantomData<&'a mut T>,
}

impl<'a, T: 'static> StoreContextMut<'a, T> {
    pub(crate) fn new(state: &'a mut StoreState) -> Self {
        Self { state, data: PhantomData }
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        data(self.state)
    }

    /// The host's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        data_mut(self.state)
    }

    /// Like [`Store::scope`].
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut StoreContextMut<'_, T>) -> R) -> R {
        let mut scope = self.state.scope();
        work(&mut StoreContextMut::new(&mut scope))
    }

    /// Calls `visit` with every object of the store and those that it holds directly, each of
    /// them perhaps more than once.
    ///
    /// This and [`roots`](Self::roots) are for hosts that collect objects of their own together
    /// with the store's: a cycle that leads through both heaps is found by neither side alone.
    ///
    /// ```
    /// # fn main() -> Result<(), tierup::Error> {
    /// use tierup::{AsContextMut, Engine, ExternRef, Global, GlobalType, Held};
    /// use tierup::{Mutability, Store, Val, ValType};
    ///
    /// let mut store = Store::new(&Engine::default(), ());
    /// let value = ExternRef::new(&mut store, "held")?;
    /// let ty = GlobalType { value: ValType::ExternRef, mutability: Mutability::Const };
    /// let global = Global::new(&mut store, ty, Val::ExternRef(Some(value)))?;
    /// let mut edges = Vec::new();
    /// store.as_context_mut().visit_objects(|holder, held| {
    ///     edges.extend(held.iter().map(|&held| (holder, held)));
    /// });
    /// assert_eq!(edges, [(Held::from(global), Held::from(value))]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn visit_objects(&self, mut visit: impl FnMut(Held, &[Held])) {
        let mut children = Vec::new();
        self.state.visit_objects(|holder, held| {
            children.clear();
            children.extend(held.iter().map(|&object| Held::from(object)));
            visit(holder.into(), &children);
        });
    }

    /// What handles in scopes and the stack hold directly; not what a tracer names.
    pub fn roots(&self) -> Vec<Held> {
        self.state.root_objects().into_iter().map(Held::from).collect()
    }

    /// Like [`Store::interrupt_handle`].
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.state.interrupt_handle()
    }

    /// Like [`Store::collect`]; what the stack holds stays.
    pub fn collect(&mut self) -> Reclaimed {
        self.state.collect()
    }

    /// Like [`Store::set_fuel`].
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.state.set_fuel(fuel)
    }

    /// Like [`Store::get_fuel`].
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.state.fuel()
    }

    pub(crate) fn into_state(self) -> &'a mut StoreState {
        self.state
    }
}

/// What gives read access to a store.
pub trait AsContext {
    /// Type of the store's data.
    type Data: 'static;

    /// Read access.
    fn as_context(&self) -> StoreContext<'_, Self::Data>;
}

/// What gives access to a store.
pub trait AsContextMut: AsContext {
    /// Access.
    fn as_context_mut(&mut self) -> StoreContextMut<'_, Self::Data>;
}

impl<T: 'static> AsContext for Store<T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext::new(self.inner.state())
    }
}

impl<T: 'static> AsContextMut for Store<T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut::new(self.inner.state_mut())
    }
}

impl<T: 'static> AsContext for StoreContext<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext::new(self.state)
    }
}

impl<T: 'static> AsContext for StoreContextMut<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        StoreContext::new(self.state)
    }
}

impl<T: 'static> AsContextMut for StoreContextMut<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        StoreContextMut::new(self.state)
    }
}

impl<'a, T: 'static, C: AsContext<Data = T>> From<&'a C> for StoreContext<'a, T> {
    fn from(store: &'a C) -> Self {
        C::as_context(store)
    }
}

impl<'a, T: 'static, C: AsContext<Data = T>> From<&'a mut C> for StoreContext<'a, T> {
    fn from(store: &'a mut C) -> Self {
        C::as_context(store)
    }
}

impl<'a, T: 'static, C: AsContextMut<Data = T>> From<&'a mut C> for StoreContextMut<'a, T> {
    fn from(store: &'a mut C) -> Self {
        C::as_context_mut(store)
    }
}

impl<C: AsContext> AsContext for &C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContext> AsContext for &mut C {
    type Data = C::Data;

    fn as_context(&self) -> StoreContext<'_, C::Data> {
        C::as_context(self)
    }
}

impl<C: AsContextMut> AsContextMut for &mut C {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, C::Data> {
        C::as_context_mut(self)
    }
}

/// The data of a store that was made for a `T`.
pub(crate) fn data<T: 'static>(state: &StoreState) -> &T {
    state.data().downcast_ref().expect("a store keeps the type that it was made with")
}

/// The data of a store that was made for a `T`.
pub(crate) fn data_mut<T: 'static>(state: &mut StoreState) -> &mut T {
    expect_mut(state.data_mut())
}

pub(crate) fn expect_mut<T: 'static>(data: &mut dyn std::any::Any) -> &mut T {
    data.downcast_mut().expect("a store keeps the type that it was made with")
}

/// What a host function knows about its call: the store, and who called.
pub struct Caller<'a, T: 'static> {
    store: StoreContextMut<'a, T>,
    instance: Option<tierup_runtime::InstanceHandle>,
}

impl<'a, T: 'static> Caller<'a, T> {
    pub(crate) fn new(
        state: &'a mut StoreState,
        instance: Option<tierup_runtime::InstanceHandle>,
    ) -> Self {
        Self { store: StoreContextMut::new(state), instance }
    }

    /// The host's data.
    pub fn data(&self) -> &T {
        self.store.data()
    }

    /// The host's data, to change.
    pub fn data_mut(&mut self) -> &mut T {
        self.store.data_mut()
    }

    /// The instance that imported the function that was called.
    ///
    /// `None` if the host called it, or if it was called through a reference: one that the host
    /// put into a table, or that `ref.func` made. (Elements of a module's own segments know their
    /// instance.)
    pub fn instance(&mut self) -> Option<crate::Instance> {
        let instance = self.store.state.root(self.instance?);
        Some(crate::Instance::from_handle(instance))
    }

    /// An export of that instance.
    pub fn export(&mut self, name: &str) -> Option<crate::Extern> {
        self.instance()?.export(&mut self.store, name)
    }

    /// An exported memory of that instance.
    pub fn memory(&mut self, name: &str) -> Option<crate::Memory> {
        self.export(name)?.into_memory()
    }

    /// Sets the fuel that is left for what comes after this call.
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn set_fuel(&mut self, fuel: u64) -> Result<(), Error> {
        self.store.set_fuel(fuel)
    }

    /// The fuel that is left: exactly what was not taken up to this call, itself included.
    ///
    /// # Errors
    ///
    /// If the engine's code takes none.
    pub fn get_fuel(&self) -> Result<u64, Error> {
        self.store.get_fuel()
    }

    /// The Wasm frames that led to this call, innermost first.
    pub fn backtrace(&mut self) -> crate::Backtrace {
        self.store.state.current_backtrace()
    }
}

impl<T: 'static> fmt::Debug for Caller<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl<T: 'static> AsContext for Caller<'_, T> {
    type Data = T;

    fn as_context(&self) -> StoreContext<'_, T> {
        self.store.as_context()
    }
}

impl<T: 'static> AsContextMut for Caller<'_, T> {
    fn as_context_mut(&mut self) -> StoreContextMut<'_, T> {
        self.store.as_context_mut()
    }
}
