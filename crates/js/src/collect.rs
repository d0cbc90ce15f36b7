//! Collecting cycles that lead through both heaps.
//!
//! The store holds values of JavaScript (host values, imported functions, and the wrappers of its
//! objects); JavaScript holds objects of the store, by wrappers. Neither collector sees the other's
//! part of a cycle:
//!
//! ```text
//!   closure ──► Instance object ──► exports ──► function object
//!      ▲                                             │  (wrapper of)
//!      └───── host function ◄── instance ◄───────────┘        JavaScript above, store below
//! ```
//!
//! For the time of a collection the store's graph is mirrored in objects of QuickJS, one
//! [`Node`] for each object, and the state gives its own references up. Then QuickJS's collector
//! finds what is garbage on both sides. What is left takes its place again, and the store reclaims
//! what has no wrapper any more.
//!
//! * [CO-ONE] during the collection each value that the state holds is held by exactly one node.
//! * [CO-BACK] a node that lives holds what it was given; a value whose node is gone is gone.
//! * [CO-QUIET] no script runs between the first step and the last: QuickJS queues the callbacks of
//!   finalization registries as jobs.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use rquickjs::{
    Class, Ctx, JsLifetime, Object, Result, Value,
    class::{JsClass, Readable, Trace, Tracer},
    function::Constructor,
};
use tierup::{Extern, Func, Held};

use crate::{
    exports::Exported,
    raw,
    state::State,
    values::ValueKey,
    wrapper::{Wrapper, branded, plain_class},
};

/// How much was made since the last collection: decides when the next one is due.
#[derive(Default)]
pub(crate) struct Pressure {
    since: Cell<usize>,
    live: Cell<usize>,
}

/// Bytes that an object of the store counts as, besides a memory's contents.
const OBJECT_BYTES: usize = 1 << 10;
/// Bytes of a new instance: what it has in both heaps.
const INSTANCE_BYTES: usize = 16 << 10;
/// A collection costs about as much as what it looks at, so none is due before this much was made.
const MIN_BYTES: usize = 16 << 20;

impl Pressure {
    pub(crate) fn add_object(&self) {
        self.add(OBJECT_BYTES);
    }

    pub(crate) fn add_instance(&self) {
        self.add(INSTANCE_BYTES);
    }

    pub(crate) fn add(&self, bytes: usize) {
        self.since.set(self.since.get().saturating_add(bytes));
    }

    /// So that collecting takes a fixed part of the time, what was made must be as much as what
    /// was left the last time.
    fn is_due(&self) -> bool {
        MIN_BYTES.max(self.live.get()) <= self.since.get()
    }

    fn reset(&self, live_objects: usize) {
        self.since.set(0);
        self.live.set(live_objects * OBJECT_BYTES);
    }
}

/// An object of the store, as QuickJS's collector sees it.
struct Node<'js>(Rc<NodeData<'js>>);

struct NodeData<'js> {
    held: Held,
    alive: Cell<bool>,
    /// Nodes of what it holds.
    children: RefCell<Vec<Value<'js>>>,
    /// Its wrapper.
    wrapper: RefCell<Option<Value<'js>>>,
    /// The value that it stands for.
    value: RefCell<Option<(u32, Value<'js>)>>,
}

impl State {
    /// Collects, if enough was made since the last time.
    pub(crate) fn collect_if_due(&self, ctx: &Ctx<'_>) {
        if self.pressure.is_due()
            && let Err(error) = self.collect(ctx)
        {
            // Without memory for the mirror everything stays.
            raw::discard(ctx, &error);
        }
    }

    /// Whether enough was made since the last time.
    #[inline]
    pub(crate) fn collection_is_due(&self) -> bool {
        self.pressure.is_due()
    }

    /// Collects garbage of both heaps.
    pub(crate) fn collect(&self, ctx: &Ctx<'_>) -> Result<()> {
        let mirror = Mirror::new(self, ctx)?;
        let live = mirror.collect(self, ctx);
        self.store.enter(|store| store.collect());
        self.forget_reclaimed();
        self.pressure.reset(live);
        Ok(())
    }
}

/// The store's graph in objects of QuickJS.
struct Mirror<'js> {
    nodes: HashMap<Held, (Rc<NodeData<'js>>, Value<'js>)>,
    roots: Vec<Value<'js>>,
}

impl<'js> Mirror<'js> {
    /// Makes all nodes. Nothing else has changed if that fails.
    fn new(state: &State, ctx: &Ctx<'js>) -> Result<Self> {
        let (mut edges, mut values, mut roots) = (Vec::new(), HashMap::new(), Vec::new());
        state.store.enter(|store| {
            store.visit_objects(|holder, held| edges.push((holder, held.to_vec())));
            for &(holder, _) in &edges {
                if let Held::Value(reference) = holder
                    && let Ok(data) = reference.data(&*store)
                    && let Some(&ValueKey(key)) = data.downcast_ref()
                {
                    values.insert(holder, key);
                }
            }
            roots = store.roots();
        });
        let functions = state.host_functions.borrow();
        values.extend(functions.iter().map(|(&func, function)| (func.into(), function.key)));
        let mut nodes = HashMap::with_capacity(edges.len());
        for &(held, _) in &edges {
            let data = Rc::new(NodeData {
                held,
                alive: Cell::new(true),
                children: RefCell::default(),
                wrapper: RefCell::default(),
                value: RefCell::default(),
            });
            let node = Class::instance(ctx.clone(), Node(Rc::clone(&data)))?.into_value();
            nodes.insert(held, (data, node));
        }
        let mirror = Self { roots: Vec::new(), nodes };
        mirror.connect(&edges);
        let roots = roots.iter().filter_map(|root| mirror.node(*root)).collect();
        let mirror = Self { roots, ..mirror };
        mirror.hand_over(state, ctx, &values);
        Ok(mirror)
    }

    fn node(&self, held: Held) -> Option<Value<'js>> {
        self.nodes.get(&held).map(|(_, node)| node.clone())
    }

    fn connect(&self, edges: &[(Held, Vec<Held>)]) {
        for (holder, held) in edges {
            let children = held.iter().filter_map(|&held| self.node(held)).collect();
            if let Some((data, _)) = self.nodes.get(holder) {
                data.children.replace(children);
            }
        }
    }

    /// [CO-ONE] Gives what the state holds to the nodes.
    fn hand_over(&self, state: &State, ctx: &Ctx<'js>, values: &HashMap<Held, u32>) {
        let kept = state.values.borrow_mut().take_all();
        for (held, &key) in values {
            let Some((data, _)) = self.nodes.get(held) else { continue };
            let value = kept.get(key as usize).and_then(Option::as_ref);
            let value = value.and_then(|value| value.clone().restore(ctx).ok());
            data.value.replace(value.map(|value| (key, value)));
        }
        let wrappers = state.wrappers.take();
        for (held, wrapper) in wrappers {
            let Some((data, node)) = self.nodes.get(&held) else { continue };
            let Ok(wrapper) = wrapper.restore(ctx) else { continue };
            set_node(state, held, &wrapper, Some(node.clone()));
            data.wrapper.replace(Some(wrapper));
        }
    }

    /// Runs the collector, and takes back what is left. Returns the number of objects that are.
    fn collect(self, state: &State, ctx: &Ctx<'js>) -> usize {
        let Self { nodes, roots } = self;
        let nodes: Vec<_> = nodes.into_values().map(|(data, _)| data).collect();
        ctx.run_gc();
        let mut live = 0;
        // [CO-BACK]
        for data in nodes.iter().filter(|data| data.alive.get()) {
            live += 1;
            if let Some((key, value)) = data.value.borrow().as_ref() {
                state.values.borrow_mut().put_back(*key, value);
            }
            if let Some(wrapper) = data.wrapper.borrow().as_ref() {
                state.set_wrapper(data.held, wrapper);
            }
        }
        state.values.borrow_mut().find_free();
        // Only now nodes may go, one with the other.
        drop(roots);
        for data in &nodes {
            let wrapper = data.wrapper.take();
            if let Some(wrapper) = wrapper {
                set_node(state, data.held, &wrapper, None);
            }
            data.children.take();
            data.value.take();
        }
        live
    }
}

/// Tells a wrapper which node it holds.
fn set_node<'js>(state: &State, held: Held, wrapper: &Value<'js>, node: Option<Value<'js>>) {
    if let Held::Extern(Extern::Func(func)) = held {
        set_function_node(state, func, wrapper, node);
    } else if let Some(wrapper) = branded::<Wrapper<'js>>(state, wrapper) {
        wrapper.borrow().node.replace(node);
    }
}

fn set_function_node<'js>(
    state: &State,
    func: Func,
    function: &Value<'js>,
    node: Option<Value<'js>>,
) {
    debug_assert_eq!(state.exported_function(function), Some(func));
    if let Some(exported) = Exported::of_function(state, function) {
        exported.borrow().node.replace(node);
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        self.0.alive.set(false);
        self.0.children.take();
        self.0.wrapper.take();
        self.0.value.take();
    }
}

impl<'js> Trace<'js> for Node<'js> {
    fn trace<'a>(&self, tracer: Tracer<'a, 'js>) {
        self.0.children.borrow().iter().for_each(|child| tracer.mark(child));
        self.0.wrapper.borrow().trace(tracer);
        if let Some((_, value)) = self.0.value.borrow().as_ref() {
            tracer.mark(value);
        }
    }
}

plain_class!(Node<'js>, "Node");

// SAFETY: only the lifetime of the values changes.
unsafe impl<'js> JsLifetime<'js> for Node<'js> {
    type Changed<'to> = Node<'to>;
}
