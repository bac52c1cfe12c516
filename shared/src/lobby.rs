//! Where requests wait until a node may answer.

use crate::context::Context;
use crate::error::{ErrorCode, RpcError};
use crate::journal::Journal;
use crate::node::Caller;

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

    use super::*;
    use crate::id::{Cluster, NodeId};

    #[test]
    fn requests_wait_in_order_and_too_many_are_refused_for_good() {
        let mut ctx: Context<()> = Context::new(1);
        let cluster = Cluster::new("n0".into(), vec!["n0".into()]);
        let journal: Journal<u64> = Journal::open("test", &cluster, 7, Duration::ZERO);
        let mut lobby = Lobby::before(Some(&journal));
        let caller = || Caller::new(NodeId::from("c1"), Some(7));
        for number in 0..=MOST {
            assert!(lobby.enter(number, caller(), &mut ctx).is_none());
        }
        let said = String::from_utf8(std::mem::take(&mut ctx.outbox.lines)).unwrap();
        assert_eq!(said.lines().count(), 1);
        assert!(said.contains(r#""in_reply_to":7,"code":11"#), "{said}");
        let let_in = lobby.let_in().into_iter().map(|(number, _)| number);
        assert!(let_in.eq(0..MOST));
        assert!(lobby.enter(8, caller(), &mut ctx).is_some());
        assert!(lobby.let_in().is_empty());
    }
}
