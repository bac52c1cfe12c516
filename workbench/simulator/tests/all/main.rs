//! The simulator's services by transcripts, workloads on values of every kind, and the harness for
//! tests.

mod service_transcripts;
mod test_cluster;
mod values;
