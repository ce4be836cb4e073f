//! kubectl, the witness: what an administrator sees.

use crate::{Bed, Error, Result, User};
use fairway_lab::{Output, Value, json};
use std::time::Duration;

/// How long a command may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// What kubectl said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it did what it was told.
    pub done: bool,
    /// What it said, on whichever stream that belongs to the result.
    pub text: String,
}

/// An object, as `kubectl apply` takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Doc(pub Value);

impl Doc {
    /// One of our kinds.
    pub fn ours(kind: &str, name: &str, spec: Value) -> Self {
        Self(json!({
            "apiVersion": "fairway.network/v1alpha1",
            "kind": kind,
            "metadata": {"name": name},
            "spec": spec,
        }))
    }
}

impl Bed {
    /// Runs kubectl with the words of `line`, and `input` on its standard input; gives what it said.
    ///
    /// # Errors
    /// Where it cannot be run.
    pub fn ask(&self, user: User, line: &str, input: &str) -> Result<Answer> {
        let Output {
            status,
            stdout,
            stderr,
            ..
        } = self
            .ns()
            .command(&self.programs.kubectl)
            .env_clear()
            // It keeps what it has heard of kinds there.
            .env("HOME", self.folder())
            .env("KUBECONFIG", self.kubeconfig(user))
            .args(line.split_whitespace())
            .stdin(input)
            .limit(LIMIT)
            .output()?;
        let done = status.success();
        let text = if done { stdout } else { stderr };
        Ok(Answer { done, text })
    }

    /// As [`Bed::ask`]; gives its output.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn kubectl(&self, user: User, line: &str) -> Result<String> {
        let answer = self.ask(user, line, "")?;
        match answer.done {
            true => Ok(answer.text),
            false => Err(Error::Kubectl {
                line: line.to_owned(),
                text: answer.text,
            }),
        }
    }

    /// As [`Bed::kubectl`] with `-o json`.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn json(&self, user: User, line: &str) -> Result<Value> {
        let text = self.kubectl(user, &format!("{line} -o json"))?;
        Ok(fairway_lab::serde_json::from_str(&text).unwrap_or_default())
    }

    /// A request at that path, past kubectl, which has no way to a subresource at its age and takes a tenth of a second.
    ///
    /// # Errors
    /// Where the program cannot be run; a refusal is an answer.
    pub fn call(&self, user: User, (method, path): (&str, &str), body: &Value) -> Result<Answer> {
        let kind = match method {
            "PATCH" => "application/merge-patch+json",
            _ => "application/json",
        };
        let output = self
            .ns()
            .command("curl")
            .args(["--silent", "--show-error", "--max-time", "30"])
            .args(["--request", method, "--cacert"])
            .arg(self.papers.path("ca.pem"))
            .args(["--header", &format!("Content-Type: {kind}")])
            .args([
                "--header",
                &format!("Authorization: Bearer {}", user.token()),
            ])
            .args(["--data-binary", "@-", "--write-out", "\n%{http_code}"])
            .arg(format!("{}{path}", self.url()))
            .stdin(body.to_string())
            .limit(LIMIT)
            .output()?;
        let (text, code) = output
            .stdout
            .rsplit_once('\n')
            .unwrap_or((&output.stderr, ""));
        Ok(Answer {
            done: output.status.success() && code.starts_with('2'),
            text: text.to_owned(),
        })
    }

    /// A merge patch at that path.
    ///
    /// # Errors
    /// As [`Bed::call`].
    pub fn patch(&self, user: User, path: &str, patch: &Value) -> Result<Answer> {
        self.call(user, ("PATCH", path), patch)
    }

    /// Whether a user may do that: `verb`, `group`, `resource`, and where it matters `subresource`, `name`, `namespace`.
    ///
    /// # Errors
    /// As [`Bed::call`].
    pub fn may(&self, user: User, what: &Value) -> Result<bool> {
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": what},
        });
        let answer = self.call(user, ("POST", path), &review)?;
        let told: Value = fairway_lab::serde_json::from_str(&answer.text).unwrap_or_default();
        match told["status"]["allowed"].as_bool() {
            Some(allowed) if answer.done => Ok(allowed),
            _ => Err(Error::Kubectl {
                line: format!("may {what}"),
                text: answer.text,
            }),
        }
    }

    /// Applies an object as administrator, on the server's side.
    ///
    /// # Errors
    /// Where kubectl cannot be run; a refusal is an answer.
    pub fn apply(&self, doc: &Doc) -> Result<Answer> {
        let line = "apply --server-side --force-conflicts --validate=false -f -";
        self.ask(User::Admin, line, &doc.0.to_string())
    }
}
