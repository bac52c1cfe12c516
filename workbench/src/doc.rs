//! The documentation for authors of nodes, as text for a terminal: the protocol, its errors, the
//! services, and each workload's requests. Requests, replies and examples come from the tables that
//! clients and services themselves use.

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
    /// Lines, messages, and the handling of malformed lines.
    Protocol,
    /// The error codes.
    Errors,
    /// The services that the bench provides.
    Services,
    /// The requests of a workload.
    Workload(Name),
}

impl Part {
    /// All parts, in reading order.
    pub fn all() -> Vec<Part> {
        let workloads = Name::ALL.into_iter().map(Part::Workload);
        [Part::Protocol, Part::Errors, Part::Services]
            .into_iter()
            .chain(workloads)
            .collect()
    }

    /// Its name on the command line.
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
            Part::Workload(name) => requests(&mut page, name),
        }
        page.text()
    }
}

/// All parts, one after the other.
pub fn everything() -> String {
    let parts: Vec<String> = Part::all().into_iter().map(Part::text).collect();
    parts.join("\n")
}

fn protocol(page: &mut Page) {
    page.title("The protocol");
    page.paragraph(
        "A node is a program. It reads messages from stdin and writes messages to stdout, one JSON \
         object a line, in UTF-8; it must flush each line. Its stderr is for people, and is \
         stored as its log.",
    );

    page.section("Messages");
    for rpc in workload::workload(Name::Echo, &Options::default()).requests() {
        page.example(&line(7, "c1", "n1", &rpc.example_request()));
        page.example(&line(8, "n1", "c1", &rpc.example_response()));
    }
    page.item("`src` and `dest`: the names of the sender and the receiver.");
    page.item(
        "`body`: an object. Its `type` says what kind of message it is. A request that needs a \
         reply has a number, `msg_id`; the reply has the same number as its `in_reply_to`, and \
         goes to the request's `src`.",
    );
    page.item("`id`: a number that the network assigns. Messages from nodes do not need one.");
    page.paragraph(
        "Names of nodes are n1, n2, … (n0, n1, … with --node-count), those of clients begin with \
         c, and services have names of their own. Messages among nodes may have any body. They \
         take as long as --latency says, may be reordered, and are lost in partitions.",
    );

    page.section("Initialization");
    page.request(&INIT, "client", "node");
    page.paragraph(&format!(
        "A node must reply within {} s. A node that exits, with whatever status, ends the run.",
        INIT_TIMEOUT.as_secs()
    ));

    page.section("Replies");
    page.paragraph(&format!(
        "A client waits {} s, unless its workload says otherwise. A reply has exactly the fields \
         that are documented, beside `type`, `in_reply_to` and optionally a `msg_id`: with an \
         additional or a missing field it is malformed. Any reply may instead be an error:",
        RPC_TIMEOUT.as_secs()
    ));
    let busy = ErrorCode::TemporarilyUnavailable;
    page.example(&format!(
        "{{\"type\":\"error\",\"in_reply_to\":1,\"code\":{},\"text\":\"{}\"}}",
        u64::from(busy),
        busy.meaning()
    ));

    page.section("Malformed lines");
    page.paragraph(
        "When a node prints one of these, all its later output is ignored, though it still \
         receives messages. That is Maelstrom's rule; the bench reports the node and the line.",
    );
    page.item(
        "A line that is not JSON (such as an empty line, or text for people), or not an object.",
    );
    page.item("An object with other fields than `src`, `dest`, `body` and `id`.");
    page.item(
        "`src` or `dest` missing or not a string, a `body` that is not an object, an `id` that is \
         not an integer.",
    );
    page.item(
        "A `src` or a `dest` that does not exist. A client whose request has timed out no longer \
         exists, so a reply that is too late is malformed. (With faults other than partitions it \
         is ignored instead.)",
    );
    page.paragraph("Text after the object, on the same line, is ignored.");
}

fn errors(page: &mut Page) {
    page.title("Errors");
    page.paragraph(
        "After a definite error the request certainly did not take effect, and never will; after \
         any other error it may have, or may still. Codes that are not listed are as indefinite as \
         a timeout. Nodes may use their own codes from 1000 on.",
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
        "Every run has these services. A node sends them requests as to any other node. They are \
         never partitioned. They do not reply to requests that they do not know; a missing field \
         counts as null. Values are compared by their structure: 1 is not 1.0.",
    );
    for Service { name, meaning, .. } in &SERVICES {
        page.section(name);
        page.paragraph(meaning);
    }
    page.section("Requests");
    let mut shown: Vec<&Rpc> = Vec::new();
    for rpc in SERVICES.iter().flat_map(|service| service.requests) {
        if shown.contains(&rpc) {
            continue;
        }
        shown.push(rpc);
        let providers = SERVICES.iter().filter(|it| it.requests.contains(rpc));
        let names: Vec<&str> = providers.map(|service| service.name).collect();
        page.request(rpc, "node", &names.join(", "));
    }
}

fn requests(page: &mut Page, name: Name) {
    let workload = workload::workload(name, &Options::default());
    page.title(&format!("Workload {}", workload.name()));
    page.paragraph(&format!("{}.", name.about()));
    for rpc in workload.requests() {
        page.request(rpc, "client", "node");
    }
}

/// A message as a line of text.
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
