//! The consistency models and anomalies that Elle knows, as data: which model implies which, what
//! each of them forbids, and which anomaly is a special case of another. After Adya, "Weak
//! Consistency" (1999), Cerone et al., "A Framework for Transactional Consistency Models" (2015),
//! and Bailis et al., "Highly Available Transactions" (2013).

/// One consistency model.
pub(super) struct Model {
    /// Its name in these tables.
    pub(super) name: &'static str,
    /// Its printed name.
    pub(super) friendly: &'static str,
    /// Further names that are accepted.
    pub(super) others: &'static [&'static str],
    /// The weaker models that it directly implies.
    pub(super) implies: &'static [&'static str],
    /// The anomalies that it forbids in addition to those of weaker models.
    pub(super) forbids: &'static [&'static str],
}

const fn model(
    name: &'static str,
    friendly: &'static str,
    others: &'static [&'static str],
    implies: &'static [&'static str],
    forbids: &'static [&'static str],
) -> Model {
    Model {
        name,
        friendly,
        others,
        implies,
        forbids,
    }
}

/// All models that forbid something, the weaker ones first.
#[rustfmt::skip]
pub(super) const MODELS: &[Model] = &[
    model("PL-1", "read-uncommitted", &[], &[],
          &["G0", "PL-1-cycle-exists", "cyclic-versions", "duplicate-elements"]),
    model("PL-2", "read-committed", &[], &["PL-1"], &["G1", "PL-2-cycle-exists"]),
    model("PL-CS", "cursor-stability", &[], &["PL-2"], &["G-cursor", "G1", "lost-update"]),
    model("PL-2L", "monotonic-view", &[], &["PL-2"], &["G-monotonic", "G1"]),
    model("PL-MSR", "monotonic-snapshot-read", &[], &["PL-2"], &["G-MSR", "G1"]),
    model("PL-2+", "consistent-view", &[], &["PL-2L", "PL-CS"], &["G-single", "G1"]),
    model("PL-FCV", "forward-consistent-view", &[], &["PL-2+"], &["G-SIb", "G1"]),
    model("PL-3U", "update-serializable", &[], &["PL-FCV"], &["G-update", "G1"]),
    model("PL-2.99", "repeatable-read", &[], &["PL-CS", "monotonic-atomic-view"],
          &["G1", "G2-item", "PL-2.99-cycle-exists", "lost-update"]),
    model("monotonic-atomic-view", "monotonic-atomic-view", &[], &["PL-2"], &[]),
    model("read-atomic", "read-atomic", &[], &["monotonic-atomic-view"],
          &["G1a", "future-read", "internal"]),
    model("update-atomic", "update-atomic", &[], &["read-atomic"], &["lost-update"]),
    model("causal-cerone", "causal-cerone", &[], &["read-atomic"], &["G1a", "internal"]),
    model("prefix", "prefix", &[], &["causal-cerone"], &["G1a", "internal"]),
    model("parallel-snapshot-isolation", "parallel-snapshot-isolation", &[],
          &["causal-cerone", "update-atomic"], &["G1a", "internal"]),
    model("PL-SI", "snapshot-isolation", &[],
          &["PL-FCV", "PL-MSR", "monotonic-atomic-view", "parallel-snapshot-isolation", "prefix"],
          &["G-SI", "G-nonadjacent", "G1", "PL-SI-cycle-exists", "internal"]),
    model("PL-3", "serializable", &["conflict-serializable"],
          &["PL-2.99", "PL-3U", "PL-SI", "view-serializable"],
          &["G1", "G2", "PL-3-cycle-exists", "internal", "predicate-read-miss"]),
    model("strong-session-PL-1", "strong-session-read-uncommitted", &[], &["PL-1"],
          &["G0-process", "strong-session-PL-1-cycle-exists"]),
    model("strong-session-PL-2", "strong-session-read-committed", &[],
          &["PL-2", "strong-session-PL-1"],
          &["G1c-process", "strong-session-PL-2-cycle-exists"]),
    model("strong-session-snapshot-isolation", "strong-session-snapshot-isolation", &[],
          &["PL-SI", "strong-session-PL-2"],
          &["G-nonadjacent-process", "G1-process", "internal",
            "strong-session-snapshot-isolation-cycle-exists"]),
    model("strong-session-serializable", "strong-session-serializable", &[],
          &["PL-3", "strong-session-snapshot-isolation"],
          &["G1-process", "G2-process", "strong-session-serializable-cycle-exists"]),
    model("strong-PL-1", "strong-read-uncommitted", &[], &["strong-session-PL-1"],
          &["G0-realtime", "strong-PL-1-cycle-exists"]),
    model("strong-PL-2", "strong-read-committed", &[], &["strong-PL-1", "strong-session-PL-2"],
          &["G1c-realtime", "strong-PL-2-cycle-exists"]),
    model("strong-snapshot-isolation", "strong-snapshot-isolation", &[],
          &["strong-PL-2", "strong-session-snapshot-isolation"],
          &["G-nonadjacent-realtime", "G1-realtime", "internal",
            "strong-snapshot-isolation-cycle-exists"]),
    model("PL-SS", "strong-serializable", &["strict-serializable"],
          &["PL-3", "PL-SI", "linearizable", "session-serializable",
            "strong-session-serializable", "strong-snapshot-isolation"],
          &["G1", "G1c-realtime", "G2-realtime", "PL-SS-cycle-exists"]),
];

/// Models that are accepted, but forbid no anomaly that a checker looks for.
pub(super) const UNCHECKED_MODELS: &[&str] = &[
    "1SR",
    "PRAM",
    "causal",
    "linearizable",
    "monotonic-reads",
    "monotonic-writes",
    "read-your-writes",
    "sequential",
    "session-serializable",
    "view-serializable",
    "writes-follow-reads",
];

/// An anomaly, and those that it is directly a special case of.
#[rustfmt::skip]
pub(super) const ANOMALIES: &[(&str, &[&str])] = &[
    ("G0", &["G1c", "G0-process"]),
    ("G0-process", &["G1c-process", "G0-realtime"]),
    ("G0-realtime", &["G1c-realtime"]),
    ("G1a", &["G1"]),
    ("G1b", &["G1"]),
    ("G1c", &["G1", "G1c-process"]),
    ("G1c-process", &["G1c-realtime", "G1-process"]),
    ("G1c-realtime", &["G1-realtime"]),
    ("G1", &["G1-process"]),
    ("G1-process", &["G1-realtime"]),
    ("G-single-item", &["G-single", "G-single-item-process", "G-nonadjacent-item"]),
    ("G-single-item-process",
     &["G-single-process", "G-single-item-realtime", "G-nonadjacent-item-process"]),
    ("G-single-item-realtime", &["G-single-realtime", "G-nonadjacent-item-realtime"]),
    ("G-single", &["G-nonadjacent", "GSIb", "G-single-process"]),
    ("G-single-process", &["G-nonadjacent-process", "G-single-realtime"]),
    ("G-single-realtime", &["G-nonadjacent-realtime"]),
    ("G-nonadjacent-item", &["G-nonadjacent", "G2-item", "G-nonadjacent-item-process"]),
    ("G-nonadjacent-item-process",
     &["G-nonadjacent-process", "G2-item-process", "G-nonadjacent-item-realtime"]),
    ("G-nonadjacent-item-realtime", &["G2-item-realtime", "G-nonadjacent-realtime"]),
    ("G-nonadjacent", &["G2", "G-nonadjacent-process"]),
    ("G-nonadjacent-process", &["G2-process", "G-nonadjacent-realtime"]),
    ("G-nonadjacent-realtime", &["G2-realtime"]),
    ("G2", &["G2-process"]),
    ("G2-item", &["G2", "G2-item-process"]),
    ("G2-item-process", &["G2-process", "G2-item-realtime"]),
    ("G2-item-realtime", &["G2-realtime"]),
    ("G2-process", &["G2-realtime"]),
    ("GSIa", &["GSI"]),
    ("GSIb", &["GSI"]),
    ("incompatible-order", &["G1a"]),
    ("future-read", &["G1c"]),
    ("dirty-update", &["G1a"]),
    ("lost-update", &["write-skew", "G2-item"]),
    ("write-skew", &["G2"]),
];
