//! The link: two ends, each with a user that has something to say, and that tells everything again
//! to a peer who has restarted.

use std::time::Duration;

use replication::{Link, Timing};

use super::catalogue::{Birth, End, Event, Said};
use super::explore::{check, check_finds};
use super::scope::{Deed, Scope, Seen, Subject};

use Deed::{Ask, Restart};

/// Acknowledgements alone, resends and windows all fall due at moments of their own.
const DISTINCT: Timing = Timing {
    window: Duration::from_secs(1),
    ack_delay: Duration::from_secs(1),
    resend: Duration::from_secs(3),
};

/// No windows, and as few moments as keep the others apart.
const BRIEF: Timing = Timing {
    window: Duration::ZERO,
    ack_delay: Duration::from_secs(1),
    resend: Duration::from_secs(2),
};

/// Two ends.
struct Pair {
    timing: Timing,
    /// Whether each life has a boot number of its own, as a link demands.
    numbers_lives: bool,
}

/// One end and its user.
struct Side {
    place: usize,
    link: Link<u8>,
    life: Life,
}

/// What a user has done and seen.
#[derive(Debug, Clone, Default, PartialEq)]
struct Life {
    /// How many lives the end had before.
    number: u8,
    /// All items pushed, those included that were pushed again.
    pushed: Vec<u8>,
    /// How many had been pushed when the peer was last seen to have restarted.
    before_restart: usize,
    delivered: Vec<u8>,
}

impl Side {
    fn push(&mut self, now: Duration, item: u8) {
        self.life.pushed.push(item);
        self.link.push(now, item);
    }

    fn push_all_again(&mut self, now: Duration) {
        let mut all = self.life.pushed.clone();
        all.sort_unstable();
        all.dedup();
        self.life.before_restart = self.life.pushed.len();
        for item in all {
            self.push(now, item);
        }
    }
}

impl End for Side {
    type View = Life;

    fn happen(&mut self, now: Duration, event: Event<'_>) -> Vec<Said> {
        match event {
            Event::Wake => {}
            Event::Hear(text) => {
                let packet = serde_json::from_str(text).expect("a packet survives the wire");
                let received = self.link.receive(now, packet);
                if received.restarted {
                    self.push_all_again(now);
                }
                self.life.delivered.extend(received.items);
            }
            Event::Ask(item) => self.push(now, item.parse().expect("items are numbers")),
        }
        let packets = std::iter::from_fn(|| self.link.poll(now));
        let text = |packet| serde_json::to_string(&packet).expect("packets are JSON");
        let said = packets.map(|packet| Said::Message(1 - self.place, text(packet)));
        said.collect()
    }

    fn deadline(&self) -> Option<Duration> {
        self.link.deadline()
    }

    fn portrait(&self) -> String {
        format!("{:?} {:?}", self.link, self.life)
    }

    fn view(&mut self, _: Duration) -> Life {
        self.life.clone()
    }
}

/// What each life of an end has pushed, up to the present one, as far as its peer can know.
fn lives(deeds: &[Deed], place: usize, present: &Life, peer: &Life) -> Vec<Vec<u8>> {
    let mut lives = vec![Vec::new()];
    for (item, deed) in deeds.iter().enumerate() {
        match *deed {
            Ask(at) if at == place => lives.last_mut().expect("a life").push(item as u8),
            Restart(at) if at == place => lives.push(Vec::new()),
            Ask(_) | Restart(_) => {}
        }
    }
    lives.truncate(present.number.into());
    // Who has died may have said everything again, to a peer that had restarted before.
    let times = if peer.number > 0 { 2 } else { 1 };
    let mut lives: Vec<Vec<u8>> = lives.iter().map(|life| life.repeat(times)).collect();
    lives.push(present.pushed.clone());
    lives
}

/// Whether these items are unbroken runs, so many at most, of what lives have pushed, one life
/// after the other: each from its beginning and once, or from anywhere.
fn are_runs(items: &[u8], lives: &[Vec<u8>], most: u8, anywhere: bool) -> bool {
    if items.is_empty() || most == 0 {
        return items.is_empty();
    }
    lives.iter().enumerate().any(|(place, life)| {
        let begins = life.len().min(if anywhere { usize::MAX } else { 1 });
        let later = &lives[place + usize::from(!anywhere)..];
        (0..begins).any(|begin| {
            let same = items.iter().zip(&life[begin..]).take_while(|(a, b)| a == b);
            let length = same.count();
            length > 0 && are_runs(&items[length..], later, most - 1, anywhere)
        })
    })
}

impl Subject for Pair {
    type End = Side;

    /// An item of the deed's number.
    fn request(number: usize) -> String {
        number.to_string()
    }

    fn boot(&self, birth: Birth) -> Side {
        let life = if self.numbers_lives { birth.life } else { 0 };
        let boot = 10 * (1 + birth.place as u64) + u64::from(life);
        Side {
            place: birth.place,
            link: Link::new(boot, self.timing),
            life: Life {
                number: birth.life,
                ..Life::default()
            },
        }
    }

    /// An end that has not restarted is brought what its peer has pushed, up to some item, in each
    /// life of the peer's. One that has restarted may be brought the rest of what its former life
    /// was brought, and then everything: each restart, of either end, begins one more stream.
    fn wrong(&self, seen: &Seen<Life>) -> Option<String> {
        (0..2).find_map(|place| {
            let (life, peer) = (&seen.views[place], &seen.views[1 - place]);
            let lives = lives(&seen.deeds, 1 - place, peer, life);
            let most = 1 + life.number + peer.number;
            let is_right = are_runs(&life.delivered, &lives, most, life.number > 0);
            (!is_right).then(|| format!("{place} was brought {:?} of {lives:?}", life.delivered))
        })
    }

    fn missing(&self, seen: &Seen<Life>) -> Option<String> {
        (0..2).find_map(|place| {
            let (life, peer) = (&seen.views[place], &seen.views[1 - place]);
            let due = &peer.pushed[peer.before_restart..];
            let is_whole = life.delivered.ends_with(due);
            (!is_whole).then(|| format!("{place} was brought {:?}, not {due:?}", life.delivered))
        })
    }

    fn may_become(before: &Life, after: &Life) -> bool {
        after.delivered.starts_with(&before.delivered)
    }
}

fn scope(timing: Timing, deeds: &[Deed]) -> Scope<Pair> {
    let pair = Pair {
        timing,
        numbers_lives: true,
    };
    Scope::new(pair, 2, deeds)
}

#[test]
fn all_that_one_end_says_arrives_once_and_in_order() {
    let packets = check(scope(DISTINCT, &[Ask(0); 4]), 25_000);
    let is_sent = |text: &str| packets.iter().any(|packet| **packet == *text);
    let acknowledgement = r#"{"from":20,"to":10,"ack":4}"#;
    assert!(is_sent(acknowledgement), "alone");
    let resend = r#"{"from":10,"items":[0,1,2,3],"again":true}"#;
    assert!(is_sent(resend), "with what waited for a quiet peer");
}

#[test]
fn all_that_both_ends_say_arrives_once_and_in_order() {
    check(scope(DISTINCT, &[Ask(0), Ask(0), Ask(1)]), 40_000);
    check(scope(BRIEF, &[Ask(0), Ask(0), Ask(1)]), 18_000);
}

#[test]
fn an_end_that_restarts_is_told_everything() {
    for (deeds, least) in [
        ([Ask(0), Ask(0), Restart(1)], 4_000),
        ([Ask(0), Ask(1), Restart(1)], 8_000),
    ] {
        check(scope(BRIEF, &deeds).with_last_words(), least);
    }
}

#[test]
fn an_end_that_restarts_is_heard_and_its_former_life_no_longer() {
    for (deeds, least) in [
        ([Ask(0), Ask(0), Restart(0), Ask(0)], 2_500),
        ([Ask(0), Ask(1), Restart(1), Ask(1)], 100_000),
    ] {
        let scope = scope(BRIEF, &deeds).with_last_words();
        check(scope.within_moments(3), least);
    }
}

#[test]
fn two_ends_that_restart_find_one_another() {
    let scope = scope(BRIEF, &[Ask(0), Restart(0), Restart(1), Ask(1)]);
    check(scope.with_last_words().within_moments(3), 250_000);
}

#[test]
fn a_network_that_never_repeats_is_found_out() {
    let scope = scope(DISTINCT, &[Ask(0)]);
    let scope = scope.with_fault(|text| (!text.contains("again")).then_some(text));
    check_finds(scope, "no silence falls", 2);
}

#[test]
fn a_link_that_forgets_its_numbers_is_found_out() {
    let scope = scope(DISTINCT, &[Ask(0), Ask(0)]);
    let scope = scope.with_fault(|text| Some(text.replace(r#""first":1,"#, "")));
    check_finds(scope.without_calm(), "1 was brought [1]", 5);
}

#[test]
fn a_life_without_a_number_of_its_own_is_found_out() {
    let pair = Pair {
        timing: BRIEF,
        numbers_lives: false,
    };
    let scope = Scope::new(pair, 2, &[Ask(0), Restart(1)]);
    check_finds(scope.with_last_words(), "no silence falls", 5);
}
