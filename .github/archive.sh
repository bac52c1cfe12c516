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
# Cargo ignores a profile's `strip` for a package that has an `opt-level` of its own.
flags="-C strip=symbols"
wheel=(--target "$target")
case $target in
*-windows-*) suffix=.exe ;;
# Static, for every distribution. With musl's allocator storms on two cores took five times as long.
*-linux-gnu)
    flags="$flags -C target-feature=+crt-static"
    wheel+=(--compatibility manylinux2014)
    ;;
esac

export RUSTFLAGS=$flags
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
