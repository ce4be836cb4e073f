//! The programs of iptables, run: for tables that only their own ways reach, and for
//! rules that only they can read.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Error;
use crate::backend::{Flavor, Programs, legacy_names};
use crate::save::SavedTable;

/// How long iptables waits for the lock that all its runs share, in seconds.
const LOCK_WAIT: &str = "--wait=60";

/// The programs of one family.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tool<'a> {
    programs: &'a Programs,
    pub(crate) v4: bool,
    /// The table that is read and changed.
    table: &'static str,
    /// `iptables` or `iptables-legacy`, and so on.
    name: &'static str,
}

impl<'a> Tool<'a> {
    /// What the name `iptables` stands for.
    pub(crate) fn installed(programs: &'a Programs, v4: bool, table: &'static str) -> Self {
        Self {
            programs,
            v4,
            table,
            name: if v4 { "iptables" } else { "ip6tables" },
        }
    }

    /// The one for the legacy tables; none where there is none, or no such table.
    pub(crate) fn for_legacy(
        programs: &'a Programs,
        v4: bool,
        table: &'static str,
    ) -> Option<Self> {
        legacy_names(v4)?.lines().find(|name| *name == table)?;
        let legacy = Self {
            name: if v4 {
                "iptables-legacy"
            } else {
                "ip6tables-legacy"
            },
            ..Self::installed(programs, v4, table)
        };
        if programs.find(&legacy.program("save")).is_some() {
            return Some(legacy);
        }
        matches!(programs.flavor(), Some(Flavor::Legacy | Flavor::Unknown))
            .then(|| Self::installed(programs, v4, table))
    }

    fn program(&self, verb: &str) -> String {
        format!("{}-{verb}", self.name)
    }

    /// Reads the table.
    pub(crate) fn save(&self) -> Result<SavedTable, Error> {
        let output = self.run("save", &["-t", self.table], "")?;
        Ok(SavedTable::parse(&output))
    }

    /// Changes the table: all lines or none.
    pub(crate) fn restore(&self, lines: &[String]) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        let script = format!("*{}\n{}\nCOMMIT\n", self.table, lines.join("\n"));
        self.run("restore", &["--noflush", LOCK_WAIT], &script)
            .map(drop)
    }

    fn run(&self, verb: &str, args: &[&str], stdin: &str) -> Result<String, Error> {
        let program = self.program(verb);
        let Some(path) = self.programs.find(&program) else {
            return Err(Error::NotInstalled { program });
        };
        let output = run(&path, args, stdin).map_err(|source| Error::Spawn {
            program: program.clone(),
            source,
        })?;
        if !output.status.success() {
            return Err(Error::Command {
                program,
                status: output.status,
                stderr: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The child is in the calling thread's namespace.
fn run(path: &Path, args: &[&str], stdin: &str) -> std::io::Result<std::process::Output> {
    let mut child = Command::new(path)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        // A child that ends early says why on its stderr.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    child.wait_with_output()
}
