//! Answers: what each of them is as a document, as a table, and as an exit status.

use crate::{error::NetctlError, sheet::Sheet};
use fairway_api::{Client, ClientError, Method, Parts, Progress};
use serde::{Serialize, de::DeserializeOwned};

/// An answer of the daemon that netctl can show.
pub(crate) trait Answer: Serialize + 'static {
    /// As a table.
    fn sheet(&self) -> Sheet;

    /// The exit status; 1 where what it says does not hold.
    fn status(&self) -> u8 {
        0
    }
}

/// Any [`Answer`].
pub(crate) trait Document {
    fn sheet(&self) -> Sheet;
    fn status(&self) -> u8;
    /// On one line, or for people to read.
    fn json(&self, one_line: bool) -> Result<String, NetctlError>;
    fn yaml(&self) -> Result<String, NetctlError>;
}

impl<T: Answer> Document for T {
    fn sheet(&self) -> Sheet {
        Answer::sheet(self)
    }

    fn status(&self) -> u8 {
        Answer::status(self)
    }

    fn json(&self, one_line: bool) -> Result<String, NetctlError> {
        Ok(match one_line {
            true => serde_json::to_string(self)?,
            false => serde_json::to_string_pretty(self)?,
        })
    }

    fn yaml(&self) -> Result<String, NetctlError> {
        Ok(serde_saphyr::to_string(self)?)
    }
}

pub(crate) type OnProgress<'a> = &'a mut dyn FnMut(&Progress);
type Asked = Result<Box<dyn Document>, ClientError>;
type Ask = dyn Fn(&mut Client, Method, OnProgress<'_>) -> Asked;

/// One request, and how its answer is read.
pub(crate) struct Job {
    method: Method,
    ask: Box<Ask>,
    /// It changes nothing, so it can be asked again and again.
    pub(crate) watchable: bool,
    /// A line for people.
    pub(crate) note: Note,
}

/// What people are told besides the table.
pub(crate) enum Note {
    None,
    /// A line below it.
    Below(String),
    /// A line in its place.
    Instead(String),
}

impl Job {
    /// Asks for something whose answer is a `T`.
    pub(crate) fn new<T: Answer + DeserializeOwned>(method: Method) -> Job {
        Job::asking(method, |client, method, progress| {
            client.call_with::<T>(method, progress)
        })
    }

    /// Asks for a list, however long.
    pub(crate) fn list<T: DeserializeOwned + 'static>(method: Method) -> Job
    where
        Vec<T>: Answer,
    {
        Job::listed(method, |rows: Vec<T>| rows)
    }

    /// Asks for what is made of lists, however long they are.
    pub(crate) fn whole<T: Answer + Parts + DeserializeOwned>(method: Method) -> Job {
        Job::asking(method, |client, method, progress| {
            client.whole::<T>(method, progress)
        })
    }

    /// Asks for a list, of which something is made.
    pub(crate) fn listed<T: DeserializeOwned + 'static, A: Answer>(
        method: Method,
        make: impl Fn(Vec<T>) -> A + 'static,
    ) -> Job {
        Job::asking(method, move |client, method, progress| {
            Ok(make(client.list(method, progress)?))
        })
    }

    /// Asks in a way of its own, such as in parts.
    pub(crate) fn asking<T: Answer>(
        method: Method,
        ask: impl Fn(&mut Client, Method, OnProgress<'_>) -> Result<T, ClientError> + 'static,
    ) -> Job {
        Job {
            method,
            ask: Box::new(move |client, method, progress| {
                let answer = ask(client, method, progress)?;
                Ok(Box::new(answer))
            }),
            watchable: false,
            note: Note::None,
        }
    }

    /// It changes nothing.
    pub(crate) fn watchable(self) -> Job {
        Job {
            watchable: true,
            ..self
        }
    }

    /// With a line for people.
    pub(crate) fn note(self, note: Note) -> Job {
        Job { note, ..self }
    }

    /// Asks.
    pub(crate) fn ask(&self, client: &mut Client, progress: OnProgress<'_>) -> Asked {
        (self.ask)(client, self.method.clone(), progress)
    }
}
