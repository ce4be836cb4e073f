//! Capabilities (RFC 5492).

use crate::{Asn, Family};

/// What a speaker can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capability {
    /// Routes of a family (RFC 4760): AFI and SAFI, since there are more than are spoken here.
    Multiprotocol(u16, u8),
    /// Route refresh (RFC 2918).
    Refresh,
    /// Next hops of another family (RFC 8950): for routes of (AFI, SAFI), next hops of an AFI.
    ExtendedNextHop(Vec<(u16, u16, u16)>),
    /// Messages of up to 65,535 octets (RFC 8654).
    ExtendedMessage,
    /// Graceful restart (RFC 4724, 8538).
    GracefulRestart(GracefulRestart),
    /// AS numbers of four octets (RFC 6793), and one's own.
    FourOctets(Asn),
    /// Beginning and end of a refresh are told (RFC 7313).
    EnhancedRefresh,
    /// RFC 9234; told so that it can be shown.
    Role(Role),
    /// What is not known here.
    Unknown {
        /// Its code.
        code: u8,
        /// As it came.
        value: Box<[u8]>,
    },
}

/// What a speaker keeps through a restart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GracefulRestart {
    /// It has just restarted and has no routes yet (R).
    pub restarting: bool,
    /// A NOTIFICATION is no end of it either (N, RFC 8538).
    pub notification: bool,
    /// How long it may take until the session is back, in seconds, up to 4095.
    pub seconds: u16,
    /// For which families, and whether packets went on being forwarded (F).
    pub families: Vec<(Family, bool)>,
}

/// Of two neighbours in different AS (RFC 9234).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It provides.
    Provider,
    /// A route server.
    RouteServer,
    /// Its client.
    RouteServerClient,
    /// It is provided for.
    Customer,
    /// Neither.
    Peer,
}
