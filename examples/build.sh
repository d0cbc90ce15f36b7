#!/bin/sh
# Rebuilds the example programs from examples/src. Needs the target wasm32-wasip1:
#   rustup target add wasm32-wasip1
set -eu
cd "$(dirname "$0")"
for program in mandelbrot wordcount primes; do
    rustc --edition 2024 --target wasm32-wasip1 \
        -C opt-level=3 -C lto=fat -C panic=abort -C strip=debuginfo -C codegen-units=1 \
        --remap-path-prefix "$PWD=." -o "$program.wasm" "src/$program.rs"
done
ls -l -- *.wasm
