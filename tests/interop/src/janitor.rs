//! Takes the cgroups away, which no namespace does for us.
//!
//! Everything else that a private host makes dies with its namespaces. cgroup
//! directories stay, so a small shell stands outside, waits for the end of
//! the test on a pipe (which SIGKILL closes too) and removes what is empty
//! by then. It has a session of its own, so that Ctrl-C ends the test and not
//! the sweep.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Waits for EOF, then removes the trees named `$1`, for half a minute at
/// most: the kernel frees a cgroup a moment after its last process.
const SWEEP: &str = r#"
cat >/dev/null
tries=600
while :; do
    left=
    for tree in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
        [ -d "$tree" ] || continue
        find "$tree" -depth -type d -exec rmdir {} \; 2>/dev/null
        [ ! -d "$tree" ] || left=$tree
    done
    [ -n "$left" ] || exit 0
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || exit 1
    sleep 0.05
done
"#;

/// The sweeper for one cgroup name.
pub(crate) struct Janitor {
    name: String,
    shell: Child,
}

impl Janitor {
    /// Starts it; from now on the death of this process is enough.
    pub(crate) fn start(name: &str) -> Result<Self> {
        let shell = Command::new("setsid")
            .args(["sh", "-c", SWEEP, "janitor", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("setsid sh")?;
        Ok(Self {
            name: name.to_owned(),
            shell,
        })
    }

    /// Lets it sweep now and says whether all went.
    pub(crate) fn finish(mut self) -> Result<()> {
        drop(self.shell.stdin.take());
        let status = self.shell.wait()?;
        ensure!(
            status.success(),
            "cgroup {} could not be removed",
            self.name
        );
        Ok(())
    }
}

/// The cgroup directories of that name that there are now, in any hierarchy.
pub(crate) fn trees(name: &str) -> Vec<std::path::PathBuf> {
    let root = Path::new("/sys/fs/cgroup");
    let mut found = vec![root.join(name)];
    if let Ok(hierarchies) = root.read_dir() {
        found.extend(hierarchies.flatten().map(|h| h.path().join(name)));
    }
    found.retain(|path| path.is_dir());
    found
}
