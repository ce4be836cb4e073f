//! What `iptables-legacy -S` lists of the filter table (iptables(8)). What is not understood counts as no rule.

use super::gate::{Gate, Hook, LINKS, Tool, within};
use fairway_ipam::Family;

/// The chains that drop what they do not know.
pub(super) fn gates(family: Family, text: &str, port: u16, uplink: Option<&str>) -> Vec<Gate> {
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|l| l.split_whitespace().collect())
        .collect();
    let rules: Vec<Rule<'_>> = lines.iter().filter_map(|words| Rule::of(words)).collect();
    let jumps: Vec<_> = rules.iter().map(|rule| (rule.chain, rule.target)).collect();
    let hooks = [("FORWARD", Hook::Forward), ("INPUT", Hook::Input)];
    let gate = |(name, hook): (&'static str, Hook)| {
        let policy = lines.iter().any(|words| words[..] == ["-P", name, "DROP"]);
        let last = |rule: &Rule<'_>| {
            rule.chain == name && rule.asked.is_empty() && ["DROP", "REJECT"].contains(&rule.target)
        };
        if !policy && !rules.iter().any(last) {
            return None;
        }
        let chains = within(name, &jumps);
        let accepts = |what: &dyn Fn(&[&str]) -> bool| {
            let mut inside = rules.iter().filter(|rule| chains.contains(&rule.chain));
            inside.any(|rule| rule.target == "ACCEPT" && what(rule.asked))
        };
        let links = format!("{LINKS}+");
        let (number, range) = (port.to_string(), |text: &str| covers(text, port));
        Some(Gate {
            tool: Tool::Legacy,
            family: match family {
                Family::V4 => "ip",
                Family::V6 => "ip6",
            }
            .to_owned(),
            table: "filter".to_owned(),
            chain: name.to_owned(),
            hook,
            from_containers: accepts(&|asked| asked.is_empty() || asked == ["-i", &links]),
            to_containers: accepts(&|asked| asked.is_empty() || asked == ["-o", &links]),
            overlay: accepts(&|asked| match asked {
                [] | ["-p", "udp"] => true,
                ["-i", link] => Some(*link) == uplink,
                ["-p", "udp", "-m", "udp", "--dport", ports] => *ports == number || range(ports),
                ["-p", "udp", "-m", "multiport", "--dports", ports] => {
                    ports.split(',').any(|one| one == number || range(one))
                }
                _ => false,
            }),
        })
    };
    hooks.into_iter().filter_map(gate).collect()
}

/// `FIRST:LAST`.
fn covers(text: &str, port: u16) -> bool {
    let Some((first, last)) = text.split_once(':') else {
        return false;
    };
    let (first, last) = (first.parse::<u16>(), last.parse::<u16>());
    first.is_ok_and(|first| first <= port) && last.is_ok_and(|last| port <= last)
}

struct Rule<'a> {
    chain: &'a str,
    /// What is asked of a packet.
    asked: &'a [&'a str],
    target: &'a str,
}

impl<'a> Rule<'a> {
    fn of(words: &'a [&'a str]) -> Option<Rule<'a>> {
        let ["-A", chain, rest @ ..] = words else {
            return None;
        };
        let at = rest
            .iter()
            .position(|word| *word == "-j" || *word == "-g")?;
        Some(Rule {
            chain,
            asked: rest.get(..at)?,
            target: rest.get(at + 1)?,
        })
    }
}
