//! RPM's packages in a root of their own, over plugins that were there before.

use crate::private;
use anyhow::{Context, Result, ensure};
use fairway_tests_deploy::{Chroot, packages};
use std::fs;

#[test]
fn they_come_are_renewed_and_go_and_nothing_is_left() -> Result<()> {
    let root = Chroot::busybox()?;
    let cni = root.path("usr/libexec/cni");
    fs::create_dir_all(&cni)?;
    fs::write(cni.join("bridge"), "their bridge")?;
    root.rpm(&["--initdb"])?;
    let before = root.files()?;
    let paths = packages("rpm")?;
    let [plugins, daemon] = paths.each_ref().map(|path| path.to_str());
    let (plugins, daemon) = (plugins.context("a path")?, daemon.context("a path")?);
    // The root has no package that would bring its shell.
    let install = ["--upgrade", "--nodeps", "--force", plugins, daemon];
    for _ in 0..2 {
        root.rpm(&install)?;
        ensure!(fs::read(cni.join("bridge"))? == fs::read(cni.join("fairway-cni"))?);
        ensure!(
            root.path("usr/lib/systemd/system/fairwayd.service")
                .exists()
        );
        root.run(&["/usr/bin/netctl", "--help"])?;
        for page in ["fairwayd.8", "fairway-install.8"] {
            ensure!(
                root.path("usr/share/man/man8").join(page).exists(),
                "{page}"
            );
        }
    }
    let settings = root.path("etc/fairway/fairwayd.toml");
    private(&settings)?;
    let installed = root.rpm(&["--query", "--all"])?;
    ensure!(installed.lines().count() == 2, "{installed}");
    root.rpm(&["--erase", "--nodeps", "fairway", "fairway-cni-plugins"])?;
    ensure!(fs::read_to_string(cni.join("bridge"))? == "their bridge");
    let after = root.files()?;
    let left: Vec<_> = after
        .iter()
        .filter(|(path, _)| !before.contains_key(*path))
        .collect();
    // rpm leaves folders that no package of its own has.
    ensure!(
        left.iter().all(|(_, what)| *what == "folder"),
        "left: {left:?}"
    );
    ensure!(before.keys().all(|path| after.contains_key(path)));
    Ok(())
}
