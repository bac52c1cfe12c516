# `just` lists the recipes. They only call cargo (see .cargo/config.toml).

set positional-arguments

# The launcher of the official Maelstrom.
maelstrom_folder := justfile_directory() / ".maelstrom"
maelstrom_launcher := env("MAELSTROM", maelstrom_folder / "maelstrom" / "maelstrom")
maelstrom_release := "https://github.com/jepsen-io/maelstrom/releases/download/v0.2.4/maelstrom.tar.bz2"
maelstrom_sha256 := "301ec71d6b12af0d765edb413f5cf5aa1046b5609bd4e31376a0b549548e5799"

[private]
default:
    @just --list --unsorted

# Run challenges live and check their budgets: `just test broadcast-3d`; without a name all of them
test *challenges="all":
    cargo challenge {{ challenges }}

# Simulate many storms, each drawn from a seed: `just storm broadcast-3c --seeds 0..1000 --shrink`
storm *challenges="all":
    cargo workbench storm {{ challenges }}

# Run challenges on the official Maelstrom (JVM), with the same budgets
maelstrom *challenges="all":
    @test -x "{{ maelstrom_launcher }}" || { echo "no Maelstrom at {{ maelstrom_launcher }}: set MAELSTROM to its launcher, or run 'just install-maelstrom'"; exit 1; }
    cargo workbench challenge --maelstrom "{{ maelstrom_launcher }}" {{ challenges }}

# Download the official Maelstrom into a folder that git ignores
install-maelstrom:
    #!/usr/bin/env sh
    set -eu
    mkdir -p "{{ maelstrom_folder }}"
    cd "{{ maelstrom_folder }}"
    if [ -x maelstrom/maelstrom ]; then
        echo "already installed: {{ maelstrom_folder }}/maelstrom/maelstrom"
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

# Plant mistakes in a crate, the same each time, and count those that its own tests find: `just mutants shared`
mutants crate:
    #!/usr/bin/env bash
    set -euo pipefail
    command -v cargo-mutants >/dev/null || { echo "no cargo-mutants: install it with 'cargo install --locked cargo-mutants@27.1.0'"; exit 1; }
    # The sample: all files or these, and of their mutants each n-th. Without optimisation they are built faster.
    part=0/1 sample=() tests=() level=0
    # Not the tests that compare a whole output with a recorded one: they notice nearly all, and explain little.
    skipped=(--skip transcript --skip golden --skip determinism)
    case "{{ crate }}" in
        shared) ;;
        replication) part=0/2 ;;
        # Without optimisation these take minutes.
        checkers) part=0/16 skipped+=(--skip elle_twin --skip quickly --skip mangled) ;;
        simulator)
            part=0/5
            for file in network service workload nemesis generator rng storm/draw storm/campaign/parts; do
                sample+=(--file "workbench/simulator/src/$file.rs" --file "workbench/simulator/src/$file/**")
            done ;;
        # Its other tests take minutes, and are about whole commands.
        workbench) tests=(--lib) level=1 sample=(--file workbench/src/cli/shard.rs --file workbench/src/cli/seeds.rs) ;;
        *) echo "no sample of {{ crate }}: there are shared, replication, checkers, simulator, workbench"; exit 2 ;;
    esac
    status=0
    nice -n 10 cargo mutants --package "{{ crate }}" --test-package "{{ crate }}" --shard "$part" "${sample[@]}" \
        -C --config -C "profile.dev.package.{{ crate }}.opt-level=$level" -- "${tests[@]}" -- "${skipped[@]}" || status=$?
    case $status in 0 | 2 | 3) ;; *) exit $status ;; esac # 2 and 3: mutants that were missed, or timed out.
    count() { wc -l <"target/mutants.out/$1.txt"; }
    caught=$(count caught) missed=$(count missed) late=$(count timeout)
    echo "{{ crate }}, part $part: $caught caught, $missed missed, $late timed out, $(count unviable) do not compile"
    echo "score: $((100 * caught / (caught + missed + late))) % of those that compile are caught"

# Serve a site about all stored runs: reports, files, comparisons of two runs
serve *flags:
    cargo workbench serve "$@"

# Plot messages and latencies for many values of a flag: `just sweep broadcast-3d --vary period=0..1000:50`
sweep *arguments:
    cargo workbench sweep "$@"

# Measure performance: echo through a pipe, broadcast's reads, checkers, live runs, pages, simulated programs
bench:
    cargo bench --package workbench --bench echo --bench broadcast --bench checkers --bench live --bench hosts --bench pages
    cargo bench --package process-simulator --bench nodes

# Fuzz one boundary for some seconds (needs cargo-fuzz): `just fuzz histories 600`; the targets are in workbench/fuzz
fuzz target seconds="60":
    mkdir -p workbench/fuzz/found/{{ target }}
    cargo fuzz run --fuzz-dir workbench/fuzz --sanitizer none {{ target }} workbench/fuzz/found/{{ target }} \
        workbench/fuzz/corpus/{{ target }} -- -max_total_time={{ seconds }} -max_len=4096 -timeout=20 -rss_limit_mb=2048

# Open the documentation, with the reasoning behind each solution
doc:
    cargo doc --workspace --no-deps --open
