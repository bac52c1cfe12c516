//! What a person who writes a node has to know, as text for a terminal: the protocol, its errors,
//! the services, and what each workload asks. Requests, answers and examples come from the very
//! tables by which clients ask, answers are read and services reply.

mod page;

use shared::ErrorCode;

use simulator::message::Envelope;
use simulator::options::Options;
use simulator::rpc::{RPC_TIMEOUT, Rpc};
use simulator::run::{INIT, INIT_TIMEOUT};
use simulator::service::{SERVICES, Service};
use simulator::workload::{self, Name};

use page::Page;

/// A part of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Lines, messages, and what becomes of lines that are no messages.
    Protocol,
    /// The codes of errors.
    Errors,
    /// The nodes that the bench brings along.
    Services,
    /// What clients ask in a workload.
    Workload(Name),
}

impl Part {
    /// All parts, in the order in which they are read.
    pub fn all() -> Vec<Part> {
        let workloads = Name::ALL.into_iter().map(Part::Workload);
        [Part::Protocol, Part::Errors, Part::Services]
            .into_iter()
            .chain(workloads)
            .collect()
    }

    /// Its name at the command line.
    pub fn name(self) -> &'static str {
        match self {
            Part::Protocol => "protocol",
            Part::Errors => "errors",
            Part::Services => "services",
            Part::Workload(name) => workload::workload(name, &Options::default()).name(),
        }
    }

    /// Its text, which ends with a newline.
    pub fn text(self) -> String {
        let mut page = Page::default();
        match self {
            Part::Protocol => protocol(&mut page),
            Part::Errors => errors(&mut page),
            Part::Services => services(&mut page),
            Part::Workload(name) => asked(&mut page, name),
        }
        page.text()
    }
}

/// Everything, one part after the other.
pub fn everything() -> String {
    let parts: Vec<String> = Part::all().into_iter().map(Part::text).collect();
    parts.join("\n")
}

fn protocol(page: &mut Page) {
    page.title("The protocol");
    page.paragraph(
        "A node is a program. It reads messages from stdin and writes messages to stdout, one JSON \
         object a line, in UTF-8; it has to flush each line. What it writes to stderr is for a \
         person, and is kept in its log.",
    );

    page.section("Messages");
    for rpc in workload::workload(Name::Echo, &Options::default()).requests() {
        page.example(&line(7, "c1", "n1", &rpc.example_request()));
        page.example(&line(8, "n1", "c1", &rpc.example_response()));
    }
    page.item("`src` and `dest`: who sent it, and for whom it is. Both are names.");
    page.item(
        "`body`: an object. Its `type` says what it is. One who wants an answer numbers the request \
         with a `msg_id`; the answer, whose body has that number as its `in_reply_to`, goes to the \
         request's `src`.",
    );
    page.item("`id`: a number that the network gives. What a node prints does not need one.");
    page.paragraph(
        "Names of nodes are n1, n2, … (n0, n1, … with --node-count), those of clients begin with c, \
         and services have names of their own. What nodes say to one another is their affair: any \
         body will do. Such messages take as long as --latency says, may overtake one another, and \
         are lost in partitions.",
    );

    page.section("The beginning");
    page.request(&INIT, "client", "node");
    page.paragraph(&format!(
        "A node has {} s for its answer. A node that ends, however early and with whatever status, \
         ends the run.",
        INIT_TIMEOUT.as_secs()
    ));

    page.section("Answers");
    page.paragraph(&format!(
        "A client waits {} s, unless its workload says otherwise. An answer has exactly the fields \
         of its form, beside `type`, `in_reply_to` and perhaps a `msg_id`: one too many makes it \
         malformed, just as one too few does. Instead of it there may be an error:",
        RPC_TIMEOUT.as_secs()
    ));
    let busy = ErrorCode::TemporarilyUnavailable;
    page.example(&format!(
        "{{\"type\":\"error\",\"in_reply_to\":1,\"code\":{},\"text\":\"{}\"}}",
        u64::from(busy),
        busy.meaning()
    ));

    page.section("Lines that are no messages");
    page.paragraph(
        "Of a node that prints one of these nothing is heard any more, though it goes on getting \
         messages. That is Maelstrom's rule; the bench tells which node it was, and the line.",
    );
    page.item(
        "What is not JSON (an empty line, or one that was meant for a person), or no object.",
    );
    page.item("An object with other fields than `src`, `dest`, `body` and `id`.");
    page.item(
        "`src` or `dest` missing or no string, a `body` that is no object, an `id` that is no \
         integer.",
    );
    page.item(
        "A `src` or a `dest` that nobody has as a name. A client that has given up is gone: who \
         answers it too late names nobody. (Only with faults other than partitions this is let \
         pass.)",
    );
    page.paragraph("Text behind the object, on the same line, is not looked at.");
}

fn errors(page: &mut Page) {
    page.title("Errors");
    page.paragraph(
        "After a definite error the request certainly did not and never will take effect; after any \
         other it may have, or may yet. Every other code is as indefinite as a time-out. Nodes may \
         use codes of their own from 1000 on.",
    );
    let row = |code: ErrorCode| {
        [
            u64::from(code).to_string(),
            code.name().to_owned(),
            if code.is_definite() { "yes" } else { "no" }.to_owned(),
            code.meaning().to_owned(),
        ]
    };
    let head = ["code", "name", "definite", "meaning"].map(str::to_owned);
    page.table(&[head], ErrorCode::all().map(row));
}

fn services(page: &mut Page) {
    page.title("Services");
    page.paragraph(
        "Every run has these nodes, too. A node sends them requests as it would to any other node. \
         They are never cut off. What they do not understand they do not answer at all; a field \
         that is missing counts as null. Values are compared by their structure: 1 is not 1.0.",
    );
    for Service { name, meaning, .. } in &SERVICES {
        page.section(name);
        page.paragraph(meaning);
    }
    page.section("What they answer to");
    let mut shown: Vec<&Rpc> = Vec::new();
    for rpc in SERVICES.iter().flat_map(|service| service.requests) {
        if shown.contains(&rpc) {
            continue;
        }
        shown.push(rpc);
        let answers = SERVICES.iter().filter(|it| it.requests.contains(rpc));
        let names: Vec<&str> = answers.map(|service| service.name).collect();
        page.request(rpc, "node", &names.join(", "));
    }
}

fn asked(page: &mut Page, name: Name) {
    let workload = workload::workload(name, &Options::default());
    page.title(&format!("Workload {}", workload.name()));
    page.paragraph(&format!("{}.", name.about()));
    for rpc in workload.requests() {
        page.request(rpc, "client", "node");
    }
}

/// A message as it stands on a line.
fn line(id: u64, src: &str, dest: &str, body: &str) -> String {
    let envelope = Envelope {
        id,
        src: src.into(),
        dest: dest.into(),
        body: page::raw(body).into(),
    };
    envelope.to_line().trim_end().to_owned()
}

#[cfg(test)]
mod tests;
