#!/usr/bin/env bash
# Builds what a release has for a target, into the folder `archives` of cargo's target folder:
# workbench-VERSION-TARGET.tar.gz (.zip on Windows) with the program and the licence, and a wheel.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$1
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=workbench-$version-$target
built=${CARGO_TARGET_DIR:-$PWD/target}
suffix=
wheel=(--target "$target")
case $target in
*-windows-*) suffix=.exe ;;
# The program is static, so its wheel is for systems with any C library.
*-musl) wheel+=(--compatibility manylinux2014 musllinux_1_1) ;;
esac

# Cargo ignores a profile's `strip` for a package that has an `opt-level` of its own.
export RUSTFLAGS="-C strip=symbols"
cargo build --profile dist --package workbench --locked --target "$target"
mkdir -p "$built/archives/$name"
cp LICENSE "$built/$target/dist/workbench$suffix" "$built/archives/$name"
maturin build --manifest-path workbench/Cargo.toml --out "$built/archives" "${wheel[@]}"
cd "$built/archives"
if [ -n "$suffix" ]; then
    7z a "$name.zip" "$name" >/dev/null
else
    tar -czf "$name.tar.gz" "$name"
fi
rm -r "$name"
ls -l
