//! A node whose network becomes ready late.

use super::*;
use nix::sys::pthread::{pthread_kill, pthread_self};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

/// For four rounds of a process each, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(30);

/// A binary whose STATUS succeeds once there is a file `up` beside it, and which notes how it was asked.
fn plan(temp: &Path) -> Plan {
    let binary = temp.join("fairway-cni-source");
    let up = temp.join("up");
    let asked = temp.join("asked");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --list ] && {{ echo bridge; exit; }}\n\
         echo \"$CNI_COMMAND $(basename \"$0\") $(cat)\" >> {asked}\n\
         [ -e {up} ] || {{ echo '{{\"code\":50,\"msg\":\"no pool\",\"details\":\"none is there\"}}'; exit 1; }}\n",
        up = up.display(),
        asked = asked.display(),
    );
    fs::write(&binary, script).unwrap();
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
    let file = temp.join("conf");
    // A plugin of another vendor's is not asked.
    let text = r#"{"cniVersion":"0.4.0","name":"pods","plugins":[{"type":"bridge","x":1},{"type":"theirs"}]}"#;
    fs::write(&file, text).unwrap();
    let conf = Conf {
        file,
        name: "10-fairway.conflist".parse().unwrap(),
        folder: temp.join("net.d"),
        not_first: false,
    };
    Plan {
        binary,
        types: None,
        plugins: temp.join("bin"),
        conf: Some(conf),
    }
}

#[test]
fn the_configuration_waits_for_the_network_and_then_stays() {
    let _alone = crate::shared::alone();
    let temp = tempfile::tempdir().unwrap();
    let plan = plan(temp.path());
    let error = plan.round(&Disk::real()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "bridge is not ready: no pool; none is there"
    );
    assert!(temp.path().join("bin/bridge").exists());
    assert!(!temp.path().join("net.d/10-fairway.conflist").exists());
    assert!(plan.check().is_err());
    let asked = fs::read_to_string(temp.path().join("asked")).unwrap();
    assert!(asked.starts_with("STATUS bridge {"), "{asked}");
    assert!(
        asked.contains("\"cniVersion\":\"1.1.0\"") && asked.contains("\"name\":\"pods\""),
        "{asked}"
    );

    fs::write(temp.path().join("up"), "").unwrap();
    assert!(plan.round(&Disk::real()).unwrap().conf);
    plan.check().unwrap();
    // A network that is away for a moment changes nothing, and is not even asked.
    fs::remove_file(temp.path().join("up")).unwrap();
    assert_eq!(plan.round(&Disk::real()).unwrap(), Round::default());
    assert_eq!(
        fs::read_to_string(temp.path().join("asked"))
            .unwrap()
            .lines()
            .count(),
        2
    );
    plan.check().unwrap();
}

#[test]
fn it_goes_on_until_a_signal_and_mends_what_is_taken_away() {
    let _alone = crate::shared::alone();
    let temp = tempfile::tempdir().unwrap();
    let plan = plan(temp.path());
    let ending = Ending::heard().unwrap();
    let mut said = Vec::new();
    let path = temp.path().join("net.d/10-fairway.conflist");
    // Each word of it moves the world one step on; the last ends it. Where one stays away, the deadline does.
    let keeper = pthread_self();
    let (done, waiting) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                pthread_kill(keeper, Signal::SIGTERM).unwrap();
            }
        });
        keep(&plan, Duration::from_millis(1), &ending, |word| {
            said.push(word.to_owned());
            match said.len() {
                1 => fs::write(temp.path().join("up"), "").unwrap(),
                2 => assert!(path.exists()),
                3 => fs::remove_file(&path).unwrap(),
                4 => nix::sys::signal::raise(Signal::SIGTERM).unwrap(),
                _ => {}
            }
        });
        drop(done);
    });
    let wanted = [
        "bridge is not ready: no pool; none is there",
        "the configuration is written",
        "all is as it should be",
        "the configuration is written",
    ];
    assert_eq!(said, wanted);
    assert!(path.exists(), "it ends with everything left in place");
}
