//! Who leads: one node at a time, the holder of a lease.
//!
//! Pure. No two machines' clocks are compared: a lease is over when this node has seen the very same one for as long
//! as it lasts, by a clock of its own that never jumps. Who leads stops in good time before that, counted from
//! when its last renewal was *sent*. Where that fails (a machine that was suspended, whose clock stood still), the
//! store's own guard refuses what a leader of before writes: see [`crate::Sink::begin`].

use std::time::Duration;

/// A moment of a clock that never jumps, since some beginning.
pub(crate) type Moment = Duration;

/// How long things take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A lease that was not renewed for so long is over.
    pub lease: Duration,
    /// Who could not renew for so long leads no more. Less than `lease`, so that nobody leads beside a follower.
    pub renew_within: Duration,
    /// Between two renewals.
    pub every: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            lease: Duration::from_secs(15),
            renew_within: Duration::from_secs(10),
            every: Duration::from_secs(3),
        }
    }
}

/// A lease, as the server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lease {
    /// Empty: it was given back.
    pub(crate) holder: String,
    /// Each write makes another.
    pub(crate) version: String,
    /// What its holder said that it lasts.
    pub(crate) lasts: Duration,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is none: make it.
    Create,
    /// It is over, or was given back: take it.
    Take,
    /// It is ours: renew it.
    Renew,
    /// It is another's; look again after so long.
    Wait(Duration),
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Election {
    me: String,
    timing: Timing,
    /// The version that was seen last, and since when.
    seen: Option<(String, Moment)>,
    /// When the last renewal that succeeded was sent.
    renewed: Option<Moment>,
}

impl Election {
    pub(crate) fn new(me: String, timing: Timing) -> Election {
        Election {
            me,
            timing,
            seen: None,
            renewed: None,
        }
    }

    /// The lease was looked at. `chance`, below 1, spreads many nodes' looks.
    pub(crate) fn look(&mut self, now: Moment, lease: Option<&Lease>, chance: f64) -> Step {
        let Some(lease) = lease else {
            return Step::Create;
        };
        if self
            .seen
            .as_ref()
            .is_none_or(|(version, _)| *version != lease.version)
        {
            self.seen = Some((lease.version.clone(), now));
        }
        if lease.holder == self.me {
            return Step::Renew;
        }
        // Whoever has it now did not ask us.
        self.renewed = None;
        if lease.holder.is_empty() {
            return Step::Take;
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let over = since + lease.lasts.max(self.timing.lease);
        match over.checked_sub(now) {
            None | Some(Duration::ZERO) => Step::Take,
            // Not all of a thousand nodes at the same time, and not more often than needed.
            Some(left) => Step::Wait(left.min(self.timing.lease.mul_f64(0.3 + 0.3 * chance))),
        }
    }

    /// A write that was sent then has succeeded: the lease is ours.
    pub(crate) fn wrote(&mut self, sent: Moment, version: String) {
        self.renewed = Some(sent);
        self.seen = Some((version, sent));
    }

    /// It was given back, or is given up.
    pub(crate) fn resign(&mut self) {
        self.renewed = None;
    }

    /// Until when this node leads; none: it does not.
    pub(crate) fn leads_until(&self) -> Option<Moment> {
        Some(self.renewed? + self.timing.renew_within)
    }

    /// Does it lead?
    pub(crate) fn leads(&self, now: Moment) -> bool {
        self.leads_until().is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests;
