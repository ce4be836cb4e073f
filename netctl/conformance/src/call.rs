//! One call of a plugin, as a runtime makes it, and what came back.
//!
//! The environment holds `CNI_*`, `PATH` and what the user adds, and nothing else. A call that takes too long is
//! killed with all that it started.

use crate::{
    check::{Because, Outcome, ensure, wrong},
    stage::Stage,
};
use fairway_ephemeral::{Error, Output};
use serde_json::Value;
use std::{process::ExitStatus, time::Duration};

/// What is on the way of a plugin's own tools.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A call about to be made.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    stage: &'a Stage,
    verb: String,
    env: Vec<(String, String)>,
    conf: Value,
    stdin: Option<Vec<u8>>,
    limit: Duration,
}

/// What a call left.
pub(crate) struct Answer {
    verb: String,
    status: ExitStatus,
    stdout: String,
    stderr: String,
    pub(crate) wall: Duration,
}

/// A well-formed error.
pub(crate) struct Refusal {
    pub(crate) code: u64,
    pub(crate) msg: String,
    pub(crate) text: String,
}

impl<'a> Call<'a> {
    pub(crate) fn new(stage: &'a Stage, verb: &str, conf: Value) -> Self {
        let call = Call {
            stage,
            verb: verb.to_owned(),
            env: Vec::new(),
            conf,
            stdin: None,
            limit: stage.subject.limit,
        };
        let call = call.env("PATH", PATH).env("CNI_COMMAND", verb);
        let call = call.env("CNI_PATH", &stage.subject.path);
        let more = stage.subject.env.iter();
        more.fold(call, |call, (key, value)| call.env(key, value))
    }

    /// Sets a variable.
    pub(crate) fn env(self, key: &str, value: &str) -> Self {
        let mut call = self.without(key);
        call.env.push((key.to_owned(), value.to_owned()));
        call
    }

    /// Leaves a variable out.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.env.retain(|(name, _)| name != key);
        self
    }

    /// Sets a key of the configuration.
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.conf[key] = value;
        self
    }

    /// Leaves a key of the configuration out.
    pub(crate) fn unset(mut self, key: &str) -> Self {
        if let Value::Object(conf) = &mut self.conf {
            conf.remove(key);
        }
        self
    }

    /// Other bytes on standard input than the configuration.
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    fn output(&self, limit: Duration) -> Result<Output, Error> {
        let stdin = self
            .stdin
            .clone()
            .unwrap_or_else(|| self.conf.to_string().into_bytes());
        let command = self.stage.command(&self.stage.subject.binary).env_clear();
        let env = self.env.iter();
        let command = env.fold(command, |command, (key, value)| command.env(key, value));
        command.stdin(stdin).limit(limit).output()
    }

    /// Makes it.
    pub(crate) fn run(self) -> Outcome<Answer> {
        match self.output(self.limit) {
            Ok(Output {
                status,
                stdout,
                stderr,
                wall,
            }) => Ok(Answer {
                verb: self.verb,
                status,
                stdout,
                stderr,
                wall,
            }),
            Err(Error::Hung { .. }) => wrong(format!(
                "{} did not end within {:?} and was killed",
                self.verb, self.limit
            )),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes it, and kills it and all that it started after a while, unless it has ended.
    pub(crate) fn killed(self, after: Duration) -> Outcome {
        match self.output(after) {
            Ok(_) | Err(Error::Hung { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Answer {
    /// It must have succeeded.
    pub(crate) fn ok(&self) -> Outcome {
        ensure(self.status.success(), || {
            format!("{} failed: {}", self.verb, self.told())
        })
    }

    /// It must have succeeded and said nothing.
    pub(crate) fn silent(&self) -> Outcome {
        self.ok()?;
        ensure(self.stdout.trim().is_empty(), || {
            format!(
                "{} has nothing to say on success: {}",
                self.verb,
                self.told()
            )
        })
    }

    /// It must have succeeded with exactly one JSON object on standard output.
    pub(crate) fn result(&self) -> Outcome<Value> {
        self.ok()?;
        match serde_json::from_str(&self.stdout) {
            Ok(value @ Value::Object(_)) => Ok(value),
            Ok(_) => wrong(format!(
                "the result of {} is no JSON object: {}",
                self.verb,
                self.told()
            )),
            Err(error) => wrong(format!(
                "standard output of {} is not exactly one JSON object ({error}): {}",
                self.verb,
                self.told()
            )),
        }
    }

    /// It must have failed, however it says so.
    pub(crate) fn refused(&self, what: &str) -> Outcome {
        ensure(self.has_failed(), || {
            format!("{what}: {} succeeded: {}", self.verb, self.told())
        })
    }

    /// Did it end by itself, and not well?
    pub(crate) fn has_failed(&self) -> bool {
        self.status.code().is_some_and(|code| code != 0)
    }

    /// It must have failed with an error object on standard output, and nothing else there.
    pub(crate) fn error(&self, what: &str) -> Outcome<Refusal> {
        self.refused(what)?;
        let told = || format!("{what}: {}", self.told());
        let Ok(Value::Object(error)) = serde_json::from_str(&self.stdout) else {
            return wrong(format!(
                "standard output of a failed {} is not exactly one JSON object; {}",
                self.verb,
                told()
            ));
        };
        let code = error.get("code").and_then(Value::as_u64);
        let msg = error.get("msg").and_then(Value::as_str);
        let version = error.get("cniVersion").is_none_or(Value::is_string);
        let details = error.get("details").is_none_or(Value::is_string);
        match (code, msg) {
            (Some(code), Some(msg)) if version && details => {
                let details = error
                    .get("details")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                Ok(Refusal {
                    code,
                    msg: msg.to_owned(),
                    text: format!("{msg} {details}"),
                })
            }
            _ => wrong(format!(
                "code must be a number, msg, details and cniVersion strings; {}",
                told()
            )),
        }
    }

    /// How it ended and what it said, for people.
    pub(crate) fn told(&self) -> String {
        let mut text = self.status.to_string();
        for (name, said) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            let said = said.trim();
            if !said.is_empty() {
                text.push_str(&format!(", {name} {}", clipped(said, 300)));
            }
        }
        text
    }
}

impl Refusal {
    /// It must be this code.
    pub(crate) fn is(&self, code: u64, what: &str) -> Outcome {
        ensure(self.code == code, || {
            format!(
                "{what}: code {} ({}), asked is code {code}",
                self.code,
                clipped(&self.msg, 200)
            )
        })
    }
}

/// The beginning of a text, on one line.
pub(crate) fn clipped(text: &str, most: usize) -> String {
    let line = text.replace(['\n', '\r'], " ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// What a check makes of a failed part that another check is about.
pub(crate) fn beforehand<T>(outcome: Outcome<T>, what: &str) -> Outcome<T> {
    outcome.map_err(|because| match because {
        Because::Wrong(wrong) => Because::Skipped(format!("{what}: {wrong}")),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    fn answer(status: i32, stdout: &str) -> Answer {
        Answer {
            verb: "ADD".to_owned(),
            status: ExitStatus::from_raw(status << 8),
            stdout: stdout.to_owned(),
            stderr: "a log\nline".to_owned(),
            wall: Duration::ZERO,
        }
    }

    fn is_wrong<T>(outcome: Outcome<T>, part: &str) -> bool {
        matches!(outcome, Err(Because::Wrong(text)) if text.contains(part))
    }

    #[test]
    fn a_result_is_one_object_and_nothing_else() {
        assert!(answer(0, "{\"a\": 1}\n").result().is_ok());
        for bad in ["", "log\n{}", "{}{}", "[]"] {
            assert!(
                is_wrong(answer(0, bad).result(), "one JSON object") || bad == "[]",
                "{bad}"
            );
        }
        assert!(is_wrong(answer(0, "[]").result(), "no JSON object"));
        assert!(is_wrong(
            answer(1, "{}").result(),
            "failed: exit status: 1, stdout {}, stderr a log line"
        ));
        assert!(
            answer(0, " \n").silent().is_ok()
                && is_wrong(answer(0, "{}").silent(), "nothing to say")
        );
    }

    #[test]
    fn an_error_has_a_code_and_a_message() {
        let good = answer(
            1,
            r#"{"cniVersion": "1.0.0", "code": 7, "msg": "m", "details": "d"}"#,
        );
        let error = good.error("it").ok().unwrap();
        assert_eq!((error.code, error.text.as_str()), (7, "m d"));
        assert!(
            error.is(7, "it").is_ok()
                && is_wrong(error.is(4, "it"), "it: code 7 (m), asked is code 4")
        );
        for bad in [
            "",
            "oh",
            r#"{"msg": "m"}"#,
            r#"{"code": "7", "msg": "m"}"#,
            r#"{"code": 7}"#,
            r#"{"code": 7, "msg": "m", "cniVersion": 1}"#,
            r#"log {"code": 7, "msg": "m"}"#,
        ] {
            assert!(is_wrong(answer(1, bad).error("it"), "it"), "{bad}");
        }
        assert!(is_wrong(
            answer(0, r#"{"code": 7, "msg": "m"}"#).error("it"),
            "it: ADD succeeded"
        ));
    }
}
