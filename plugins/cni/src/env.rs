//! The environment of a call: which verb, for which attachment.
//!
//! Missing variables are told all at once, so that one failed call shows everything; then the form of
//! each is checked. Both are code 4.

use crate::{
    Code, Fault,
    names::{ContainerId, IfName, NameError},
    version::Version,
};
use std::{ffi::OsString, fmt, path::PathBuf};

/// `CNI_COMMAND`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Attach a container.
    Add,
    /// Detach it.
    Del,
    /// Is the attachment as it should be?
    Check,
    /// Remove what belongs to no listed attachment.
    Gc,
    /// Could an ADD succeed?
    Status,
    /// Which versions are supported?
    Version,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Verb; 6] = [
        Verb::Add,
        Verb::Del,
        Verb::Check,
        Verb::Gc,
        Verb::Status,
        Verb::Version,
    ];

    /// The word in `CNI_COMMAND`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Add => "ADD",
            Verb::Del => "DEL",
            Verb::Check => "CHECK",
            Verb::Gc => "GC",
            Verb::Status => "STATUS",
            Verb::Version => "VERSION",
        }
    }

    /// The first protocol version that has it.
    pub const fn since(self) -> Version {
        match self {
            Verb::Add | Verb::Del | Verb::Version => Version::V0_1_0,
            Verb::Check => Version::V0_4_0,
            Verb::Gc | Verb::Status => Version::V1_1_0,
        }
    }

    fn requires(self, variable: &str) -> bool {
        match variable {
            "CNI_CONTAINERID" | "CNI_IFNAME" => matches!(self, Verb::Add | Verb::Del | Verb::Check),
            "CNI_NETNS" => matches!(self, Verb::Add | Verb::Check),
            "CNI_PATH" => matches!(self, Verb::Gc),
            _ => false,
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvError {
    /// `CNI_COMMAND` holds no verb.
    #[error("CNI_COMMAND: unknown command {command:?}")]
    Command {
        /// What it holds.
        command: String,
    },
    /// Variables that the verb needs.
    #[error("required env variables [{}] missing", .variables.join(","))]
    Missing {
        /// All of them.
        variables: Vec<&'static str>,
    },
    /// A name that cannot be one.
    #[error("{variable}: {reason}")]
    Name {
        /// The variable.
        variable: &'static str,
        /// What is wrong.
        reason: NameError,
    },
    /// Not UTF-8.
    #[error("{variable}: not UTF-8")]
    Encoding {
        /// The variable.
        variable: &'static str,
    },
}

impl Fault for EnvError {
    fn code(&self) -> Code {
        Code::INVALID_ENVIRONMENT
    }
}

/// The variables of a call, checked for form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Env {
    /// What to do.
    pub verb: Verb,
    /// There for ADD, DEL and CHECK.
    pub container_id: Option<ContainerId>,
    /// There for ADD and CHECK; perhaps for DEL.
    pub netns: Option<String>,
    /// There for ADD, DEL and CHECK.
    pub ifname: Option<IfName>,
    /// `CNI_ARGS`, unparsed.
    pub args: String,
    /// `CNI_PATH`: where plugins are looked for, in order.
    pub path: Vec<PathBuf>,
    /// `CNI_NETNS_OVERRIDE`: the plugin's own namespace is meant.
    pub netns_override: bool,
}

impl Env {
    /// Reads the variables by `var`; `None` where `CNI_COMMAND` is not set.
    pub fn read(var: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Env>, EnvError> {
        let text = |variable: &'static str| match var(variable) {
            None => Ok(None),
            Some(value) if value.is_empty() => Ok(None),
            Some(value) => match value.into_string() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(EnvError::Encoding { variable }),
            },
        };
        let Some(command) = text("CNI_COMMAND")? else {
            return Ok(None);
        };
        let verb = Verb::ALL
            .into_iter()
            .find(|verb| verb.as_str() == command)
            .ok_or(EnvError::Command { command })?;

        let missing: Vec<_> = ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"]
            .into_iter()
            .filter(|name| verb.requires(name) && var(name).is_none_or(|value| value.is_empty()))
            .collect();
        if !missing.is_empty() {
            return Err(EnvError::Missing { variables: missing });
        }

        // A runtime may send placeholders along with the verbs that need no attachment (Podman's VERSION).
        let attaches = verb.requires("CNI_CONTAINERID");
        let named = |variable| if attaches { text(variable) } else { Ok(None) };
        Ok(Some(Env {
            verb,
            container_id: parse("CNI_CONTAINERID", named("CNI_CONTAINERID")?)?,
            netns: named("CNI_NETNS")?,
            ifname: parse("CNI_IFNAME", named("CNI_IFNAME")?)?,
            args: text("CNI_ARGS")?.unwrap_or_default(),
            path: var("CNI_PATH").map_or_else(Vec::new, |path| {
                std::env::split_paths(&path)
                    .filter(|dir| !dir.as_os_str().is_empty())
                    .collect()
            }),
            netns_override: text("CNI_NETNS_OVERRIDE")?
                .is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true")),
        }))
    }
}

fn parse<T: std::str::FromStr<Err = NameError>>(
    variable: &'static str,
    value: Option<String>,
) -> Result<Option<T>, EnvError> {
    value
        .map(|value| {
            value
                .parse()
                .map_err(|reason| EnvError::Name { variable, reason })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Option<Env>, EnvError> {
        let vars: Vec<_> = vars
            .iter()
            .map(|(k, v)| ((*k).to_owned(), OsString::from(v)))
            .collect();
        Env::read(&move |name| vars.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
    }

    #[test]
    fn all_missing_variables_in_one_error() {
        let error = read(&[("CNI_COMMAND", "ADD")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "required env variables [CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME] missing"
        );
        let error = read(&[("CNI_COMMAND", "GC")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "required env variables [CNI_PATH] missing"
        );
    }

    #[test]
    fn form_comes_after_presence() {
        let vars = [
            ("CNI_COMMAND", "DEL"),
            ("CNI_CONTAINERID", "../x"),
            ("CNI_IFNAME", "eth0"),
        ];
        let error = read(&vars).unwrap_err();
        assert!(
            error.to_string().starts_with("CNI_CONTAINERID: "),
            "{error}"
        );
        assert_eq!(error.code(), Code::INVALID_ENVIRONMENT);
        assert!(matches!(read(&vars[..2]), Err(EnvError::Missing { .. })));
    }

    #[test]
    fn placeholders_do_not_matter_to_version() {
        let env = read(&[
            ("CNI_COMMAND", "VERSION"),
            ("CNI_IFNAME", "far/too:long for a name"),
        ]);
        assert_eq!(env.unwrap().unwrap().verb, Verb::Version);
    }

    #[test]
    fn no_command() {
        assert_eq!(read(&[]), Ok(None));
        assert!(matches!(
            read(&[("CNI_COMMAND", "add")]),
            Err(EnvError::Command { .. })
        ));
    }
}
