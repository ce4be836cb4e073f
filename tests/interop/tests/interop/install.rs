//! What `fairway-install` puts on a node, and who notices: containerd, and the image of the chart itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use fairway_lab::{bin_dir, plugin_dir};
use fairway_tests_interop::cmd::{self, Done};
use fairway_tests_interop::conf::Network;
use fairway_tests_interop::containerd::Containerd;
use fairway_tests_interop::cri::pod;
use fairway_tests_interop::host::{Host, on_private_host};
use fairway_tests_interop::podman::Podman;
use fairway_tests_interop::seen;

const FIRST: &str = "10.82.0.0/24";
const SECOND: &str = "10.83.0.0/24";

/// Runs it on the folders that the host's engines look into.
fn install(host: &Host, verb: &str, args: &[&Path]) -> Result<Done> {
    let program = bin_dir().join("fairway-install");
    let mut command = host.command(program.to_str().context("a path")?);
    command
        .arg(verb)
        .arg("--conflists")
        .arg(host.work().join("net.d"));
    cmd::run(command.args(args))
}

/// Puts a network there, by a file that lies elsewhere.
fn put(host: &Host, network: &Network) -> Result<()> {
    // The bed knows only how to write where engines look.
    network.write(host)?;
    let written = host
        .work()
        .join(format!("net.d/{}.conflist", network.name()));
    let source = host.work().join("source.json");
    fs::copy(&written, &source)?;
    fs::remove_file(&written)?;
    let binary = plugin_dir().join("fairway-cni");
    let args = [
        Path::new("--conflist"),
        &source,
        Path::new("--from"),
        &binary,
        Path::new("--to"),
        host.plugins().dir(),
    ];
    install(host, "conflist", &args)?.ok()?;
    Ok(())
}

/// A new sandbox's address begins so.
fn gets(host: &Host, containerd: &Containerd<'_>, name: &str, prefix: &str) -> Result<()> {
    let cri = containerd.cri();
    let id = cri.run(pod(name, &host.cgroup_parent()))?;
    let addresses = cri.status(&id)?.addresses;
    // Also where it is too early: its name is wanted again.
    cri.stop(&id)?;
    cri.remove(&id)?;
    ensure!(
        addresses.iter().all(|address| address.starts_with(prefix)),
        "{addresses:?}"
    );
    Ok(())
}

#[test]
fn containerd_notices_a_configuration_that_comes_changes_and_goes() -> Result<()> {
    on_private_host(|host| {
        let before = Network::new(host, "before", &[FIRST]);
        before.write(host)?;
        let containerd = Containerd::new(host)?;
        let cri = containerd.cri();
        let none = || match cri.network_ready() {
            Ok(()) => Err(anyhow::anyhow!("the network is ready")),
            Err(_) => Ok(()),
        };
        fs::remove_file(host.work().join("net.d/before.conflist"))?;
        cmd::eventually(seen::SOON, none)?;

        let first = Network::new(host, "first", &[FIRST]);
        put(host, &first)?;
        cmd::eventually(seen::SOON, || cri.network_ready())?;
        cmd::eventually(seen::SOON, || gets(host, &containerd, "one", "10.82.0."))?;
        let second = Network::new(host, "second", &[SECOND]);
        put(host, &second)?;
        cmd::eventually(seen::SOON, || gets(host, &containerd, "two", "10.83.0."))?;
        install(host, "remove", &[])?.ok()?;
        cmd::eventually(seen::SOON, none)?;
        // Podman, which made the image, has its lock there.
        for entry in fs::read_dir(host.work().join("net.d"))? {
            let name = entry?.file_name();
            ensure!(name == "cni.lock", "{name:?} is left");
        }
        Ok(())
    })
}

/// As the chart starts it: no capability but one, and nothing that can be written but the node's folder.
#[test]
fn the_image_puts_its_plugins_on_a_node_and_takes_them_away() -> Result<()> {
    on_private_host(|host| {
        let podman = Podman::new(host)?;
        let context = host.work().join("context");
        let programs = ["fairway-install", "fairwayd", "netctl"];
        for (folder, from, names) in [
            ("dist/cni", plugin_dir(), &["fairway-cni"][..]),
            ("dist/bin", bin_dir(), &programs),
        ] {
            let folder = context.join(folder);
            fs::create_dir_all(&folder)?;
            for name in names {
                fs::copy(from.join(name), folder.join(name))?;
            }
        }
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../deploy/image/Containerfile"
        );
        let context = context.to_string_lossy();
        podman.ok(&[
            "build", "--quiet", "--tag", "fw:1", "--file", file, &context,
        ])?;

        let bin = host.work().join("node-bin");
        fs::create_dir(&bin)?;
        fs::write(bin.join("bridge"), "their bridge")?;
        let (volume, parent) = (format!("{}:/host/bin", bin.display()), host.cgroup_parent());
        let run = |program: &str, args: &[&str]| {
            let mut line = vec!["run", "--rm", "--network", "none", "--cap-drop", "ALL"];
            line.extend(["--cap-add", "DAC_OVERRIDE", "--read-only"]);
            line.extend([
                "--security-opt",
                "no-new-privileges",
                "--cgroup-parent",
                &parent,
            ]);
            line.extend(["--volume", &volume, "--entrypoint", program, "fw:1"]);
            line.extend(args);
            podman.ok(&line)
        };
        run("/usr/sbin/fairway-install", &["plugins", "--to=/host/bin"])?;
        let ours = fs::read(plugin_dir().join("fairway-cni"))?;
        for name in ["bridge", "vxlan", "fairway-cni"] {
            ensure!(fs::read(bin.join(name)).context(name)? == ours, "{name}");
        }
        run(
            "/usr/sbin/fairway-install",
            &["remove", "--plugins=/host/bin"],
        )?;
        ensure!(fs::read_to_string(bin.join("bridge"))? == "their bridge");
        ensure!(fs::read_dir(&bin)?.count() == 1);
        ensure!(run("/usr/sbin/fairwayd", &["--help"])?.contains("--cleanup"));
        ensure!(run("/usr/bin/netctl", &["--help"])?.contains("status"));
        Ok(())
    })
}
