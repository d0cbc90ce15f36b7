// A small harness in the manner of the web platform's: `test`, `promise_test` and assertions.
"use strict";
globalThis.results = [];
const pending = [];

function same(a, b) { return Object.is(a, b); }
function show(value) {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  try { return Array.isArray(value) ? `[${value.map(show)}]` : String(value); } catch { return "[object]"; }
}
function fail(message, note) { throw new Error(note === undefined ? message : `${note}: ${message}`); }

globalThis.assert = (value, note) => { if (!value) fail("not true", note); };
globalThis.assert_equals = (actual, expected, note) => {
  between();
  if (!same(actual, expected)) fail(`expected ${show(expected)}, got ${show(actual)}`, note);
};
globalThis.assert_array_equals = (actual, expected, note) => {
  if (actual.length !== expected.length || !expected.every((value, index) => same(actual[index], value)))
    fail(`expected ${show(expected)}, got ${show(actual)}`, note);
};
globalThis.assert_throws = (kind, work, note) => {
  try { work(); } catch (error) {
    if (typeof kind === "function") {
      if (error?.constructor !== kind) fail(`expected ${kind.name}, got ${error}`, note);
    } else if (!same(error, kind)) fail(`expected ${show(kind)}, got ${show(error)}`, note);
    return error;
  }
  fail(`expected ${kind.name ?? show(kind)}, nothing was thrown`, note);
};
globalThis.assert_rejects = async (kind, promise, note) => {
  let value;
  try { value = await promise; } catch (error) {
    assert_throws(kind, () => { throw error; }, note);
    return error;
  }
  fail(`expected ${kind.name ?? show(kind)}, resolved with ${show(value)}`, note);
};
globalThis.assert_method = (object, name, length, note) => {
  const property = Object.getOwnPropertyDescriptor(object, name);
  assert(property, `${name} is there`);
  assert(property.writable && property.enumerable && property.configurable, `attributes of ${name}`);
  assert_equals(property.value.name, name, note);
  assert_equals(property.value.length, length, `length of ${name}`);
  assert_throws(TypeError, () => new property.value(), `new ${name}`);
};
globalThis.assert_accessor = (object, name, settable) => {
  const property = Object.getOwnPropertyDescriptor(object, name);
  assert(property, `${name} is there`);
  assert(property.enumerable && property.configurable, `attributes of ${name}`);
  assert_equals(property.get.name, `get ${name}`);
  assert_equals(property.get.length, 0);
  assert_equals(property.set?.name, settable ? `set ${name}` : undefined);
  if (settable) assert_equals(property.set.length, 1);
};
globalThis.assert_interface = (name, length) => {
  const property = Object.getOwnPropertyDescriptor(WebAssembly, name);
  assert(property.writable && !property.enumerable && property.configurable, name);
  const constructor = property.value;
  assert_equals(constructor.name, name);
  assert_equals(constructor.length, length);
  const prototype = Object.getOwnPropertyDescriptor(constructor, "prototype");
  assert(!prototype.writable && !prototype.enumerable && !prototype.configurable, "prototype");
  assert_equals(prototype.value.constructor, constructor);
  const tag = Object.getOwnPropertyDescriptor(prototype.value, Symbol.toStringTag);
  assert_equals(tag.value, `WebAssembly.${name}`);
  assert(!tag.writable && !tag.enumerable && tag.configurable, "toStringTag");
};

// Some modes take all code away here.
globalThis.between ??= () => {};

globalThis.test = (work, name) => {
  between();
  let problem = "";
  try { work(); } catch (error) { problem = `${error}\n${error?.stack ?? ""}`; }
  results.push([name, problem]);
};
globalThis.promise_test = (work, name) => {
  const entry = [name, "never settled"];
  results.push(entry);
  pending.push(
    Promise.resolve().then(work).then(
      () => { entry[1] = ""; },
      error => { entry[1] = `${error}\n${error?.stack ?? ""}`; }));
};

// Values that are no objects of the API.
globalThis.invalid_receivers = [undefined, null, 1, 1n, "", true, Symbol(), {}, [], () => 1, WebAssembly];
globalThis.module = text => new WebAssembly.Module(wat(text));
globalThis.instance = (text, imports) => {
  const made = new WebAssembly.Instance(module(text), imports);
  between();
  return made;
};
