#!/bin/sh
# Rebuilds the benchmark programs from src. Needs the target wasm32-wasip1:
#   rustup target add wasm32-wasip1
# STRIP=debuginfo keeps the functions' names, for profiles. `build.sh native DIR` builds for this
# machine into DIR instead, to check the expected results.
set -eu
directory=${2:-.}
case ${1:-wasm} in
    wasm) flags="--target wasm32-wasip1" suffix=.wasm ;;
    native) flags="" suffix="" directory=$(cd "$2" && pwd) ;;
    *) echo "usage: build.sh [native DIR]" >&2; exit 2 ;;
esac
cd "$(dirname "$0")"
for source in src/*.rs; do
    name=$(basename "$source" .rs)
    features=""
    if [ "$suffix" = .wasm ] && [ "$name" = simd ]; then
        features="-C target-feature=+simd128"
    fi
    # shellcheck disable=SC2086 # flags and features are lists of words
    rustc --edition 2024 $flags $features \
        -C opt-level=3 -C lto=fat -C panic=abort -C strip="${STRIP:-symbols}" -C codegen-units=1 \
        --remap-path-prefix "$PWD=." -o "$directory/$name$suffix" "$source"
done
if [ "$suffix" = .wasm ]; then
    ls -l -- *.wasm
fi
