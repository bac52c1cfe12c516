//! Broadcast: its set-up, its final reads, and their verdict. Each run waits ten seconds for the
//! network to recover, so there are few runs, in parallel.

use super::bench::{Case, check, echo};

fn broadcast() -> Case {
    // With this seed, both of two nodes receive a value early.
    echo().node("broadcast.py").flags("-w broadcast --seed 1")
}

#[test]
fn broadcast_is_checked_by_its_set_up_and_final_reads() {
    let lost = [
        "is lost: acknowledged to process ",
        "missing from the read of process ",
    ];
    let runs = check([
        broadcast()
            .flags("--node-count 3 --topology line")
            .prints(["broadcast: valid"]),
        broadcast()
            .flags("--node-count 2")
            .steps(["silos"])
            .exits(1)
            .prints(lost),
        // Values that are repeated or were never broadcast are allowed.
        broadcast().steps(["twice"]),
        broadcast().steps(["phantoms"]),
        broadcast().flags("--rate 0").exits(2),
        not_set_up("silence", "did not answer the set-up request in time"),
        not_set_up(
            r#"{"type":"error","code":14,"text":"too many"}"#,
            "refused the set-up request: abort: too many",
        ),
        not_set_up(
            r#"{"type":"topology_ok","topology":{}}"#,
            r#"the field "topology" does not belong into "topology_ok""#,
        ),
        not_set_up("line hello", "it printed: hello"),
    ]);
    let Some(run) = runs.first() else { return };
    let history = run.history();
    let mut last = history.ops.iter().rev().take(6);
    run.assert(
        last.all(|op| op.meta.is_final),
        "every worker reads at the end",
    );
}

/// A node that responds to `topology` with this step, which aborts the run.
fn not_set_up(step: &str, text: &str) -> Case {
    let scripted = broadcast().node("scripted.py").steps([step]);
    scripted
        .exits(255)
        .prints(["the run was aborted: node n0", text])
}
