test(() => {
  const { f, g } = instance('(module (import "a" "x" (func)) (func (export "f") (param i32 i64)) (func (export "g") (result i32) i32.const 1))', { a: { x() {} } }).exports;
  assert_equals(typeof f, "function");
  assert_equals(f.name, "1");
  assert_equals(g.name, "2");
  assert_equals(f.length, 2);
  assert_equals(Object.getPrototypeOf(f), Function.prototype);
  for (const name of ["name", "length"]) {
    const property = Object.getOwnPropertyDescriptor(f, name);
    assert(!property.writable && !property.enumerable && property.configurable, name);
  }
  assert(!("prototype" in f));
  assert_throws(TypeError, () => new g());
  assert(Function.prototype.toString.call(f).includes("native code"));
  f.own = 1;
  assert_equals(f.own, 1);
  assert_equals(g.call({}, 1, 2, 3), 1, "more arguments than parameters");
}, "exported functions are functions");

test(() => {
  const { i32, i64, f32, f64, ref, func } = instance(`(module
    (func (export "i32") (param i32) (result i32) local.get 0) (func (export "i64") (param i64) (result i64) local.get 0)
    (func (export "f32") (param f32) (result f32) local.get 0) (func (export "f64") (param f64) (result f64) local.get 0)
    (func (export "ref") (param externref) (result externref) local.get 0)
    (func (export "func") (param funcref) (result funcref) local.get 0))`).exports;
  for (const [given, expected] of [[1, 1], [-1, -1], [2 ** 31, -(2 ** 31)], [2 ** 32 + 1, 1], [1.9, 1], [NaN, 0], ["7", 7], [undefined, 0], [null, 0], [true, 1], [[], 0]])
    assert_equals(i32(given), expected);
  assert_equals(i32(), 0);
  for (const [given, expected] of [[1n, 1n], [-1n, -1n], [2n ** 63n, -(2n ** 63n)], [2n ** 64n, 0n], ["7", 7n], [false, 0n]])
    assert_equals(i64(given), expected);
  for (const wrong of [1, undefined, null, Symbol()]) assert_throws(TypeError, () => i64(wrong));
  assert_throws(TypeError, () => i64());
  for (const wrong of [1n, Symbol()]) for (const f of [i32, f32, f64]) assert_throws(TypeError, () => f(wrong));
  for (const given of [0, -0, 1.1, NaN, Infinity, 5, 1e300]) {
    assert_equals(f32(given), Math.fround(given));
    assert_equals(f64(given), given);
  }
  assert_equals(f64(), NaN);
  for (const value of [undefined, null, 1, "s", Symbol(), {}, () => {}, 5n, i32]) assert_equals(ref(value), value);
  assert_equals(ref(), undefined);
  assert_equals(func(null), null);
  assert_equals(func(func), func);
  for (const wrong of [undefined, 1, () => {}, {}]) assert_throws(TypeError, () => func(wrong));
}, "parameters and results of every type");

test(() => {
  const order = [];
  const value = (name, result) => ({ valueOf() { order.push(name); return result; } });
  const { f } = instance(`(module (import "a" "log" (func $log)) (func (export "f") (param i32 f64 i64) call $log))`,
    { a: { log() { order.push("call"); } } }).exports;
  f(value("a", 1), value("b", 2), value("c", 3n));
  assert_array_equals(order, ["a", "b", "c", "call"]);
  assert_throws(TypeError, () => f(value("d", 1), Symbol(), value("e", 3n)));
  assert_array_equals(order, ["a", "b", "c", "call", "d"]);
}, "arguments are converted in order, before the call");

test(() => {
  const { swap, none, many } = instance(`(module (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0) (func (export "none"))
    (func (export "many") (result ${"i32 ".repeat(20)}) ${Array.from({ length: 20 }, (_, i) => `i32.const ${i} `).join("")}))`).exports;
  const result = swap(1, 2n);
  assert(Array.isArray(result) && Object.isExtensible(result));
  assert_array_equals(result, [2n, 1]);
  assert_equals(none(), undefined);
  assert_array_equals(many(), Array.from({ length: 20 }, (_, i) => i));
}, "several results are an array");

test(() => {
  let returned;
  let closed = 0;
  const { two, one } = instance(`(module (import "a" "two" (func $two (result i32 i64))) (import "a" "one" (func $one (result i32)))
    (func (export "two") (result i32 i64) call $two) (func (export "one") (result i32) call $one))`,
    { a: { two: () => returned, one: () => returned } }).exports;
  const iterable = values => ({ *[Symbol.iterator]() { try { yield* values; } finally { closed++; } } });
  for (const values of [[1, 2n], new Set([1, 2n]), iterable([1, 2n])]) { returned = values; assert_array_equals(two(), [1, 2n]); }
  for (const wrong of [[1], [1, 2n, 3], iterable([1, 2n, 3]), undefined, null, 5, {}, [1, 2], { [Symbol.iterator]: 1 }, { [Symbol.iterator]: () => 1 }]) {
    returned = wrong;
    assert_throws(TypeError, two);
  }
  returned = { [Symbol.iterator]() { throw RangeError; } };
  assert_throws(RangeError, () => { try { two(); } catch (error) { throw error === RangeError ? new RangeError() : error; } });
  returned = "7"; assert_equals(one(), 7);
  returned = undefined; assert_equals(one(), 0);
  returned = 1n; assert_throws(TypeError, one);
  returned = { valueOf: () => { throw closed; } };
  assert_throws(closed, one);
}, "several results come from an iterable");

test(() => {
  let self, args;
  const { f } = instance(`(module (import "a" "f" (func $f (param i32 i64 f32 f64 externref funcref))) (func $g) (elem declare func $g)
    (func (export "f") (call $f (i32.const -1) (i64.const -2) (f32.const 1.5) (f64.const 2.5) (ref.null extern) (ref.func $g))))`,
    { a: { f() { "use strict"; self = this; args = [...arguments]; } } }).exports;
  f();
  assert_equals(self, undefined);
  assert_array_equals(args.slice(0, 5), [-1, -2n, 1.5, 2.5, null]);
  assert_equals(typeof args[5], "function");
  assert_equals(args[5].name, "1");
}, "imported functions get their arguments");

test(() => {
  const { wide } = instance('(module (func (export "wide") (param v128)))').exports;
  assert_throws(TypeError, () => wide(1));
  const { wide: out } = instance('(module (func (export "wide") (result v128) (v128.const i64x2 1 2)))').exports;
  assert_throws(TypeError, () => out());
  const { call } = instance('(module (import "a" "f" (func $f (param v128))) (func (export "call") (call $f (v128.const i64x2 1 2))))', { a: { f() {} } }).exports;
  assert_throws(TypeError, () => call());
  const { back } = instance('(module (import "a" "f" (func $f (result v128))) (func (export "back") (drop (call $f))))', { a: { f() {} } }).exports;
  assert_throws(TypeError, () => back());
}, "v128 does not cross");

test(() => {
  const imported = () => 1;
  const { again } = instance('(module (import "a" "pad" (func)) (import "a" "f" (func (result i32))) (export "again" (func 1)))', { a: { pad() {}, f: imported } }).exports;
  assert(again !== imported);
  assert_equals(again.name, "1");
  assert_equals(again(), 1);
  const { third } = instance('(module (import "a" "f" (func (result i32))) (export "third" (func 0)))', { a: { f: again } }).exports;
  assert_equals(third, again, "an exported function keeps its identity");
}, "imports that are exported again");
