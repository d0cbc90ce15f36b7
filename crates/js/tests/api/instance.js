test(() => {
  assert_accessor(WebAssembly.Instance.prototype, "exports", false);
  const { get } = Object.getOwnPropertyDescriptor(WebAssembly.Instance.prototype, "exports");
  for (const wrong of [...invalid_receivers, new WebAssembly.Memory({ initial: 0 }), module("(module)")])
    assert_throws(TypeError, () => get.call(wrong));
}, "shape");

test(() => {
  const i = instance('(module (func (export "f")) (memory (export "m") 1) (export "f2" (func 0)) (export "1" (func 0)))');
  assert_equals(String(i), "[object WebAssembly.Instance]");
  assert_equals(i.exports, i.exports);
  assert_equals(Object.getPrototypeOf(i.exports), null);
  assert(Object.isFrozen(i.exports));
  assert_array_equals(Object.keys(i.exports), ["1", "f", "m", "f2"]);
  assert_equals(i.exports.f, i.exports.f2);
  assert_throws(TypeError, () => { "use strict"; i.exports.f = 1; });
  assert_throws(TypeError, () => { "use strict"; i.exports.g = 1; });
  class Mine extends WebAssembly.Instance {}
  assert(new Mine(module("(module)")) instanceof Mine);
}, "the exports object");

test(() => {
  for (const wrong of invalid_receivers) assert_throws(TypeError, () => new WebAssembly.Instance(wrong));
  for (const wrong of [null, 1, "", true]) assert_throws(TypeError, () => new WebAssembly.Instance(module("(module)"), wrong));
  new WebAssembly.Instance(module("(module)"), undefined);
}, "arguments");

test(() => {
  const importing = type => module(`(module (import "a" "b" ${type}))`);
  for (const type of ["(func)", "(memory 1)", "(table 1 funcref)", "(global i32)"]) {
    const m = importing(type);
    assert_throws(TypeError, () => new WebAssembly.Instance(m), type);
    assert_throws(TypeError, () => new WebAssembly.Instance(m, {}), type);
    for (const wrong of [1, "x", null]) assert_throws(TypeError, () => new WebAssembly.Instance(m, { a: wrong }), type);
    for (const wrong of [undefined, null, "x", {}, Symbol(), 1n])
      assert_throws(WebAssembly.LinkError, () => new WebAssembly.Instance(m, { a: { b: wrong } }), type);
  }
}, "imports of the wrong kind");

test(() => {
  const link = (type, b) => () => new WebAssembly.Instance(module(`(module (import "a" "b" ${type}))`), { a: { b } });
  const { LinkError } = WebAssembly;
  assert_throws(LinkError, link("(memory 2)", new WebAssembly.Memory({ initial: 1 })));
  assert_throws(LinkError, link("(memory 1 2)", new WebAssembly.Memory({ initial: 1 })));
  assert_throws(LinkError, link("(table 2 funcref)", new WebAssembly.Table({ element: "anyfunc", initial: 1 })));
  assert_throws(LinkError, link("(table 1 externref)", new WebAssembly.Table({ element: "anyfunc", initial: 1 })));
  assert_throws(LinkError, link("(global (mut i32))", new WebAssembly.Global({ value: "i32" })));
  assert_throws(LinkError, link("(global (mut i32))", 1));
  assert_throws(LinkError, link("(global i64)", 1));
  assert_throws(LinkError, link("(global i64)", new WebAssembly.Global({ value: "i32" })));
  assert_throws(LinkError, link("(global f64)", 1n));
  assert_throws(LinkError, link("(global funcref)", () => {}));
  assert_throws(LinkError, link("(global v128)", 1));
  const { f } = instance('(module (func (export "f") (param i32)))').exports;
  assert_throws(LinkError, link("(func)", f));
  link("(func (param i32))", f)();
  link("(func)", () => {})();
  link("(func)", class {})();
  link("(global i64)", 1n)();
  link("(global f32)", 1.5)();
  link("(global externref)", undefined)();
  link("(global funcref)", f)();
  const error = assert_throws(LinkError, link("(func)", 3));
  assert(error.message.includes('"a" "b"'), error.message);
}, "imports of the wrong type");

test(() => {
  const { g, h } = instance(`(module (import "a" "g" (global $g i64)) (import "a" "h" (global $h externref))
    (func (export "g") (result i64) global.get $g) (func (export "h") (result externref) global.get $h))`,
    { a: { g: -(2n ** 63n), h: "text" } }).exports;
  assert_equals(g(), -(2n ** 63n));
  assert_equals(h(), "text");
}, "values as imported globals");

test(() => {
  const order = [];
  const log = name => { order.push(name); };
  const imports = new Proxy({}, { get(_, name) { log(name); return new Proxy({}, { get(_, field) { log(field); return () => 0; } }); } });
  instance('(module (import "a" "x" (func)) (import "b" "y" (func)) (import "a" "z" (func (result i32))))', imports);
  assert_array_equals(order, ["a", "x", "b", "y", "a", "z"]);
}, "imports are read in order, each once");

test(() => {
  const thrown = new Error("mine");
  assert_throws(thrown, () => instance('(module (import "a" "f" (func $f)) (start $f))', { a: { f() { throw thrown; } } }));
  let called = 0;
  instance('(module (import "a" "f" (func $f)) (start $f))', { a: { f() { called++; } } });
  assert_equals(called, 1);
  const error = assert_throws(WebAssembly.RuntimeError, () => instance("(module (func $f unreachable) (start $f))"));
  assert(error.stack.includes("wasm-function[0]:0x"), error.stack);
}, "start functions");

test(() => {
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 2 });
  const segments = '(module (import "a" "t" (table 1 funcref)) (func $f (result i32) i32.const 5) (elem (i32.const 0) $f) (elem (i32.const 7) $f))';
  assert_throws(WebAssembly.RuntimeError, () => instance(segments, { a: { t: table } }));
  assert_equals(table.get(0)(), 5, "what was written stays");
}, "segments outside of what they initialize");
