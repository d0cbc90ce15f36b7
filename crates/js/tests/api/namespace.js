test(() => {
  const property = Object.getOwnPropertyDescriptor(globalThis, "WebAssembly");
  assert(property.writable && !property.enumerable && property.configurable);
  assert_equals(String(WebAssembly), "[object WebAssembly]");
  assert_equals(Object.getPrototypeOf(WebAssembly), Object.prototype);
  assert_throws(TypeError, () => WebAssembly());
  assert_throws(TypeError, () => new WebAssembly());
}, "the namespace is an object like others");

test(() => {
  assert_method(WebAssembly, "validate", 1);
  assert_method(WebAssembly, "compile", 1);
  assert_method(WebAssembly, "instantiate", 1);
  for (const [name, length] of [["Module", 1], ["Instance", 1], ["Memory", 1], ["Table", 1], ["Global", 1]]) {
    assert_interface(name, length);
    assert_throws(TypeError, () => WebAssembly[name]({}), name);
    assert_throws(TypeError, () => new WebAssembly[name](), name);
  }
}, "members have the shape that WebIDL prescribes");

test(() => {
  for (const name of ["CompileError", "LinkError", "RuntimeError"]) {
    const Kind = WebAssembly[name];
    assert_equals(Object.getPrototypeOf(Kind), Error);
    assert_equals(Object.getPrototypeOf(Kind.prototype), Error.prototype);
    assert_equals(Kind.name, name);
    assert_equals(Kind.length, 1);
    assert_equals(Kind.prototype.name, name);
    assert_equals(Kind.prototype.message, "");
    assert(!Object.hasOwn(Kind(), "message"));
    const cause = {};
    const error = Kind("why", { cause });
    assert(error instanceof Kind && error instanceof Error);
    assert_equals(error.message, "why");
    assert_equals(error.cause, cause);
    assert(!("cause" in new Kind("x")));
    assert_equals(String(new Kind("x")), `${name}: x`);
    class Mine extends Kind {}
    assert_equals(Object.getPrototypeOf(new Mine()), Mine.prototype);
    assert_throws(TypeError, () => Kind(Symbol()));
  }
}, "error classes are like native ones");

test(() => {
  const bytes = wat("(module)");
  assert_equals(WebAssembly.validate(bytes), true);
  assert_equals(WebAssembly.validate(bytes.buffer), true);
  assert_equals(WebAssembly.validate(new DataView(bytes.buffer)), true);
  assert_equals(WebAssembly.validate(bytes.slice(0, 5)), false);
  assert_equals(WebAssembly.validate(new Uint8Array()), false);
  assert_equals(WebAssembly.validate(new TextLike("(module)")), false);
  const padded = new Uint8Array([1, 2, 3, ...bytes, 9]);
  assert_equals(WebAssembly.validate(new Uint8Array(padded.buffer, 3, bytes.length)), true);
  assert_equals(WebAssembly.validate(new DataView(padded.buffer, 3, bytes.length)), true);
  for (const wrong of invalid_receivers) assert_throws(TypeError, () => WebAssembly.validate(wrong));
  assert_throws(TypeError, () => WebAssembly.validate());
  function TextLike(text) { return Uint8Array.from(text, c => c.charCodeAt(0)); }
}, "validate takes every view, and no text");

test(() => {
  const bytes = wat("(module)");
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  const resizable = new ArrayBuffer(bytes.length, { maxByteLength: 100 });
  new Uint8Array(resizable).set(bytes);
  for (const buffer of [shared, shared.buffer, resizable, new Uint8Array(resizable), new DataView(resizable)]) {
    assert_equals(WebAssembly.validate(buffer), true);
    new WebAssembly.Module(buffer);
  }
  const tracking = new Uint8Array(resizable);
  resizable.resize(4);
  assert_equals(WebAssembly.validate(tracking), false);
  const detached = bytes.slice();
  const view = new DataView(detached.buffer);
  detached.buffer.transfer();
  for (const buffer of [detached, detached.buffer, view]) {
    assert_equals(WebAssembly.validate(buffer), false);
    assert_throws(WebAssembly.CompileError, () => new WebAssembly.Module(buffer));
  }
}, "shared, resizable and detached buffers");

test(() => {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype);
  const old = Object.getOwnPropertyDescriptor(prototype, "byteLength");
  Object.defineProperty(prototype, "byteLength", { get() { throw 1; }, configurable: true });
  try {
    assert_equals(WebAssembly.validate(wat("(module)")), true);
  } finally {
    Object.defineProperty(prototype, "byteLength", old);
  }
}, "scripts cannot get between a view and its bytes");

promise_test(async () => {
  const compiled = await WebAssembly.compile(wat("(module)"));
  assert(compiled instanceof WebAssembly.Module);
  await assert_rejects(TypeError, WebAssembly.compile());
  for (const wrong of invalid_receivers) await assert_rejects(TypeError, WebAssembly.compile(wrong));
  await assert_rejects(WebAssembly.CompileError, WebAssembly.compile(new Uint8Array(8)));
}, "compile");

promise_test(async () => {
  const bytes = wat('(module (func (export "f") (result i32) i32.const 7))');
  const promise = WebAssembly.compile(bytes);
  bytes.fill(0);
  assert((await promise) instanceof WebAssembly.Module);
}, "compile copies the bytes at once");

promise_test(async () => {
  const bytes = wat('(module (import "a" "b" (func)) (func (export "f") (result i32) i32.const 7))');
  const result = await WebAssembly.instantiate(bytes, { a: { b() {} } });
  assert_array_equals(Object.keys(result), ["module", "instance"]);
  assert(result.module instanceof WebAssembly.Module);
  assert_equals(result.instance.exports.f(), 7);
  const again = await WebAssembly.instantiate(result.module, { a: { b() {} } });
  assert(again instanceof WebAssembly.Instance);
  assert_equals(again.exports.f(), 7);
}, "both forms of instantiate");

promise_test(async () => {
  await assert_rejects(TypeError, WebAssembly.instantiate());
  await assert_rejects(TypeError, WebAssembly.instantiate({}));
  await assert_rejects(TypeError, WebAssembly.instantiate(wat("(module)"), 1));
  await assert_rejects(TypeError, WebAssembly.instantiate(module("(module)"), null));
  await assert_rejects(WebAssembly.CompileError, WebAssembly.instantiate(new Uint8Array(3)));
  const importing = '(module (import "a" "b" (func)))';
  await assert_rejects(TypeError, WebAssembly.instantiate(wat(importing)));
  await assert_rejects(WebAssembly.LinkError, WebAssembly.instantiate(wat(importing), { a: {} }));
  await assert_rejects(WebAssembly.LinkError, WebAssembly.instantiate(module(importing), { a: {} }));
  await assert_rejects(WebAssembly.RuntimeError,
    WebAssembly.instantiate(wat("(module (func $f unreachable) (start $f))")));
}, "instantiate rejects with the right error");

promise_test(async () => {
  const order = [];
  const imports = { get a() { order.push("a"); return { get b() { order.push("b"); return () => {}; } }; } };
  const bytes = wat('(module (import "a" "b" (func)))');
  const first = WebAssembly.instantiate(new WebAssembly.Module(bytes), imports);
  order.push("after module");
  await first;
  const second = WebAssembly.instantiate(bytes, imports);
  order.push("after bytes");
  await second;
  assert_array_equals(order, ["a", "b", "after module", "after bytes", "a", "b"]);
}, "imports are read at once for a module, and after compiling for bytes");

promise_test(async () => {
  const thrown = {};
  const imports = { get a() { throw thrown; } };
  await assert_rejects(thrown, WebAssembly.instantiate(module('(module (import "a" "b" (func)))'), imports));
  await assert_rejects(thrown, WebAssembly.instantiate(wat('(module (import "a" "b" (func)))'), imports));
}, "what getters throw rejects the promise");
