promise_test(async () => {
  const gone = [];
  const registry = new FinalizationRegistry(name => gone.push(name));
  (() => {
    const closure = () => held;
    const made = instance('(module (import "a" "f" (func $f)) (func (export "g") (call $f)))', { a: { f: closure } });
    const held = { made };
    registry.register(made, "instance");
    registry.register(held, "closure");
  })();
  (() => {
    const global = new WebAssembly.Global({ value: "externref", mutable: true });
    global.value = { global };
    registry.register(global, "global");
    const table = new WebAssembly.Table({ element: "externref", initial: 1 });
    table.set(0, { table });
    registry.register(table, "table");
    const memory = new WebAssembly.Memory({ initial: 1 });
    memory.buffer.back = memory;
    registry.register(memory, "memory");
  })();
  gc();
  await 0; await 0;
  assert_array_equals(gone.sort(), ["closure", "global", "instance", "memory", "table"]);
}, "cycles through both heaps are collected");

promise_test(async () => {
  const gone = [];
  const registry = new FinalizationRegistry(name => gone.push(name));
  const table = new WebAssembly.Table({ element: "anyfunc", initial: 1 });
  (() => {
    const value = { mark: 1 };
    registry.register(value, "value");
    const made = instance('(module (import "a" "g" (global $g externref)) (func (export "f") (result externref) (global.get $g)))', { a: { g: value } });
    table.set(0, made.exports.f);
    table.get(0).own = "kept";
  })();
  gc();
  await 0;
  assert_array_equals(gone, []);
  assert_equals(table.get(0).own, "kept");
  assert_equals(table.get(0)().mark, 1);
  table.set(0, null);
  gc();
  await 0;
  assert_array_equals(gone, ["value"]);
}, "what a table reaches stays, also its properties");

test(() => {
  let buffer = new WebAssembly.Memory({ initial: 1 }).buffer;
  gc();
  const bytes = new Uint8Array(buffer);
  bytes[5] = 3;
  gc();
  assert_equals(bytes[5], 3);
}, "a buffer outlives its memory's object");

test(() => {
  const kept = [];
  const { f } = instance(`(module (import "a" "f" (func $f (param externref))) (func (export "f") (param externref) (call $f (local.get 0)) (call $f (local.get 0))))`,
    { a: { f(value) { gc(); kept.push(value); } } }).exports;
  f({ n: 1 });
  assert_equals(kept[0], kept[1]);
  assert_equals(kept[1].n, 1);
}, "collecting while Wasm waits keeps what its frames hold");
