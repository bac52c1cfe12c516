//! A node in its engine, as an end: what it says are lines of JSON, as on a real network.

use std::fmt::Debug;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{Engine, Node, Outbox};

use super::catalogue::{Birth, End, Event, Said};

/// What a test must know of a node that is hosted.
pub trait Guest: Node + Debug {
    /// What can be seen of it.
    type View: Debug + PartialEq + Send + Sync;

    /// What a client asks it to see that.
    const LOOK: &'static str;

    /// What the client sees in the answer.
    fn view(answer: &str) -> Self::View;

    /// Everything that it remembers. Timers left over from what was settled since are no part of
    /// it: whoever they wake finds nothing due.
    fn portrait(&self) -> String {
        format!("{self:?}")
    }
}

/// A node with all that is around it but the network.
pub struct Hosted<N: Guest> {
    engine: Engine<N>,
    place: usize,
}

#[derive(Deserialize)]
struct Line<'a> {
    dest: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl<N: Guest> Hosted<N> {
    /// Tells a node in its engine that it is one of so many.
    pub fn start(mut engine: Engine<N>, birth: Birth, nodes: usize) -> Self {
        let names: Vec<String> = (0..nodes).map(|place| format!("n{place}")).collect();
        let cluster = serde_json::to_string(&names).expect("names are JSON");
        let me = &names[birth.place];
        let init = format!(r#""type":"init","msg_id":1,"node_id":"{me}","node_ids":{cluster}"#);
        engine.receive(birth.at, &line(me, &format!("{{{init}}}")));
        engine.drain(&mut Outbox::default());
        Hosted {
            engine,
            place: birth.place,
        }
    }

    fn said(&mut self) -> Vec<Said> {
        let mut outbox = Outbox::default();
        self.engine.drain(&mut outbox);
        assert!(outbox.log.is_empty(), "{:?}", outbox.log);
        let text = String::from_utf8(outbox.lines).expect("JSON is text");
        let said = text.lines().map(|text| {
            let line: Line<'_> = serde_json::from_str(text).expect("nodes speak JSON");
            let place = line.dest.strip_prefix('n');
            match place.and_then(|place| place.parse().ok()) {
                Some(place) => Said::Message(place, text.to_owned()),
                None => Said::Answer(line.body.get().to_owned()),
            }
        });
        said.collect()
    }
}

impl<N: Guest> End for Hosted<N> {
    type View = N::View;

    fn happen(&mut self, now: Duration, event: Event<'_>) -> Vec<Said> {
        match event {
            Event::Wake => self.engine.wake(now),
            Event::Hear(text) => self.engine.receive(now, text),
            Event::Ask(body) => {
                let me = format!("n{}", self.place);
                self.engine.receive(now, &line(&me, body));
            }
        }
        self.said()
    }

    fn deadline(&self) -> Option<Duration> {
        self.engine.deadline()
    }

    fn portrait(&self) -> String {
        self.engine
            .node()
            .expect("it was told of its cluster")
            .portrait()
    }

    fn view(&mut self, now: Duration) -> N::View {
        let said = self.happen(now, Event::Ask(N::LOOK));
        let answer = said.iter().find_map(|said| match said {
            Said::Answer(answer) => Some(answer),
            Said::Message(..) => None,
        });
        N::view(answer.expect("clients are answered at once"))
    }
}

/// A line from a client.
fn line(dest: &str, body: &str) -> String {
    format!(r#"{{"src":"c1","dest":"{dest}","body":{body}}}"#)
}
