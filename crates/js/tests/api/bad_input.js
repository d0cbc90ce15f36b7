const echo = '(module (func (export "f") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))) (func (export "g") (param externref i64) (result i64) (local.get 1)))';

test(() => {
  const { f, g } = instance(echo).exports;
  assert_equals(f(), 0);
  assert_equals(f(5), 5);
  assert_equals(f(5, 3, 1), 2);
  assert_equals(f(5, 3, Symbol(), { valueOf() { throw 1; } }), 2, "what is too much is not looked at");
  assert_equals(f(...new Array(5000).fill(7)), 0);
  assert_equals(Reflect.apply(f, null, { length: 2, 0: 9, 1: 1 }), 8);
  assert_equals(g(1, 2n, 3), 2n);
  assert_throws(TypeError, g);
  assert_throws(TypeError, () => g(5));
  for (const method of [WebAssembly.validate, WebAssembly.Module.exports]) assert_throws(TypeError, () => method());
  assert_equals(WebAssembly.validate(wat("(module)"), 1, 2), true);
}, "too many and too few arguments");

test(() => {
  const thrown = {};
  const throwing = name => ({ element: "anyfunc", value: "i32", initial: 1, get [name]() { throw thrown; } });
  for (const name of ["initial", "maximum", "shared", "address"]) assert_throws(thrown, () => new WebAssembly.Memory(throwing(name)), name);
  for (const name of ["element", "initial", "maximum", "address"]) assert_throws(thrown, () => new WebAssembly.Table(throwing(name)), name);
  for (const name of ["value", "mutable"]) assert_throws(thrown, () => new WebAssembly.Global(throwing(name)), name);
  const m = module('(module (import "a" "f" (func)) (import "b" "g" (func)))');
  for (const imports of [{ get a() { throw thrown; } }, { a: { get f() { throw thrown; } } }, { a: { f() {} }, get b() { throw thrown; } }])
    assert_throws(thrown, () => new WebAssembly.Instance(m, imports));
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert_throws(TypeError, () => new WebAssembly.Instance(m, proxy));
  assert_throws(TypeError, () => new WebAssembly.Memory(proxy));
  assert_throws(TypeError, () => new WebAssembly.Module(proxy));
  const { f } = instance(echo).exports;
  assert_throws(thrown, () => f(1, { valueOf() { throw thrown; } }));
  assert_throws(thrown, () => f({ [Symbol.toPrimitive]() { throw thrown; } }));
}, "getters and conversions that throw");

test(() => {
  class Evil extends Uint8Array {
    get buffer() { throw 1; }
    get byteLength() { throw 2; }
    get length() { throw 3; }
    static get [Symbol.species]() { throw 4; }
  }
  const bytes = wat("(module)");
  const evil = new Evil(bytes.buffer);
  assert_equals(WebAssembly.validate(evil), true);
  new WebAssembly.Module(evil);
  Object.defineProperty(bytes, "buffer", { get() { throw 5; } });
  assert_equals(WebAssembly.validate(bytes), true);
}, "views whose properties lie");

promise_test(async () => {
  const bytes = wat('(module (import "a" "f" (func)) (func (export "g") (result i32) i32.const 4))');
  const imports = { get a() { bytes.buffer.transfer(); return { f() {} }; } };
  const { instance: made } = await WebAssembly.instantiate(bytes, imports);
  assert_equals(made.exports.g(), 4);
  assert_equals(bytes.length, 0);
  await assert_rejects(WebAssembly.CompileError, WebAssembly.compile(bytes));
}, "a buffer that is detached while the promise waits");

test(() => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = wat('(module (import "a" "m" (memory 1)) (func (export "f") (result i32) i32.const 6))');
  const view = new Uint8Array(memory.buffer, 100, bytes.length);
  view.set(bytes);
  const own = new WebAssembly.Module(view);
  const made = new WebAssembly.Instance(own, { get a() { memory.grow(1); return { m: memory }; } });
  assert_equals(made.exports.f(), 6);
  assert_equals(view.length, 0);
  assert_throws(WebAssembly.CompileError, () => new WebAssembly.Module(view));
}, "a module out of a memory that grows");

test(() => {
  const { memory, load } = instance('(module (memory (export "memory") 1) (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))').exports;
  const old = memory.buffer;
  assert_equals(load({ valueOf() { memory.grow(1); new Uint32Array(memory.buffer)[30000] = 9; return 120000; } }), 9);
  assert(old.detached);
  assert_equals(memory.grow({ valueOf() { memory.grow(1); return 1; } }), 3, "what is converted may grow it, too");
  const table = new WebAssembly.Table({ element: "externref", initial: 1 }, "x");
  assert_equals(table.grow({ valueOf() { table.grow(2, "y"); return 1; } }, "z"), 3);
  table.set({ valueOf() { table.grow(1); return 4; } }, "last");
  assert_array_equals([0, 1, 2, 3, 4].map(index => table.get(index)), ["x", "y", "y", "z", "last"]);
  assert_equals(table.get({ valueOf() { return table.grow(1, "new"); } }), "new");
  const global = new WebAssembly.Global({ value: "i32", mutable: true });
  global.value = { valueOf() { global.value = 5; return global.value + 1; } };
  assert_equals(global.value, 6);
}, "conversions that change what is worked on");

test(() => {
  const imports = { a: { get f() { delete imports.b; return () => {}; } }, b: { g() {} } };
  assert_throws(TypeError, () => instance('(module (import "a" "f" (func)) (import "b" "g" (func)))', imports));
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
  let early;
  assert_throws(WebAssembly.RuntimeError, () => instance(`(module (import "a" "t" (table 1 funcref)) (import "a" "f" (func $f))
    (func $own (result i32) i32.const 3) (elem (i32.const 0) $own) (func $start call $f unreachable) (start $start))`,
    { a: { t: table, f() { early = table.get(0); assert_equals(early(), 3); } } }));
  assert_equals(early(), 3, "a function outlives its instance that failed");
}, "imports that change while they are read, and instances that fail");

test(() => {
  let returned;
  const { two } = instance('(module (import "a" "f" (func $f (result i32 f64))) (func (export "two") (result i32 f64) call $f))', { a: { f: () => returned } }).exports;
  const thrown = {};
  const iterator = next => ({ [Symbol.iterator]: () => ({ next }) });
  returned = iterator(() => { throw thrown; });
  assert_throws(thrown, two);
  returned = iterator(() => ({ get done() { throw thrown; } }));
  assert_throws(thrown, two);
  returned = iterator(() => ({ done: false, get value() { throw thrown; } }));
  assert_throws(thrown, two);
  returned = iterator(() => 1);
  assert_throws(TypeError, two);
  returned = [1, { valueOf() { throw thrown; } }];
  assert_throws(thrown, two);
  let steps = 0;
  returned = iterator(() => ({ done: ++steps > 2, value: { valueOf: () => (gc(), steps) } }));
  assert_array_equals(two(), [3, 3]);
}, "iterables that misbehave");

test(() => {
  const bytes = wat('(module (type (func (param i32) (result i32))) (import "a" "f" (func (type 0))) (memory (export "m") 1) (func (export "g") (type 0) (call 0 (local.get 0))) (data (i32.const 0) "abc"))');
  let valid = 0;
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
      const changed = bytes.slice();
      changed[at] = value;
      const isValid = WebAssembly.validate(changed);
      let made;
      try { made = new WebAssembly.Module(changed); } catch (error) { assert_equals(error.constructor, WebAssembly.CompileError); }
      assert_equals(made !== undefined, isValid, `byte ${at} as ${value}`);
      valid += isValid;
    }
  }
  assert(valid > bytes.length, "some are valid");
}, "bytes that are changed one by one");

test(() => {
  const calls = { count: 0 };
  const down = instance('(module (import "a" "f" (func $f (param i32) (result i32))) (func (export "run") (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0)))))',
    { a: { f(n) { calls.count++; return n < 0 ? n : calls.run(n + 1); } } }).exports;
  calls.run = down.run;
  for (const start of [{ valueOf: () => 0 }, 0, 0]) {
    calls.count = 0;
    const error = assert_throws(RangeError, () => down.run(start));
    assert(/stack/i.test(error.message), error.message);
    assert(calls.count > 100, `${calls.count} calls deep`);
  }
  assert_equals(down.run(-5), -4, "and everything goes on");
}, "mutual recursion without end");

test(() => {
  assert_throws(RangeError, () => instance("(module (table 10000001 funcref))"));
  const { grow } = instance('(module (table 1 funcref) (func (export "grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0))))').exports;
  assert_equals(grow(10000000), -1);
  assert_equals(grow(1), 1);
}, "more than the engine's limits");
