//! NOTIFICATION: codes and subcodes of RFC 4271 (4.5), 4486, 5492, 6608, 7313, 8538 and 9234.

/// Why a connection ends. The data is what the RFC of the subcode says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// What was wrong.
    pub reason: Reason,
    /// More of it.
    pub data: Vec<u8>,
}

/// Code and subcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// 1: the header.
    Header(HeaderError),
    /// 2: the OPEN.
    Open(OpenError),
    /// 3: an UPDATE.
    Update(UpdateError),
    /// 4: nothing was heard for the hold time.
    HoldTimer,
    /// 5: a message that does not belong there.
    State(StateError),
    /// 6: somebody wants it so.
    Cease(Cease),
    /// 7: a ROUTE-REFRESH (RFC 7313).
    Refresh(RefreshError),
    /// What is not known here: code, subcode.
    Unknown(u8, u8),
}

/// Of the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum HeaderError {
    /// The marker.
    NotSynchronized = 1,
    /// The length. Data: the length field.
    BadLength = 2,
    /// The type. Data: the type field.
    BadType = 3,
}

/// Of an OPEN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum OpenError {
    /// None of the others.
    Unspecific = 0,
    /// The version. Data: the highest that one speaks.
    Version = 1,
    /// The AS.
    PeerAs = 2,
    /// The identifier.
    RouterId = 3,
    /// An optional parameter.
    Parameter = 4,
    /// The hold time.
    HoldTime = 6,
    /// A capability that one must have. Data: those that are wanted.
    Capability = 7,
    /// The role (RFC 9234).
    Role = 11,
}

/// Of an UPDATE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum UpdateError {
    /// None of the others.
    Unspecific = 0,
    /// The list of attributes.
    AttributeList = 1,
    /// A well-known attribute that is not known. Data: the attribute.
    UnknownWellKnown = 2,
    /// One that must be there. Data: its type.
    MissingWellKnown = 3,
    /// Flags. Data: the attribute.
    AttributeFlags = 4,
    /// A length. Data: the attribute.
    AttributeLength = 5,
    /// ORIGIN. Data: the attribute.
    Origin = 6,
    /// NEXT_HOP. Data: the attribute.
    NextHop = 8,
    /// An optional attribute. Data: the attribute.
    OptionalAttribute = 9,
    /// The prefixes.
    NetworkField = 10,
    /// AS_PATH.
    AsPath = 11,
}

/// Of a message that does not belong there; the data is its type (RFC 6608).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StateError {
    /// In none of the others.
    Unspecific = 0,
    /// In OpenSent.
    OpenSent = 1,
    /// In OpenConfirm.
    OpenConfirm = 2,
    /// In Established.
    Established = 3,
}

/// Of what somebody wants so (RFC 4486).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cease {
    /// None of the others.
    Unspecific = 0,
    /// More prefixes than are allowed. Data: family and number.
    MaximumPrefixes = 1,
    /// The neighbour is shut down. Data: a text (RFC 9003).
    Shutdown = 2,
    /// There is no such neighbour any more.
    Deconfigured = 3,
    /// It is to begin anew. Data: a text (RFC 9003).
    Reset = 4,
    /// The connection is not wanted.
    Rejected = 5,
    /// The configuration changed.
    ConfigChange = 6,
    /// There is another connection (RFC 4271, 6.8).
    Collision = 7,
    /// There is no room.
    OutOfResources = 8,
    /// An end in spite of graceful restart; data: the notification that is meant (RFC 8538).
    HardReset = 9,
    /// Packets do not get through (RFC 9384).
    BfdDown = 10,
}

/// Of a ROUTE-REFRESH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum RefreshError {
    /// The length. Data: the message.
    Length = 1,
}
