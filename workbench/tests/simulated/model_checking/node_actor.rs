//! A node in its engine as an actor: its messages are lines of JSON, as on a real network.

use std::fmt::Debug;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{Engine, Node, Outbox};

use super::catalogue::{Actor, Effect, Event, Incarnation};

/// A node that can be observed by a client's request.
pub trait ObservableNode: Node + Debug {
    /// Its observable state.
    type View: Debug + PartialEq + Send + Sync;

    /// The body of the request that reads it.
    const VIEW_REQUEST: &'static str;

    /// Parses the response's body.
    fn view(response: &str) -> Self::View;

    /// Its whole state as text. Leftover timers are no part of it: they find nothing due.
    fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

/// A node with its engine, and without a network.
pub struct NodeActor<N: ObservableNode> {
    engine: Engine<N>,
    index: usize,
}

#[derive(Deserialize)]
struct Line<'a> {
    dest: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl<N: ObservableNode> NodeActor<N> {
    /// Sends `init` to a node in its engine, as one of this many.
    pub fn start(mut engine: Engine<N>, incarnation: Incarnation, nodes: usize) -> Self {
        let names: Vec<String> = (0..nodes).map(|index| format!("n{index}")).collect();
        let cluster = serde_json::to_string(&names).expect("names are JSON");
        let index = incarnation.actor;
        let me = &names[index];
        let init = format!(r#""type":"init","msg_id":1,"node_id":"{me}","node_ids":{cluster}"#);
        engine.receive(incarnation.start, &client_line(me, &format!("{{{init}}}")));
        engine.drain(&mut Outbox::default());
        NodeActor { engine, index }
    }

    fn drain(&mut self) -> Vec<Effect> {
        let mut outbox = Outbox::default();
        self.engine.drain(&mut outbox);
        assert!(outbox.log.is_empty(), "{:?}", outbox.log);
        let text = String::from_utf8(outbox.lines).expect("JSON is text");
        let effects = text.lines().map(|text| {
            let line: Line<'_> = serde_json::from_str(text).expect("nodes write JSON");
            let node = line.dest.strip_prefix('n');
            match node.and_then(|index| index.parse().ok()) {
                Some(index) => Effect::Send(index, text.to_owned()),
                None => Effect::Respond(line.body.get().to_owned()),
            }
        });
        effects.collect()
    }
}

impl<N: ObservableNode> Actor for NodeActor<N> {
    type View = N::View;

    fn on_event(&mut self, now: Duration, event: Event<'_>) -> Vec<Effect> {
        match event {
            Event::Wake => self.engine.wake(now),
            Event::Message(text) => self.engine.receive(now, text),
            Event::Request(body) => {
                let me = format!("n{}", self.index);
                self.engine.receive(now, &client_line(&me, body));
            }
        }
        self.drain()
    }

    fn deadline(&self) -> Option<Duration> {
        self.engine.deadline()
    }

    fn fingerprint(&self) -> String {
        let node = self.engine.node().expect("the node is initialized");
        node.fingerprint()
    }

    fn view(&mut self, now: Duration) -> N::View {
        let effects = self.on_event(now, Event::Request(N::VIEW_REQUEST));
        let response = effects.iter().find_map(|effect| match effect {
            Effect::Respond(response) => Some(response),
            Effect::Send(..) => None,
        });
        N::view(response.expect("the response comes at once"))
    }
}

/// A line from a client.
fn client_line(dest: &str, body: &str) -> String {
    format!(r#"{{"src":"c1","dest":"{dest}","body":{body}}}"#)
}
