//! Restarts (RFC 4724, 8538).

use std::time::Duration;

/// What is done about restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GracefulMode {
    /// Nothing: routes go with the session.
    Off,
    /// A neighbour's routes are kept while it restarts.
    Helper,
    /// And the neighbour is asked to keep this speaker's.
    Full,
}

/// Through restarts of either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Graceful {
    /// Which of it.
    pub mode: GracefulMode,
    /// How long this speaker may take to be back, in seconds: up to 4095.
    pub restart_time: u16,
    /// How long routes of before are kept after the session is back, and through a refresh, until the neighbour says
    /// that it has told all. Not 0.
    pub stale_time: Duration,
    /// How long a restarted speaker waits for the neighbour's routes before it chooses (Selection_Deferral_Timer).
    /// Not 0.
    pub deferral: Duration,
    /// Whether routes are kept through NOTIFICATIONs too (RFC 8538), if the neighbour does likewise.
    pub notification: bool,
}

impl Graceful {
    /// As a helper, with the usual times.
    pub const HELPER: Graceful = Graceful {
        mode: GracefulMode::Helper,
        restart_time: 120,
        stale_time: Duration::from_secs(360),
        deferral: Duration::from_secs(360),
        notification: true,
    };

    /// Of both sides, with the usual times.
    pub const FULL: Graceful = Graceful {
        mode: GracefulMode::Full,
        ..Graceful::HELPER
    };

    /// Routes go with the session.
    pub const OFF: Graceful = Graceful {
        mode: GracefulMode::Off,
        ..Graceful::HELPER
    };
}
