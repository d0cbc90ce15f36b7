test(() => {
  assert_method(WebAssembly.Memory.prototype, "grow", 1);
  assert_accessor(WebAssembly.Memory.prototype, "buffer", false);
  const { get } = Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, "buffer");
  for (const wrong of [...invalid_receivers, new WebAssembly.Global({ value: "i32" })]) {
    assert_throws(TypeError, () => get.call(wrong));
    assert_throws(TypeError, () => WebAssembly.Memory.prototype.grow.call(wrong, 0));
  }
}, "shape");

test(() => {
  for (const wrong of [undefined, null, 1, "", Symbol()]) assert_throws(TypeError, () => new WebAssembly.Memory(wrong));
  for (const wrong of [undefined, NaN, Infinity, -1, 2 ** 32, "abc", {}, 1n, Symbol()]) {
    assert_throws(TypeError, () => new WebAssembly.Memory({ initial: wrong }));
    if (wrong !== undefined) assert_throws(TypeError, () => new WebAssembly.Memory({ initial: 0, maximum: wrong }));
  }
  for (const wrong of [65537, 2 ** 32 - 1]) {
    assert_throws(RangeError, () => new WebAssembly.Memory({ initial: wrong }));
    assert_throws(RangeError, () => new WebAssembly.Memory({ initial: 0, maximum: wrong }));
  }
  assert_throws(RangeError, () => new WebAssembly.Memory({ initial: 2, maximum: 1 }));
  assert_throws(TypeError, () => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }));
  for (const wrong of ["i64", "i31", null, Symbol()]) assert_throws(TypeError, () => new WebAssembly.Memory({ initial: 1, address: wrong }));
  for (const good of [0, "1", 1.9, true, { valueOf: () => 1 }, [], null, -0.5]) new WebAssembly.Memory({ initial: good });
}, "constructor's arguments");

test(() => {
  const order = [];
  const number = name => ({ valueOf() { order.push(`${name} value`); return 1; } });
  new WebAssembly.Memory(new Proxy({}, { get(_, name) { order.push(name); return name === "shared" ? false : name === "address" ? "i32" : number(name); }, has() { throw 1; } }));
  assert_array_equals(order, ["address", "initial", "initial value", "maximum", "maximum value", "shared"]);
}, "members of the descriptor are read in order");

test(() => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 });
  const { buffer } = memory;
  assert(buffer instanceof ArrayBuffer);
  assert_equals(buffer, memory.buffer);
  assert_equals(buffer.byteLength, 65536);
  new Uint8Array(buffer)[65535] = 7;
  assert_equals(memory.grow(2), 1);
  assert_equals(buffer.byteLength, 0);
  assert(buffer.detached && memory.buffer !== buffer);
  assert_equals(memory.buffer.byteLength, 3 * 65536);
  assert_equals(new Uint8Array(memory.buffer)[65535], 7);
  const before = memory.buffer;
  assert_equals(memory.grow(0), 3);
  assert(before.detached && memory.buffer !== before, "growing by nothing detaches too");
  const kept = memory.buffer;
  assert_throws(RangeError, () => memory.grow(2));
  assert_equals(memory.buffer, kept);
  for (const wrong of [undefined, NaN, -1, 2 ** 32, "x", 1n]) assert_throws(TypeError, () => memory.grow(wrong));
  assert_throws(TypeError, () => memory.grow());
}, "buffer and grow");

test(() => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  for (const name of ["transfer", "transferToFixedLength", "transferToImmutable"]) {
    if (!ArrayBuffer.prototype[name]) continue;
    assert_throws(TypeError, () => memory.buffer[name](), name);
    const other = new ArrayBuffer(8);
    assert_equals(other[name]().byteLength, 8);
    assert(other.detached);
  }
  assert_equals(ArrayBuffer.prototype.transfer.name, "transfer");
  assert_equals(memory.buffer.byteLength, 65536);
}, "buffers of memories cannot be transferred");

test(() => {
  const { memory, grow, load } = instance(`(module (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`).exports;
  assert(memory instanceof WebAssembly.Memory);
  new Uint8Array(memory.buffer)[3] = 200;
  assert_equals(load(3), 200);
  const { buffer } = memory;
  const view = new Uint8Array(buffer);
  assert_equals(grow(1), 1);
  assert(buffer.detached);
  assert_equals(view.length, 0);
  assert_equals(memory.buffer.byteLength, 131072);
  const kept = memory.buffer;
  assert_equals(grow(100000), -1);
  assert_equals(memory.buffer, kept);
}, "Wasm grows a memory");

test(() => {
  const seen = [];
  const { memory, run } = instance(`(module (import "a" "look" (func $look)) (memory (export "memory") 1)
    (func (export "run") (drop (memory.grow (i32.const 1))) (call $look) unreachable))`, {
    a: { look() { seen.push(before.detached, memory.buffer.byteLength); } },
  }).exports;
  const before = memory.buffer;
  assert_throws(WebAssembly.RuntimeError, run);
  assert_array_equals(seen, [true, 131072]);
}, "an imported function sees the grown memory");

test(() => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { other } = instance('(module (import "a" "m" (memory 1)) (export "other" (memory 0)))', { a: { m: memory } }).exports;
  assert_equals(other, memory);
}, "an imported memory keeps its identity");

test(() => {
  const memory = new WebAssembly.Memory({ initial: 32767 });
  assert_equals(memory.buffer.byteLength, 32767 * 65536);
  memory.grow(1);
  assert_throws(RangeError, () => memory.buffer);
}, "memories of 2 GiB have no buffer");
