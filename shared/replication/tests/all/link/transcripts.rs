//! Transcripts of two links, `a` and `b`. Every packet gets a number and is delivered only by a
//! command: once, twice, late or never.

use std::fmt::Write;
use std::time::Duration;

use replication::{Link, Packet, Timing};
use simulator::testing::transcript;

struct Interpreter {
    now: Duration,
    timing: Timing,
    /// `a` and `b`.
    links: [Option<Link<String>>; 2],
    /// All packets ever sent, each with its receiver.
    packets: Vec<(usize, Packet<String>)>,
    /// The output of the current command.
    output: String,
}

const NAMES: [&str; 2] = ["a", "b"];

impl Interpreter {
    fn new() -> Self {
        Interpreter {
            now: Duration::ZERO,
            timing: Timing {
                window: Duration::from_millis(50),
                ack_delay: Duration::from_millis(200),
                resend: Duration::from_millis(500),
            },
            links: [None, None],
            packets: Vec::new(),
            output: String::new(),
        }
    }

    fn execute(&mut self, command: &str) -> String {
        let now = self.now;
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["boot", name, boot] => {
                let boot = boot.parse().expect("a boot number");
                self.links[side(name)] = Some(Link::new(boot, self.timing));
            }
            ["push", name, ref items @ ..] => {
                for item in items {
                    self.link(side(name)).push(now, (*item).to_owned());
                }
            }
            ["wait", duration] => self.wait(milliseconds(duration)),
            ["deliver", ref numbers @ ..] => numbers.iter().for_each(|number| self.deliver(number)),
            ["forge", name, json] => {
                let packet = serde_json::from_str(json).expect("a packet");
                self.receive(side(name), packet);
            }
            ["state"] => self.print_state(),
            _ => panic!("unknown command: {command}"),
        }
        self.flush();
        std::mem::take(&mut self.output)
    }

    fn link(&mut self, side: usize) -> &mut Link<String> {
        self.links[side].as_mut().expect("a link that was booted")
    }

    /// Advances the clock from deadline to deadline.
    fn wait(&mut self, duration: Duration) {
        let end = self.now + duration;
        let deadline = |it: &Self| it.links.iter().flatten().filter_map(Link::deadline).min();
        while let Some(at) = deadline(self).filter(|at| *at <= end) {
            self.now = at;
            self.flush();
        }
        self.now = end;
    }

    fn deliver(&mut self, number: &str) {
        let number: usize = number.parse().expect("the number of a packet");
        let (to, packet) = self.packets[number - 1].clone();
        self.receive(to, packet);
    }

    fn receive(&mut self, to: usize, packet: Packet<String>) {
        let now = self.now;
        let received = self.link(to).receive(now, packet);
        let name = NAMES[to];
        if received.restarted {
            let _ = writeln!(self.output, "{name} detects that its peer has restarted");
        }
        if !received.items.is_empty() {
            let _ = writeln!(self.output, "{name} delivers {}", received.items.join(" "));
        }
        self.flush();
    }

    fn flush(&mut self) {
        for (side, link) in self.links.iter_mut().enumerate() {
            let Some(link) = link else { continue };
            while let Some(packet) = link.poll(self.now) {
                let json = serde_json::to_string(&packet).expect("a packet is JSON");
                self.packets.push((1 - side, packet));
                let (number, at) = (self.packets.len(), self.now);
                let _ = writeln!(self.output, "{number} at {at:?}, {}: {json}", NAMES[side]);
            }
        }
    }

    fn print_state(&mut self) {
        for (name, link) in NAMES.iter().zip(&self.links) {
            let Some(link) = link else { continue };
            let next = match link.deadline() {
                Some(at) => format!("has its next deadline at {at:?}"),
                None => "has no deadline".to_owned(),
            };
            let unacknowledged = link.unacknowledged();
            let _ = writeln!(
                self.output,
                "{name} {next}; {unacknowledged} unacknowledged"
            );
        }
    }
}

fn side(name: &str) -> usize {
    let side = NAMES.iter().position(|known| *known == name);
    side.expect("a or b")
}

fn milliseconds(text: &str) -> Duration {
    let number = text.strip_suffix("ms").and_then(|ms| ms.parse().ok());
    Duration::from_millis(number.expect("milliseconds, as in 50ms"))
}

#[test]
fn links_behave_as_in_their_transcripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/link/transcripts");
    transcript::check(folder, || {
        let mut interpreter = Interpreter::new();
        move |command: &str| interpreter.execute(command)
    });
}
