//! What `nft -j list ruleset` lists (libnftables-json(5)). What is not understood counts as no rule.

use super::gate::{Gate, Hook, LINKS, Tool, within};
use serde_json::Value;

/// The base chains that drop what they do not know.
///
/// # Errors
/// Where it is no JSON.
pub(super) fn gates(
    text: &str,
    port: u16,
    uplink: Option<&str>,
) -> Result<Vec<Gate>, serde_json::Error> {
    let listed: Value = serde_json::from_str(text)?;
    let objects = listed["nftables"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |kind: &'static str| objects.iter().filter_map(move |object| object.get(kind));
    let rules: Vec<Rule<'_>> = of("rule").filter_map(Rule::of).collect();
    let gate = |chain: &Value| {
        let hook = match (word(chain, "type")?, word(chain, "hook")?) {
            ("filter", "forward") => Hook::Forward,
            ("filter", "input") => Hook::Input,
            _ => return None,
        };
        let (family, table) = (word(chain, "family")?, word(chain, "table")?);
        let name = word(chain, "name")?;
        // What our own drops is to be dropped.
        let ours = (family, table) == ("inet", "fairway");
        if ours || !matches!(family, "ip" | "ip6" | "inet") {
            return None;
        }
        let own = |rule: &&Rule<'_>| (rule.family, rule.table) == (family, table);
        let own: Vec<&Rule<'_>> = rules.iter().filter(own).collect();
        let dropped = chain["policy"].as_str() == Some("drop")
            || own
                .iter()
                .any(|rule| rule.chain == name && rule.drops_all());
        if !dropped {
            return None;
        }
        let jumps: Vec<_> = own.iter().flat_map(|rule| rule.jumps()).collect();
        let chains = within(name, &jumps);
        let accepts = |what: &dyn Fn(&Rule<'_>) -> bool| {
            let mut inside = own.iter().filter(|rule| chains.contains(&rule.chain));
            inside.any(|rule| rule.accepts() && what(rule))
        };
        Some(Gate {
            tool: Tool::Nft,
            family: family.to_owned(),
            table: table.to_owned(),
            chain: name.to_owned(),
            hook,
            from_containers: accepts(&|rule| rule.only(&|m| is_link(m, "iifname", LINKS))),
            to_containers: accepts(&|rule| rule.only(&|m| is_link(m, "oifname", LINKS))),
            overlay: accepts(&|rule| {
                rule.only(&|m| {
                    is_port(m, port)
                        || is_udp(m)
                        || uplink.is_some_and(|link| is_link(m, "iifname", link))
                        || uplink.is_some_and(|link| is_link(m, "iif", link))
                })
            }),
        })
    };
    Ok(of("chain").filter_map(gate).collect())
}

fn word<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

struct Rule<'a> {
    family: &'a str,
    table: &'a str,
    chain: &'a str,
    parts: &'a [Value],
}

impl<'a> Rule<'a> {
    fn of(rule: &'a Value) -> Option<Rule<'a>> {
        Some(Rule {
            family: word(rule, "family")?,
            table: word(rule, "table")?,
            chain: word(rule, "chain")?,
            parts: rule.get("expr")?.as_array()?,
        })
    }

    fn has(&self, verdict: &str) -> bool {
        self.parts.iter().any(|part| part.get(verdict).is_some())
    }

    fn accepts(&self) -> bool {
        self.has("accept")
    }

    fn drops_all(&self) -> bool {
        (self.has("drop") || self.has("reject")) && self.only(&|_| false)
    }

    fn jumps(&self) -> Vec<(&'a str, &'a str)> {
        let target = |part: &'a Value| {
            let jump = part.get("jump").or_else(|| part.get("goto"))?;
            Some((self.chain, word(jump, "target")?))
        };
        self.parts.iter().filter_map(target).collect()
    }

    /// It asks for nothing else.
    fn only(&self, what: &dyn Fn(&Value) -> bool) -> bool {
        self.parts.iter().all(|part| match part.get("match") {
            Some(asked) => asked["op"] == "==" && what(asked),
            // Counters, logs and verdicts ask for nothing; what else there is may.
            None => ["accept", "drop", "reject", "counter", "log"]
                .iter()
                .any(|known| part.get(known).is_some()),
        })
    }
}

/// Is it a match of a link whose name begins so, and of all of those?
fn is_link(asked: &Value, key: &str, begin: &str) -> bool {
    let all = |name: &Value| {
        let Some(name) = name.as_str() else {
            return false;
        };
        match name.strip_suffix('*') {
            Some(most) => begin.starts_with(most),
            None => name == begin && begin != LINKS,
        }
    };
    let right = &asked["right"];
    asked["left"]["meta"]["key"] == key
        && match right["set"].as_array() {
            Some(names) => names.iter().any(all),
            None => all(right),
        }
}

fn is_udp(asked: &Value) -> bool {
    let left = &asked["left"];
    let protocol = left["meta"]["key"] == "l4proto"
        || left["payload"]["field"] == "protocol"
        || left["payload"]["field"] == "nexthdr";
    let udp = |value: &Value| *value == "udp" || *value == 17;
    let right = &asked["right"];
    protocol
        && (udp(right)
            || right["set"]
                .as_array()
                .is_some_and(|all| all.iter().any(udp)))
}

fn is_port(asked: &Value, port: u16) -> bool {
    let payload = &asked["left"]["payload"];
    let of_udp = payload["protocol"] == "udp" || payload["protocol"] == "th";
    let right = &asked["right"];
    of_udp
        && payload["field"] == "dport"
        && match right["set"].as_array() {
            Some(all) => all.iter().any(|value| covers(value, port)),
            None => covers(right, port),
        }
}

fn covers(value: &Value, port: u16) -> bool {
    let port = u64::from(port);
    match value["range"].as_array().map(Vec::as_slice) {
        Some([first, last]) => {
            let (first, last) = (first.as_u64(), last.as_u64());
            first.is_some_and(|first| first <= port) && last.is_some_and(|last| port <= last)
        }
        _ => value.as_u64() == Some(port),
    }
}
