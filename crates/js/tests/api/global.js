test(() => {
  assert_method(WebAssembly.Global.prototype, "valueOf", 0);
  assert_accessor(WebAssembly.Global.prototype, "value", true);
  const { get, set } = Object.getOwnPropertyDescriptor(WebAssembly.Global.prototype, "value");
  for (const wrong of invalid_receivers) {
    assert_throws(TypeError, () => get.call(wrong));
    assert_throws(TypeError, () => set.call(wrong, 1));
    assert_throws(TypeError, () => WebAssembly.Global.prototype.valueOf.call(wrong));
  }
  const global = new WebAssembly.Global({ value: "i32", mutable: true }, 1);
  set.call(global);
  assert_equals(global.value, 0, "a missing argument of a setter is undefined");
}, "shape");

test(() => {
  for (const wrong of [undefined, null, 1, "", {}, { value: "x" }, { value: undefined }, { value: Symbol() }, { value: "v128" }])
    assert_throws(TypeError, () => new WebAssembly.Global(wrong));
  assert_throws(TypeError, () => new WebAssembly.Global({ value: "i64" }, 1));
  assert_throws(TypeError, () => new WebAssembly.Global({ value: "i32" }, 1n));
  assert_throws(TypeError, () => new WebAssembly.Global({ value: "anyfunc" }, 1));
  assert_throws(SyntaxError, () => new WebAssembly.Global({ value: "i64" }, "x"));
  const order = [];
  new WebAssembly.Global(new Proxy({ value: "i32" }, { get(target, name) { order.push(name); return target[name]; } }),
    { valueOf() { order.push("v"); return 1; } });
  assert_array_equals(order, ["mutable", "value", "v"]);
}, "constructor's arguments");

test(() => {
  const cases = [
    ["i32", 0, [[2 ** 31, -(2 ** 31)], [-1, -1], ["3", 3], [null, 0], [1.9, 1], [NaN, 0], [2 ** 40 + 5, 5]]],
    ["i64", 0n, [[5n, 5n], [2n ** 63n, -(2n ** 63n)], [true, 1n], ["7", 7n], [2n ** 70n + 3n, 3n]]],
    ["f32", 0, [[1.1, Math.fround(1.1)], [NaN, NaN], [-0, -0], [1e40, Infinity], ["2.5", 2.5]]],
    ["f64", 0, [[1.1, 1.1], [NaN, NaN], [-0, -0], [null, 0], [{ valueOf: () => 4 }, 4]]],
    ["externref", undefined, [[null, null], ["s", "s"], [5n, 5n]]],
    ["anyfunc", null, [[null, null]]],
  ];
  for (const [value, initial, values] of cases) {
    const global = new WebAssembly.Global({ value, mutable: true });
    assert_equals(global.value, initial, value);
    assert_equals(new WebAssembly.Global({ value }, undefined).value, initial, value);
    for (const [given, expected] of values) {
      global.value = given;
      assert_equals(global.value, expected, value);
      assert_equals(global.valueOf(), expected, value);
      assert_equals(new WebAssembly.Global({ value }, given).value, expected, value);
    }
  }
}, "values of every type");

test(() => {
  const global = new WebAssembly.Global({ value: "i32" }, 5);
  assert_throws(TypeError, () => { "use strict"; global.value = 6; });
  assert_equals(global.value, 5);
  const thrown = {};
  const changing = new WebAssembly.Global({ value: "i32", mutable: true }, 5);
  assert_throws(thrown, () => { changing.value = { valueOf() { throw thrown; } }; });
  assert_equals(changing.value, 5);
}, "what may not change does not");

test(() => {
  const shared = new WebAssembly.Global({ value: "i64", mutable: true }, 1n);
  const { add, out, v } = instance(`(module (import "a" "g" (global $g (mut i64))) (global (export "v") v128 (v128.const i64x2 1 2))
    (func (export "add") (global.set $g (i64.add (global.get $g) (i64.const 2)))) (export "out" (global $g)))`, { a: { g: shared } }).exports;
  assert_equals(out, shared);
  add();
  assert_equals(shared.value, 3n);
  assert_throws(TypeError, () => v.value);
  assert_throws(TypeError, () => v.valueOf());
}, "Wasm and scripts share a global");
