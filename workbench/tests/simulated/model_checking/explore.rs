//! Explores every state of a scope.

use std::fmt;
use std::sync::Arc;

use stateright::{Checker, Model};

use super::scope::{Scope, System};

/// A shortest path to a violation.
struct Counterexample {
    /// The actions on the path, described.
    actions: Vec<String>,
    violation: String,
}

/// The result of exploring a scope.
struct Exploration {
    states: usize,
    messages: Vec<Arc<str>>,
    counterexample: Option<Counterexample>,
}

/// Asserts that no state of the scope violates a property, and that there are at least
/// `min_states`, since a scope may be almost empty by mistake. Returns all messages ever sent in it.
///
/// # Panics
/// On a violation, with the counterexample, and when there are fewer states.
pub fn check<S: System>(scope: Scope<S>, min_states: usize) -> Vec<Arc<str>> {
    let exploration = explore(scope);
    if let Some(counterexample) = exploration.counterexample {
        panic!("{counterexample}");
    }
    let states = exploration.states;
    assert!(
        states >= min_states,
        "{states} states, expected at least {min_states}"
    );
    exploration.messages
}

/// Asserts that the scope has this violation, and that the shortest path to it has this many
/// actions.
///
/// # Panics
/// When there is no violation, or another one.
pub fn check_finds<S: System>(scope: Scope<S>, violation: &str, actions: usize) {
    let found = explore(scope).counterexample;
    let found = found.expect("the scope has a violation");
    assert!(found.violation.contains(violation), "{found}");
    assert_eq!(found.actions.len(), actions, "{found}");
}

fn explore<S: System>(scope: Scope<S>) -> Exploration {
    let checker = scope.checker().spawn_bfs().join();
    let scope = checker.model();
    let counterexample = checker
        .discoveries()
        .into_values()
        .next()
        .map(|path| Counterexample {
            violation: path.last_state().violation(scope).unwrap_or_default(),
            actions: path
                .into_actions()
                .iter()
                .map(|action| scope.format_action(action))
                .collect(),
        });
    Exploration {
        states: checker.unique_state_count(),
        messages: scope.catalogue().messages(),
        counterexample,
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for action in &self.actions {
            writeln!(f, "> {action}")?;
        }
        f.write_str(&self.violation)
    }
}
