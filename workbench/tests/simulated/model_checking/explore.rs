//! Looks at every state of a scope.

use std::fmt;
use std::sync::Arc;

use stateright::{Checker, Model};

use super::scope::{Scope, Subject};

/// A shortest way to something wrong.
struct Trace {
    /// What happens, one thing after the other.
    actions: Vec<String>,
    /// What is wrong then.
    finding: String,
}

/// What was found.
struct Explored {
    states: usize,
    messages: Vec<Arc<str>>,
    trace: Option<Trace>,
}

/// Nothing is wrong in any state of the scope, and there are at least so many, lest a scope be all
/// but empty by mistake. Returns all messages that are ever sent in it.
///
/// # Panics
/// When something is wrong: it says what, and how it comes to that.
pub fn check<S: Subject>(scope: Scope<S>, least: usize) -> Vec<Arc<str>> {
    let explored = explore(scope);
    if let Some(trace) = explored.trace {
        panic!("{trace}");
    }
    let states = explored.states;
    assert!(
        states >= least,
        "{states} states, where {least} are expected at least"
    );
    explored.messages
}

/// Something is wrong, namely this, and so many steps lead there.
///
/// # Panics
/// When it is not found.
pub fn check_finds<S: Subject>(scope: Scope<S>, finding: &str, steps: usize) {
    let trace = explore(scope).trace.expect("something is wrong");
    assert!(trace.finding.contains(finding), "{trace}");
    assert_eq!(trace.actions.len(), steps, "{trace}");
}

fn explore<S: Subject>(scope: Scope<S>) -> Explored {
    let checker = scope.checker().spawn_bfs().join();
    let scope = checker.model();
    let trace = checker
        .discoveries()
        .into_values()
        .next()
        .map(|path| Trace {
            finding: path.last_state().finding(scope).unwrap_or_default(),
            actions: path
                .into_actions()
                .iter()
                .map(|action| scope.format_action(action))
                .collect(),
        });
    Explored {
        states: checker.unique_state_count(),
        messages: scope.catalogue().messages(),
        trace,
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for action in &self.actions {
            writeln!(f, "> {action}")?;
        }
        f.write_str(&self.finding)
    }
}
