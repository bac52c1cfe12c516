//! Two links on a virtual clock, over a network with faults.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use replication::{Link, Packet, Timing};
use shared::Rng;

/// The network's faults.
#[derive(Debug, Clone, Copy)]
pub struct LinkFaults {
    /// Percentage of packets that are lost.
    pub loss: u64,
    /// Percentage of packets that are duplicated.
    pub duplicated: u64,
    /// Maximum latency of a packet in milliseconds; the minimum is one.
    pub latency: u64,
    /// Whether all packets from this side are lost.
    pub cut: [bool; 2],
}

impl LinkFaults {
    /// No faults: every packet arrives once, within `latency` milliseconds.
    pub fn calm(latency: u64) -> Self {
        LinkFaults {
            loss: 0,
            duplicated: 0,
            latency,
            cut: [false; 2],
        }
    }
}

/// One side: a node that sends its peer all items that it knows.
pub struct Side {
    pub link: Link<u64>,
    pub boot: u64,
    /// Items pushed in this incarnation, in order.
    pub pushed: Vec<u64>,
    /// Items delivered, in order.
    pub delivered: Vec<u64>,
    /// Pushed and delivered items, which are pushed again for a peer that restarted.
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
    /// Packets with items.
    pub with_items: u64,
    /// Resends and challenges.
    pub again: u64,
}

pub struct Pair {
    pub now: Duration,
    pub rng: Rng,
    pub faults: LinkFaults,
    pub sides: [Side; 2],
    /// Packets in flight: by arrival time and a random number, the receiver and the text.
    wire: BTreeMap<(Duration, u64), (usize, String)>,
    pub tally: Tally,
    last_item: u64,
    timing: Timing,
}

impl Pair {
    pub fn new(seed: u64, timing: Timing, faults: LinkFaults) -> Self {
        let mut rng = Rng::new(seed);
        let sides = [(); 2].map(|()| Side::new(rng.boot_number(), timing));
        Pair {
            now: Duration::ZERO,
            rng,
            faults,
            sides,
            wire: BTreeMap::new(),
            tally: Tally::default(),
            last_item: 0,
            timing,
        }
    }

    /// Pushes a new item, different from all before.
    pub fn push(&mut self, side: usize) {
        self.last_item += 1;
        let sender = &mut self.sides[side];
        sender.pushed.push(self.last_item);
        sender.known.insert(self.last_item);
        sender.link.push(self.now, self.last_item);
        self.flush(side);
    }

    /// Restarts a side, which loses its state.
    pub fn restart(&mut self, side: usize) {
        self.sides[side] = Side::new(self.rng.boot_number(), self.timing);
    }

    /// Ends all faults. Packets in flight arrive within `latency`, too, in a random order.
    pub fn calm_down(&mut self, latency: u64) {
        self.faults = LinkFaults::calm(latency);
        for (to, text) in std::mem::take(&mut self.wire).into_values() {
            self.transmit(to, text);
        }
    }

    /// Advances the clock to `end`, with all deliveries and deadlines due by then.
    pub fn run_until(&mut self, end: Duration) {
        while let Some(next) = self.next_event().filter(|at| *at <= end) {
            self.advance_to(next);
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
        self.advance_to(end);
    }

    /// Whether no packet is in flight and no deadline is pending.
    pub fn is_silent(&self) -> bool {
        self.next_event().is_none()
    }

    /// Delivers a packet, genuine or forged.
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

    /// Advances the clock to `then`. No event is due before, so a link polled in between is silent.
    fn advance_to(&mut self, then: Duration) {
        let between = then.saturating_sub(self.now).as_nanos() as u64;
        if between > 1 {
            let moment = self.now + Duration::from_nanos(1 + self.rng.below(between - 1));
            for side in &mut self.sides {
                assert_eq!(side.link.poll(moment), None, "a packet before the deadline");
            }
        }
        self.now = self.now.max(then);
    }

    /// Sends all packets that are due.
    fn flush(&mut self, side: usize) {
        let mut packets = 0;
        while let Some(packet) = self.sides[side].link.poll(self.now) {
            packets += 1;
            assert!(packets < 100, "a link sends without end");
            self.send(1 - side, &packet);
        }
        let deadline = self.sides[side].link.deadline();
        assert!(
            deadline.is_none_or(|at| at > self.now),
            "the deadline {deadline:?} has passed at {:?}, but nothing is sent",
            self.now
        );
    }

    fn send(&mut self, to: usize, packet: &Packet<u64>) {
        let text = serde_json::to_string(packet).expect("a packet is JSON");
        assert!(text.len() < 40_000, "a packet has more than 4096 items");
        self.tally.all += 1;
        self.tally.with_items += u64::from(text.contains("\"items\""));
        self.tally.again += u64::from(text.contains("\"again\""));
        if self.faults.cut[1 - to] || self.rng.below(100) < self.faults.loss {
            return;
        }
        if self.rng.below(100) < self.faults.duplicated {
            self.transmit(to, text.clone());
        }
        self.transmit(to, text);
    }

    fn transmit(&mut self, to: usize, text: String) {
        let latency = 1 + self.rng.below(self.faults.latency);
        let at = self.now + Duration::from_millis(latency);
        self.wire.insert((at, self.rng.next_u64()), (to, text));
    }
}
