//! Two links on a virtual clock, over a network as bad as the test likes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use replication::{Link, Packet, Timing};
use shared::Rng;

/// What the network does to a packet.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// How many of a hundred packets are lost.
    pub loss: u64,
    /// How many of a hundred arrive twice.
    pub doubled: u64,
    /// The longest a packet travels, in milliseconds; the least is one.
    pub latency: u64,
    /// Whether nothing that this side sends arrives.
    pub cut: [bool; 2],
}

impl Weather {
    /// Every packet arrives once, within so many milliseconds.
    pub fn calm(latency: u64) -> Self {
        Weather {
            loss: 0,
            doubled: 0,
            latency,
            cut: [false; 2],
        }
    }
}

/// One side: a node that wants its peer to know all that it knows.
pub struct Side {
    pub link: Link<u64>,
    pub boot: u64,
    /// What it had to say in this life, and what it was brought, in order.
    pub pushed: Vec<u64>,
    pub delivered: Vec<u64>,
    /// Its own items and those delivered: the whole truth, told again to a peer that restarted.
    pub known: BTreeSet<u64>,
    pub restarts_seen: usize,
}

impl Side {
    fn new(boot: u64, timing: Timing) -> Self {
        Side {
            link: Link::new(boot, timing),
            boot,
            pushed: Vec::new(),
            delivered: Vec::new(),
            known: BTreeSet::new(),
            restarts_seen: 0,
        }
    }
}

/// How many packets were sent.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub all: u64,
    /// Those with items.
    pub laden: u64,
    /// Those that repeat or ask.
    pub again: u64,
}

pub struct Pair {
    pub now: Duration,
    pub rng: Rng,
    pub weather: Weather,
    pub sides: [Side; 2],
    /// Packets on their way: when they arrive, a number that keeps them apart, and at whom.
    wire: BTreeMap<(Duration, u64), (usize, String)>,
    pub tally: Tally,
    last_item: u64,
    timing: Timing,
}

impl Pair {
    pub fn new(seed: u64, timing: Timing, weather: Weather) -> Self {
        let mut rng = Rng::new(seed);
        let sides = [(); 2].map(|()| Side::new(rng.boot_number(), timing));
        Pair {
            now: Duration::ZERO,
            rng,
            weather,
            sides,
            wire: BTreeMap::new(),
            tally: Tally::default(),
            last_item: 0,
            timing,
        }
    }

    /// A side gets something new to say, different from everything before.
    pub fn push(&mut self, side: usize) {
        self.last_item += 1;
        let speaker = &mut self.sides[side];
        speaker.pushed.push(self.last_item);
        speaker.known.insert(self.last_item);
        speaker.link.push(self.now, self.last_item);
        self.flush(side);
    }

    /// A side dies, forgets everything, and comes back.
    pub fn restart(&mut self, side: usize) {
        self.sides[side] = Side::new(self.rng.boot_number(), self.timing);
    }

    /// From now on nothing bad happens; what is still on its way arrives within `latency` too, in
    /// an order of its own.
    pub fn calm_down(&mut self, latency: u64) {
        self.weather = Weather::calm(latency);
        for (to, text) in std::mem::take(&mut self.wire).into_values() {
            self.put_on_wire(to, text);
        }
    }

    /// Lets time pass, step by step, with everything that happens meanwhile.
    pub fn run_until(&mut self, end: Duration) {
        while let Some(next) = self.next_event().filter(|at| *at <= end) {
            self.rest_until(next);
            for side in 0..2 {
                self.flush(side);
            }
            while let Some(entry) = self.wire.first_entry() {
                if entry.key().0 > next {
                    break;
                }
                let (to, text) = entry.remove();
                let packet = serde_json::from_str(&text).expect("a packet survives the wire");
                self.receive(to, packet);
            }
        }
        self.rest_until(end);
    }

    /// Whether nothing will ever happen again by itself.
    pub fn is_silent(&self) -> bool {
        self.next_event().is_none()
    }

    /// A packet arrives, whoever sent it.
    pub fn receive(&mut self, to: usize, packet: Packet<u64>) {
        let now = self.now;
        let side = &mut self.sides[to];
        let received = side.link.receive(now, packet);
        if received.restarted {
            side.restarts_seen += 1;
            for item in &side.known {
                side.link.push(now, *item);
            }
        }
        side.known.extend(&received.items);
        side.delivered.extend(received.items);
        self.flush(to);
    }

    fn next_event(&self) -> Option<Duration> {
        let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
        let deadlines = self.sides.iter().map(|side| side.link.deadline());
        deadlines.chain([arrival]).flatten().min()
    }

    /// Nothing happens until then; a link that is asked in between has nothing to say.
    fn rest_until(&mut self, then: Duration) {
        let between = then.saturating_sub(self.now).as_nanos() as u64;
        if between > 1 {
            let moment = self.now + Duration::from_nanos(1 + self.rng.below(between - 1));
            for side in &mut self.sides {
                assert_eq!(side.link.poll(moment), None, "polled ahead of its deadline");
            }
        }
        self.now = self.now.max(then);
    }

    /// Sends all that is due.
    fn flush(&mut self, side: usize) {
        let mut packets = 0;
        while let Some(packet) = self.sides[side].link.poll(self.now) {
            packets += 1;
            assert!(packets < 100, "a link that does not stop sending");
            self.send(1 - side, &packet);
        }
        let deadline = self.sides[side].link.deadline();
        assert!(
            deadline.is_none_or(|at| at > self.now),
            "{deadline:?} is due, yet nothing is sent at {:?}",
            self.now
        );
    }

    fn send(&mut self, to: usize, packet: &Packet<u64>) {
        let text = serde_json::to_string(packet).expect("a packet is JSON");
        assert!(text.len() < 40_000, "a packet of more than 4096 items");
        self.tally.all += 1;
        self.tally.laden += u64::from(text.contains("\"items\""));
        self.tally.again += u64::from(text.contains("\"again\""));
        if self.weather.cut[1 - to] || self.rng.below(100) < self.weather.loss {
            return;
        }
        if self.rng.below(100) < self.weather.doubled {
            self.put_on_wire(to, text.clone());
        }
        self.put_on_wire(to, text);
    }

    fn put_on_wire(&mut self, to: usize, text: String) {
        let latency = 1 + self.rng.below(self.weather.latency);
        let at = self.now + Duration::from_millis(latency);
        self.wire.insert((at, self.rng.next_u64()), (to, text));
    }
}
