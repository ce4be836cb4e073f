//! Runs a plugin binary as a runtime does and judges what comes back.
//!
//! The environment holds `CNI_*` and `PATH` and nothing else, as with Mesos: a plugin that
//! leans on `HOME` fails here and not on a cluster. Whatever a plugin prints on stdout must be
//! nothing or exactly one JSON document; anything else is an error of the run, also where the
//! test did not ask.

use crate::{Error, Ns, Output, Result, Value, json};
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

/// Our plugins: `FAIRWAY_CNI_DIR`, else `dist/cni` of this repository.
pub fn plugin_dir() -> PathBuf {
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dist/cni");
    std::env::var_os("FAIRWAY_CNI_DIR").map_or_else(|| dist.into(), PathBuf::from)
}

/// Our programs: `FAIRWAY_BIN_DIR`, else `dist/bin` of this repository.
pub fn bin_dir() -> PathBuf {
    let dist = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dist/bin");
    std::env::var_os("FAIRWAY_BIN_DIR").map_or_else(|| dist.into(), PathBuf::from)
}

/// The reference plugins: `FAIRWAY_REFERENCE_DIR`, else where Debian puts them.
pub fn reference_dir() -> PathBuf {
    let dir = std::env::var_os("FAIRWAY_REFERENCE_DIR");
    dir.map_or_else(|| "/usr/lib/cni".into(), PathBuf::from)
}

/// One plugin, one container, one config; calls may be repeated.
#[derive(Clone, Debug)]
pub struct Cni {
    node: Ns,
    program: PathBuf,
    container: String,
    netns: Option<String>,
    ifname: String,
    path: String,
    args: Option<String>,
    env: Vec<(String, String)>,
    config: Value,
    limit: Duration,
}

/// An error as a plugin prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CniError {
    /// The version it is written in.
    #[serde(rename = "cniVersion")]
    pub version: String,
    /// The specification's code, or 100 and up.
    pub code: u32,
    /// What the user reads.
    pub msg: String,
    /// The rest of it.
    pub details: String,
}

/// What one call left.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The call, for messages.
    pub call: String,
    /// How the process ended.
    pub status: ExitStatus,
    /// As printed.
    pub stdout: String,
    /// As printed.
    pub stderr: String,
    /// From just before the start of the process to its end.
    pub wall: Duration,
    /// stdout of a call that ended with 0, if there was any.
    pub result: Option<Value>,
    /// stdout of a call that ended with another status.
    pub error: Option<CniError>,
}

impl Cni {
    /// The plugin `DIR/KIND`, run in `node`. The container is `c1`, its interface `eth0`, the
    /// config a bare one of version 1.0.0 with the name `net`, `CNI_PATH` is `dir`.
    pub fn new(node: &Ns, dir: impl AsRef<Path>, kind: &str) -> Self {
        Self {
            node: node.clone(),
            program: dir.as_ref().join(kind),
            container: "c1".into(),
            netns: None,
            ifname: "eth0".into(),
            path: dir.as_ref().display().to_string(),
            args: None,
            env: Vec::new(),
            config: json!({"cniVersion": "1.0.0", "name": "net", "type": kind}),
            limit: Duration::from_secs(60),
        }
    }

    /// `CNI_CONTAINERID`.
    #[must_use]
    pub fn container(mut self, id: impl Into<String>) -> Self {
        self.container = id.into();
        self
    }

    /// `CNI_NETNS`, by namespace.
    #[must_use]
    pub fn netns(self, ns: &Ns) -> Self {
        let path = ns.path();
        self.netns_path(Some(&path.display().to_string()))
    }

    /// `CNI_NETNS`, by path; `None` leaves it out.
    #[must_use]
    pub fn netns_path(mut self, path: Option<&str>) -> Self {
        self.netns = path.map(str::to_owned);
        self
    }

    /// `CNI_IFNAME`.
    #[must_use]
    pub fn ifname(mut self, name: impl Into<String>) -> Self {
        self.ifname = name.into();
        self
    }

    /// `CNI_PATH`, instead of the plugin's own folder.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// `CNI_ARGS`.
    #[must_use]
    pub fn args(mut self, args: impl Into<String>) -> Self {
        self.args = Some(args.into());
        self
    }

    /// A further variable, or another value for one of the above.
    #[must_use]
    pub fn env(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// The config, whole.
    #[must_use]
    pub fn config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// How long a call may take (60 s unless told).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The config as it stands.
    pub fn conf(&self) -> &Value {
        &self.config
    }

    /// A call of this verb with the config as it stands.
    ///
    /// # Errors
    /// Where the plugin cannot start, hangs, or prints anything but one JSON document.
    pub fn call(&self, verb: &str) -> Result<Outcome> {
        self.raw(verb).run()
    }

    fn call_with(&self, verb: &str, key: &str, value: Value) -> Result<Outcome> {
        let mut config = self.config.clone();
        config[key] = value;
        self.raw(verb).stdin(config.to_string()).run()
    }

    /// ADD.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn add(&self) -> Result<Outcome> {
        self.call("ADD")
    }

    /// DEL, with the result of the ADD where the runtime still has it.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn del(&self, prev: Option<&Value>) -> Result<Outcome> {
        match prev {
            Some(prev) => self.call_with("DEL", "prevResult", prev.clone()),
            None => self.call("DEL"),
        }
    }

    /// CHECK against the result of the ADD.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn check(&self, prev: &Value) -> Result<Outcome> {
        self.call_with("CHECK", "prevResult", prev.clone())
    }

    /// GC: only these (container, interface) are still alive.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn gc(&self, valid: &[(&str, &str)]) -> Result<Outcome> {
        let valid = valid.iter();
        let valid = valid.map(|(id, ifname)| json!({"containerID": id, "ifname": ifname}));
        self.call_with("GC", "cni.dev/valid-attachments", valid.collect())
    }

    /// STATUS.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn status(&self) -> Result<Outcome> {
        self.call("STATUS")
    }

    /// VERSION.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn version(&self) -> Result<Outcome> {
        self.call("VERSION")
    }

    /// The same call with its environment and stdin open to be spoilt.
    pub fn raw(&self, verb: &str) -> Raw {
        let mut env = vec![
            ("CNI_COMMAND".to_owned(), verb.to_owned()),
            ("CNI_CONTAINERID".to_owned(), self.container.clone()),
            ("CNI_IFNAME".to_owned(), self.ifname.clone()),
            ("CNI_PATH".to_owned(), self.path.clone()),
            (
                "PATH".to_owned(),
                "/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            ),
        ];
        env.extend(
            self.netns
                .clone()
                .map(|path| ("CNI_NETNS".to_owned(), path)),
        );
        env.extend(self.args.clone().map(|args| ("CNI_ARGS".to_owned(), args)));
        env.extend(self.env.iter().cloned());
        Raw {
            cni: self.clone(),
            env,
            stdin: self.config.to_string().into_bytes(),
        }
    }
}

/// A call about to be made; see [`Cni::raw`].
#[derive(Clone, Debug)]
pub struct Raw {
    cni: Cni,
    env: Vec<(String, String)>,
    stdin: Vec<u8>,
}

impl Raw {
    /// Leaves a variable out.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        self.env.retain(|(k, _)| k != key);
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(self, key: &str, value: &str) -> Self {
        let mut this = self.without(key);
        this.env.push((key.to_owned(), value.to_owned()));
        this
    }

    /// Other bytes on stdin.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Makes the call.
    ///
    /// # Errors
    /// As [`Cni::call`].
    pub fn run(self) -> Result<Outcome> {
        let mut cmd = self.cni.node.command(&self.cni.program);
        cmd = cmd.bare().env_clear().limit(self.cni.limit);
        cmd = self.env.iter().fold(cmd, |cmd, (k, v)| cmd.env(k, v));
        let verb = self.env.iter().find(|(k, _)| k == "CNI_COMMAND");
        let verb = verb.map_or("(no CNI_COMMAND)", |(_, v)| v);
        let call = format!("{} {verb}", self.cni.program.display());
        Outcome::new(call, cmd.stdin(self.stdin).output()?)
    }
}

impl Outcome {
    fn new(call: String, output: Output) -> Result<Self> {
        let Output {
            status,
            stdout,
            stderr,
            wall,
        } = output;
        let document = |text: &str| match serde_json::from_str(text) {
            Ok(value) => Ok(Some(value)),
            Err(source) => Err(Error::Json {
                what: format!("stdout of {call} ({status})"),
                source,
                text: format!("{text}\n{stderr}"),
            }),
        };
        // A killed process may leave half a document; no other may.
        let printed: Option<Value> = match stdout.trim() {
            "" => None,
            _ if status.code().is_none() => None,
            text => document(text)?,
        };
        let (result, error) = match status.success() {
            true => (printed, None),
            false => (None, printed.and_then(|v| serde_json::from_value(v).ok())),
        };
        Ok(Self {
            call,
            status,
            stdout,
            stderr,
            wall,
            result,
            error,
        })
    }

    /// The result of a call that had to succeed; `null` where it prints none.
    ///
    /// # Errors
    /// Where it failed.
    pub fn ok(&self) -> Result<Value> {
        match self.status.success() {
            true => Ok(self.result.clone().unwrap_or(Value::Null)),
            false => Err(self.not("success")),
        }
    }

    /// The error of a call that had to fail with this code.
    ///
    /// # Errors
    /// Where it succeeded, or failed with another code or another exit status than 1.
    pub fn fails(&self, code: u32) -> Result<CniError> {
        match &self.error {
            Some(error) if error.code == code && self.status.code() == Some(1) => Ok(error.clone()),
            _ => Err(self.not(&format!("code {code} with exit status 1"))),
        }
    }

    fn not(&self, wanted: &str) -> Error {
        let mut got = format!("{}: {}", self.call, self.status);
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.trim().is_empty() {
                let _ = write!(got, "\n{name}: {}", text.trim());
            }
        }
        let wanted = wanted.to_owned();
        Error::Outcome { wanted, got }
    }
}
