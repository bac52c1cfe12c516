//! The simulator's services by transcripts, and workloads on values of every kind.

mod service_transcripts;
mod values;
