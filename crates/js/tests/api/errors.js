const calling = `(module (import "a" "f" (func $f)) (func $inner (call $f)) (func (export "run") (call $inner)))`;

test(() => {
  for (const thrown of [new Error("mine"), {}, undefined, null, 5, Symbol("s"), new WebAssembly.RuntimeError("x")]) {
    const { run } = instance(calling, { a: { f() { throw thrown; } } }).exports;
    try { run(); assert(false); } catch (error) { assert_equals(error, thrown); }
  }
}, "exceptions pass through Wasm unchanged");

test(() => {
  const thrown = {};
  const { run: inner } = instance(calling, { a: { f() { throw thrown; } } }).exports;
  const { run: outer } = instance(calling, { a: { f: inner } }).exports;
  assert_throws(thrown, outer);
  let caught = 0;
  const { run } = instance(calling, { a: { f() { try { outer(); } catch { caught++; } } } }).exports;
  run();
  assert_equals(caught, 1);
}, "through several layers, and caught between");

test(() => {
  const traps = [
    ["unreachable", "unreachable"], ["(drop (i32.div_s (i32.const 1) (i32.const 0)))", "integer divide by zero"],
    ["(drop (i32.load (i32.const 70000)))", "out of bounds memory access"],
    ["(drop (i32.trunc_f32_s (f32.const nan)))", "invalid conversion to integer"],
    ["(call_indirect (i32.const 0))", "uninitialized element"],
  ];
  for (const [code, message] of traps) {
    const { f } = instance(`(module (memory 1) (table 1 funcref) (func (export "f") ${code}))`).exports;
    const error = assert_throws(WebAssembly.RuntimeError, f);
    assert_equals(error.message, message);
    const property = Object.getOwnPropertyDescriptor(error, "stack");
    assert(!property.enumerable, "stack");
  }
}, "traps are RuntimeErrors");

test(() => {
  const { run: innerRun } = instance("(module (func) (func $deep unreachable) (func (export \"run\") (call $deep)))").exports;
  const { run } = instance(calling, { a: { f: function between() { innerRun(); } } }).exports;
  const error = assert_throws(WebAssembly.RuntimeError, function outside() { run(); });
  const lines = error.stack.split("\n").map(line => line.trim().replace(/^at /, "").replace(/:0x[0-9a-f]+/, ":0x").replace(/ \(.*/, ""));
  assert_array_equals(lines.slice(0, 6),
    ["wasm-function[1]:0x", "wasm-function[2]:0x", "between", "wasm-function[1]:0x", "wasm-function[2]:0x", "outside"]);
}, "stacks show frames of both languages in order");

test(() => {
  const { recurse } = instance('(module (func $f (export "recurse") (call $f)))').exports;
  assert_throws(RangeError, recurse);
  const { run } = instance(calling, { a: { f() { run(); } } }).exports;
  assert_throws(RangeError, run);
  function deep() { run(); }
  assert_throws(RangeError, deep);
}, "the stack overflows, alone and together");

test(() => {
  const hook = [];
  Error.prepareStackTrace = (error, frames) => { hook.push(frames.length); return "mine"; };
  try {
    const { f } = instance('(module (func (export "f") unreachable))').exports;
    assert_throws(WebAssembly.RuntimeError, f);
  } finally { Error.prepareStackTrace = undefined; }
}, "a script formats stacks itself");
