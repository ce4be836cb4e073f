//! Keys of neighbours, as files of the node hold them. Nothing of what is in such a file is ever told.

use fairway_bgp::session::config::Password;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

/// More is no key, with the end of a line.
const MOST: u64 = Password::LONGEST as u64 + 3;

/// Those that were read last.
#[derive(Debug, Default)]
pub(super) struct Passwords(BTreeMap<PathBuf, Password>);

impl Passwords {
    /// What a file holds. Where it cannot be read, what it held before, if anything, and why.
    pub(super) fn get(&mut self, path: &Path) -> (Option<Password>, Option<String>) {
        match read(path) {
            Ok(password) => {
                self.0.insert(path.to_owned(), password.clone());
                (Some(password), None)
            }
            Err(error) => {
                let before = self.0.get(path).cloned();
                let what = match &before {
                    Some(_) => "the key that was read before holds",
                    None => "no session is begun without its key",
                };
                let text = format!("{}: {error}: {what}", path.display());
                (before, Some(text))
            }
        }
    }

    /// Others are wanted no longer.
    pub(super) fn retain(&mut self, wanted: impl Fn(&Path) -> bool) {
        self.0.retain(|path, _| wanted(path));
    }
}

/// The line end that editors leave does not belong to it.
fn read(path: &Path) -> Result<Password, String> {
    let told = |error: std::io::Error| error.to_string();
    // Whoever opened a pipe would wait.
    if !fs::metadata(path).map_err(told)?.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(told)?;
    file.take(MOST).read_to_end(&mut bytes).map_err(told)?;
    let key = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    if key.contains(&b'\n') {
        return Err("it has more than one line".to_owned());
    }
    Password::new(key).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_line_and_what_is_wrong_with_it_does_not_show_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let long = "s".repeat(81);
        for (text, key) in [
            ("secret", Some("secret")),
            ("secret\n", Some("secret")),
            ("secret\r\n", Some("secret")),
            (" se cret ", Some(" se cret ")),
            ("secret\nmore", None),
            ("secret\n\n", None),
            ("", None),
            ("\n", None),
            (&long, None),
        ] {
            fs::write(&path, text).unwrap();
            let mut passwords = Passwords::default();
            let (password, problem) = passwords.get(&path);
            assert_eq!(
                password.as_ref().map(Password::key),
                key.map(str::as_bytes),
                "{text:?}"
            );
            assert_eq!(problem.is_some(), key.is_none(), "{text:?}");
            let problem = problem.unwrap_or_default();
            assert!(
                !problem.contains("secret") && !problem.contains("sss"),
                "{problem}"
            );
        }
        let (none, problem) = Passwords::default().get(dir.path());
        assert_eq!(none, None);
        assert!(problem.unwrap().contains("it is no file"));
    }

    #[test]
    fn a_file_that_is_gone_leaves_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "one").unwrap();
        let mut passwords = Passwords::default();
        assert_eq!(passwords.get(&path).1, None);
        fs::remove_file(&path).unwrap();
        let (password, problem) = passwords.get(&path);
        assert_eq!(password.unwrap().key(), b"one");
        assert!(
            problem
                .unwrap()
                .contains("the key that was read before holds")
        );
        passwords.retain(|_| false);
        assert_eq!(passwords.get(&path).0, None);
    }
}
