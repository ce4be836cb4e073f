//! The process, as the kernel shows it, under the names that Prometheus' own clients have for it.

use super::{names, page::Page};
use nix::unistd::{SysconfVar, sysconf};
use std::fs;

/// Shows it; false where it cannot be read.
pub(super) fn show(page: &mut Page) -> bool {
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let stat = stat.as_deref().and_then(Stat::read);
    let Some(stat) = stat else { return false };
    let number = |var| sysconf(var).ok().flatten().filter(|number| *number > 0);
    let ticks = number(SysconfVar::CLK_TCK).unwrap_or(100) as f64;
    let page_size = number(SysconfVar::PAGE_SIZE).unwrap_or(4096) as u64;
    page.put(names::PROCESS_CPU, &[], stat.ticks as f64 / ticks);
    page.put(
        names::PROCESS_RSS,
        &[],
        stat.resident.saturating_mul(page_size),
    );
    page.put(names::PROCESS_VIRTUAL, &[], stat.space);
    page.put(names::PROCESS_THREADS, &[], stat.threads);
    let boot = fs::read_to_string("/proc/stat").ok();
    let boot = boot
        .as_deref()
        .and_then(|text| number_after(text, "btime "));
    if let Some(boot) = boot {
        page.put(
            names::PROCESS_START,
            &[],
            boot as f64 + stat.began as f64 / ticks,
        );
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The folder itself is open while it is read.
        page.put(names::PROCESS_FDS, &[], open.count().saturating_sub(1));
    }
    let limits = fs::read_to_string("/proc/self/limits").ok();
    let most = limits
        .as_deref()
        .and_then(|text| number_after(text, "Max open files"));
    if let Some(most) = most {
        page.put(names::PROCESS_MAX_FDS, &[], most);
    }
    true
}

/// What proc(5) says of a process.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    /// In user and kernel.
    ticks: u64,
    threads: u64,
    /// Since boot, in ticks.
    began: u64,
    /// Bytes.
    space: u64,
    /// Pages.
    resident: u64,
}

impl Stat {
    /// The name in the second field may hold anything, parentheses too.
    fn read(text: &str) -> Option<Stat> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first of these is the third of the manual's.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Stat {
            ticks: field(14)?.saturating_add(field(15)?),
            threads: field(20)?,
            began: field(22)?,
            space: field(23)?,
            resident: field(24)?,
        })
    }
}

fn number_after(text: &str, head: &str) -> Option<u64> {
    let mut lines = text.lines();
    let rest = lines.find_map(|line| line.strip_prefix(head))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_is_no_trouble() {
        let text = "42 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 200 50 0 0 20 0 17 0 9000 123456 789 0";
        let stat = Stat::read(text).unwrap();
        assert_eq!((stat.ticks, stat.threads, stat.began), (250, 17, 9000));
        assert_eq!((stat.space, stat.resident), (123_456, 789));
        for text in [
            "",
            "42 (x",
            "42 (x) S 1 2",
            "42 (x) S a b c d e f g h i j k l m n o p q r s t u v",
        ] {
            assert_eq!(Stat::read(text), None, "{text}");
        }
        assert_eq!(
            number_after(
                "Max open files            1024     4096  files",
                "Max open files"
            ),
            Some(1024)
        );
        assert_eq!(
            number_after("Max open files            unlimited", "Max open files"),
            None
        );
    }

    #[test]
    fn this_process_is_shown() {
        let mut page = Page::default();
        assert!(show(&mut page));
        let text = page.open_metrics();
        for name in [
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "process_start_time_seconds ",
        ] {
            let value = number_after(&text, name).or_else(|| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                Some(line.parse::<f64>().ok()? as u64)
            });
            assert!(value.is_some_and(|value| value > 2), "{name}\n{text}");
        }
    }
}
