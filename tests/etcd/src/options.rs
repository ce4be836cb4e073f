//! What kind of cluster is wanted.

use crate::Flaw;
use fairway_lab::Ns;
use std::net::IpAddr;

/// Where one member lives.
#[derive(Debug, Clone)]
pub struct Seat {
    /// Its namespace.
    pub ns: Ns,
    /// Its address there, of either family; it must be there already, as must the way to the others'.
    pub ip: IpAddr,
}

/// See the module's head. Ports are [`crate::CLIENT_PORT`] and its neighbours on each address.
#[derive(Debug, Clone)]
pub struct Options {
    pub(crate) seats: Seats,
    pub(crate) tls: Option<Flaw>,
    pub(crate) password: Option<String>,
    pub(crate) quota: Option<u64>,
    pub(crate) args: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) enum Seats {
    Loopback(usize),
    Given(Vec<Seat>),
}

impl Options {
    /// So many members, each on a loopback address of its own.
    pub fn loopback(members: usize) -> Self {
        Self::of(Seats::Loopback(members))
    }

    /// A member per seat. Several may share a namespace, on different addresses.
    pub fn seats(seats: impl IntoIterator<Item = Seat>) -> Self {
        Self::of(Seats::Given(seats.into_iter().collect()))
    }

    fn of(seats: Seats) -> Self {
        Self {
            seats,
            tls: None,
            password: None,
            quota: None,
            args: Vec::new(),
        }
    }

    /// mTLS for clients and peers.
    #[must_use]
    pub fn tls(mut self) -> Self {
        self.tls = Some(Flaw::None);
        self
    }

    /// mTLS where what the members show to clients has a flaw; between peers all is well.
    #[must_use]
    pub fn flawed_tls(mut self, flaw: Flaw) -> Self {
        self.tls = Some(flaw);
        self
    }

    /// Authentication is on; `root` has this password. See [`crate::Cluster::add_user`].
    #[must_use]
    pub fn auth(mut self, root: &str) -> Self {
        self.password = Some(root.to_owned());
        self
    }

    /// `--quota-backend-bytes`.
    #[must_use]
    pub fn quota(mut self, bytes: u64) -> Self {
        self.quota = Some(bytes);
        self
    }

    /// A further argument for every member.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }
}
