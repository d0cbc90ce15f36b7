//! What packages for browsers expect of the shell, besides the namespace.

use std::fs;

use tierup::Engine;
use tierup_js::{FileKind, Shell, ShellOptions};

const CHECKS: &str = "
    const equal = (actual, expected, note) => {
        if (actual !== expected) throw new Error(`${note ?? ''}: ${actual}, expected ${expected}`)
    };
    const throws = (name, work) => {
        try { work() } catch (error) { return equal(error.name, name) }
        throw new Error(`nothing thrown: ${work}`)
    };
";

/// Runs the body of an asynchronous function, which must end.
fn check(body: &str) {
    let shell = Shell::new(&Engine::default(), ShellOptions::default()).unwrap();
    let code = format!("(async () => {{ {CHECKS} {body} }})().then(() => quit(9))");
    shell.eval("test.js", &code).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shell.run_until_idle().unwrap_or_else(|error| panic!("{error}")), 9);
}

#[test]
fn random_numbers_fill_what_is_given() {
    check(
        "const view = new Uint32Array(crypto.getRandomValues(new Uint32Array(64)).buffer, 4, 62);
         if (new Set(view).size < 60) throw new Error('hardly random');
         const part = new Uint8Array(100);
         equal(crypto.getRandomValues(part.subarray(40, 60)).length, 20);
         equal(part.subarray(0, 40).some(Boolean) || part.subarray(60).some(Boolean), false);
         equal(crypto.getRandomValues(new Uint8Array(0)).length, 0);
         equal(crypto.getRandomValues(new BigInt64Array(8192)).length, 8192);
         throws('QuotaExceededError', () => crypto.getRandomValues(new Uint8Array(65537)));
         throws('TypeError', () => crypto.getRandomValues(new Float64Array(1)));
         throws('TypeError', () => crypto.getRandomValues([1]));
         const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
         equal(pattern.test(crypto.randomUUID()), true);",
    );
}

#[test]
fn base_64_goes_both_ways() {
    check(
        "const rows = [['', ''], ['f', 'Zg=='], ['fo', 'Zm8='], ['foo', 'Zm9v'], ['\\0\\xff\\xfe', 'AP/+']];
         for (const [text, digits] of rows) { equal(btoa(text), digits); equal(atob(digits), text) }
         equal(atob(' Zg '), 'f');
         equal(atob('Zg'), 'f');
         for (const wrong of ['Z', 'Zg=', 'Zg===', 'Z-==', '=']) throws('InvalidCharacterError', () => atob(wrong));
         throws('InvalidCharacterError', () => btoa('\\u0100'));",
    );
}

#[test]
fn urls_are_taken_apart_and_resolved() {
    check(
        "const rows = [
             ['http://User:pw@Ex.com:80/a/../b c?x y#z', undefined, 'http://User:pw@ex.com/b%20c?x%20y#z'],
             ['../x.wasm', 'file:///a/b/c.js', 'file:///a/x.wasm'], ['x.wasm', 'http://h/a/b?q#k', 'http://h/a/x.wasm'],
             ['//o/p', 'https://h/a', 'https://o/p'], ['?n', 'https://h/a?m#k', 'https://h/a?n'], ['#n', 'https://h/a?m#k', 'https://h/a?m#n'],
             ['', 'https://h/a?m#k', 'https://h/a?m'], ['/', 'https://h/a/b', 'https://h/'], ['..', 'https://h/a/b/c', 'https://h/a/'],
             ['./../../..', 'https://h/a', 'https://h/'], ['https://h', undefined, 'https://h/'], ['/x', 'file:///a/b', 'file:///x'],
             ['data:text/plain,a b', undefined, 'data:text/plain,a%20b'], ['http://[::1]:8080/', undefined, 'http://[::1]:8080/'],
             ['app://h:1/a/./b', undefined, 'app://h:1/a/b'], ['FILE:///\\u00e9', undefined, 'file:///%C3%A9'], ['a%2fb', 'http://h/', 'http://h/a%2fb'],
         ];
         for (const [url, base, href] of rows) equal(new URL(url, base).href, href, url);
         const url = new URL('https://u:p@h:8443/a?b#c');
         equal([url.protocol, url.username, url.password, url.host, url.hostname, url.port, url.pathname, url.search, url.hash, url.origin].join(' '),
             'https: u p h:8443 h 8443 /a ?b #c https://h:8443');
         equal(`${url}` + JSON.stringify({ url }), 'https://u:p@h:8443/a?b#c{\"url\":\"https://u:p@h:8443/a?b#c\"}');
         for (const [wrong, base] of [['/x'], ['x', 'data:a'], ['http://'], ['http:x'], ['http://a b/'], ['http://h:65536/'], ['http://h:x/']]) {
             throws('TypeError', () => new URL(wrong, base)); equal(URL.canParse(wrong, base), false);
         }
         equal(await (await fetch(new URL('none.txt', location.href)).catch(error => error.name)), 'TypeError');
         equal(self === globalThis && location.protocol === 'file:' && location.pathname.endsWith('/'), true);",
    );
}

#[test]
fn modules_know_where_they_are() {
    let name = format!("tierup-js-{}-known #1", std::process::id());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("data.txt"), "seven").unwrap();
    fs::write(folder.join("part.mjs"), "export default import.meta.url").unwrap();
    fs::write(
        folder.join("main.mjs"),
        "import part from './part.mjs';
         if (part !== new URL('part.mjs', import.meta.url).href || !part.endsWith('-known%20%231/part.mjs')) throw new Error(part);
         quit((await (await fetch(new URL('./data.txt', import.meta.url))).text()).length)",
    )
    .unwrap();
    let shell = Shell::new(&Engine::default(), ShellOptions::default()).unwrap();
    // A quit ends it at once, or when its jobs run.
    shell.run_file(&folder.join("main.mjs"), FileKind::Module).unwrap_or_else(|it| panic!("{it}"));
    assert_eq!(shell.run_until_idle().unwrap_or_else(|error| panic!("{error}")), 5);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn text_of_sixteen_bits_is_decoded() {
    check(
        "const decoder = new TextDecoder('utf-16le'), bytes = [65, 0, 0x3d, 0xd8, 0, 0xde];
         equal(decoder.encoding, 'utf-16le');
         equal(decoder.decode(new Uint8Array(bytes)), 'A\\u{1f600}');
         equal(bytes.map(byte => decoder.decode(new Uint8Array([byte]), { stream: true })).join('') + decoder.decode(), 'A\\u{1f600}');
         equal(decoder.decode(new Uint8Array([65, 0, 66])), 'A\\ufffd');
         equal(decoder.decode(new Uint8Array([0, 0xd8])), '\\ufffd');
         equal(decoder.decode(new Uint8Array([0xff, 0xfe, 65, 0])), 'A');
         equal(decoder.decode(new Uint8Array(200_000).fill(65)), '\\u4141'.repeat(100_000));
         const fatal = new TextDecoder('utf-16', { fatal: true });
         throws('TypeError', () => fatal.decode(new Uint8Array([0, 0xd8])));
         throws('TypeError', () => fatal.decode(new Uint8Array([65])));
         throws('RangeError', () => new TextDecoder('utf-16be'));",
    );
}

#[test]
fn blobs_are_made_of_parts_and_cut() {
    check(
        "const blob = new Blob(['a\\u00e9', new Uint16Array([0x4241]), new Blob(['z']), new Uint8Array([1, 2, 51]).subarray(2)], { type: 'Text/Plain' });
         equal(blob.size, 7); equal(blob.type, 'text/plain'); equal(await blob.text(), 'a\\u00e9ABz3');
         equal(await blob.slice(-4, -1).text(), 'ABz'); equal(blob.slice(1, 2, 'x/y').type, 'x/y'); equal(blob.slice(5, 1).size, 0);
         const buffer = await blob.arrayBuffer(); new Uint8Array(buffer).fill(0);
         equal(await blob.text(), 'a\\u00e9ABz3');
         equal(new Blob().size, 0); equal(String(blob), '[object Blob]'); equal('stream' in blob, false);
         for (const wrong of ['text', 5, null]) throws('TypeError', () => new Blob(wrong));
         const response = new Response(blob);
         equal(response.headers.get('content-type'), 'text/plain');
         const again = await response.clone().blob();
         equal(again.type, 'text/plain'); equal(await again.text(), await response.text());
         equal(response.bodyUsed, true);",
    );
}

#[test]
fn bodies_have_readers() {
    check(
        "async function* pieces() { yield new Uint8Array([1, 2]); yield new Uint8Array([3]) }
         const response = new Response(pieces());
         equal(response.body, response.body);
         const reader = response.body.getReader(), seen = [];
         equal(response.body.locked, true);
         throws('TypeError', () => response.body.getReader());
         for (let step; !(step = await reader.read()).done;) seen.push(...step.value);
         equal(seen.join(), '1,2,3');
         const { value, done } = await reader.read();
         equal(value, undefined); equal(done, true); equal(response.bodyUsed, true);
         reader.releaseLock();
         equal(response.body.locked, false);
         equal(await reader.read().catch(error => error.name), 'TypeError');
         const other = new Response(pieces()), first = other.body.getReader();
         await first.read(); first.releaseLock();
         equal((await other.body.getReader().read()).value.join(), '3', 'goes on where the last one was');
         let ended = false;
         async function* endless() { try { for (;;) yield new Uint8Array(1) } finally { ended = true } }
         const last = new Response(endless()).body.getReader();
         await last.read(); await last.cancel();
         equal(ended, true); equal((await last.read()).done, true);
         equal(new Response().body, null);",
    );
}
