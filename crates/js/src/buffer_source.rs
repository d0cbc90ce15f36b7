//! `BufferSource`: a copy of what an `ArrayBuffer`, a typed array or a `DataView` shows.
//!
//! The properties that say what a view shows can be replaced by scripts, so the realm keeps the
//! accessors that it had when it was made.
#![forbid(unsafe_code)]

use rquickjs::{Ctx, Exception, Function, Object, Persistent, Result, Value, atom::PredefinedAtom};

use crate::{raw, state::State};

/// The accessors, and the classes of the three kinds of objects that are not typed arrays.
pub(crate) struct BufferIntrinsics {
    array_buffer: u32,
    shared_buffer: u32,
    data_view: u32,
    typed_array: [Getter; 3],
    view: [Getter; 3],
}

type Getter = Persistent<Function<'static>>;

/// What a view has: its buffer, and where in it.
const PARTS: [&str; 3] = ["buffer", "byteOffset", "byteLength"];

impl BufferIntrinsics {
    pub(crate) fn new(ctx: &Ctx<'_>) -> Result<Self> {
        let sample = |code: &str| {
            let sample: Value<'_> = ctx.eval(code)?;
            Ok::<_, rquickjs::Error>(raw::class_id(&sample))
        };
        let globals = ctx.globals();
        let typed_array = parent_prototype(&globals.get::<_, Object<'_>>("Uint8Array")?)?;
        Ok(Self {
            array_buffer: sample("new ArrayBuffer(0)")?,
            shared_buffer: sample("new SharedArrayBuffer(0)")?,
            data_view: sample("new DataView(new ArrayBuffer(0))")?,
            typed_array: getters(&typed_array)?,
            view: getters(&prototype(&globals.get("DataView")?)?)?,
        })
    }
}

/// A copy of the bytes of a `BufferSource`, which may be shared and resizable; none if its buffer
/// is detached.
///
/// # Errors
///
/// If it is none.
pub(crate) fn copy<'js>(state: &State, value: &Value<'js>, what: &str) -> Result<Vec<u8>> {
    let ctx = value.ctx();
    let wrong = |message| Exception::throw_type(ctx, &format!("{what}: argument 1 {message}"));
    let (buffer, range) = state.with_intrinsics(|intrinsics| {
        let intrinsics = &intrinsics.buffers;
        let class = raw::class_id(value);
        if class == intrinsics.array_buffer || class == intrinsics.shared_buffer {
            Ok((value.clone(), None))
        } else if class == intrinsics.data_view {
            view(value, &intrinsics.view)
        } else if raw::is_typed_array(value) {
            view(value, &intrinsics.typed_array)
        } else {
            Err(wrong("must be an ArrayBuffer or a view of one"))
        }
    })?;
    Ok(raw::buffer_bytes(&buffer, range).unwrap_or_default())
}

type Shown<'js> = (Value<'js>, Option<(usize, usize)>);

fn view<'js>(value: &Value<'js>, getters: &[Getter; 3]) -> Result<Shown<'js>> {
    let ctx = value.ctx();
    let part = |index: usize| {
        let getter = getters[index].clone().restore(ctx)?;
        raw::call(getter.as_value(), value, [].iter())
    };
    let buffer = part(0)?;
    // A `DataView` of a detached buffer throws where a typed array says 0.
    let number = |index| part(index).ok().and_then(|number| number.as_number());
    match (number(1), number(2)) {
        (Some(offset), Some(length)) => Ok((buffer, Some((offset as usize, length as usize)))),
        _ => {
            ctx.catch();
            Ok((buffer, Some((0, 0))))
        }
    }
}

fn prototype<'js>(constructor: &Object<'js>) -> Result<Object<'js>> {
    constructor.get(PredefinedAtom::Prototype)
}

fn parent_prototype<'js>(constructor: &Object<'js>) -> Result<Object<'js>> {
    let own = prototype(constructor)?;
    own.get_prototype().ok_or_else(|| Exception::throw_type(constructor.ctx(), "no prototype"))
}

fn getters(prototype: &Object<'_>) -> Result<[Getter; 3]> {
    Ok([getter(prototype, PARTS[0])?, getter(prototype, PARTS[1])?, getter(prototype, PARTS[2])?])
}

/// The getter of an accessor property.
fn getter(prototype: &Object<'_>, name: &str) -> Result<Getter> {
    let ctx = prototype.ctx();
    let object: Object<'_> = ctx.globals().get("Object")?;
    let describe: Function<'_> = object.get("getOwnPropertyDescriptor")?;
    let descriptor: Object<'_> = describe.call((prototype.clone(), name))?;
    Ok(Persistent::save(ctx, descriptor.get::<_, Function<'_>>("get")?))
}
