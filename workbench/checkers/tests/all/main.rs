//! Tests of the checkers on small histories, on mangled ones, and against naive twins.

mod elle_checkers;
mod elle_twin;
mod golden;
mod kafka_checker;
mod kafka_twin;
mod lin_kv_checker;
mod linearizability_generated;
mod linearizability_twin;
mod set_full;
mod set_full_twin;
