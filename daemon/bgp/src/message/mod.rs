//! What two speakers say to each other.

mod capability;
mod kind;
mod notification;
mod open;
mod reason;
mod refresh;
mod update;

pub use capability::{Capability, GracefulRestart, Role};
pub use kind::Kind;
pub use notification::{
    Cease, HeaderError, Notification, OpenError, Reason, RefreshError, StateError, UpdateError,
};
pub use open::Open;
pub use refresh::{Refresh, RefreshKind};
pub use update::{Announced, Update};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Who one is, and what one can do.
    Open(Open),
    /// Routes.
    Update(Update),
    /// What was wrong; the connection ends with it.
    Notification(Notification),
    /// One is still there.
    Keepalive,
    /// Routes are to be told once more.
    Refresh(Refresh),
}
