// What packages for browsers expect besides, and no more: `crypto`, base 64, `URL`, `self`, `location`. `host` is
// made by `host.rs`.
(function (host) {
  "use strict";
  const define = (target, members) => {
    for (const name of Object.keys(members))
      Object.defineProperty(target, name, { value: members[name], writable: true, enumerable: false, configurable: true });
  };

  // --- randomness

  const MOST_RANDOM = 65536;
  const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, BigInt64Array, BigUint64Array];
  const crypto = {
    getRandomValues(view) {
      if (!integers.some(kind => view instanceof kind)) throw new TypeError("crypto.getRandomValues: an array of integers is wanted");
      const { buffer, byteOffset, byteLength } = view;
      if (byteLength > MOST_RANDOM) throw Object.assign(new Error(`crypto.getRandomValues: ${byteLength} bytes are wanted, ${MOST_RANDOM} at most`), { name: "QuotaExceededError" });
      new Uint8Array(buffer, byteOffset, byteLength).set(host.random(byteLength));
      return view;
    },
    randomUUID() {
      const bytes = host.random(16);
      bytes[6] = (bytes[6] & 0x0f) | 0x40;
      bytes[8] = (bytes[8] & 0x3f) | 0x80;
      const digits = Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("");
      return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
    },
  };

  // --- base 64

  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));
  const invalid = message => Object.assign(new Error(message), { name: "InvalidCharacterError" });
  function btoa(text) {
    text = String(text);
    const out = [];
    for (let i = 0; i < text.length; i += 3) {
      const [a, b, c] = [text.charCodeAt(i), text.charCodeAt(i + 1), text.charCodeAt(i + 2)];
      if (a > 255 || b > 255 || c > 255) throw invalid("btoa: a character is beyond U+00FF");
      out.push(DIGITS[a >> 2], DIGITS[(a & 3) << 4 | b >> 4],
        Number.isNaN(b) ? "=" : DIGITS[(b & 15) << 2 | c >> 6], Number.isNaN(c) ? "=" : DIGITS[c & 63]);
    }
    return out.join("");
  }
  function atob(text) {
    text = String(text).replace(/[\t\n\f\r ]/g, "");
    if (text.length % 4 === 0) text = text.replace(/={1,2}$/, "");
    if (text.length % 4 === 1) throw invalid("atob: the text is cut short");
    const out = [];
    let bits = 0, count = 0;
    for (const digit of text) {
      const value = VALUES.get(digit);
      if (value === undefined) throw invalid("atob: a character is no digit of base 64");
      bits = (bits << 6 | value) & 0xfff;
      count += 6;
      if (count >= 8) out.push(String.fromCharCode(bits >> (count -= 8) & 255));
    }
    return out.join("");
  }

  // --- URLs

  const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
  const PARTS = /^(?:([a-z][a-z0-9+.-]*:))?(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/is;
  const escape = (text, which) => text.toWellFormed().replace(which, encodeURIComponent);
  const IN_PATH = /[\0-\x20"<>^`{}\x7f-\u{10ffff}]/gu, IN_REST = /[\0-\x20"<>\x7f-\u{10ffff}]/gu;
  function withoutDots(path) {
    const segments = path.split("/"), kept = [];
    segments.forEach((segment, index) => {
      const name = segment.replace(/%2e/gi, ".");
      const isLast = index === segments.length - 1;
      if (name === ".." && kept.length > 1) kept.pop();
      if (name !== "." && name !== "..") kept.push(segment);
      else if (isLast) kept.push("");
    });
    return kept.join("/");
  }
  function parse(text, base) {
    const wrong = () => new TypeError(`URL: ${JSON.stringify(text)} is none${base ? "" : " that stands alone"}`);
    let [, protocol, authority, path, search = "", hash = ""] = PARTS.exec(text.trim().replace(/[\t\n\r]/g, ""));
    protocol = protocol?.toLowerCase();
    if (protocol === undefined) {
      if (!base || base.isOpaque) throw wrong();
      protocol = base.protocol;
      if (authority === undefined) {
        authority = base.authority;
        if (path === "") [path, search] = [base.pathname, search || base.search];
        else if (!path.startsWith("/")) path = base.pathname.replace(/[^/]*$/, "") + path;
      }
    }
    const isSpecial = protocol in PORTS;
    if (isSpecial && authority === undefined && protocol !== "file:") throw wrong();
    const isOpaque = !isSpecial && authority === undefined && !path.startsWith("/");
    let [, user = "", host = "", port = ""] = /^(?:(.*)@)?(\[[^\]]*\]|[^:]*)(?::(\d*))?$/s.exec(authority ?? "") ?? [undefined, "", undefined];
    if (host === undefined || (isSpecial && protocol !== "file:" && host === "") || port > 65535 || /[\s<>^|%\\]/.test(host)) throw wrong();
    if (isSpecial) host = host.toLowerCase();
    if (/[^\0-\x7f]/.test(host)) throw new TypeError(`URL: names of hosts beyond ASCII are not supported: ${host}`);
    port = port === "" || Number(port) === Number(PORTS[protocol] || NaN) ? "" : String(Number(port));
    if (!isOpaque) path = withoutDots(isSpecial && !path.startsWith("/") ? `/${path}` : path);
    const [username, password = ""] = user.split(/:(.*)/s);
    const shown = (user ? `${user}@` : "") + host + (port ? `:${port}` : "");
    const hasHost = isSpecial || authority !== undefined;
    return {
      protocol, username, password, hostname: host, port, isOpaque, host: host + (port ? `:${port}` : ""),
      authority: hasHost ? shown : undefined, pathname: escape(path, isOpaque ? IN_REST : IN_PATH),
      search: search === "?" ? "" : escape(search, IN_REST), hash: hash === "#" ? "" : escape(hash, IN_REST),
    };
  }
  class URL {
    #parts;
    constructor(url, base = undefined) {
      this.#parts = parse(String(url), base === undefined ? undefined : parse(String(base)));
    }
    static canParse(url, base = undefined) {
      try { new URL(url, base); return true; } catch { return false; }
    }
    get href() {
      const { protocol, authority, pathname, search, hash } = this.#parts;
      return `${protocol}${authority === undefined ? "" : `//${authority}`}${pathname}${search}${hash}`;
    }
    get origin() {
      const { protocol, host } = this.#parts;
      return protocol in PORTS && protocol !== "file:" ? `${protocol}//${host}` : "null";
    }
    get protocol() { return this.#parts.protocol; }
    get username() { return this.#parts.username; }
    get password() { return this.#parts.password; }
    get host() { return this.#parts.host; }
    get hostname() { return this.#parts.hostname; }
    get port() { return this.#parts.port; }
    get pathname() { return this.#parts.pathname; }
    get search() { return this.#parts.search; }
    get hash() { return this.#parts.hash; }
    toString() { return this.href; }
    toJSON() { return this.href; }
    get [Symbol.toStringTag]() { return "URL"; }
  }

  define(globalThis, { self: globalThis, crypto, atob, btoa, URL });
  // Where relative paths of `fetch` begin.
  Object.defineProperty(globalThis, "location", { get: () => new URL(host.base()), configurable: true });
})
