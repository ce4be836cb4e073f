//! The harness itself: what a guest hands back, and that none is left behind.

use std::process::{Command, Stdio};
use std::time::Duration;

use fairway_tests_vm::error::VmError;
use fairway_tests_vm::guest::Guest;

const LONG: Duration = Duration::from_secs(120);

#[test]
fn status_output_and_environment_come_back() {
    let script = "echo \"$GREETING\"; echo to stderr >&2; seq 3000 | tail -n1; \
                  ip link add v type veth peer name w && ip link add link v name v.5 type vlan id 5 \
                  && ip -d link show v.5 | grep -o '802.1Q'; printf 'no line end'; exit 7";
    let mut lines = Vec::new();
    let outcome = Guest::new()
        .env("GREETING", "it's \"me\"")
        .run(&["/bin/sh", "-c", script], LONG, &mut |l| {
            lines.push(l.to_owned())
        })
        .unwrap();
    let wanted = "it's \"me\"\nto stderr\n3000\n802.1Q\nno line end\n";
    assert_eq!(outcome.output, wanted, "console: {}", outcome.console);
    assert_eq!(lines.concat(), wanted.replace('\n', ""));
    assert_eq!(outcome.status, 7);
    assert!(outcome.boot < outcome.total);
    assert!(outcome.ok().is_err());
}

#[test]
fn the_machines_files_are_seen_and_not_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, "from the machine").unwrap();
    let file = path.to_str().unwrap();
    let script = "cat \"$1\"; echo ', from the guest' > \"$1\"; cat \"$1\"; rm \"$1\"";
    let outcome = Guest::new()
        .run(&["/bin/sh", "-c", script, "sh", file], LONG, &mut |_| ())
        .unwrap();
    assert_eq!(outcome.ok().unwrap(), "from the machine, from the guest\n");
    assert_eq!(std::fs::read(&path).unwrap(), b"from the machine");
}

#[test]
fn a_hung_guest_is_killed() {
    let mark = "fairway.mark=hung";
    let error = marked(mark)
        .run(&["sleep", "1000"], Duration::from_secs(6), &mut |_| ())
        .expect_err("must not end");
    assert!(matches!(error, VmError::Deadline { .. }), "{error}");
    assert!(!runs(mark));
}

#[test]
fn a_panic_is_told_with_the_console() {
    let script = "echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger";
    let error = Guest::new()
        .run(&["/bin/sh", "-c", script], LONG, &mut |_| ())
        .expect_err("must not end well");
    assert!(matches!(error, VmError::NoExit { .. }), "{error}");
    assert!(
        error.to_string().contains("sysrq triggered crash"),
        "{error}"
    );
}

/// The victim is this very test, in a process that is told so.
#[test]
fn no_guest_outlives_a_killed_test_process() {
    const VICTIM: &str = "fairway.mark=victim";
    const ROLE: &str = "FAIRWAY_VM_VICTIM";
    if std::env::var_os(ROLE).is_some() {
        let _ = marked(VICTIM).run(&["sleep", "1000"], LONG, &mut |_| ());
        return;
    }
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_guest_outlives_a_killed_test_process"])
        .env(ROLE, "")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    fairway_lab::poll(LONG, "the victim's guest starts", || runs(VICTIM)).unwrap();
    victim.kill().unwrap();
    victim.wait().unwrap();
    let limit = Duration::from_secs(10);
    fairway_lab::poll(limit, "the victim's guest is gone", || !runs(VICTIM)).unwrap();
}

/// A guest whose QEMU can be told from all others.
fn marked(mark: &str) -> Guest {
    Guest::new().qemu_arguments(["-fw_cfg", &format!("name=opt/mark,string={mark}")])
}

/// Is there a process with this in its command line?
fn runs(mark: &str) -> bool {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| std::fs::read(e.path().join("cmdline")).ok())
        .any(|line| String::from_utf8_lossy(&line).contains(mark))
}
