//! A `resolv.conf` as the result's `dns`.

use fairway_cni::Dns;
use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// The most that is read, in bytes; more is cut off.
const MAX: u64 = 1 << 20;

/// Reads the file.
///
/// # Errors
/// What opening or reading it gives.
pub fn read(path: &Path) -> io::Result<Dns> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX).read_to_end(&mut bytes)?;
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// Reads the text; lines that say nothing of interest are passed over.
pub fn parse(text: &str) -> Dns {
    let mut dns = Dns::default();
    for line in text.lines().map(str::trim) {
        if line.starts_with(['#', ';']) {
            continue;
        }
        let mut words = line.split_whitespace().map(ToOwned::to_owned);
        let Some(keyword) = words.next() else {
            continue;
        };
        match keyword.as_str() {
            "nameserver" => dns.nameservers.extend(words.next()),
            "domain" => dns.domain = words.next().or(dns.domain),
            "search" => dns.search.extend(words),
            "options" => dns.options.extend(words),
            _ => {}
        }
    }
    dns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keywords() {
        let dns = parse(
            "# by hand\n; old\nnameserver 192.0.2.1 # first\n  nameserver 2001:db8::1\n\ndomain example.org\n\
             search a.example b.example\nsearch c.example\noptions ndots:1 edns0\nsortlist 10.0.0.0\nnameserver\n",
        );
        assert_eq!(dns.nameservers, ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(dns.domain.as_deref(), Some("example.org"));
        assert_eq!(dns.search, ["a.example", "b.example", "c.example"]);
        assert_eq!(dns.options, ["ndots:1", "edns0"]);
    }

    #[test]
    fn nothing() {
        assert!(parse("").is_empty());
        assert!(read(Path::new("/nonexistent/resolv.conf")).is_err());
    }
}
