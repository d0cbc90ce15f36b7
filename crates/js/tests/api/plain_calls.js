// Calls of numbers take a way of their own, and must leave it where a value needs more.
const through = (type, f) => instance(`(module (import "a" "f" (func $f (param ${type} ${type}) (result ${type})))
  (func (export "f") (param ${type} ${type}) (result ${type}) (call $f (local.get 0) (local.get 1))))`, { a: { f } }).exports.f;

test(() => {
  const values = [0, -0, 1, -1, 1.5, 2 ** 31, 2 ** 32 + 7, -(2 ** 31) - 1, 1e300, -1e-300, NaN, Infinity, -Infinity];
  const expected = { i32: x => x | 0, f32: Math.fround, f64: x => x };
  for (const type of ["i32", "f32", "f64"]) {
    for (const value of values) {
      const seen = [];
      const result = through(type, (...args) => { seen.push(...args); return value; })(value, 3);
      assert_equals(result, expected[type](value), `${type} returned`);
      assert_array_equals(seen, [expected[type](value), 3], `${type} given`);
    }
  }
}, "numbers of every kind, in both directions");

test(() => {
  let returned;
  const [i32, f32, f64] = ["i32", "f32", "f64"].map(type => through(type, () => returned));
  for (const [value, integer, float] of [["7.5", 7, 7.5], [null, 0, 0], [undefined, 0, NaN], [true, 1, 1], [[3], 3, 3], [{ valueOf: () => 2.5 }, 2, 2.5], ["x", 0, NaN]]) {
    returned = value;
    assert_equals(i32(0, 0), integer);
    assert_equals(f32(0, 0), float);
    assert_equals(f64(0, 0), float);
  }
  const thrown = {};
  for (const [value, kind] of [[1n, TypeError], [Symbol(), TypeError], [{ valueOf() { throw thrown; } }, thrown]]) {
    returned = value;
    for (const f of [i32, f32, f64]) assert_throws(kind, () => f(0, 0));
  }
  assert_throws(thrown, () => through("i32", () => { throw thrown; })(1, 2));
}, "results that must be converted");

test(() => {
  const kept = [];
  const { run } = instance('(module (import "a" "f" (func $f (param i32))) (func (export "run") (param i32) (call $f (local.get 0)) (call $f (local.get 0))))',
    { a: { f(n) { const made = { n }; kept.push(new WeakRef(made)); return made; } } }).exports;
  assert_equals(run(1), undefined);
  assert_equals(run(2, 3), undefined);
  gc();
  assert_array_equals(kept.map(made => made.deref()), [undefined, undefined, undefined, undefined], "nobody kept what was returned for nothing");
}, "results that nobody wants");

test(() => {
  const order = [];
  const { f } = instance('(module (func (export "f") (param i32 f64 f32) (result f64) (f64.add (f64.convert_i32_s (local.get 0)) (f64.add (local.get 1) (f64.promote_f32 (local.get 2))))))').exports;
  const value = (name, result) => ({ valueOf() { order.push(name); return result; } });
  assert_equals(f(1, value("b", 2), value("c", 3)), 6);
  assert_equals(f(value("a", 1), 2, 3.5), 6.5);
  assert_equals(f(1.9, 2, 3), 6);
  assert_equals(f(1, 2), NaN);
  assert_equals(f(1, 2, 3, 4), 6);
  assert_array_equals(order, ["b", "c", "a"]);
}, "arguments of which some must be converted");

test(() => {
  const text = count => `(module (func (export "f") (param ${"i32 ".repeat(count)}) (result i32) ${Array.from({ length: count }, (_, i) => `(local.get ${i})`).join("")} ${"i32.add ".repeat(count - 1)}))`;
  for (const count of [1, 4, 7, 8, 9, 20]) {
    const { f } = instance(text(count)).exports;
    const args = Array.from({ length: count }, (_, i) => i + 1);
    assert_equals(f(...args), count * (count + 1) / 2, `${count} parameters`);
    assert_equals(f(...args.map(String)), count * (count + 1) / 2, `${count} strings`);
    const sum = (...args) => args.reduce((a, b) => a + b);
    const { g } = instance(`(module (import "a" "f" (func $f (param ${"i32 ".repeat(count)}) (result i32))) (func (export "g") (result i32) (call $f ${args.map(n => `(i32.const ${n})`).join("")})))`, { a: { f: sum } }).exports;
    assert_equals(g(), count * (count + 1) / 2, `${count} arguments`);
  }
}, "few and many parameters");

test(() => {
  const log = [];
  const { f, memory } = instance(`(module (import "a" "f" (func $f (param i32) (result i32))) (memory (export "memory") 1)
    (func (export "f") (param i32) (result i32) (drop (memory.grow (i32.const 1))) (call $f (local.get 0))))`,
    { a: { f(n) { log.push(before.detached, memory.buffer.byteLength); return n === 0 ? 0 : f(n - 1) + 1; } } }).exports;
  let before = memory.buffer;
  assert_equals(f(2), 2);
  assert_array_equals(log, [true, 2 * 65536, true, 3 * 65536, true, 4 * 65536]);
  const grow = instance('(module (memory (export "memory") 1) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))').exports;
  before = grow.memory.buffer;
  assert_equals(grow.grow(1), 1);
  assert(before.detached, "after a call that grows");
}, "memories that grow in calls, one inside of the other");

test(() => {
  const { f } = instance('(module (func $g (param i32) unreachable) (func (export "f") (param i32) (result i32) (call $g (local.get 0)) (i32.const 1)))').exports;
  const error = assert_throws(WebAssembly.RuntimeError, function caller() { f(1); });
  assert(/wasm-function\[0\][^]*wasm-function\[1\][^]*caller/.test(error.stack), error.stack);
}, "traps have stacks");
