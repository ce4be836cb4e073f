//! Namespaces that live as long as a test's threads and handles: nothing has a
//! name, so nothing is left even if the test is killed.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks, and each test uses a part of this"
)]

use std::process::Command;

use fairway_netlink::{Handle, Link, NetNs, Netlink};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

/// Runs a test in a network namespace of its own. Says so and does nothing
/// without the right to make one.
pub fn in_new_netns(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::spawn(move || {
        if let Err(errno) = unshare(CloneFlags::CLONE_NEWNET) {
            assert!(!nix::unistd::geteuid().is_root(), "unshare: {errno}");
            eprintln!("SKIPPED: needs root to make a network namespace ({errno})");
            return;
        }
        test();
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Another namespace, for as long as the handle on it lives.
pub fn new_netns() -> NetNs {
    std::thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET).unwrap();
        NetNs::current().unwrap()
    })
    .join()
    .unwrap()
}

/// Runs a program in the thread's namespace and reads its JSON.
pub fn json(command: &str) -> Value {
    let output = run(command);
    let text = if output.trim().is_empty() {
        "[]"
    } else {
        &output
    };
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{command}: {error}: {text}"))
}

/// Runs a program in the thread's namespace; it must succeed.
pub fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap_or_else(|error| panic!("{command}: {error}"));
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The link of that name, which must be there.
pub fn link(handle: &mut Handle, name: &str) -> Link {
    handle
        .link_by_name(name)
        .unwrap()
        .unwrap_or_else(|| panic!("no link {name}"))
}

/// What `ip -d link` says of one link.
pub fn ip_link(name: &str) -> Value {
    json(&format!("ip -j -d link show dev {name}"))[0].clone()
}
