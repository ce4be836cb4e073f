//! The systemd unit, judged by systemd.

use anyhow::{Context, Result, ensure};
use fairway_lab::{Ns, bin_dir, tempfile};
use std::fs;

const UNIT: &str = "systemd/fairwayd.service";

#[test]
fn systemd_takes_the_unit() -> Result<()> {
    let (ns, root) = (Ns::new("unit")?, tempfile::tempdir()?);
    let unit = fairway_tests_deploy::deploy().join(UNIT);
    let text = fs::read_to_string(&unit)?;
    // The program is looked for, too.
    let program = bin_dir().join("fairwayd");
    let text = text.replace("/usr/sbin/fairwayd", &program.display().to_string());
    let text = text.replace("Documentation=man:fairwayd(8)\n", "");
    let there = root.path().join("fairwayd.service");
    fs::write(&there, text)?;
    let verify = ns
        .command("systemd-analyze")
        .arg("verify")
        .arg("--man=no")
        .arg(&there);
    let output = verify.output()?;
    let said: Vec<_> = output
        .stderr
        .lines()
        .filter(|line| line.contains("fairwayd"))
        .collect();
    ensure!(
        output.status.success() && said.is_empty(),
        "{}",
        output.stderr
    );
    // Broken, it is refused.
    fs::write(&there, "[Service]\nType=nothing\nExecStart=/nowhere\n")?;
    ensure!(!verify.output()?.status.success());
    Ok(())
}

/// What the daemon needs is more than a service usually has. This is the sum of it, and grows only by intent.
#[test]
fn what_the_unit_may_do_does_not_grow() -> Result<()> {
    let ns = Ns::new("unit")?;
    let security = ns
        .command("systemd-analyze")
        .args(["security", "--offline=true"]);
    let security = security.args(["--json=short", "--threshold=74"]);
    let output = security
        .arg(fairway_tests_deploy::deploy().join(UNIT))
        .output()?;
    ensure!(
        output.status.success(),
        "{}{}",
        output.stdout,
        output.stderr
    );
    let checks: fairway_lab::Value = fairway_lab::serde_json::from_str(&output.stdout)?;
    let set = |name: &str| {
        let checks = checks.as_array().into_iter().flatten();
        let mut of = checks.filter(|check| check["json_field"] == name);
        of.next()
            .and_then(|check| check["set"].as_bool())
            .context(name.to_owned())
    };
    ensure!(set("NoNewPrivileges")? && set("MemoryDenyWriteExecute")?);
    ensure!(set("RestrictSUIDSGID")? && set("LockPersonality")?);
    Ok(())
}
