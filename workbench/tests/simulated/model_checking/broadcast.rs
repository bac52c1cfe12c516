//! Broadcast's tree.

use std::collections::BTreeSet;

use broadcast::{Broadcast, Flags};
use serde::Deserialize;
use shared::{Engine, read_flags, with_flags};

use super::catalogue::Birth;
use super::explore::{check, check_finds};
use super::hosted::{Guest, Hosted};
use super::scope::{Deed, Scope, Seen, Subject};

use Deed::{Ask, Restart};

/// Acknowledgements alone, resends and windows all fall due at moments of their own.
const DISTINCT: [&str; 3] = ["--leaf-window=1000", "--ack-delay=1000", "--resend=3000"];

/// No windows, and as few moments as keep the others apart.
const BRIEF: [&str; 3] = ["--hub-window=0", "--ack-delay=1000", "--resend=2000"];

/// The nodes stand in a row.
const CHAIN: &str = "--fan-out=1";

/// A cluster.
struct Tree {
    nodes: usize,
    flags: Flags,
}

impl Guest for Broadcast {
    /// The values that a read shows, in its order.
    type View = Vec<usize>;

    const LOOK: &'static str = r#"{"type":"read","msg_id":1}"#;

    fn view(answer: &str) -> Vec<usize> {
        #[derive(Deserialize)]
        struct ReadOk {
            messages: Vec<usize>,
        }
        let answer: ReadOk = serde_json::from_str(answer).expect("a read is answered");
        answer.messages
    }

    /// Without the set of what is known, which has no order; the list tells the same.
    fn portrait(&self) -> String {
        let text = format!("{self:?}");
        let begin = text.find("known: {").expect("there is a set");
        let length = text[begin..].find('}').expect("it ends");
        text[..begin].to_owned() + &text[begin + length..]
    }
}

impl Subject for Tree {
    type End = Hosted<Broadcast>;

    /// A value of the deed's number.
    fn request(number: usize) -> String {
        format!(r#"{{"type":"broadcast","msg_id":1,"message":{number}}}"#)
    }

    fn boot(&self, birth: Birth) -> Hosted<Broadcast> {
        let boot = with_flags(self.flags.clone(), Broadcast::boot);
        let seed = 10 * birth.place as u64 + u64::from(birth.life);
        Hosted::start(Engine::new(seed, boot), birth, self.nodes)
    }

    fn wrong(&self, seen: &Seen<Vec<usize>>) -> Option<String> {
        let told = |value: &usize| seen.answers.get(*value).is_some_and(Option::is_some);
        seen.views.iter().find_map(|view| {
            let is_right = set(view).len() == view.len() && view.iter().all(told);
            (!is_right).then(|| format!("a read shows {view:?} where {:?} were told", seen.answers))
        })
    }

    /// Nobody knows less than another, and what was told to one who lives is known to all.
    fn missing(&self, seen: &Seen<Vec<usize>>) -> Option<String> {
        let may_be_lost = |deed: &Deed| seen.deeds.contains(&Restart(deed.place()));
        let told = (0..).zip(&*seen.deeds).zip(&seen.answers);
        let told = told.filter(|((_, deed), answer)| answer.is_some() && !may_be_lost(deed));
        let mut due: BTreeSet<usize> = told.map(|((value, _), _)| value).collect();
        due.extend(seen.views.iter().flat_map(|view| view.iter()));
        let poor = seen.views.iter().find(|view| set(view) != due);
        poor.map(|view| format!("a read shows {view:?}, not {due:?}"))
    }

    fn may_become(before: &Vec<usize>, after: &Vec<usize>) -> bool {
        after.starts_with(before)
    }
}

fn set(values: &[usize]) -> BTreeSet<usize> {
    values.iter().copied().collect()
}

fn scope(nodes: usize, flags: &[&str], deeds: &[Deed]) -> Scope<Tree> {
    let flags = read_flags("broadcast", flags).expect("it knows these flags");
    Scope::new(Tree { nodes, flags }, nodes, deeds)
}

#[test]
fn two_nodes_learn_each_value_once() {
    check(scope(2, &BRIEF, &[Ask(0), Ask(1), Ask(0)]), 40_000);
    check(scope(2, &DISTINCT, &[Ask(0), Ask(1), Ask(0)]), 120_000);
}

#[test]
fn the_leaves_of_a_star_learn_each_value_once() {
    check(scope(3, &BRIEF, &[Ask(1), Ask(2)]), 90_000);
}

#[test]
fn a_chain_learns_each_value_once() {
    let scope = scope(
        3,
        &[&BRIEF[..], &[CHAIN]].concat(),
        &[Ask(0), Ask(1), Ask(2)],
    );
    check(scope.within_moments(3), 120_000);
}

#[test]
fn a_leaf_that_restarts_is_told_everything() {
    let scope = scope(2, &BRIEF, &[Ask(0), Ask(1), Restart(1)]);
    check(scope.with_last_words(), 18_000);
}

#[test]
fn a_hub_that_restarts_is_told_everything() {
    let scope = scope(3, &BRIEF, &[Ask(1), Restart(0)]);
    check(scope.with_last_words().within_moments(4), 100_000);
}

#[test]
fn a_network_that_never_repeats_is_found_out() {
    let scope = scope(3, &BRIEF, &[Ask(1)]);
    let scope = scope.with_fault(|text| (!text.contains("again")).then_some(text));
    check_finds(scope, "no silence falls", 1);
}

#[test]
fn a_value_that_nobody_was_told_is_found_out() {
    let scope = scope(3, &BRIEF, &[Ask(1)]);
    let scope = scope.with_fault(|text| Some(text.replace("[0]", "[7]")));
    check_finds(scope.without_calm(), "a read shows [7]", 2);
}
