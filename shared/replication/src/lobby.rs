//! Where requests wait until a node may answer.

use shared::{Caller, Context, ErrorCode, RpcError};

use crate::journal::Journal;

/// So many wait; whoever comes then is turned away.
const MOST: usize = 10_000;

/// Requests that came before the node was ready, in their order; afterwards, an open door.
///
/// Packets of other nodes wait here, too: their senders take them for lost and repeat them, which
/// does no harm, and whatever is turned away comes again.
#[derive(Debug)]
pub struct Lobby<R> {
    /// `None` once it is open.
    waiting: Option<Vec<(R, Caller)>>,
}

impl<R> Lobby<R> {
    /// A lobby in which everybody waits for that journal to be ready, until [`Lobby::let_in`]; if
    /// there is none, nobody waits.
    pub fn before<T>(journal: Option<&Journal<T>>) -> Self {
        Lobby {
            waiting: journal.map(|_| Vec::new()),
        }
    }

    /// Gives a request back if it may be served now. If not, it waits, or is refused for good.
    pub fn enter<E>(
        &mut self,
        request: R,
        caller: Caller,
        ctx: &mut Context<E>,
    ) -> Option<(R, Caller)> {
        let Some(waiting) = &mut self.waiting else {
            return Some((request, caller));
        };
        if waiting.len() < MOST {
            waiting.push((request, caller));
        } else {
            let text = "this node is not ready, and too many wait for it";
            let error = RpcError::new(ErrorCode::TemporarilyUnavailable, text);
            ctx.reject(caller, &error);
        }
        None
    }

    /// Opens it for good: all that have waited, in their order.
    pub fn let_in(&mut self) -> Vec<(R, Caller)> {
        self.waiting.take().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::{Deserialize, Serialize};
    use shared::{Cluster, Engine, Node, NodeId, Outbox};

    use super::*;

    /// A node that is ready once it gets `open`, and lists all numbers that it has served.
    struct Porter {
        lobby: Lobby<u64>,
        served: Vec<u64>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Request {
        Number { number: u64 },
        Open,
    }

    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Response<'a> {
        OpenOk { served: &'a [u64] },
    }

    impl Node for Porter {
        type Request = Request;
        type Event = ();

        fn on_request(&mut self, request: Request, caller: Caller, ctx: &mut Context<()>) {
            match request {
                Request::Number { number } => {
                    let entered = self.lobby.enter(number, caller, ctx);
                    self.served.extend(entered.map(|(number, _)| number));
                }
                Request::Open => {
                    let let_in = self.lobby.let_in().into_iter();
                    self.served.extend(let_in.map(|(number, _)| number));
                    let served = &self.served;
                    ctx.reply(caller, Response::OpenOk { served });
                }
            }
        }

        fn on_event(&mut self, (): (), _: &mut Context<()>) {}
    }

    fn ask(engine: &mut Engine<Porter>, body: &str) -> String {
        let line = format!(r#"{{"src":"c1","dest":"n0","body":{body}}}"#);
        engine.receive(Duration::ZERO, &line);
        let mut outbox = Outbox::default();
        engine.drain(&mut outbox);
        String::from_utf8(outbox.lines).unwrap()
    }

    #[test]
    fn requests_wait_in_order_and_too_many_are_refused_for_good() {
        let cluster = Cluster::new("n0".into(), vec![NodeId::from("n0")]);
        let journal: Journal<u64> = Journal::open("test", &cluster, 7, Duration::ZERO);
        let mut engine = Engine::new(1, move |_, _: &mut Context<()>| Porter {
            lobby: Lobby::before(Some(&journal)),
            served: Vec::new(),
        });
        let init = r#"{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}"#;
        ask(&mut engine, init);
        let number = |number| format!(r#"{{"type":"number","msg_id":7,"number":{number}}}"#);
        for waiting in 0..MOST {
            assert_eq!(ask(&mut engine, &number(waiting)), "");
        }
        let refused = ask(&mut engine, &number(MOST));
        assert!(
            refused.contains(r#""in_reply_to":7,"code":11"#),
            "{refused}"
        );
        let open = r#"{"type":"open","msg_id":8}"#;
        ask(&mut engine, open);
        ask(&mut engine, &number(MOST + 1));
        let served: Vec<usize> = (0..MOST).chain([MOST + 1]).collect();
        let served = format!(r#""served":{}"#, serde_json::to_string(&served).unwrap());
        let answer = ask(&mut engine, open);
        assert!(answer.contains(&served), "{answer}");
    }
}
