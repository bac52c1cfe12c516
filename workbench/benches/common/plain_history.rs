//! Valid histories of any length for the workloads with simple operations: ten clients, each of which
//! invokes an operation, has it applied, and completes it, at random times.

use std::fmt::Write;

use history::History;
use rand::RngExt;
use simulator::rng::{SeededRng, seeded};

const CLIENTS: usize = 10;

/// Reads of a set, each of which returns all values so far. The number is constant, so that the
/// history's size is linear in the number of values.
const SET_READS: usize = 100;

/// A workload with simple operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// Texts are echoed.
    Echo,
    /// Ids are generated.
    Ids,
    /// Values are broadcast, and sometimes read.
    Set,
    /// A counter is increased and read, with final reads by all clients.
    Counter,
    /// One register is read, written, and changed by compare-and-set.
    Register,
}

/// A correct node.
#[derive(Default)]
struct Node {
    values: Vec<usize>,
    total: usize,
    register: Option<u32>,
    ids: usize,
}

/// A client's state. An operation has a function, a value, and whether it is a final read.
enum Client {
    Idle,
    Invoked(&'static str, String, bool),
    /// Applied; the type of its completion comes first.
    Applied(&'static str, &'static str, String, bool),
}

impl Client {
    fn is_adding(&self) -> bool {
        matches!(
            self,
            Client::Invoked("add", ..) | Client::Applied(_, "add", ..)
        )
    }
}

/// A history of this many operations.
pub fn plain_history(workload: Workload, operations: usize) -> History {
    let mut rng = seeded(1);
    let mut node = Node::default();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::Idle).collect();
    let mut lines = String::new();
    let (mut invoked, mut index) = (0, 0_u64);
    while invoked < operations || clients.iter().any(|it| !matches!(it, Client::Idle)) {
        let process = rng.random_range(0..CLIENTS as u32) as usize;
        let (next, line) = match std::mem::replace(&mut clients[process], Client::Idle) {
            Client::Idle if invoked == operations => continue,
            Client::Idle => {
                let (f, value) = workload.draw(invoked, operations, &mut rng);
                invoked += 1;
                let is_final = f == "read" && !clients.iter().any(Client::is_adding);
                let is_final = is_final && workload.is_final_phase(invoked, operations);
                let line = Some(("invoke", f, value.clone(), is_final));
                (Client::Invoked(f, value, is_final), line)
            }
            Client::Invoked(f, value, is_final) => {
                let (kind, result) = node.apply(workload, f, &value);
                (Client::Applied(kind, f, result, is_final), None)
            }
            Client::Applied(kind, f, result, is_final) => {
                (Client::Idle, Some((kind, f, result, is_final)))
            }
        };
        clients[process] = next;
        if let Some((kind, f, value, is_final)) = line {
            let final_field = if is_final { r#","final?":true"# } else { "" };
            let time = index * 100_000;
            writeln!(
                lines,
                r#"{{"index":{index},"time":{time},"type":"{kind}","process":{process},"f":"{f}","value":{value}{final_field}}}"#
            )
            .expect("writing to a string does not fail");
            index += 1;
        }
    }
    History::read_json(lines.as_bytes()).expect("the history is well-formed")
}

impl Workload {
    /// Whether the counter is no longer increased.
    fn is_final_phase(self, invoked: usize, operations: usize) -> bool {
        self == Workload::Counter && invoked + 5 * CLIENTS > operations
    }

    fn draw(
        self,
        invoked: usize,
        operations: usize,
        rng: &mut SeededRng,
    ) -> (&'static str, String) {
        let value = rng.random_range(0..5_u32);
        match self {
            Workload::Echo => ("echo", format!("\"Please echo {value}\"")),
            Workload::Ids => ("generate", "null".to_owned()),
            Workload::Set if invoked.is_multiple_of((operations / SET_READS).max(2)) => {
                ("read", "null".to_owned())
            }
            Workload::Set => ("broadcast", invoked.to_string()),
            Workload::Counter if self.is_final_phase(invoked, operations) || rng.random() => {
                ("read", "null".to_owned())
            }
            Workload::Counter => ("add", value.to_string()),
            Workload::Register => match rng.random_range(0..6_u32) {
                0..3 => ("read", "[0,null]".to_owned()),
                3 => ("write", format!("[0,{value}]")),
                _ => (
                    "cas",
                    format!("[0,[{},{value}]]", rng.random_range(0..5_u32)),
                ),
            },
        }
    }
}

impl Node {
    /// Applies an operation; returns its completion's type and value.
    fn apply(&mut self, workload: Workload, f: &str, value: &str) -> (&'static str, String) {
        let result = match (workload, f) {
            (Workload::Echo, _) => format!(r#"{{"type":"echo_ok","echo":{value}}}"#),
            (Workload::Ids, _) => {
                self.ids += 1;
                self.ids.to_string()
            }
            (Workload::Set, "read") => {
                let values: Vec<String> = self.values.iter().map(usize::to_string).collect();
                format!("[{}]", values.join(","))
            }
            (Workload::Set, _) => {
                self.values.push(value.parse().expect("values are numbers"));
                value.to_owned()
            }
            (Workload::Counter, "read") => self.total.to_string(),
            (Workload::Counter, _) => {
                self.total += value.parse::<usize>().expect("deltas are numbers");
                value.to_owned()
            }
            (Workload::Register, _) => return self.apply_to_register(f, value),
        };
        ("ok", result)
    }

    fn apply_to_register(&mut self, f: &str, value: &str) -> (&'static str, String) {
        match f {
            "read" => {
                let value = self.register.map_or("null".to_owned(), |it| it.to_string());
                return ("ok", format!("[0,{value}]"));
            }
            "write" => {
                let (_, to): (u32, u32) = serde_json::from_str(value).expect("a key and a value");
                self.register = Some(to);
            }
            _ => {
                let (_, (from, to)): (u32, (u32, u32)) =
                    serde_json::from_str(value).expect("a key and two values");
                if self.register != Some(from) {
                    return ("fail", value.to_owned());
                }
                self.register = Some(to);
            }
        }
        ("ok", value.to_owned())
    }
}
