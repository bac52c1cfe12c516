//! Histories of sound nodes for the workloads whose operations are simple, of any length: ten
//! clients, each of whom invokes, has its operation done, and hears of it, at any time.

use std::fmt::Write;

use history::History;
use rand::RngExt;
use simulator::rng::{SeededRng, seeded};

const CLIENTS: usize = 10;

/// How many reads there are of sets, each as long as everything before it: so many that a history
/// is longer than its values by a constant factor.
const LONG_READS: usize = 100;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Everybody says something and hears it.
    Echo,
    /// Everybody gets an id.
    Ids,
    /// Values are told, and now and then read.
    Set,
    /// A number is added to, and read by everybody in the end.
    Counter,
    /// One register is read, written, and changed on condition.
    Register,
}

/// A node that is always right.
#[derive(Default)]
struct Node {
    values: Vec<usize>,
    total: usize,
    register: Option<u32>,
    ids: usize,
}

/// What a client is at: an operation by its name and its value so far, and whether it is a read of
/// the final ones.
enum Client {
    Idle,
    Asked(&'static str, String, bool),
    /// Done; how it ended comes first.
    Served(&'static str, &'static str, String, bool),
}

impl Client {
    fn adds(&self) -> bool {
        matches!(
            self,
            Client::Asked("add", ..) | Client::Served(_, "add", ..)
        )
    }
}

/// A history of so many operations.
pub fn plain_history(subject: Subject, operations: usize) -> History {
    let mut rng = seeded(1);
    let mut node = Node::default();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::Idle).collect();
    let mut lines = String::new();
    let (mut begun, mut index) = (0, 0_u64);
    while begun < operations || clients.iter().any(|it| !matches!(it, Client::Idle)) {
        let process = rng.random_range(0..CLIENTS as u32) as usize;
        let (next, line) = match std::mem::replace(&mut clients[process], Client::Idle) {
            Client::Idle if begun == operations => continue,
            Client::Idle => {
                let (f, value) = subject.draw(begun, operations, &mut rng);
                begun += 1;
                let is_final = f == "read" && !clients.iter().any(Client::adds);
                let is_final = is_final && subject.ends(begun, operations);
                let line = Some(("invoke", f, value.clone(), is_final));
                (Client::Asked(f, value, is_final), line)
            }
            Client::Asked(f, value, is_final) => {
                let (kind, result) = node.serve(subject, f, &value);
                (Client::Served(kind, f, result, is_final), None)
            }
            Client::Served(kind, f, result, is_final) => {
                (Client::Idle, Some((kind, f, result, is_final)))
            }
        };
        clients[process] = next;
        if let Some((kind, f, value, is_final)) = line {
            let mark = if is_final { r#","final?":true"# } else { "" };
            let time = index * 100_000;
            writeln!(
                lines,
                r#"{{"index":{index},"time":{time},"type":"{kind}","process":{process},"f":"{f}","value":{value}{mark}}}"#
            )
            .expect("a string takes everything");
            index += 1;
        }
    }
    History::read_json(lines.as_bytes()).expect("a history reads back")
}

impl Subject {
    /// Whether nothing is added to a counter any more.
    fn ends(self, begun: usize, operations: usize) -> bool {
        self == Subject::Counter && begun + 5 * CLIENTS > operations
    }

    fn draw(self, begun: usize, operations: usize, rng: &mut SeededRng) -> (&'static str, String) {
        let value = rng.random_range(0..5_u32);
        match self {
            Subject::Echo => ("echo", format!("\"Please echo {value}\"")),
            Subject::Ids => ("generate", "null".to_owned()),
            Subject::Set if begun.is_multiple_of((operations / LONG_READS).max(2)) => {
                ("read", "null".to_owned())
            }
            Subject::Set => ("broadcast", begun.to_string()),
            Subject::Counter if self.ends(begun, operations) || rng.random() => {
                ("read", "null".to_owned())
            }
            Subject::Counter => ("add", value.to_string()),
            Subject::Register => match rng.random_range(0..6_u32) {
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
    /// How the operation ends, and its value then.
    fn serve(&mut self, subject: Subject, f: &str, value: &str) -> (&'static str, String) {
        let result = match (subject, f) {
            (Subject::Echo, _) => format!(r#"{{"type":"echo_ok","echo":{value}}}"#),
            (Subject::Ids, _) => {
                self.ids += 1;
                self.ids.to_string()
            }
            (Subject::Set, "read") => {
                let values: Vec<String> = self.values.iter().map(usize::to_string).collect();
                format!("[{}]", values.join(","))
            }
            (Subject::Set, _) => {
                self.values.push(value.parse().expect("values are numbers"));
                value.to_owned()
            }
            (Subject::Counter, "read") => self.total.to_string(),
            (Subject::Counter, _) => {
                self.total += value.parse::<usize>().expect("deltas are numbers");
                value.to_owned()
            }
            (Subject::Register, _) => return self.serve_register(f, value),
        };
        ("ok", result)
    }

    fn serve_register(&mut self, f: &str, value: &str) -> (&'static str, String) {
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
