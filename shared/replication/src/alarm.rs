//! One timer for many deadlines.

use std::time::Duration;

use shared::Context;

/// Remembers the last timer that it set, and sets another only for an earlier deadline, or when
/// that one has fired.
///
/// Timers cannot be cancelled, so one may fire when nothing is due any more. The node checks which
/// deadlines have passed, acts on those, and sets the alarm again.
#[derive(Debug, Default)]
pub struct Alarm {
    /// When the last timer that was set fires.
    next: Option<Duration>,
}

impl Alarm {
    /// Ensures that the node receives `event`'s result by `deadline`, if there is one.
    pub fn set<E>(
        &mut self,
        ctx: &mut Context<E>,
        deadline: Option<Duration>,
        event: impl FnOnce() -> E,
    ) {
        let now = ctx.now();
        self.next = self.next.filter(|next| *next > now);
        if let Some(deadline) = deadline
            && self.next.is_none_or(|next| deadline < next)
        {
            ctx.after(deadline.saturating_sub(now), event());
            self.next = Some(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{Caller, Engine, Node};

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A node that sets an alarm for each time of its `init`, and at a timer for 90 ms.
    #[derive(Debug)]
    struct Sleeper(Alarm, Vec<Duration>);

    impl Node for Sleeper {
        type Request = ();
        type Event = ();

        fn on_request(&mut self, (): (), _: Caller, _: &mut Context<()>) {}

        fn on_event(&mut self, (): (), ctx: &mut Context<()>) {
            self.1.push(ctx.now());
            let later = Some(ms(90)).filter(|later| *later > ctx.now());
            self.0.set(ctx, later, || ());
        }
    }

    #[test]
    fn a_timer_is_set_for_an_earlier_deadline_and_for_the_next_one_when_it_has_fired() {
        let mut engine = Engine::new(1, |_, ctx: &mut Context<()>| {
            let mut alarm = Alarm::default();
            for deadline in [None, Some(50), Some(60), Some(50), None, Some(30)] {
                alarm.set(ctx, deadline.map(ms), || ());
            }
            Sleeper(alarm, Vec::new())
        });
        let init = r#"{"type":"init","node_id":"n0","node_ids":[]}"#;
        let init = format!(r#"{{"src":"c0","dest":"n0","body":{init}}}"#);
        engine.receive(ms(0), &init);
        while let Some(at) = engine.deadline() {
            engine.wake(at);
        }
        assert_eq!(engine.node().unwrap().1, [30, 50, 90].map(ms));
    }
}
