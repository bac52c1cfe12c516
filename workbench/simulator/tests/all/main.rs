//! The simulator's services by transcripts, workloads on values of every kind, a workload of one's
//! own, and the harness for tests.

mod locks;
mod service_transcripts;
mod test_cluster;
mod values;
