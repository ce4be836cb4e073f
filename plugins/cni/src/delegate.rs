//! Calling another plugin: as a function where it is in this very binary, else by executing it.
//!
//! `CNI_PATH/<type>` is looked up as the specification says. Where what is found is the file that is
//! running now (same device and inode) the plugin is called in this process, which saves the ~1 ms of a
//! fork and exec. Anything else is executed, so that an operator can put another vendor's plugin there.

mod error;
mod exec;

use crate::{
    CniResult, Confirmation, Failure, GcAttachments, Object, Version,
    env::Verb,
    plugin::{Attachment, Context, Detach, Plugin, Sandbox},
};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub use error::DelegateError;
use exec::{Unanswered, answer, unreadable};

/// A plugin type and what implements it.
pub type Registry<'a> = [(&'static str, &'a dyn Plugin)];

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

    /// The plugin of type `kind` in this binary, whatever `CNI_PATH` holds.
    pub(crate) fn built_in(&self, kind: &str) -> Option<&'a dyn Plugin> {
        let entry = self.registry.iter().find(|(name, _)| *name == kind);
        entry.map(|(_, plugin)| *plugin)
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
        let target = match self.built_in(kind) {
            Some(plugin) if is_running(&file) => Target::BuiltIn(plugin),
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
    /// ADD. Where another program has done its part and we cannot read what it says, or it died over it, it
    /// is told to DEL. One that refuses is not: it has nothing, or (a second ADD) what is still in use.
    pub fn add(&self, sandbox: &Sandbox) -> Result<CniResult, Failure> {
        let file = match &self.target {
            Target::BuiltIn(plugin) => return plugin.add(self.context, sandbox),
            Target::File(file) => file,
        };
        let run = self.exec(
            file,
            Verb::Add,
            Some(&sandbox.attachment),
            Some(&sandbox.netns),
        );
        let read = match run {
            Ok(output) => read_result(file, &output, self.context.conf.version),
            Err(Unanswered::Refused(failure)) => return Err(failure),
            Err(Unanswered::Broken(error)) => Err(error.into()),
        };
        read.map_err(|failure| {
            let detach = Detach {
                attachment: sandbox.attachment.clone(),
                netns: Some(sandbox.netns.clone()),
            };
            match self.del(&detach) {
                Ok(()) => failure,
                Err(error) => failure.with_detail(format!("and its DEL: {error}")),
            }
        })
    }

    /// ADD for a caller that has more to do before it answers; see [`Plugin::add_ahead`]. A plugin that is
    /// executed has waited itself when it answers.
    pub fn add_ahead(&self, sandbox: &Sandbox) -> Result<(CniResult, Confirmation), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.add_ahead(self.context, sandbox),
            Target::File(_) => Ok((self.add(sandbox)?, Confirmation::none())),
        }
    }

    /// DEL.
    pub fn del(&self, detach: &Detach) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.del(self.context, detach),
            Target::File(file) => self.tell(
                file,
                Verb::Del,
                Some(&detach.attachment),
                detach.netns.as_deref(),
            ),
        }
    }

    /// CHECK; does nothing where the configuration's version has no such verb.
    pub fn check(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.check(self.context, sandbox),
            Target::File(file) => self.tell(
                file,
                Verb::Check,
                Some(&sandbox.attachment),
                Some(&sandbox.netns),
            ),
        }
    }

    /// GC.
    pub fn gc(&self, valid: &GcAttachments) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.gc(self.context, valid),
            Target::File(file) => self.tell(file, Verb::Gc, None, None),
        }
    }

    /// STATUS.
    pub fn status(&self) -> Result<(), Failure> {
        match &self.target {
            Target::BuiltIn(plugin) => plugin.status(self.context),
            Target::File(file) => self.tell(file, Verb::Status, None, None),
        }
    }

    /// Executes a verb that has no answer.
    fn tell(
        &self,
        file: &Path,
        verb: Verb,
        attachment: Option<&Attachment>,
        netns: Option<&str>,
    ) -> Result<(), Failure> {
        self.exec(file, verb, attachment, netns)?;
        Ok(())
    }

    fn exec(
        &self,
        file: &Path,
        verb: Verb,
        attachment: Option<&Attachment>,
        netns: Option<&str>,
    ) -> Result<Output, Unanswered> {
        let mut command = Command::new(file);
        command
            .env("CNI_COMMAND", verb.as_str())
            .env("CNI_ARGS", self.context.args.raw())
            .env("CNI_NETNS", netns.unwrap_or_default())
            .env(
                "CNI_CONTAINERID",
                attachment.map_or("", |a| a.container_id.as_str()),
            )
            .env("CNI_IFNAME", attachment.map_or("", |a| a.ifname.as_str()));
        if let Ok(path) = std::env::join_paths(self.path) {
            command.env("CNI_PATH", path);
        }
        answer(file, &mut command, &self.context.conf.to_bytes())
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

#[cfg(test)]
mod tests;
