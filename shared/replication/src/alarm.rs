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
