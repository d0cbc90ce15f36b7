// The part of the shell that is a script. `host` is made by `host.rs`.
(function (host) {
  "use strict";
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const define = (target, members, enumerable = false) => {
    for (const name of Object.keys(members))
      defineProperty(target, name, { value: members[name], writable: true, enumerable, configurable: true });
  };

  // --- printing

  const isError = value => value instanceof Error;
  function inspect(value, depth, seen) {
    switch (typeof value) {
      case "string": return depth === 0 ? value : JSON.stringify(value);
      case "bigint": return `${value}n`;
      case "symbol": return value.toString();
      case "number": return Object.is(value, -0) ? "-0" : String(value);
      case "function": return `[${/^class\b/.test(Function.prototype.toString.call(value)) ? "class" : "function"} ${value.name || "(anonymous)"}]`;
      case "object": break;
      default: return String(value);
    }
    if (value === null) return "null";
    if (isError(value)) return `${value}${value.stack ? `\n${String(value.stack).trimEnd()}` : ""}`;
    if (seen.includes(value)) return "[circular]";
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (depth > 3) return Array.isArray(value) ? "[array]" : `[${tag}]`;
    const inner = [...seen, value];
    const show = item => inspect(item, depth + 1, inner);
    const list = items => items.slice(0, 100).map(show).concat(items.length > 100 ? [`... ${items.length - 100} more`] : []).join(", ");
    if (Array.isArray(value)) return value.length ? `[ ${list(value)} ]` : "[]";
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return `${tag}(${value.length}) [ ${list(Array.from(value.subarray(0, 101)))} ]`;
    if (value instanceof Map) return `Map(${value.size}) { ${[...value].map(([key, item]) => `${show(key)} => ${show(item)}`).join(", ")} }`;
    if (value instanceof Set) return `Set(${value.size}) { ${[...value].map(show).join(", ")} }`;
    const members = Object.keys(value).map(key => {
      const { get } = getOwnPropertyDescriptor(value, key);
      return `${/^[\w$]+$/.test(key) ? key : JSON.stringify(key)}: ${get ? "[getter]" : show(value[key])}`;
    });
    const name = tag === "Object" ? Object.getPrototypeOf(value)?.constructor?.name ?? "Object" : tag;
    const head = name === "Object" ? "" : `${name} `;
    return members.length ? `${head}{ ${members.join(", ")} }` : `${head}{}`;
  }
  function format(args) {
    if (typeof args[0] !== "string" || !args[0].includes("%")) return args.map(item => inspect(item, 0, [])).join(" ");
    let next = 1;
    const text = args[0].replace(/%([sdifoOjc%])/g, (whole, kind) => {
      if (kind === "%") return "%";
      if (next >= args.length) return whole;
      const item = args[next++];
      switch (kind) {
        case "d": return typeof item === "bigint" ? `${item}n` : String(Number(item));
        case "i": return String(parseInt(item));
        case "f": return String(parseFloat(item));
        case "j": return JSON.stringify(item);
        case "c": return "";
        case "s": return inspect(item, 0, []);
        default: return inspect(item, 1, []);
      }
    });
    return [text, ...args.slice(next).map(item => inspect(item, 0, []))].join(" ");
  }
  const out = (...args) => host.out(format(args));
  const err = (...args) => host.err(format(args));
  const started = new Map();
  define(globalThis, {
    print(...args) { host.out(args.map(String).join(" ")); },
    console: {
      log: out, info: out, debug: out, warn: err, error: err,
      trace(...args) { err(...args, `\n${new Error().stack.split("\n").slice(1).join("\n")}`); },
      assert(condition, ...args) { if (!condition) err("assertion failed:", ...args); },
      time(label = "default") { started.set(label, host.now()); },
      timeEnd(label = "default") {
        if (started.has(label)) out(`${label}: ${(host.now() - started.get(label)).toFixed(3)} ms`);
        started.delete(label);
      },
    },
  });

  // --- files and the process

  define(globalThis, {
    read(path, kind) { return kind === "binary" ? host.readBytes(String(path)) : host.readText(String(path)); },
    readbuffer(path) { return host.readBytes(String(path)).buffer; },
    load(...paths) { let last; for (const path of paths) last = host.load(String(path)); return last; },
    quit(code = 0) { host.quit(code | 0); },
    performance: { now: () => host.now(), timeOrigin: Date.now() },
  });

  // --- timers

  let timers = [];
  let lastTimer = 0;
  function add(callback, delay, args, interval) {
    if (typeof callback !== "function") throw new TypeError("a timer needs a function");
    delay = Math.max(0, Number(delay) || 0);
    const id = ++lastTimer;
    insert({ id, due: host.now() + delay, callback, args, interval: interval ? Math.max(1, delay) : undefined });
    return id;
  }
  function insert(timer) {
    let index = timers.length;
    while (index > 0 && timers[index - 1].due > timer.due) index--;
    timers.splice(index, 0, timer);
  }
  const clear = id => { timers = timers.filter(timer => timer.id !== id); };
  define(globalThis, {
    setTimeout(callback, delay, ...args) { return add(callback, delay, args, false); },
    setInterval(callback, delay, ...args) { return add(callback, delay, args, true); },
    clearTimeout(id) { clear(id); },
    clearInterval(id) { clear(id); },
    queueMicrotask(callback) {
      if (typeof callback !== "function") throw new TypeError("a microtask needs a function");
      Promise.resolve().then(() => callback());
    },
  }, true);

  // --- text

  class TextEncoder {
    get encoding() { return "utf-8"; }
    encode(text = "") { return host.encode(String(text).toWellFormed()); }
    encodeInto(text, target) {
      let read = 0, written = 0;
      for (const character of String(text).toWellFormed()) {
        const code = character.codePointAt(0);
        const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (written + size > target.length) break;
        target.set(host.encode(character), written);
        read += character.length;
        written += size;
      }
      return { read, written };
    }
  }
  // As `host.decode`; units of 16 bits, the lower byte first.
  function decodeUnits(bytes, fatal, stream) {
    let end = bytes.length & ~1;
    const isHigh = end > 0 && (bytes[end - 1] & 0xfc) === 0xd8;
    if (stream && isHigh) end -= 2;
    const parts = [];
    for (let at = 0; at < end; at += 8192)
      parts.push(String.fromCharCode(...new Uint16Array(bytes.slice(at, Math.min(at + 8192, end)).buffer)));
    const text = parts.join("");
    return fatal && !text.isWellFormed() ? ["", -1] : [text.toWellFormed(), bytes.length - end];
  }
  class TextDecoder {
    #encoding = "utf-8"; #fatal; #ignoreBOM; #pending = new Uint8Array(0); #started = false;
    constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
      if (/^\s*(utf-16(le)?|ucs-2|iso-10646-ucs-2|(cs)?unicode|unicodefeff)\s*$/i.test(label)) this.#encoding = "utf-16le";
      else if (!/^\s*(utf-?8|unicode-1-1-utf-8)\s*$/i.test(label)) throw new RangeError(`no decoder for ${label}`);
      this.#fatal = Boolean(fatal);
      this.#ignoreBOM = Boolean(ignoreBOM);
    }
    get encoding() { return this.#encoding; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBOM; }
    decode(input, { stream = false } = {}) {
      let bytes = input === undefined ? new Uint8Array(0) : ArrayBuffer.isView(input)
        ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : new Uint8Array(input);
      if (this.#pending.length) {
        const joined = new Uint8Array(this.#pending.length + bytes.length);
        joined.set(this.#pending);
        joined.set(bytes, this.#pending.length);
        bytes = joined;
      }
      let [text, rest] = this.#encoding === "utf-8"
        ? host.decode(bytes.buffer, bytes.byteOffset, bytes.length, this.#fatal) : decodeUnits(bytes, this.#fatal, stream);
      if (rest < 0 || (rest > 0 && !stream && this.#fatal)) {
        this.#pending = new Uint8Array(0);
        throw new TypeError("the bytes are not UTF-8");
      }
      if (!this.#started && !this.#ignoreBOM && text.startsWith("\ufeff")) text = text.slice(1);
      this.#started = stream && (this.#started || text.length > 0);
      this.#pending = stream ? bytes.slice(bytes.length - rest) : new Uint8Array(0);
      return !stream && rest > 0 ? text + "\ufffd" : text;
    }
  }

  define(globalThis, { TextEncoder, TextDecoder });

  return {
    nextTimer: () => timers.length ? Math.max(0, timers[0].due - host.now()) : -1,
    runTimer() {
      const timer = timers.shift();
      if (!timer) return;
      if (timer.interval !== undefined) insert({ ...timer, due: host.now() + timer.interval });
      timer.callback.apply(undefined, timer.args);
    },
  };
})
