// Brotli, compiled by others, with its own glue code, which compiles the module while it arrives:
// packs a file and gets it back.
//
//   npm pack brotli-wasm && tar xf brotli-wasm-*.tgz
//   tierup js examples/js/brotli.mjs ../../package/pkg.web README.md
const folder = scriptArgs[0] ?? "../../package/pkg.web"; // as seen from here, as modules and `fetch` see paths
const { default: init, compress, decompress } = await import(`${folder}/brotli_wasm.js`);
await init(fetch(`${folder}/brotli_wasm_bg.wasm`));
const text = new Uint8Array(readbuffer(scriptArgs[1] ?? "README.md"));
for (const quality of [1, 6, 11]) {
  const start = performance.now();
  const packed = compress(text, { quality });
  const time = (performance.now() - start).toFixed(0);
  const back = decompress(packed);
  if (back.length !== text.length || back.some((byte, index) => byte !== text[index])) throw new Error("it came back different");
  console.log(`quality ${quality}: ${text.length} bytes became ${packed.length}, in ${time} ms`);
}
