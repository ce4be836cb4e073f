//! Types of messages (RFC 4271, 4.1; RFC 2918).

use super::Message;
use std::fmt;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// OPEN.
    Open = 1,
    /// UPDATE.
    Update = 2,
    /// NOTIFICATION.
    Notification = 3,
    /// KEEPALIVE.
    Keepalive = 4,
    /// ROUTE-REFRESH (RFC 2918).
    Refresh = 5,
}

impl Kind {
    /// Of the type field.
    pub const fn of(code: u8) -> Option<Kind> {
        match code {
            1 => Some(Kind::Open),
            2 => Some(Kind::Update),
            3 => Some(Kind::Notification),
            4 => Some(Kind::Keepalive),
            5 => Some(Kind::Refresh),
            _ => None,
        }
    }
}

impl Message {
    /// What it is.
    pub const fn kind(&self) -> Kind {
        match self {
            Message::Open(_) => Kind::Open,
            Message::Update(_) => Kind::Update,
            Message::Notification(_) => Kind::Notification,
            Message::Keepalive => Kind::Keepalive,
            Message::Refresh(_) => Kind::Refresh,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Open => "OPEN",
            Kind::Update => "UPDATE",
            Kind::Notification => "NOTIFICATION",
            Kind::Keepalive => "KEEPALIVE",
            Kind::Refresh => "ROUTE-REFRESH",
        })
    }
}
