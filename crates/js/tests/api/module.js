const text = `(module
  (import "m" "f" (func)) (import "m" "t" (table 1 funcref)) (import "n" "mem" (memory 1)) (import "n" "g" (global i32))
  (func (export "a")) (export "b" (table 0)) (export "" (memory 0)) (export "g" (global 0))
  (@custom "one" "\\01\\02") (@custom "two" "") (@custom "one" "\\03"))`;

test(() => {
  assert_method(WebAssembly.Module, "exports", 1);
  assert_method(WebAssembly.Module, "imports", 1);
  assert_method(WebAssembly.Module, "customSections", 2);
}, "shape");

test(() => {
  const m = module(text);
  assert_equals(String(m), "[object WebAssembly.Module]");
  assert_array_equals(Object.getOwnPropertyNames(m), []);
  assert_equals(Object.isExtensible(m), true);
  class Mine extends WebAssembly.Module {}
  assert(new Mine(wat("(module)")) instanceof Mine);
  assert_throws(WebAssembly.CompileError, () => new WebAssembly.Module(new Uint8Array(4)));
  const error = assert_throws(WebAssembly.CompileError, () => new WebAssembly.Module(new Uint8Array(8)));
  assert(error.message.startsWith("WebAssembly.Module(): "), error.message);
  const target = new Proxy(function () {}, { get() { throw 5; } });
  assert_throws(5, () => Reflect.construct(WebAssembly.Module, [], target), "the prototype comes first");
}, "constructor");

test(() => {
  const m = module(text);
  assert_equals(JSON.stringify(WebAssembly.Module.exports(m)), JSON.stringify([
    { name: "a", kind: "function" }, { name: "b", kind: "table" }, { name: "", kind: "memory" },
    { name: "g", kind: "global" }]));
  assert_equals(JSON.stringify(WebAssembly.Module.imports(m)), JSON.stringify([
    { module: "m", name: "f", kind: "function" }, { module: "m", name: "t", kind: "table" },
    { module: "n", name: "mem", kind: "memory" }, { module: "n", name: "g", kind: "global" }]));
  assert(WebAssembly.Module.exports(m) !== WebAssembly.Module.exports(m));
  const property = Object.getOwnPropertyDescriptor(WebAssembly.Module.exports(m)[0], "name");
  assert(property.writable && property.enumerable && property.configurable);
  for (const name of ["exports", "imports", "customSections"]) {
    assert_throws(TypeError, () => WebAssembly.Module[name]());
    for (const wrong of invalid_receivers) assert_throws(TypeError, () => WebAssembly.Module[name](wrong, ""));
    WebAssembly.Module[name].call(undefined, m, "");
  }
}, "exports and imports are described");

test(() => {
  const m = module(text);
  const sections = name => WebAssembly.Module.customSections(m, name).map(buffer => [...new Uint8Array(buffer)].join());
  assert_array_equals(sections("one"), ["1,2", "3"]);
  assert_array_equals(sections("two"), [""]);
  assert_array_equals(sections("three"), []);
  assert_throws(TypeError, () => WebAssembly.Module.customSections(m));
  assert_throws(TypeError, () => WebAssembly.Module.customSections(m, Symbol()));
  assert_array_equals(sections("o\ud800ne"), []);
  assert_array_equals(sections({ toString: () => "one" }), ["1,2", "3"]);
  const [buffer] = WebAssembly.Module.customSections(m, "one");
  new Uint8Array(buffer)[0] = 9;
  assert_array_equals(sections("one"), ["1,2", "3"], "copies");
}, "custom sections");
