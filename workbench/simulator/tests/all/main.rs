//! Tests of services by transcripts, of workloads on values of every kind, of a custom workload,
//! and of the test harness.

mod locks;
mod service_transcripts;
mod test_cluster;
mod values;
