//! Where the store is: `redb:PATH` or `etcd:URL[,URL…]`, with the files and words that etcd needs.
//!
//! The files of TLS are checked when a location is opened and whenever a connection is made anew, so
//! that rotated certificates are taken up. Errors name the flag that the caller told: a wrong path is
//! found by whoever reads the log at night.

use std::{fmt, path::PathBuf, str::FromStr};

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
    /// A file of TLS that cannot be used.
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

fn endpoint(text: &str, url: &str) -> Result<String, LocationError> {
    let wrong = |reason| LocationError::Endpoint {
        text: text.into(),
        endpoint: url.into(),
        reason,
    };
    if url.is_empty() {
        return Err(wrong("it is empty"));
    }
    Ok(url.to_owned())
}
