//! The way to the daemon, for every plugin that asks it, and what is left for it where it is not there.

use crate::{Error, error::failure, trace::trace};
use fairway_api::{
    Client, ClientError, Method,
    ipam::{Attachment, Release, Released},
    released::{self, Record},
    socket_path,
};
use fairway_cni::{Code, Failure, NetConf};
use serde::de::DeserializeOwned;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Taking a connection is the kernel's work: only a daemon that hangs lets it wait.
const CONNECT: Duration = Duration::from_secs(2);
/// A daemon that is well answers in milliseconds; but an ADD may wait for a claim's holder to go.
const ANSWER: Duration = Duration::from_secs(30);
/// A runtime that ends many containers must not stand in line behind a daemon that hangs.
const RELEASE: Duration = Duration::from_secs(5);

/// Where the daemon is, and where records are left for it.
#[derive(Debug, Clone)]
pub struct Daemon {
    socket: PathBuf,
    released: PathBuf,
    patience: Duration,
}

impl Daemon {
    /// As the environment says.
    pub fn from_env() -> Self {
        Daemon {
            socket: socket_path(),
            released: released::folder(),
            patience: ANSWER,
        }
    }

    /// Elsewhere, for tests: at `socket`, with records in `released`; no step takes longer than `patience`.
    pub fn at(socket: &Path, released: &Path, patience: Duration) -> Self {
        Daemon {
            socket: socket.to_owned(),
            released: released.to_owned(),
            patience,
        }
    }

    /// A connection.
    pub(crate) fn connect(&self) -> Result<Client, ClientError> {
        let client = Client::connect(&self.socket, CONNECT.min(self.patience))?;
        Ok(client.answer_timeout(self.patience).traced(trace()))
    }

    /// Asks, and waits up to 30 s for the answer.
    ///
    /// # Errors
    /// The daemon's own words and code where it refuses; 11 where it is not there, does not answer or dies
    /// over it; 6 where what it says makes no sense.
    pub fn call<T: DeserializeOwned>(&self, method: Method) -> Result<T, Failure> {
        let answer = self.connect().and_then(|mut client| client.call(method));
        answer.map_err(failure)
    }

    /// The same where the daemon is there, and of a version that knows the method; none where not.
    ///
    /// # Errors
    /// As [`Daemon::call`], but for a daemon that is not there.
    pub fn call_if_there<T: DeserializeOwned>(&self, method: Method) -> Result<Option<T>, Failure> {
        let answer = self.connect().and_then(|mut client| client.call(method));
        match answer {
            Ok(answer) => Ok(Some(answer)),
            Err(ClientError::NotThere { .. }) => Ok(None),
            Err(ClientError::Refused(body)) if body.is_unknown_method() => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    /// The same daemon, for a DEL: it is not waited for that long.
    #[must_use]
    pub fn for_release(mut self) -> Self {
        self.patience = self.patience.min(RELEASE);
        self
    }

    /// Has the attachment's addresses released, or leaves a record that says so.
    ///
    /// # Errors
    /// Where neither can be done.
    pub(crate) fn release(&self, attachment: Attachment) -> Result<(), Error> {
        let method = Method::Release(Release {
            attachment: attachment.clone(),
        });
        let answer = self.connect().and_then(|client| {
            let mut client = client.answer_timeout(RELEASE.min(self.patience));
            client.call::<Released>(method)
        });
        match answer {
            Ok(_) => Ok(()),
            Err(error) => self.leave_record(attachment, &error),
        }
    }

    /// Leaves a record of a release; `because` is what became of the daemon.
    pub(crate) fn leave_record(
        &self,
        attachment: Attachment,
        because: &ClientError,
    ) -> Result<(), Error> {
        let record = Record::now(attachment).map(|record| record.meant_for(&self.socket));
        let written = record.and_then(|record| record.write(&self.released));
        let file = written.map_err(|source| Error::NotReleased {
            daemon: because.to_string(),
            source,
        })?;
        eprintln!(
            "fairway: {because}: the release is left in {}",
            file.display()
        );
        Ok(())
    }
}

/// An attachment in the daemon's words.
pub fn attachment(conf: &NetConf, attachment: &fairway_cni::Attachment) -> Attachment {
    Attachment {
        network: conf.name.to_string(),
        container: attachment.container_id.to_string(),
        ifname: attachment.ifname.to_string(),
    }
}

/// A failure as STATUS tells it: without the daemon no ADD succeeds, and those that are there lose nothing,
/// which is 50 unless the daemon says otherwise.
pub fn as_status(failure: Failure) -> Failure {
    match failure.code {
        Code::UNAVAILABLE | Code::UNAVAILABLE_DEGRADED | Code::INVALID_CONFIG => failure,
        _ => Failure {
            code: Code::UNAVAILABLE,
            ..failure
        },
    }
}
