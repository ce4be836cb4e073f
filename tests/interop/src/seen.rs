//! What can be seen of a network from outside: links, rules, address files.
//!
//! Read with `ip`, `nft` and `iptables-save`, not with our own code, so that
//! the same mistake is not made twice.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cmd;
use crate::conf::Network;
use crate::host::Host;

/// How long a thing may take that should be there at once but is made by
/// another process, on a machine that has other things to do.
pub const SOON: Duration = Duration::from_secs(60);

/// Names of the host's veth ends.
///
/// # Errors
/// If `ip` failed.
pub fn veths(host: &Host) -> Result<Vec<String>> {
    let links: Value =
        serde_json::from_str(&host.sh(&["ip", "-j", "link", "show", "type", "veth"])?)?;
    Ok(texts(&links, "ifname"))
}

/// `ADDRESS/PREFIX` of each global address on `eth0` in the process's network
/// namespace.
///
/// # Errors
/// If there is no such process or link.
pub fn addresses(host: &Host, pid: u64) -> Result<Vec<String>> {
    let netns = format!("--net=/proc/{pid}/ns/net");
    let out = host.sh(&[
        "nsenter", &netns, "ip", "-j", "addr", "show", "dev", "eth0", "scope", "global",
    ])?;
    let links: Vec<Value> = serde_json::from_str(&out)?;
    Ok(links
        .iter()
        .filter_map(|link| link["addr_info"].as_array())
        .flatten()
        .filter_map(|a| Some(format!("{}/{}", a["local"].as_str()?, a["prefixlen"])))
        .collect())
}

/// Gateway of the default route of the family (`-4` or `-6`) there.
///
/// # Errors
/// If there is none.
pub fn gateway(host: &Host, pid: u64, family: &str) -> Result<String> {
    let netns = format!("--net=/proc/{pid}/ns/net");
    let out = host.sh(&[
        "nsenter", &netns, "ip", "-j", family, "route", "show", "default",
    ])?;
    let routes: Value = serde_json::from_str(&out)?;
    texts(&routes, "gateway").pop().context("no default route")
}

/// All packet filter rules of the host, whichever program made them.
///
/// # Errors
/// If one of the tools failed.
pub fn rules(host: &Host) -> Result<String> {
    let mut all = host.sh(&["nft", "list", "ruleset"])?;
    all += &host.sh(&["iptables-save"])?;
    all += &host.sh(&["ip6tables-save"])?;
    Ok(all)
}

/// The addresses that the network's IPAM holds on disk.
///
/// # Errors
/// If the folder cannot be read.
pub fn taken(network: &Network) -> Result<Vec<IpAddr>> {
    let dir = network.address_files();
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in dir.read_dir()? {
        if let Some(address) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) {
            found.push(address);
        }
    }
    found.sort();
    Ok(found)
}

/// That nothing is left of a container: no veth, no address on disk, no rule
/// that names it or its addresses, no namespace.
///
/// # Errors
/// Names what is left.
pub fn nothing_left(host: &Host, network: &Network, marks: &[&str]) -> Result<()> {
    let veths = veths(host)?;
    ensure!(veths.is_empty(), "veths left: {veths:?}");
    let taken = taken(network)?;
    ensure!(taken.is_empty(), "addresses left: {taken:?}");
    no_rules_for(host, marks)?;
    let netns = std::path::Path::new("/run/netns");
    if netns.exists() {
        let names: Vec<_> = netns.read_dir()?.flatten().map(|e| e.file_name()).collect();
        ensure!(names.is_empty(), "namespaces left: {names:?}");
    }
    Ok(())
}

/// That no packet filter rule names any of `marks`.
///
/// # Errors
/// Shows the first rule that does.
pub fn no_rules_for(host: &Host, marks: &[&str]) -> Result<()> {
    let rules = rules(host)?;
    for line in rules.lines() {
        for mark in marks {
            ensure!(!names(line, mark), "rule left for {mark}: {line}");
        }
    }
    Ok(())
}

/// That some packet filter rule names `mark`; else its absence later says
/// nothing.
///
/// # Errors
/// Shows the rules if none does.
pub fn some_rule_for(host: &Host, mark: &str) -> Result<()> {
    let rules = rules(host)?;
    ensure!(
        rules.lines().any(|line| names(line, mark)),
        "no rule names {mark}:\n{rules}"
    );
    Ok(())
}

/// Is `mark` in the line, and not as the beginning of a longer address?
fn names(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let inside = |c: char| c.is_ascii_hexdigit() || (c == ':' && mark.contains(':'));
        !line[..at].ends_with(inside) && !line[at + mark.len()..].starts_with(inside)
    })
}

/// GETs `/` of the container's web server at `address`, until it answers.
///
/// # Errors
/// If it does not.
pub fn fetch(address: SocketAddr) -> Result<String> {
    cmd::eventually(SOON, || {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        ensure!(text.starts_with("HTTP/1."), "{address} answers {text:?}");
        Ok(text)
    })
    .with_context(|| format!("http://{address}/"))
}

/// One call of a plugin by hand, as a runtime makes it.
///
/// # Errors
/// If it could not be started.
pub fn call(host: &Host, kind: &str, env: &[(&str, &str)], stdin: &Value) -> Result<cmd::Done> {
    let file = host.work().join("tmp/stdin");
    std::fs::write(&file, serde_json::to_vec(stdin)?)?;
    let path = host.plugins().dir().join(kind);
    let mut command = host.command(&path.to_string_lossy());
    command
        .env("CNI_PATH", host.plugins().dir())
        .envs(env.iter().copied())
        .stdin(Stdio::from(std::fs::File::open(file)?));
    cmd::run(&mut command)
}

fn texts(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item[key].as_str().map(str::to_owned))
        .collect()
}
