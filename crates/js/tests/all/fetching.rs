//! `fetch`, and modules that are compiled while they arrive.

use std::{
    cell::{Cell, RefCell},
    fs,
    io::{self, Read},
    rc::Rc,
};

use tierup::{CompilerStrategy, Config, Engine};
use tierup_js::{Exposure, Fetched, Realm, RealmOptions, Shell, ShellOptions};

/// What scripts of these tests begin with.
const CHECKS: &str = "
    const check = (value, note) => { if (!value) throw new Error(note) };
    const wasm = { headers: { 'content-type': 'application/wasm' } };
    const refused = async (kind, promise) => {
        try { await promise } catch (error) { check(error instanceof kind, error); return error.message }
        throw new Error('resolved')
    };
    const { compileStreaming, instantiateStreaming } = WebAssembly;
";

/// Compiles modules as a whole, with the baseline compiler.
fn eager() -> Engine {
    let mut config = Config::new();
    config.lazy(false).strategy(CompilerStrategy::Baseline);
    Engine::new(&config).unwrap()
}

/// Runs the body of an asynchronous function, which must end.
fn run(engine: &Engine, realm: RealmOptions, body: &str) {
    let options = ShellOptions { realm, exposure: Exposure::Global, ..ShellOptions::default() };
    let shell = Shell::new(engine, options).unwrap();
    let code = format!("(async () => {{ {CHECKS} {body} }})().then(() => quit(9))");
    shell.eval("test.js", &code).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(shell.run_until_idle().unwrap_or_else(|error| panic!("{error}")), 9);
}

fn script_bytes(text: &str) -> String {
    format!("new Uint8Array({:?})", wat::parse_str(text).unwrap())
}

#[test]
fn modules_come_in_pieces_of_any_size() {
    let bytes = script_bytes(
        r#"(module (import "a" "n" (global i32)) (func (export "f") (result i32) (i32.add (global.get 0) (i32.const 2))))"#,
    );
    let body = format!(
        "const bytes = {bytes};
         async function* pieces(size) {{ for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size) }}
         for (const size of [1, 2, 7, 1000]) {{
             const {{ module, instance }} = await instantiateStreaming(new Response(pieces(size), wasm), {{ a: {{ n: 3 }} }});
             check(module instanceof WebAssembly.Module && instance.exports.f() === 5, size);
             check(await compileStreaming(new Response(pieces(size), wasm)) instanceof WebAssembly.Module, size);
         }}
         const response = new Response(pieces(3), wasm), copy = response.clone();
         check((await copy.arrayBuffer()).byteLength === bytes.length, 'copy');
         await compileStreaming(response);
         check(response.bodyUsed, 'used');
         await refused(TypeError, compileStreaming(response));
         check(!(await refused(TypeError, compileStreaming(new Response((async function* () {{ yield 'text' }})(), wasm)))).includes('undefined'));
         const thrown = {{}};
         await compileStreaming(new Response((async function* () {{ throw thrown }})(), wasm)).catch(error => check(error === thrown));
         await refused(WebAssembly.CompileError, compileStreaming(new Response(bytes.slice(0, -1), wasm)));
         await refused(WebAssembly.CompileError, compileStreaming(new Response(null, wasm)));
         await refused(TypeError, instantiateStreaming(new Response(bytes, wasm), 5));"
    );
    run(&Engine::default(), RealmOptions::new(), &body);
    run(&eager(), RealmOptions::new(), &body);
}

#[test]
fn bad_bytes_reject_before_later_pieces_are_read() {
    let body = "
        let read = 0, closed = 0;
        async function* pieces() {
            try { for (const piece of [[0, 0x61, 0x73], [0x6d, 2, 0, 0, 0], [1, 1, 1]]) { read++; yield new Uint8Array(piece) } } finally { closed++ }
        }
        const message = await refused(WebAssembly.CompileError, compileStreaming(new Response(pieces(), wasm)));
        check(message.startsWith('WebAssembly.compileStreaming(): ') && message.includes('0x4'), message);
        check(read === 2 && closed === 1, `${read} pieces were read`);";
    run(&Engine::default(), RealmOptions::new(), body);
}

#[test]
fn functions_are_compiled_while_later_pieces_are_on_their_way() {
    let bytes = script_bytes(
        r#"(module (func nop) (func nop) (memory 1) (data (i32.const 0) "abcdefgh"))"#,
    );
    let body = format!(
        "const bytes = {bytes}, seen = [];
         async function* pieces() {{ for (const byte of bytes) {{ seen.push(tierup.stats().baselineFunctions); yield new Uint8Array([byte]) }} }}
         await compileStreaming(new Response(pieces(), wasm));
         const compiled = [...new Set(seen)].join();
         check(compiled === '0,1,2', compiled);
         check(seen.filter(count => count === 2).length > 8, 'the data comes after them');"
    );
    run(&eager(), RealmOptions::new(), &body);
}

#[test]
fn files_come_in_pieces() {
    let folder = std::env::temp_dir().join(format!("tierup-js-{}-pieces", std::process::id()));
    fs::create_dir_all(folder.join("a b")).unwrap();
    let mut bytes =
        wat::parse_str(r#"(module (func (export "f") (result i32) (i32.const 6)))"#).unwrap();
    let name = b"\x04long";
    let contents = 300_000;
    let size = contents + name.len();
    bytes.extend([
        0,
        (size & 0x7f) as u8 | 0x80,
        (size >> 7 & 0x7f) as u8 | 0x80,
        (size >> 14) as u8,
    ]);
    bytes.extend(name);
    bytes.extend(vec![7; contents]);
    fs::write(folder.join("a b/long.wasm"), &bytes).unwrap();
    let body = format!(
        "const path = '{0}/a b/long.wasm', url = 'file://{0}/a%20b/long.wasm';
         for (const name of [path, url]) {{
             const response = await fetch(name);
             check(response.ok && response.url === name && response.headers.get('Content-Type') === 'application/wasm', name);
             let pieces = 0, bytes = 0;
             for await (const piece of response.clone().body) {{ pieces++; bytes += piece.length }}
             check(pieces > 4 && bytes === {1}, `${{pieces}} pieces of ${{bytes}} bytes`);
             const {{ instance }} = await instantiateStreaming(response);
             check(instance.exports.f() === 6, name);
         }}
         check((await refused(TypeError, fetch('{0}'))).includes('cannot read'));
         check((await refused(TypeError, fetch('{0}/none.wasm'))).includes('none.wasm'));
         const message = await refused(TypeError, fetch('http://example.com/a.wasm'));
         check(message === 'fetch: only paths and file: are served here, not http://example.com/a.wasm', message);",
        folder.display(),
        bytes.len(),
    );
    run(&Engine::default(), RealmOptions::new(), &body);
    fs::remove_dir_all(folder).unwrap();
}

/// Notes how much was read of it.
struct Slow(io::Cursor<Vec<u8>>, Rc<Cell<usize>>);

impl Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.0.read(&mut into[..5])?;
        self.1.set(self.1.get() + count);
        Ok(count)
    }
}

#[test]
fn the_embedder_answers_for_what_is_no_file() {
    let wasm =
        wat::parse_str(r#"(module (func (export "f") (result i32) (i32.const 8)))"#).unwrap();
    let (asked, read) = (Rc::new(RefCell::new(Vec::new())), Rc::new(Cell::new(0)));
    let answer = |asked: &Rc<RefCell<Vec<String>>>, read: &Rc<Cell<usize>>| {
        let (asked, read, wasm) = (Rc::clone(asked), Rc::clone(read), wasm.clone());
        move |url: &str| {
            asked.borrow_mut().push(url.to_owned());
            let body = |bytes: &[u8]| Slow(io::Cursor::new(bytes.to_vec()), Rc::clone(&read));
            match url {
                "http://example.com/a.wasm" => {
                    Ok(Fetched::new(body(&wasm)).header("Content-Type", "application/WASM "))
                }
                "http://example.com/bad.wasm" => {
                    Ok(Fetched::new(body(&[9; 50])).header("Content-Type", "application/wasm"))
                }
                "http://example.com/none" => Ok(Fetched::new(io::empty()).status(404, "Not Found")),
                _ => Err(io::Error::other("the network is down")),
            }
        }
    };
    let body = "
        const { instance } = await instantiateStreaming(fetch('http://example.com/a.wasm'));
        check(instance.exports.f() === 8, 'result');
        const none = await fetch({ url: 'http://example.com/none' });
        check(!none.ok && none.status === 404 && none.statusText === 'Not Found' && await none.text() === '', 'none');
        check(await refused(TypeError, fetch('https://else')) === 'fetch: the network is down');
        await refused(WebAssembly.CompileError, compileStreaming(fetch('http://example.com/bad.wasm')));";
    run(&Engine::default(), RealmOptions::new().fetch(answer(&asked, &read)), body);
    assert_eq!(asked.borrow().len(), 4);
    assert_eq!(read.get(), wasm.len() + 5, "of bad bytes one piece is read");

    // A realm without a shell asks for everything.
    let options = RealmOptions::new().fetch(answer(&asked, &read));
    let realm = Realm::with_options(&Engine::default(), options).unwrap();
    let script = "fetch('a.txt').catch(error => { globalThis.message = error.message });
        WebAssembly.instantiateStreaming(fetch('http://example.com/a.wasm')).then(made => { globalThis.f = made.instance.exports.f })";
    realm.eval("a.js", script).unwrap();
    realm.run_jobs().unwrap();
    realm
        .eval(
            "b.js",
            "if (f() !== 8 || message !== 'fetch: the network is down') throw Error(message)",
        )
        .unwrap();
    assert_eq!(asked.borrow()[4], "a.txt");
    let realm = Realm::new(&Engine::default()).unwrap();
    realm.eval("c.js", "if (typeof fetch + typeof Response + typeof WebAssembly.compileStreaming !== 'undefinedundefinedundefined') throw Error()").unwrap();
}

#[test]
fn responses_are_read_in_every_way() {
    let body = "
        check(await new Response('a\\u20ac').text() === 'a\\u20ac', 'text');
        check(await new Response(new Uint8Array([0xef, 0xbb, 0xbf, 65, 0xe2])).text() === 'A\\ufffd', 'mark and end');
        check((await new Response('{\"a\": 1}').json()).a === 1, 'json');
        check(new Response('').headers.get('Content-Type').startsWith('text/plain'), 'type');
        const response = new Response(new Uint8Array([1, 2, 3, 4]).subarray(1, 3), { status: 404, headers: [['A', 'b']] });
        check(!response.ok && response.headers.get('a') === 'b' && response.headers.has('A') && !response.bodyUsed, 'head');
        check((await response.clone().bytes()).join() === '2,3', 'clone');
        check([...new Uint8Array(await response.arrayBuffer())].join() === '2,3', 'buffer');
        check(response.bodyUsed, 'used');
        await refused(TypeError, response.text());
        try { response.clone(); check(false) } catch (error) { check(error instanceof TypeError, error) }
        check(new Response().body === null && await new Response().text() === '', 'no body');
        for (const [type, good] of [['', false], ['text/wasm', false], ['application/wasm;', false], ['application/wasm;charset=UTF-8', false],
            ['\\fapplication/wasm\\f', false], ['\"application/wasm\"', false], ['APPLICATION/WASM ', true], ['\\tapplication/Wasm\\t', true]]) {
            const compiled = compileStreaming(new Response(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]), { headers: { 'Content-Type': type } }));
            if (good) await compiled; else await refused(TypeError, compiled);
        }
        const late = new Response(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]), { headers: { 'content-type': 'text/plain' } });
        late.headers.set('Content-Type', 'application/wasm');
        await compileStreaming(late);
        const original = new Uint8Array([5]), kept = new Response(original);
        original[0] = 6;
        check((await kept.bytes())[0] === 5, 'copied');";
    run(&Engine::default(), RealmOptions::new(), body);
}
