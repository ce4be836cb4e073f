//! Man pages: `netctl man FOLDER`, a page for each noun and each verb, for whoever makes packages.
//!
//! They are made of the grammar, as the help is, so they cannot tell of what is not there.

use crate::{cli::Cli, error::NetctlError};
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Of commands that anybody may type, see man(1).
const SECTION: &str = "1";
const MANUAL: &str = "Fairway";
/// Where what is common to all verbs is told.
const WHOLE: &str = "netctl";

/// Writes them into `folder`, which is made where it is not there.
///
/// # Errors
/// Where a file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<(), NetctlError> {
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    for (name, page) in pages() {
        let file = folder.join(name);
        fs::write(&file, page).map_err(unwritable(&file))?;
    }
    Ok(())
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> NetctlError {
    let path: PathBuf = path.to_owned();
    move |source| NetctlError::Write { path, source }
}

/// Each page's file name, and what is in it.
fn pages() -> Vec<(String, Vec<u8>)> {
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    let mut pages = Vec::new();
    add(&whole, &mut pages);
    pages
}

fn add(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let shown = command.get_subcommands().filter(|verb| !verb.is_hide_set());
    for verb in shown {
        add(verb, pages);
    }
    let command = match command.get_name() == WHOLE {
        true => command.clone(),
        // What all verbs have is told once.
        false => command
            .clone()
            .mut_args(|arg| match arg.is_global_set() {
                true => arg.hide(true),
                false => arg,
            })
            .after_help("Options that all verbs have, and exit statuses: netctl(1)."),
    };
    let source = format!("fairway {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command)
        .section(SECTION)
        .manual(MANUAL)
        .source(source);
    let mut page = Vec::new();
    // Writing into memory cannot fail.
    if man.render(&mut page).is_ok() {
        pages.push((man.get_filename(), page));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn there_is_a_page_for_each_verb() {
        let pages = pages();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in [
            "netctl.1",
            "netctl-status.1",
            "netctl-pool.1",
            "netctl-pool-create.1",
            "netctl-bgp-neighbor-add.1",
        ] {
            assert!(names.contains(&name), "{name}: {names:?}");
        }
        assert!(!names.iter().any(|name| name.contains("help")), "{names:?}");
        assert!(!names.contains(&"netctl-man.1"));
        let page = |name: &str| {
            let (_, page) = pages.iter().find(|(found, _)| found == name).unwrap();
            String::from_utf8(page.clone()).unwrap()
        };
        let create = page("netctl-pool-create.1");
        assert!(create.contains("\\fBnetctl pool create\\fR"), "{create}");
        assert!(create.contains("block\\-size") && !create.contains("\\-\\-socket"));
        assert!(page("netctl.1").contains("\\-\\-socket"));
        assert!(page("netctl.1").contains("Exit status"));
    }

    /// By man's own formatter, where there is one.
    #[test]
    fn pages_can_be_formatted() {
        for (name, page) in pages() {
            let text = String::from_utf8(page).unwrap();
            assert!(text.contains(".TH netctl"), "{name}");
            for section in ["NAME", "SYNOPSIS", "DESCRIPTION"] {
                assert!(text.contains(&format!(".SH {section}")), "{name}");
            }
        }
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("a/b")).unwrap();
        let file = dir.path().join("a/b/netctl-pool-create.1");
        let mut man = Command::new("groff");
        man.args(["-man", "-Tutf8", "-ww"]).arg(file);
        if let Ok(output) = man.stdin(Stdio::null()).output() {
            assert!(output.stderr.is_empty(), "{output:?}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let error = write(Path::new("/proc/self/nowhere")).unwrap_err();
        assert!(error.shown().contains("/proc/self/nowhere"));
        assert_eq!(error.status(), 1);
    }
}
