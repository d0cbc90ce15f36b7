// The part of fetching that is a script. `host` is made by `fetch.rs`.
(function (host) {
  "use strict";
  const { defineProperty, entries } = Object;
  const define = (target, members, enumerable = false) => {
    for (const [name, value] of entries(members))
      defineProperty(target, name, { value, writable: true, enumerable, configurable: true });
  };
  const isBytes = value => value instanceof Uint8Array;

  // --- bodies: async iterables of pieces

  async function* once(bytes) { if (bytes.length) yield bytes; }
  async function* pulled(read) { for (let piece; (piece = read()) !== null;) yield piece; }
  async function collect(pieces, what) {
    const all = [];
    let length = 0;
    for await (const piece of pieces) {
      if (!isBytes(piece)) throw new TypeError(`${what}: the body gives what is no Uint8Array`);
      all.push(piece);
      length += piece.length;
    }
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const piece of all) {
      bytes.set(piece, offset);
      offset += piece.length;
    }
    return bytes;
  }
  // Two bodies of one; each waits for pieces that the other has not asked for yet.
  function tee(pieces) {
    const iterator = pieces[Symbol.asyncIterator](), steps = [];
    const branch = async function* () {
      for (let index = 0; ; index++) {
        const { value, done } = await (steps[index] ??= iterator.next());
        if (done) return;
        yield value;
      }
    };
    return [branch(), branch()];
  }
  function bodyOf(value) {
    if (value === null || value === undefined) return null;
    if (isBlob(value)) return once(bytesOf(value).slice());
    if (ArrayBuffer.isView(value)) return once(new Uint8Array(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength)));
    if (value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) return once(new Uint8Array(value.slice(0)));
    if (typeof value === "object" && typeof value[Symbol.asyncIterator] === "function") return value;
    return once(host.encode(String(value).toWellFormed()));
  }
  function decode(bytes) {
    const [text, rest] = host.decode(bytes.buffer, bytes.byteOffset, bytes.length, false);
    return (text.startsWith("\ufeff") ? text.slice(1) : text) + (rest > 0 ? "\ufffd" : "");
  }

  // What scripts know of a `ReadableStream` that has a body: one reader at a time.
  function readable(open) {
    let pieces, reader = null;
    return {
      get locked() { return reader !== null; },
      getReader({ mode } = {}) {
        if (mode !== undefined) throw new TypeError(`no reader with mode ${mode}`);
        if (reader !== null) throw new TypeError("the body has a reader already");
        pieces ??= open()[Symbol.asyncIterator]();
        const own = reader = {
          async read() {
            if (reader !== own) throw new TypeError("the reader has been released");
            const { value, done } = await pieces.next();
            return done ? { value: undefined, done: true } : { value, done: false };
          },
          releaseLock() { if (reader === own) reader = null; },
          async cancel() { await pieces.return?.(); },
        };
        return own;
      },
      [Symbol.asyncIterator]() {
        if (reader !== null) throw new TypeError("the body has a reader");
        return open()[Symbol.asyncIterator]();
      },
      async cancel() {
        if (reader !== null) throw new TypeError("the body has a reader");
        await (pieces ?? open()[Symbol.asyncIterator]()).return?.();
      },
    };
  }

  // --- blobs

  let isBlob, bytesOf;
  const typeOf = text => /^[ -~]*$/.test(text) ? text.toLowerCase() : "";
  class Blob {
    #bytes; #type;
    constructor(parts = [], { type = "" } = {}) {
      if (typeof parts !== "object" || typeof parts?.[Symbol.iterator] !== "function") throw new TypeError("Blob: a sequence of parts is wanted");
      const pieces = Array.from(parts, part => isBlob(part) ? part.#bytes
        : ArrayBuffer.isView(part) ? new Uint8Array(part.buffer, part.byteOffset, part.byteLength)
        : part instanceof ArrayBuffer ? new Uint8Array(part) : host.encode(String(part).toWellFormed()));
      this.#bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
      let offset = 0;
      for (const piece of pieces) {
        this.#bytes.set(piece, offset);
        offset += piece.length;
      }
      this.#type = typeOf(String(type));
    }
    get size() { return this.#bytes.length; }
    get type() { return this.#type; }
    slice(start = 0, end = this.size, type = "") { return new Blob([this.#bytes.subarray(start, end)], { type }); }
    async arrayBuffer() { return this.#bytes.slice().buffer; }
    async bytes() { return this.#bytes.slice(); }
    async text() { return decode(this.#bytes); }
    get [Symbol.toStringTag]() { return "Blob"; }
    static {
      isBlob = value => typeof value === "object" && value !== null && #bytes in value;
      bytesOf = blob => blob.#bytes;
    }
  }

  // --- responses

  const trim = value => String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  let take;
  class Response {
    #body; #headers; #status; #stream = null; #used = false;
    constructor(body = null, { status = 200, statusText = "", headers = {} } = {}) {
      this.#body = bodyOf(body);
      this.#status = status;
      const pairs = typeof headers?.[Symbol.iterator] === "function" ? [...headers] : entries(headers);
      this.#headers = new Map(pairs.map(([name, value]) => [String(name).toLowerCase(), trim(value)]));
      const type = typeof body === "string" ? "text/plain;charset=UTF-8" : isBlob(body) ? body.type : "";
      if (type !== "" && !this.#headers.has("content-type")) this.#headers.set("content-type", type);
      define(this, { status, statusText, ok: status >= 200 && status < 300, url: "" }, true);
    }
    get headers() {
      const headers = this.#headers;
      return {
        get: name => headers.get(String(name).toLowerCase()) ?? null,
        has: name => headers.has(String(name).toLowerCase()),
        set(name, value) { headers.set(String(name).toLowerCase(), trim(value)); },
        delete(name) { headers.delete(String(name).toLowerCase()); },
        [Symbol.iterator]: () => headers[Symbol.iterator](),
      };
    }
    get body() {
      if (this.#body === null) return null;
      return this.#stream ??= readable(() => this.#take());
    }
    get bodyUsed() { return this.#used; }
    #take() {
      if (this.#used) throw new TypeError("the body has been read already");
      this.#used = this.#body !== null;
      return this.#body ?? once(new Uint8Array(0));
    }
    async arrayBuffer() { return (await this.bytes()).buffer; }
    async bytes() { return collect(this.#take(), "Response"); }
    async text() { return decode(await this.bytes()); }
    async blob() { return new Blob([await this.bytes()], { type: this.#headers.get("content-type") ?? "" }); }
    async json() { return JSON.parse(await this.text()); }
    clone() {
      if (this.#used) throw new TypeError("the body has been read already");
      let body = null;
      if (this.#body !== null) [this.#body, body] = tee(this.#body);
      const { status, statusText, url } = this;
      const copy = new Response(body, { status, statusText, headers: this.#headers });
      copy.url = url;
      return copy;
    }
    static {
      take = (what, response) => {
        if (typeof response !== "object" || response === null || !(#body in response)) throw new TypeError(`${what}: a Response or a promise of one is wanted`);
        const type = response.#headers.get("content-type") ?? "";
        if (type.toLowerCase() !== "application/wasm") throw new TypeError(`${what}: the type of the response must be application/wasm, not '${type}'`);
        if (response.#status < 200 || response.#status > 299) throw new TypeError(`${what}: the status of the response is ${response.#status}`);
        return response.#take();
      };
    }
  }
  define(globalThis, { Response, Blob });
  define(globalThis, {
    async fetch(resource) {
      const url = String(resource?.url ?? resource);
      const { status, statusText, headers, read } = host.open(url);
      const response = new Response(pulled(read), { status, statusText, headers });
      response.url = url;
      return response;
    },
  }, true);

  // --- compiling what arrives

  const { instantiate } = WebAssembly;
  async function compiled(what, source) {
    const pieces = take(what, await source);
    const stream = host.begin();
    for await (const piece of pieces) {
      if (!isBytes(piece)) throw new TypeError(`${what}: the body gives what is no Uint8Array`);
      host.push(stream, piece, what);
    }
    return host.finish(stream, what);
  }
  define(WebAssembly, {
    async compileStreaming(source) { return compiled("WebAssembly.compileStreaming()", source); },
    async instantiateStreaming(source, importObject = undefined) {
      const what = "WebAssembly.instantiateStreaming()";
      if (importObject !== undefined && Object(importObject) !== importObject) throw new TypeError(`${what}: the import object must be an object`);
      const module = await compiled(what, source);
      return { module, instance: await instantiate(module, importObject) };
    },
  }, true);
})
