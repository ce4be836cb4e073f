//! Man pages: `fairway-install man FOLDER`, for whoever makes packages. They are made of the grammar, as the help is.

use crate::cli::Cli;
use clap::CommandFactory as _;
use clap_mangen::Man;
use fairway_install::InstallError;
use std::fs;
use std::path::Path;

/// Of commands for administrators, see man(1).
const SECTION: &str = "8";

/// Writes a page for the whole and one for each verb into `folder`, which is made where it is not there.
///
/// # Errors
/// Where a file cannot be written.
pub(crate) fn write(folder: &Path) -> Result<(), InstallError> {
    let mut whole = Cli::command().disable_help_subcommand(true);
    whole.build();
    let verbs = whole.get_subcommands().filter(|verb| !verb.is_hide_set());
    let write = || {
        fs::create_dir_all(folder)?;
        for command in [&whole].into_iter().chain(verbs) {
            let man = Man::new(command.clone()).section(SECTION);
            let source = format!("fairway {}", env!("CARGO_PKG_VERSION"));
            man.manual("Fairway").source(source).generate_to(folder)?;
        }
        Ok(())
    };
    write().map_err(|source| InstallError::Io {
        what: "write man pages into",
        path: folder.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_page_for_each_verb() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("a/b");
        write(&folder).unwrap();
        let entries = fs::read_dir(&folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string());
        let mut names: Vec<_> = names.map(Result::unwrap).collect();
        names.sort();
        let verbs = ["-check", "-conflist", "-keep", "-plugins", "-remove", ""];
        let mut wanted = verbs.map(|verb| format!("fairway-install{verb}.8"));
        wanted.sort();
        assert_eq!(names, wanted);
        let page = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        let whole = page("fairway-install.8");
        assert!(
            whole.contains(".TH fairway-install 8") && whole.contains("Exit status"),
            "{whole}"
        );
        assert!(whole.contains("fairway\\-install\\-keep(8)"), "{whole}");
        let keep = page("fairway-install-keep.8");
        assert!(keep.contains("\\-\\-every"), "{keep}");
    }

    #[test]
    fn a_folder_that_cannot_be_is_named() {
        let error = write(Path::new("/proc/self/nowhere")).unwrap_err();
        assert!(error.shown().contains("/proc/self/nowhere"));
    }
}
