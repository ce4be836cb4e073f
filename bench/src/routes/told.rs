//! What the kernel tells of routes, waited for with an end.

use anyhow::{Context as _, Result, ensure};
use fairway_netlink::{Event, Monitor, Route};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// Room for all routes at once.
const ROOM: usize = 128 << 20;

/// See the module's head.
pub(super) struct Told(Monitor);

impl Told {
    /// Of the calling thread's namespace, from now on.
    pub(super) fn open() -> Result<Self> {
        let monitor = Monitor::open()?;
        monitor.reserve(ROOM);
        Ok(Self(monitor))
    }

    /// Calls for each route that is told, until it says that this was the last one.
    pub(super) fn until(
        &mut self,
        limit: Duration,
        mut last: impl FnMut(&Route) -> bool,
    ) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            while let Some(event) = self.0.try_next()? {
                ensure!(event != Event::ListAnew, "more was told than is taken");
                if let Event::RouteChanged { routes, .. } = event
                    && routes.iter().any(&mut last)
                {
                    return Ok(());
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "no such route within {limit:?}");
            let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::try_from(left).context("too long")?)?;
        }
    }

    /// Forgets what was told so far.
    pub(super) fn drain(&mut self) -> Result<()> {
        while self.0.try_next()?.is_some() {}
        Ok(())
    }
}
