# `just` lists what there is; cargo alone does it, too (see .cargo/config.toml).

set positional-arguments

# Where the official Maelstrom is: the launcher of a release.
maelstrom_folder := justfile_directory() / ".maelstrom"
maelstrom_launcher := env("MAELSTROM", maelstrom_folder / "maelstrom" / "maelstrom")
maelstrom_release := "https://github.com/jepsen-io/maelstrom/releases/download/v0.2.4/maelstrom.tar.bz2"
maelstrom_sha256 := "301ec71d6b12af0d765edb413f5cf5aa1046b5609bd4e31376a0b549548e5799"

[private]
default:
    @just --list --unsorted

# Run challenges live and hold them to their budgets: `just test broadcast-3d`; all without a name
test *challenges="all":
    cargo challenge {{ challenges }}

# Simulate many storms, each drawn from a seed: `just storm broadcast-3c --seeds 0..1000 --shrink`
storm *challenges="all":
    cargo workbench storm {{ challenges }}

# The same on the official Maelstrom (JVM), judged by the same budgets
maelstrom *challenges="all":
    @test -x "{{ maelstrom_launcher }}" || { echo "no Maelstrom at {{ maelstrom_launcher }}: set MAELSTROM to its launcher, or run 'just install-maelstrom'"; exit 1; }
    cargo workbench challenge --maelstrom "{{ maelstrom_launcher }}" {{ challenges }}

# Fetch the official Maelstrom, once, into a folder that git ignores
install-maelstrom:
    #!/usr/bin/env sh
    set -eu
    mkdir -p "{{ maelstrom_folder }}"
    cd "{{ maelstrom_folder }}"
    if [ -x maelstrom/maelstrom ]; then
        echo "it is there already: {{ maelstrom_folder }}/maelstrom/maelstrom"
        exit 0
    fi
    curl --fail --location --silent --show-error --output maelstrom.tar.bz2 "{{ maelstrom_release }}"
    if command -v sha256sum >/dev/null; then sum="sha256sum"; else sum="shasum -a 256"; fi
    echo "{{ maelstrom_sha256 }}  maelstrom.tar.bz2" | $sum -c -
    tar -xjf maelstrom.tar.bz2
    rm maelstrom.tar.bz2
    for tool in java gnuplot dot git; do
        command -v "$tool" >/dev/null || echo "warning: Maelstrom needs $tool, which is not installed"
    done

# Format, lint and test everything
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet
    cargo test --workspace --locked

# The page about all runs that are kept: reports, files, two of them side by side
serve *flags:
    cargo workbench serve "$@"

# What a flag costs and buys: `just sweep broadcast-3d --vary hub-window=0..1000:50`
sweep *arguments:
    cargo workbench sweep "$@"

# Measure: echo through a pipe, broadcast's reads, the simulation, the checkers, live runs, pages
bench:
    cargo bench --package workbench --bench echo --bench broadcast --bench checkers --bench live --bench pages

# The solutions' pages, with the reasoning behind each
doc:
    cargo doc --workspace --no-deps --open
