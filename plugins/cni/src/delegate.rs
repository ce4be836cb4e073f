//! Calling another plugin: as a function where it is in this very binary, else by executing it.
//!
//! `CNI_PATH/<type>` is looked up as the specification says. Where what is found is the file that is
//! running now (same device and inode) the plugin is called in this process, which saves the ~1 ms of a
//! fork and exec. Anything else is executed, so that an operator can put another vendor's plugin there.

use crate::{
    CniResult, Code, Failure, Fault, GcAttachments, Object, Version,
    env::Verb,
    plugin::{Attachment, Context, Detach, Plugin, Sandbox},
};
use serde_json::Value;
use std::{
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A plugin type and what implements it.
pub type Registry<'a> = [(&'static str, &'a dyn Plugin)];

/// Why a delegate could not be called, or what it did wrong.
#[derive(Debug, thiserror::Error)]
pub enum DelegateError {
    /// The type is no plain file name.
    #[error("plugin type {kind:?} is not a plain file name")]
    Type {
        /// The type as configured.
        kind: String,
    },
    /// Nothing of that name in `CNI_PATH`.
    #[error("failed to find plugin {kind:?} in path [{}]", join(.path))]
    NotFound {
        /// The type as configured.
        kind: String,
        /// Where it was looked for.
        path: Vec<PathBuf>,
    },
    /// It could not be started, or not be talked to.
    #[error("plugin {}", .file.display())]
    Exec {
        /// The file.
        file: PathBuf,
        /// The operating system's word on it.
        source: io::Error,
    },
    /// It answered something that is neither a result nor an error.
    #[error("plugin {}: {status}, and its answer cannot be read: {output:?}", .file.display())]
    Answer {
        /// The file.
        file: PathBuf,
        /// Its exit status.
        status: std::process::ExitStatus,
        /// The start of what it printed.
        output: String,
    },
}

impl Fault for DelegateError {
    fn code(&self) -> Code {
        match self {
            DelegateError::Type { .. } => Code::INVALID_CONFIG,
            DelegateError::NotFound { .. } => Code::DELEGATE_MISSING,
            DelegateError::Exec { .. } => Code::IO,
            DelegateError::Answer { .. } => Code::DECODE,
        }
    }
}

fn join(path: &[PathBuf]) -> String {
    path.iter()
        .map(|dir| dir.display().to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Where plugins are found.
pub struct Delegates<'a> {
    registry: &'a Registry<'a>,
    path: &'a [PathBuf],
}

impl<'a> Delegates<'a> {
    /// Plugins in `registry` by function, others by `path`.
    pub fn new(registry: &'a Registry<'a>, path: &'a [PathBuf]) -> Self {
        Delegates { registry, path }
    }

    /// The plugin of type `kind`.
    pub fn find<'c>(
        &self,
        kind: &str,
        context: &'c Context<'c>,
    ) -> Result<Delegate<'c>, DelegateError>
    where
        'a: 'c,
    {
        if kind.is_empty() || kind == "." || kind == ".." || kind.contains(['/', '\0']) {
            return Err(DelegateError::Type {
                kind: kind.to_owned(),
            });
        }
        let executable = |file: &PathBuf| {
            fs::metadata(file)
                .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        let file = self.path.iter().map(|dir| dir.join(kind)).find(executable);
        let file = file.ok_or_else(|| DelegateError::NotFound {
            kind: kind.to_owned(),
            path: self.path.to_owned(),
        })?;
        let built_in = self.registry.iter().find(|(name, _)| *name == kind);
        let target = match built_in {
            Some((_, plugin)) if is_running(&file) => Target::BuiltIn(*plugin),
            _ => Target::File(file),
        };
        Ok(Delegate {
            target,
            context,
            path: self.path,
        })
    }
}

fn is_running(file: &Path) -> bool {
    let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    match (identity(file), identity(Path::new("/proc/self/exe"))) {
        (Ok(file), Ok(own)) => file == own,
        _ => false,
    }
}

enum Target<'a> {
    BuiltIn(&'a dyn Plugin),
    File(PathBuf),
}

/// A plugin that can be called with this configuration.
pub struct Delegate<'a> {
    target: Target<'a>,
    context: &'a Context<'a>,
    path: &'a [PathBuf],
}

impl Delegate<'_> {
    /// ADD.
    pub fn add(&self, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.add(self.context, sandbox),
            Target::File(file) => {
                let output = self.exec(
                    file,
                    Verb::Add,
                    Some(&sandbox.attachment),
                    Some(&sandbox.netns),
                )?;
                read_result(file, &output, self.context.conf.version)
            }
        }
    }

    /// DEL.
    pub fn del(&self, detach: &Detach) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.del(self.context, detach),
            Target::File(file) => self
                .exec(
                    file,
                    Verb::Del,
                    Some(&detach.attachment),
                    detach.netns.as_deref(),
                )
                .map(drop),
        }
    }

    /// CHECK; does nothing where the configuration's version has no such verb.
    pub fn check(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.check(self.context, sandbox),
            Target::File(file) => self
                .exec(
                    file,
                    Verb::Check,
                    Some(&sandbox.attachment),
                    Some(&sandbox.netns),
                )
                .map(drop),
        }
    }

    /// GC.
    pub fn gc(&self, valid: &GcAttachments) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.gc(self.context, valid),
            Target::File(file) => self.exec(file, Verb::Gc, None, None).map(drop),
        }
    }

    /// STATUS.
    pub fn status(&self) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.status(self.context),
            Target::File(file) => self.exec(file, Verb::Status, None, None).map(drop),
        }
    }

    fn exec(
        &self,
        file: &Path,
        verb: Verb,
        attachment: Option<&Attachment>,
        netns: Option<&str>,
    ) -> Result<Output, Failure> {
        let mut command = Command::new(file);
        command
            .env("CNI_COMMAND", verb.as_str())
            .env("CNI_ARGS", self.context.args.raw())
            .env("CNI_NETNS", netns.unwrap_or_default())
            .env(
                "CNI_CONTAINERID",
                attachment.map_or("", |a| a.container_id.as_str()),
            )
            .env("CNI_IFNAME", attachment.map_or("", |a| a.ifname.as_str()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        if let Ok(path) = std::env::join_paths(self.path) {
            command.env("CNI_PATH", path);
        }
        let output = converse(&mut command, &self.context.conf.to_bytes()).map_err(|source| {
            DelegateError::Exec {
                file: file.to_owned(),
                source,
            }
        })?;
        if output.status.success() {
            return Ok(output);
        }
        let error = serde_json::from_slice::<Value>(&output.stdout).ok();
        match error.as_ref().and_then(Failure::from_json) {
            Some(failure) => Err(failure),
            None => Err(unreadable(file, &output).into()),
        }
    }
}

/// Runs the plugin to its end: configuration in, answer out.
fn converse(command: &mut Command, stdin: &[u8]) -> io::Result<Output> {
    let mut child = spawn(command)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A plugin that does not read its input (or died) closes the pipe: its exit status tells more.
        match pipe.write_all(stdin) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
            _ => drop(pipe),
        }
    }
    let mut stdout = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut stdout)?;
    }
    let status = child.wait()?;
    Ok(Output {
        status,
        stdout,
        stderr: Vec::new(),
    })
}

/// Starts it; a file that is being replaced at this moment ("text file busy") is tried again for 1 s.
fn spawn(command: &mut Command) -> io::Result<Child> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == io::ErrorKind::ExecutableFileBusy
                    && Instant::now() < deadline =>
            {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "nothing tells when the writer closes the file"
                )]
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

fn unreadable(file: &Path, output: &Output) -> DelegateError {
    DelegateError::Answer {
        file: file.to_owned(),
        status: output.status,
        output: String::from_utf8_lossy(&output.stdout)
            .chars()
            .take(200)
            .collect(),
    }
}

fn read_result(file: &Path, output: &Output, version: Version) -> Result<CniResult, Failure> {
    match serde_json::from_slice::<Value>(&output.stdout) {
        Ok(Value::Object(map)) => {
            let read = CniResult::from_json(&Object::root(&map), version);
            read.map_err(|error| {
                Failure::from(error).with_detail(format!("in the answer of {}", file.display()))
            })
        }
        _ => Err(unreadable(file, output).into()),
    }
}

/// A built-in that is reached through `Delegates` sees the configuration that its caller saw.
impl std::fmt::Debug for Delegates<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delegates")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Used where a plugin is called outside of [`crate::serve`], as tests do: nothing can be delegated to.
impl Default for Delegates<'_> {
    fn default() -> Self {
        Delegates::new(&[], &[])
    }
}
