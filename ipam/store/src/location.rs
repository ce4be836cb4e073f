//! Where the store is: `redb:PATH` or `etcd:URL[,URL…]`, with the files and words that etcd needs.
//!
//! The files of TLS are checked when a location is opened and whenever a connection is made anew, so
//! that rotated certificates are taken up. Errors name the flag that the caller told: a wrong path is
//! found by whoever reads the log at night.

use std::{fmt, io, path::PathBuf, str::FromStr};

/// See the module's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A file on this node.
    Redb(PathBuf),
    /// An etcd cluster.
    Etcd(Etcd),
}

/// How an etcd cluster is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Etcd {
    /// `http://host:port` or `https://host:port`, at least one, all with the same scheme.
    pub endpoints: Vec<String>,
    /// Needed for `https`.
    pub tls: Option<Tls>,
    /// Where the cluster has authentication by password.
    pub user: Option<User>,
}

/// The files of TLS, PEM each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Who signed the members' certificates.
    pub ca: Named,
    /// Our own certificate and its key, where the members want one.
    pub client: Option<(Named, Named)>,
}

/// A file and the name of the flag or field that it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// For example `--etcd-ca`.
    pub field: &'static str,
    /// The file.
    pub path: PathBuf,
}

/// A user of etcd.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The password; never shown.
    pub password: String,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "User({:?})", self.name)
    }
}

/// A location that is none.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LocationError {
    /// Neither `redb:` nor `etcd:`.
    #[error("{text:?} is no store: redb:PATH or etcd:URL[,URL…] is wanted")]
    Scheme {
        /// What was given.
        text: String,
    },
    /// A path that is empty or relative.
    #[error("{text:?}: the path after redb: must be absolute")]
    Path {
        /// What was given.
        text: String,
    },
    /// An endpoint that is none.
    #[error("{text:?}: {endpoint:?} is no etcd endpoint: {reason}")]
    Endpoint {
        /// What was given.
        text: String,
        /// The part that is wrong.
        endpoint: String,
        /// Why.
        reason: &'static str,
    },
    /// `https` without a CA, or files of TLS without `https`.
    #[error("{field}: {reason}")]
    Tls {
        /// The flag or field.
        field: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A file of TLS that cannot be read.
    #[error("{field}: {path}: {source}", path = path.display())]
    TlsUnread {
        /// The flag or field.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of TLS that is of no use as it is now: it has expired, say, or its other half is still to be
    /// written. It may be renewed, so who opens the location later may find it good.
    #[error("{field}: {path}: {reason}", path = path.display())]
    TlsFile {
        /// The flag or field.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// This build has no etcd.
    #[error("{text:?}: this build has no etcd")]
    NoEtcd {
        /// What was given.
        text: String,
    },
}

impl FromStr for Location {
    type Err = LocationError;

    /// Reads `redb:PATH` or `etcd:URL[,URL…]`. A URL without a scheme means `http`.
    fn from_str(text: &str) -> Result<Self, LocationError> {
        if let Some(path) = text.strip_prefix("redb:") {
            let path = PathBuf::from(path);
            if !path.is_absolute() {
                return Err(LocationError::Path { text: text.into() });
            }
            return Ok(Location::Redb(path));
        }
        let Some(urls) = text.strip_prefix("etcd:") else {
            return Err(LocationError::Scheme { text: text.into() });
        };
        let endpoints = urls.split(',').map(|url| endpoint(text, url));
        Ok(Location::Etcd(Etcd {
            endpoints: endpoints.collect::<Result<_, _>>()?,
            tls: None,
            user: None,
        }))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Redb(path) => write!(f, "redb:{}", path.display()),
            Location::Etcd(etcd) => write!(f, "etcd:{}", etcd.endpoints.join(",")),
        }
    }
}

/// Reads an endpoint; gives it as `scheme://host:port`.
fn endpoint(text: &str, url: &str) -> Result<String, LocationError> {
    let wrong = |reason| LocationError::Endpoint {
        text: text.into(),
        endpoint: url.into(),
        reason,
    };
    let (scheme, rest) = match url.split_once("://") {
        Some(("http", rest)) => ("http", rest),
        Some(("https", rest)) => ("https", rest),
        Some(_) => return Err(wrong("only http:// and https:// are known")),
        None => ("http", url),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() {
        return Err(wrong("there is no host"));
    }
    if rest.contains('@') {
        return Err(wrong("user and password do not belong into the URL"));
    }
    if rest.contains(['/', '?', '#']) {
        return Err(wrong("nothing may follow the port"));
    }
    let authority: http::uri::Authority = match rest.parse() {
        Ok(authority) => authority,
        Err(_) => {
            return Err(wrong(
                "it is no HOST:PORT (an IPv6 address stands in brackets)",
            ));
        }
    };
    let host = authority.host();
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    if inner.is_some_and(|ip| ip.parse::<std::net::Ipv6Addr>().is_err()) {
        return Err(wrong("in brackets there must be an IPv6 address"));
    }
    if host.is_empty() || host.split('.').any(str::is_empty) {
        return Err(wrong("there is no host"));
    }
    // What follows the host is empty or `:PORT`.
    let port = match authority.as_str().strip_prefix(host).unwrap_or("") {
        "" => DEFAULT_PORT,
        port => match port.trim_start_matches(':').parse() {
            Ok(0) | Err(_) => return Err(wrong("the port must be a number from 1 to 65535")),
            Ok(port) => port,
        },
    };
    Ok(format!("{scheme}://{host}:{port}"))
}

/// Where etcd answers clients unless told.
const DEFAULT_PORT: u16 = 2379;

impl Location {
    /// Adds the files of TLS, each with the name of the flag or field that it came from.
    ///
    /// # Errors
    /// A certificate without a key or the reverse, either without a CA, `https` without a CA, a file
    /// where there is no `https`.
    pub fn with_tls(
        mut self,
        ca: Option<Named>,
        cert: Option<Named>,
        key: Option<Named>,
    ) -> Result<Self, LocationError> {
        let tls = |field, reason| Err(LocationError::Tls { field, reason });
        let client = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(cert), None) => return tls(cert.field, "a certificate needs its key"),
            (None, Some(key)) => return tls(key.field, "a key needs its certificate"),
        };
        let given = match (ca, client) {
            (Some(ca), client) => Some(Tls { ca, client }),
            (None, Some((cert, _))) => {
                return tls(
                    cert.field,
                    "a client certificate needs the CA of the members, too",
                );
            }
            (None, None) => None,
        };
        match &mut self {
            Location::Etcd(etcd) => {
                etcd.tls = given;
                etcd.check()?;
            }
            Location::Redb(_) => {
                if let Some(given) = given {
                    return tls(given.ca.field, "a store in a file has no TLS");
                }
            }
        }
        Ok(self)
    }

    /// Adds user and password for etcd; nothing happens to a file.
    #[must_use]
    pub fn with_user(mut self, user: User) -> Self {
        if let Location::Etcd(etcd) = &mut self {
            etcd.user = Some(user);
        }
        self
    }
}

impl Etcd {
    /// What parsing alone cannot see.
    pub(crate) fn check(&self) -> Result<(), LocationError> {
        let text = || format!("etcd:{}", self.endpoints.join(","));
        let secure = |url: &String| url.starts_with("https://");
        let Some(first) = self.endpoints.first() else {
            return Err(LocationError::Endpoint {
                text: text(),
                endpoint: String::new(),
                reason: "there is none",
            });
        };
        if let Some(other) = self
            .endpoints
            .iter()
            .find(|url| secure(url) != secure(first))
        {
            return Err(LocationError::Endpoint {
                text: text(),
                endpoint: other.clone(),
                reason: "http and https cannot be mixed",
            });
        }
        match &self.tls {
            None if secure(first) => Err(LocationError::Endpoint {
                text: text(),
                endpoint: first.clone(),
                reason: "https needs the CA of the members (--etcd-ca)",
            }),
            Some(tls) if !secure(first) => Err(LocationError::Tls {
                field: tls.ca.field,
                reason: "the endpoints are http; with TLS they must be https",
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
