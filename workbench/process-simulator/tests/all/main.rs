//! Programs under the supervisor, on Linux: small ones that each use some of the calls that are virtual,
//! and nodes in several languages.
#![cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

mod calls;
mod languages;
mod nodes;
mod races;
mod refusals;
mod support;
mod transcript;
