const { f, g } = instance('(module (func (export "f") (result i32) i32.const 1) (func (export "g") (result i32) i32.const 2))').exports;
const funcs = (initial, maximum) => new WebAssembly.Table({ element: "anyfunc", initial, maximum });

test(() => {
  for (const [name, length] of [["grow", 1], ["get", 1], ["set", 1]]) assert_method(WebAssembly.Table.prototype, name, length);
  assert_accessor(WebAssembly.Table.prototype, "length", false);
  const { get } = Object.getOwnPropertyDescriptor(WebAssembly.Table.prototype, "length");
  for (const wrong of invalid_receivers) {
    assert_throws(TypeError, () => get.call(wrong));
    for (const name of ["grow", "get", "set"]) assert_throws(TypeError, () => WebAssembly.Table.prototype[name].call(wrong, 0));
  }
}, "shape");

test(() => {
  for (const wrong of [undefined, null, 1, "", {}, { element: "anyfunc" }, { initial: 1 }, { element: "i32", initial: 1 },
    { element: Symbol(), initial: 1 }, { element: "anyfunc", initial: -1 }, { element: "anyfunc", initial: 2 ** 32 },
    { element: "anyfunc", initial: 1, maximum: NaN }])
    assert_throws(TypeError, () => new WebAssembly.Table(wrong));
  assert_throws(RangeError, () => funcs(3, 2));
  assert_throws(RangeError, () => funcs(2 ** 32 - 1));
  assert_throws(TypeError, () => new WebAssembly.Table({ element: "anyfunc", initial: 1 }, () => {}));
  assert_equals(funcs("2").length, 2);
  const order = [];
  new WebAssembly.Table(new Proxy({ element: "anyfunc", initial: 1, maximum: 1 }, { get(target, name) { order.push(name); return target[name]; } }));
  assert_array_equals(order, ["element", "address", "initial", "maximum"]);
}, "constructor's arguments");

test(() => {
  const table = funcs(2, 4);
  assert_equals(table.length, 2);
  assert_equals(table.get(0), null);
  assert_equals(table.set(0, f), undefined);
  assert_equals(table.get(0), f);
  assert_equals(table.grow(1, g), 2);
  assert_equals(table.get(2), g);
  assert_equals(table.grow(1), 3);
  assert_equals(table.get(3), null);
  assert_throws(RangeError, () => table.grow(1));
  table.set(0);
  assert_equals(table.get(0), null);
  table.set(0, f);
  assert_throws(TypeError, () => table.set(0, undefined));
  assert_equals(table.get(0), f);
  assert_throws(RangeError, () => table.get(4));
  assert_throws(RangeError, () => table.set(4, f));
  for (const wrong of [undefined, -1, 2 ** 32, NaN, 1n, "x"]) {
    assert_throws(TypeError, () => table.get(wrong));
    assert_throws(TypeError, () => table.set(wrong, f));
    assert_throws(TypeError, () => table.grow(wrong));
  }
  for (const wrong of [() => {}, {}, 1, "f", Math.sin]) assert_throws(TypeError, () => table.set(9, wrong), "before the index");
  assert_throws(TypeError, () => table.get());
  assert_throws(TypeError, () => table.set());
  assert_throws(TypeError, () => table.grow());
}, "functions");

test(() => {
  const values = [undefined, null, 1, 1.5, -0, NaN, "text", Symbol("s"), true, 10n, {}, [], () => {}, f];
  const table = new WebAssembly.Table({ element: "externref", initial: values.length });
  assert_equals(table.get(0), undefined, "the default");
  values.forEach((value, index) => table.set(index, value));
  values.forEach((value, index) => assert_equals(table.get(index), value));
  const filled = new WebAssembly.Table({ element: "externref", initial: 2 }, values[10]);
  assert_equals(filled.get(1), values[10]);
  filled.set(1);
  assert_equals(filled.get(1), undefined);
  filled.grow(1, 5);
  assert_equals(filled.get(2), 5);
  filled.grow(1);
  assert_equals(filled.get(3), undefined);
}, "any value in tables of externref");

test(() => {
  const table = funcs(4);
  const { call, t } = instance(`(module (import "a" "t" (table 4 funcref)) (type $t (func (result i32)))
    (func $own (result i32) i32.const 9) (elem (i32.const 1) $own)
    (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0))) (export "t" (table 0)))`,
    { a: { t: table } }).exports;
  assert_equals(t, table);
  table.set(2, g);
  assert_equals(call(1), 9);
  assert_equals(call(2), 2);
  assert_equals(table.get(1)(), 9);
  assert_equals(table.get(1), table.get(1));
  assert_throws(WebAssembly.RuntimeError, () => call(0));
  assert_throws(WebAssembly.RuntimeError, () => call(4));
}, "Wasm and scripts share a table");
