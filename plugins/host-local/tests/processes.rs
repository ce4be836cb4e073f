//! Many processes at once, processes that are killed, and folders that cannot be written.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::{Bed, OURS};
use fairway_lab::json;
use std::{
    collections::HashSet,
    fs,
    process::{Command, Stdio},
    sync::Mutex,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Runs `work` for each number below `count`, `width` at a time.
fn side_by_side(width: usize, count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        break;
                    }
                    work(n);
                }
            });
        }
    });
}

#[test]
fn two_hundred_containers_thirty_two_at_a_time() {
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/24"}], [{"subnet": "fd00::/64"}]]));
    let given = Mutex::new(HashSet::new());
    side_by_side(32, 200, |n| {
        for ip in bed.add(OURS, &format!("c{n}")) {
            assert!(
                given.lock().unwrap().insert(ip.clone()),
                "{ip} was given out twice"
            );
        }
    });
    assert_eq!(given.into_inner().unwrap().len(), 400);
    assert_eq!(bed.files().len(), 400);
    // No gap: the order is kept also under load.
    let all: HashSet<_> = bed.files().into_keys().map(|ip| ip.to_string()).collect();
    assert!((2..202).all(|n| all.contains(&format!("10.0.0.{n}"))));
    side_by_side(32, 200, |n| bed.del(OURS, &format!("c{n}")));
    assert!(bed.files().is_empty());
}

/// SIGKILL at any moment, with others at work: whole files, no address twice, all free in the end.
#[test]
fn killed_at_random() {
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/26"}]]));
    bed.add(OURS, "stays");
    side_by_side(4, 200, |n| {
        let id = format!("k{n}");
        let delay = Duration::from_micros(((n * 7919) % 4000) as u64);
        kill_after(&bed, &id, "ADD", delay);
        for content in bed.files().values() {
            assert!(content.ends_with("\r\neth0"), "{content:?}");
        }
        kill_after(&bed, &id, "DEL", delay / 2);
        bed.del(OURS, &id);
    });
    let files = bed.files();
    assert_eq!(files.values().collect::<Vec<_>>(), ["stays\r\neth0"]);
    for n in 0..60 {
        bed.add(OURS, &format!("fill{n}"));
    }
    bed.call(OURS, "more").add().unwrap().fails(101).unwrap();
    bed.call(OURS, "stays")
        .gc(&[("stays", "eth0")])
        .unwrap()
        .fails(1)
        .unwrap();
}

/// Starts a call and kills it; it may have ended by then, well or not.
fn kill_after(bed: &Bed, id: &str, verb: &str, delay: Duration) {
    let config = bed.call(OURS, id).conf().to_string();
    let input = bed.dir().join(format!("{id}.json"));
    fs::write(&input, config).unwrap();
    let mut child = Command::new(OURS)
        .env_clear()
        .envs([
            ("CNI_COMMAND", verb),
            ("CNI_CONTAINERID", id),
            ("CNI_IFNAME", "eth0"),
        ])
        .envs([("CNI_NETNS", "/dev/null"), ("CNI_PATH", "/nowhere")])
        .stdin(fs::File::open(&input).unwrap())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begin = Instant::now();
    while begin.elapsed() < delay {
        thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_file(input).unwrap();
}

/// A call in a mount namespace of its own, after `script`, which has the data folder as `$1`.
fn mounted(bed: &Bed, script: &str, verb: &str, id: &str) -> (Option<i32>, String) {
    let mut config = bed.call(OURS, id).conf().clone();
    config["cniVersion"] = json!("1.1.0");
    config["cni.dev/valid-attachments"] = json!([]);
    let data = bed.dir().display().to_string();
    let output = bed
        .node()
        .command("unshare")
        .args(["-m", "sh", "-ec"])
        .arg(format!("{script}; exec \"$2\""))
        .args(["sh", &data, OURS])
        .env("CNI_COMMAND", verb)
        .env("CNI_CONTAINERID", id)
        .env("CNI_IFNAME", "eth0")
        .env("CNI_NETNS", "/dev/null")
        .env("CNI_PATH", "/nowhere")
        .stdin(config.to_string())
        .output()
        .unwrap();
    (output.status.code(), output.stdout + &output.stderr)
}

#[test]
fn a_read_only_folder() {
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/24"}]]));
    bed.add(OURS, "there");
    let script = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"";
    let call = |verb: &str, id: &str| mounted(&bed, script, verb, id);
    let (status, text) = call("ADD", "new");
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("\"code\":5") && text.contains("/net/"),
        "{text}"
    );
    assert!(text.contains("Read-only file system"), "{text}");
    let (status, text) = call("DEL", "there");
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("\"code\":5") && text.contains("/net/10.0.0.2"),
        "{text}"
    );
    let (status, text) = call("GC", "there");
    assert!(
        status == Some(1) && text.contains("/net/10.0.0.2"),
        "{text}"
    );
    let (status, text) = call("STATUS", "there");
    assert!(status == Some(1) && text.contains("\"code\":50"), "{text}");
    assert_eq!(call("DEL", "unknown"), (Some(0), String::new()));
    assert_eq!(call("CHECK", "there"), (Some(0), String::new()));
    assert_eq!(bed.files().len(), 1);
}

/// A file that gives an error when it is read stops its own container's DEL and nothing else.
#[test]
fn an_unreadable_file() {
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/24"}]]));
    for id in ["a", "b", "c"] {
        bed.add(OURS, id);
    }
    let script = "mount --bind /proc/$$/clear_refs \"$1/net/10.0.0.3\"";
    let call = |verb: &str, id: &str| mounted(&bed, script, verb, id);
    assert_eq!(call("DEL", "a"), (Some(0), String::new()));
    let (status, text) = call("ADD", "d");
    assert!(status == Some(0) && text.contains("10.0.0.5/24"), "{text}");
    let (status, text) = call("DEL", "b");
    assert!(
        status == Some(1) && text.contains("\"code\":5") && text.contains("/net/10.0.0.3"),
        "{text}"
    );
    // An operation that has to look at all files has the same to say, and forgets nothing.
    bed.del(OURS, "nobody");
    fs::write(bed.folder().join("10.0.0.99"), "e\r\neth0").unwrap();
    let (status, text) = call("GC", "x");
    assert!(
        status == Some(1) && text.contains("/net/10.0.0.3"),
        "{text}"
    );
    let left: Vec<_> = bed.files().into_values().collect();
    assert_eq!(left, ["b\r\neth0"]);
    fs::remove_dir_all(bed.dir().join(".fairway")).unwrap();
    assert_eq!(call("DEL", "nobody"), (Some(0), String::new()));
    bed.del(OURS, "b");
    assert!(bed.files().is_empty());
}

/// The same after a reboot, on a file system of its own that is mounted as `kind`.
fn after_a_reboot(kind: &str) -> String {
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/30"}]]));
    let script = format!(
        r#"
mount -t {kind} none "$1"
mount -t tmpfs none /etc
echo 00112233445566778899aabbccddeeff > /etc/machine-id
cat > "$1/config"
boot() {{
    echo "$2-2233-4455-6677-8899aabbccdd" > "$1/boot"
    mount --bind "$1/boot" /proc/sys/kernel/random/boot_id
}}
boot "$1" 00000001
CNI_CONTAINERID=old "$2" < "$1/config" > "$1/given"
umount /proc/sys/kernel/random/boot_id
boot "$1" 00000002
exec < "$1/config""#
    );
    mounted(&bed, &script, "ADD", "new").1
}

/// The reboot may be another machine's, cloned with its id: there the addresses are in use.
#[test]
fn a_folder_that_others_may_share() {
    let text = after_a_reboot("ramfs");
    assert!(
        text.contains("\"code\": 101") || text.contains("\"code\":101"),
        "{text}"
    );
    let text = after_a_reboot("tmpfs");
    assert!(text.contains("10.0.0.2/30"), "{text}");
}

#[test]
fn what_is_removed_is_told() {
    let bed = Bed::new(json!([[{"subnet": "10.0.0.0/24"}]]));
    bed.add(OURS, "a");
    fs::write(bed.folder().join("10.0.0.7"), "").unwrap();
    let (status, text) = mounted(&bed, ":", "DEL", "a");
    assert_eq!(status, Some(0), "{text}");
    assert!(
        text.starts_with("host-local: removed ") && text.contains("/net/10.0.0.7, 0 bytes"),
        "{text}"
    );
    assert_eq!(mounted(&bed, ":", "DEL", "a"), (Some(0), String::new()));
}
