// Runs a WASI preview 1 program with `node:wasi`, in Node and in what is compatible with it.
//
//   node wasi_node.mjs [--dir HOST::GUEST].. [--argv0 NAME] FILE [ARGS..]

import { readFileSync } from "node:fs";
import { WASI } from "node:wasi";

function parse(words) {
    const options = { preopens: {}, name: undefined, file: undefined, rest: [] };
    for (let place = 0; place < words.length; place++) {
        const word = words[place];
        if (word === "--dir") {
            const [host, guest] = words[++place].split("::");
            options.preopens[guest ?? host] = host;
        } else if (word === "--argv0") {
            options.name = words[++place];
        } else {
            options.file = word;
            options.rest = words.slice(place + 1);
            break;
        }
    }
    if (options.file === undefined) {
        console.error("usage: wasi_node.mjs [--dir HOST::GUEST].. [--argv0 NAME] FILE [ARGS..]");
        process.exit(2);
    }
    return options;
}

const { preopens, name, file, rest } = parse(process.argv.slice(2));
const wasi = new WASI({ version: "preview1", args: [name ?? file, ...rest], env: {}, preopens });
const module = await WebAssembly.compile(readFileSync(file));
const imports = wasi.getImportObject?.() ?? { wasi_snapshot_preview1: wasi.wasiImport };
const instance = await WebAssembly.instantiate(module, imports);
process.exitCode = wasi.start(instance);
