//! Model checking of the link: two ends, each with a user that pushes items, and that pushes all of
//! them again when the peer has restarted.

use std::time::Duration;

use replication::{Link, Timing};

use super::catalogue::{Actor, Effect, Event, Incarnation};
use super::explore::{check, check_finds};
use super::scope::{Input, Observation, Scope, System};

use Input::{Request, Restart};

/// Lone acknowledgements, resends and windows are due at different ticks.
const DISTINCT: Timing = Timing {
    window: Duration::from_secs(1),
    ack_delay: Duration::from_secs(1),
    resend: Duration::from_secs(3),
};

/// No windows, and as few ticks as keep acknowledgements and resends apart.
const BRIEF: Timing = Timing {
    window: Duration::ZERO,
    ack_delay: Duration::from_secs(1),
    resend: Duration::from_secs(2),
};

/// Two ends.
struct Pair {
    timing: Timing,
    /// Whether each incarnation has its own boot number, as a link requires.
    has_boot_numbers: bool,
}

/// One end and its user.
struct End {
    index: usize,
    link: Link<u8>,
    user: User,
}

/// What a user has pushed and received.
#[derive(Debug, Clone, Default, PartialEq)]
struct User {
    /// How often this end has restarted.
    restarts: u8,
    /// All items pushed, with those that were pushed again.
    pushed: Vec<u8>,
    /// How many items had been pushed at the peer's last known restart.
    before_restart: usize,
    delivered: Vec<u8>,
}

impl End {
    fn push(&mut self, now: Duration, item: u8) {
        self.user.pushed.push(item);
        self.link.push(now, item);
    }

    fn push_all_again(&mut self, now: Duration) {
        let mut all = self.user.pushed.clone();
        all.sort_unstable();
        all.dedup();
        self.user.before_restart = self.user.pushed.len();
        for item in all {
            self.push(now, item);
        }
    }
}

impl Actor for End {
    type View = User;

    fn on_event(&mut self, now: Duration, event: Event<'_>) -> Vec<Effect> {
        match event {
            Event::Wake => {}
            Event::Message(text) => {
                let packet = serde_json::from_str(text).expect("packets read back");
                let received = self.link.receive(now, packet);
                if received.restarted {
                    self.push_all_again(now);
                }
                self.user.delivered.extend(received.items);
            }
            Event::Request(item) => self.push(now, item.parse().expect("items are numbers")),
        }
        let packets = std::iter::from_fn(|| self.link.poll(now));
        let text = |packet| serde_json::to_string(&packet).expect("packets are JSON");
        let effects = packets.map(|packet| Effect::Send(1 - self.index, text(packet)));
        effects.collect()
    }

    fn deadline(&self) -> Option<Duration> {
        self.link.deadline()
    }

    fn fingerprint(&self) -> String {
        format!("{:?} {:?}", self.link, self.user)
    }

    fn view(&mut self, _: Duration) -> User {
        self.user.clone()
    }
}

/// The items pushed by each incarnation of an end, up to the present one, as its peer may receive
/// them.
fn pushed_by_incarnation(
    inputs: &[Input],
    index: usize,
    present: &User,
    peer: &User,
) -> Vec<Vec<u8>> {
    let mut pushed = vec![Vec::new()];
    for (item, input) in inputs.iter().enumerate() {
        match *input {
            Request(at) if at == index => {
                pushed.last_mut().expect("not empty").push(item as u8);
            }
            Restart(at) if at == index => pushed.push(Vec::new()),
            Request(_) | Restart(_) => {}
        }
    }
    pushed.truncate(present.restarts.into());
    // A former incarnation may have pushed everything again, if the peer had restarted before.
    let times = if peer.restarts > 0 { 2 } else { 1 };
    let mut pushed: Vec<Vec<u8>> = pushed.iter().map(|items| items.repeat(times)).collect();
    pushed.push(present.pushed.clone());
    pushed
}

/// Whether the items are a concatenation of at most `max` substrings of what the incarnations
/// pushed. Each is a prefix, of a later incarnation than the one before, unless `anywhere`.
fn are_runs(items: &[u8], incarnations: &[Vec<u8>], max: u8, anywhere: bool) -> bool {
    if items.is_empty() || max == 0 {
        return items.is_empty();
    }
    incarnations.iter().enumerate().any(|(index, pushed)| {
        let starts = pushed.len().min(if anywhere { usize::MAX } else { 1 });
        let later = &incarnations[index + usize::from(!anywhere)..];
        (0..starts).any(|start| {
            let same = items.iter().zip(&pushed[start..]);
            let length = same.take_while(|(a, b)| a == b).count();
            length > 0 && are_runs(&items[length..], later, max - 1, anywhere)
        })
    })
}

impl System for Pair {
    type Actor = End;

    /// Pushes the input's index.
    fn request(index: usize) -> String {
        index.to_string()
    }

    fn boot(&self, incarnation: Incarnation) -> End {
        let Incarnation { actor, number, .. } = incarnation;
        let distinct = if self.has_boot_numbers { number } else { 0 };
        let boot_number = 10 * (1 + actor as u64) + u64::from(distinct);
        End {
            index: actor,
            link: Link::new(boot_number, self.timing),
            user: User {
                restarts: number,
                ..User::default()
            },
        }
    }

    /// An end that has not restarted receives a prefix of what each incarnation of its peer pushed.
    /// One that has restarted may receive the rest of what its former incarnation was receiving, and
    /// then everything: each restart, of either end, begins one more stream.
    fn wrong(&self, observation: &Observation<User>) -> Option<String> {
        (0..2).find_map(|end| {
            let (user, peer) = (&observation.views[end], &observation.views[1 - end]);
            let pushed = pushed_by_incarnation(&observation.inputs, 1 - end, peer, user);
            let max_streams = 1 + user.restarts + peer.restarts;
            let is_right = are_runs(&user.delivered, &pushed, max_streams, user.restarts > 0);
            (!is_right).then(|| format!("{end} received {:?} of {pushed:?}", user.delivered))
        })
    }

    fn missing(&self, observation: &Observation<User>) -> Option<String> {
        (0..2).find_map(|end| {
            let (user, peer) = (&observation.views[end], &observation.views[1 - end]);
            let expected = &peer.pushed[peer.before_restart..];
            let is_complete = user.delivered.ends_with(expected);
            (!is_complete)
                .then(|| format!("{end} received {:?}, expected {expected:?}", user.delivered))
        })
    }

    fn may_follow(before: &User, after: &User) -> bool {
        after.delivered.starts_with(&before.delivered)
    }
}

fn scope(timing: Timing, inputs: &[Input]) -> Scope<Pair> {
    let pair = Pair {
        timing,
        has_boot_numbers: true,
    };
    Scope::new(pair, 2, inputs)
}

#[test]
fn items_of_one_end_arrive_once_and_in_order() {
    let packets = check(scope(DISTINCT, &[Request(0); 4]), 25_000);
    let is_sent = |text: &str| packets.iter().any(|packet| **packet == *text);
    let acknowledgement = r#"{"from":20,"to":10,"ack":4}"#;
    assert!(is_sent(acknowledgement), "a lone acknowledgement");
    let resend = r#"{"from":10,"items":[0,1,2,3],"again":true}"#;
    assert!(is_sent(resend), "with what was pushed meanwhile");
}

#[test]
fn items_of_both_ends_arrive_once_and_in_order() {
    let inputs = [Request(0), Request(0), Request(1)];
    check(scope(DISTINCT, &inputs), 40_000);
    check(scope(BRIEF, &inputs), 18_000);
}

#[test]
fn an_end_that_restarts_receives_everything() {
    for (inputs, min_states) in [
        ([Request(0), Request(0), Restart(1)], 4_000),
        ([Request(0), Request(1), Restart(1)], 8_000),
    ] {
        check(scope(BRIEF, &inputs).with_final_request(), min_states);
    }
}

#[test]
fn after_a_restart_only_the_new_incarnation_is_accepted() {
    for (inputs, min_states) in [
        ([Request(0), Request(0), Restart(0), Request(0)], 2_500),
        ([Request(0), Request(1), Restart(1), Request(1)], 100_000),
    ] {
        let scope = scope(BRIEF, &inputs).with_final_request();
        check(scope.within_ticks(3), min_states);
    }
}

#[test]
fn two_ends_that_restart_resynchronize() {
    let scope = scope(BRIEF, &[Request(0), Restart(0), Restart(1), Request(1)]);
    check(scope.with_final_request().within_ticks(3), 250_000);
}

#[test]
fn without_resends_ends_do_not_become_quiescent() {
    let scope = scope(DISTINCT, &[Request(0)]);
    let scope = scope.with_mutation(|text| (!text.contains("again")).then_some(text));
    check_finds(scope, "does not become quiescent", 2);
}

#[test]
fn a_link_that_forgets_its_sequence_numbers_is_found() {
    let scope = scope(DISTINCT, &[Request(0), Request(0)]);
    let scope = scope.with_mutation(|text| Some(text.replace(r#""first":1,"#, "")));
    check_finds(scope.without_convergence(), "1 received [1]", 5);
}

#[test]
fn an_incarnation_without_its_own_boot_number_is_found() {
    let pair = Pair {
        timing: BRIEF,
        has_boot_numbers: false,
    };
    let scope = Scope::new(pair, 2, &[Request(0), Restart(1)]);
    check_finds(scope.with_final_request(), "does not become quiescent", 5);
}
