//! The one timer of a node that is due at many times.

use std::time::Duration;

use shared::Context;

/// A timer that is set only if it would otherwise ring too late.
///
/// Timers cannot be taken back, so one may ring when nothing is due any more: whoever it wakes looks
/// at the time, does what is due, and sets it again.
#[derive(Debug, Default)]
pub struct Alarm {
    /// When the earliest timer that was set will fire.
    next: Option<Duration>,
}

impl Alarm {
    /// Makes sure that `tick`'s event comes by `deadline`, if there is one.
    pub fn set<E>(
        &mut self,
        ctx: &mut Context<E>,
        deadline: Option<Duration>,
        tick: impl FnOnce() -> E,
    ) {
        let now = ctx.now();
        self.next = self.next.filter(|next| *next > now);
        if let Some(deadline) = deadline
            && self.next.is_none_or(|next| deadline < next)
        {
            ctx.after(deadline.saturating_sub(now), tick());
            self.next = Some(deadline);
        }
    }
}
