// tierup js examples/js/add.mjs
const { instance } = await WebAssembly.instantiateStreaming(fetch("my_module.wasm"));
console.log(instance.exports.add(5, 10)); // 15
