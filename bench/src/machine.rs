//! Where it was measured: a number without its machine says little.

use fairway_lab::{Value, json};
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

/// The first value of a key in a file of `key: value` lines.
fn field(path: &str, key: &str) -> String {
    let text = read(path);
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let found = lines.find(|(name, _)| name.trim() == key);
    found.map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

/// CPUs, kernel, memory, time and how busy it was.
pub(crate) fn facts() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    json!({
        "cpu": field("/proc/cpuinfo", "model name"),
        "cores": cores,
        "kernel": read("/proc/sys/kernel/osrelease"),
        "memory": field("/proc/meminfo", "MemTotal"),
        "load average": read("/proc/loadavg"),
        "unix time": now.map_or(0, |now| now.as_secs()),
    })
}
