//! The one edge where errors become what a runtime reads: `{cniVersion, code, msg, details}`.
//!
//! Each area has an error enum of its own; it says its code by [`Fault`] and turns into a [`Failure`]
//! by `?`. The message is the error's own text, the details are its chain of sources, so that an
//! operator sees both what went wrong and the kernel's or the file system's word on it.

use crate::{Code, Version};
use serde_json::{Value, json};

/// An error that knows its CNI code.
pub trait Fault: std::error::Error {
    /// The code that the runtime is to see.
    fn code(&self) -> Code;
}

/// An error as the runtime sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure.
    pub code: Code,
    /// One line for the user.
    pub msg: String,
    /// What lies beneath, and what could not be undone.
    pub details: String,
}

impl Failure {
    /// A failure with no details.
    pub fn new(code: Code, msg: impl Into<String>) -> Self {
        Failure {
            code,
            msg: msg.into(),
            details: String::new(),
        }
    }

    /// The same failure with one more line of details.
    #[must_use]
    pub fn with_detail(mut self, line: impl AsRef<str>) -> Self {
        if !self.details.is_empty() {
            self.details.push_str("; ");
        }
        self.details.push_str(line.as_ref());
        self
    }

    /// Several failures as one: the first gives code and message, the others become details.
    ///
    /// For the verbs that carry on past errors, DEL and GC. `None` where nothing failed.
    pub fn collect(failures: impl IntoIterator<Item = Failure>) -> Option<Failure> {
        let mut failures = failures.into_iter();
        let first = failures.next()?;
        Some(failures.fold(first, |all, next| {
            let line = match next.details.as_str() {
                "" => next.msg,
                details => format!("{} ({details})", next.msg),
            };
            all.with_detail(line)
        }))
    }

    /// The error object of the specification, section 5.
    pub fn to_json(&self, version: &str) -> Value {
        let mut object = json!({
            "cniVersion": version,
            "code": self.code.number(),
            "msg": self.msg,
        });
        if !self.details.is_empty() {
            object["details"] = json!(self.details);
        }
        object
    }

    /// Reads the error object that a delegate printed; `None` if it is none.
    pub fn from_json(value: &Value) -> Option<Failure> {
        let code = u32::try_from(value.get("code")?.as_u64()?).ok()?;
        let text = |key| value.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(Failure {
            code: Code::from_wire(code),
            msg: text("msg").to_owned(),
            details: text("details").to_owned(),
        })
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.msg, self.code)?;
        if !self.details.is_empty() {
            write!(f, "; {}", self.details)?;
        }
        Ok(())
    }
}

impl<E: Fault> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut failure = Failure::new(error.code(), error.to_string());
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            failure = failure.with_detail(cause.to_string());
            source = cause.source();
        }
        failure
    }
}

/// The version to name in an error where the configuration could not be read that far.
pub(crate) const FALLBACK_VERSION: &str = Version::LATEST.as_str();
