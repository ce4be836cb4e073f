//! Debian's packages in a chroot, with the package there whose files have the same names.

use crate::private;
use anyhow::{Context, Result, ensure};
use fairway_tests_deploy::{Chroot, changed, given, packages};
use std::fs;
use std::path::Path;

const PLUGINS: &str = "/tmp/plugins.deb";
const DAEMON: &str = "/tmp/daemon.deb";
const REFERENCE: &str = "/tmp/reference.deb";

fn bed() -> Result<Chroot> {
    let root = Chroot::debian()?;
    let [plugins, daemon] = packages("deb")?;
    root.bring(&plugins, PLUGINS)?;
    root.bring(&daemon, DAEMON)?;
    root.bring(&given("FAIRWAY_REFERENCE_DEB")?, REFERENCE)?;
    Ok(root)
}

/// Without syncing each file: the chroot goes anyway. Of the reference package only what it holds counts.
fn dpkg(root: &Chroot, args: &[&str]) -> Result<String> {
    let mut line = vec!["dpkg", "--force-unsafe-io", "--force-depends"];
    line.extend(args);
    root.run(&line)
}

fn ours(root: &Chroot, name: &str) -> bool {
    let link = fs::read_link(root.path("usr/lib/cni").join(name));
    link.is_ok_and(|target| target == Path::new("../fairway/cni/fairway-cni"))
}

fn version(root: &Chroot, name: &str) -> Result<String> {
    let plugin = format!("/usr/lib/cni/{name}");
    let output = root.run(&["sh", "-c", &format!("{plugin} 2>&1 < /dev/null || true")])?;
    Ok(output.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn they_come_are_renewed_and_go_and_nothing_is_left() -> Result<()> {
    let root = bed()?;
    let before = root.files()?;
    dpkg(&root, &["--install", PLUGINS, DAEMON])?;
    ensure!(ours(&root, "bridge") && ours(&root, "vxlan"));
    let listed = root.run(&["/usr/lib/fairway/cni/fairway-cni", "--list"])?;
    ensure!(listed.lines().all(|name| ours(&root, name)), "{listed}");
    root.run(&["fairwayd", "--help"])?;
    root.run(&["netctl", "--help"])?;
    // The unit is enabled, and nothing was started: there is no systemd in a chroot.
    let wanted = "etc/systemd/system/multi-user.target.wants/fairwayd.service";
    ensure!(
        fs::symlink_metadata(root.path(wanted)).is_ok(),
        "not enabled"
    );
    ensure!(!root.path("run/fairway").exists());

    // An administrator's settings outlive an upgrade and a removal, not a purge.
    let settings = root.path("etc/fairway/fairwayd.toml");
    private(&settings)?;
    fs::write(&settings, "node = \"n1\"\n")?;
    fs::create_dir_all(root.path("var/lib/fairway"))?;
    fs::write(root.path("var/lib/fairway/journal.redb"), "")?;
    dpkg(&root, &["--force-confold", "--install", PLUGINS, DAEMON])?;
    ensure!(ours(&root, "bridge"));
    dpkg(&root, &["--remove", "fairway", "fairway-cni-plugins"])?;
    ensure!(fs::read_to_string(&settings)? == "node = \"n1\"\n");
    ensure!(root.path("var/lib/fairway/journal.redb").exists());
    ensure!(!root.path("usr/lib/cni").exists() && !root.path("usr/sbin/fairwayd").exists());
    dpkg(&root, &["--purge", "fairway", "fairway-cni-plugins"])?;
    let changed = changed(&before, &root.files()?);
    ensure!(changed.is_empty(), "{changed:?}");
    Ok(())
}

#[test]
fn the_reference_plugins_step_aside_and_come_back() -> Result<()> {
    let root = bed()?;
    dpkg(&root, &["--install", REFERENCE])?;
    let before = root.files()?;
    let theirs = version(&root, "bridge")?;
    dpkg(&root, &["--install", PLUGINS])?;
    ensure!(ours(&root, "bridge") && !ours(&root, "dhcp"));
    ensure!(version(&root, "bridge")? != theirs, "{theirs}");
    ensure!(root.path("usr/lib/cni/bridge.distrib").exists());
    // Their upgrade goes past ours.
    dpkg(&root, &["--install", REFERENCE])?;
    ensure!(ours(&root, "bridge"));
    dpkg(&root, &["--remove", "fairway-cni-plugins"])?;
    ensure!(version(&root, "bridge")? == theirs);
    let changed = changed(&before, &root.files()?);
    ensure!(changed.is_empty(), "{changed:?}");

    // They go while ours are there, and do not come back with the end of ours.
    dpkg(&root, &["--install", PLUGINS])?;
    dpkg(&root, &["--purge", "containernetworking-plugins"])?;
    ensure!(ours(&root, "bridge"));
    let left = root.path("usr/lib/cni/bridge.distrib");
    ensure!(!left.exists(), "their file is there without their package");
    dpkg(&root, &["--purge", "fairway-cni-plugins"])?;
    ensure!(!root.path("usr/lib/cni").exists());
    let diversions = root.run(&["dpkg-divert", "--list", "/usr/lib/cni/*"])?;
    ensure!(diversions.is_empty(), "{diversions}");
    Ok(())
}

#[test]
fn they_say_what_they_are() -> Result<()> {
    let root = bed()?;
    let field = |package, field| root.run(&["dpkg-deb", "--field", package, field]);
    ensure!(field(PLUGINS, "Package")?.trim() == "fairway-cni-plugins");
    ensure!(field(DAEMON, "Depends")?.trim() == "fairway-cni-plugins");
    for (package, file) in [
        (DAEMON, "./usr/sbin/fairwayd"),
        (DAEMON, "./usr/bin/netctl"),
        (DAEMON, "./etc/fairway/fairwayd.toml"),
        (DAEMON, "./usr/share/man/man8/fairwayd.8"),
        (PLUGINS, "./usr/share/man/man8/fairway-install.8"),
        (PLUGINS, "./usr/share/man/man8/fairway-install-keep.8"),
    ] {
        let listed = root.run(&["dpkg-deb", "--contents", package])?;
        let name = |line: &&str| line.ends_with(file) || line.ends_with(&format!("{file}.gz"));
        let line = listed.lines().find(name).context(file)?;
        ensure!(
            line.contains(" 0/0 ") || line.contains(" root/root "),
            "{line}"
        );
    }
    Ok(())
}
