//! What packets must be beside going to a host's port: words of iptables or of nftables.
//!
//! Addresses and interfaces are understood, and written without a program. Whatever else
//! an administrator writes is for the program to read.

use ipnetwork::IpNetwork;

use crate::nft::address::{Side, match_address};
use crate::nft::expr::{Expr, IFNAME_SIZE};
use crate::xt::{Link, Match, XtRule};

/// Whose words they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Those of iptables: the first begins with a dash or is `!`.
    Iptables,
    /// Those of nft.
    Nftables,
}

/// The words, as they are configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    words: Vec<String>,
    known: Option<Known>,
}

/// Conditions that were understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    src: Option<(IpNetwork, bool)>,
    dst: Option<(IpNetwork, bool)>,
    iif: Option<Link>,
    oif: Option<Link>,
}

impl Conditions {
    /// Takes the words of one family.
    pub fn new(words: &[String], v4: bool) -> Self {
        let words: Vec<String> = words
            .iter()
            .flat_map(|words| words.split_whitespace())
            .map(str::to_owned)
            .collect();
        let known = Known::parse(&words, v4);
        Self { words, known }
    }

    /// Whose words they are; none where there are none.
    pub fn dialect(&self) -> Option<Dialect> {
        let first = self.words.first()?;
        match first.starts_with(['-', '!']) {
            true => Some(Dialect::Iptables),
            false => Some(Dialect::Nftables),
        }
    }

    /// Whether they can be written without a program.
    pub(crate) fn is_native(&self) -> bool {
        self.words.is_empty() || self.known.is_some()
    }

    /// As one text.
    pub(crate) fn text(&self) -> String {
        self.words.join(" ")
    }

    /// Asks for them in a rule of iptables.
    pub(crate) fn put(&self, rule: &mut XtRule) {
        match &self.known {
            Some(known) => {
                rule.src = known.src;
                rule.dst = known.dst;
                rule.iif = known.iif.clone();
                rule.oif = known.oif.clone();
            }
            None if self.words.is_empty() => {}
            None => rule.matches.push(Match::Words(self.words.clone())),
        }
    }

    /// As expressions, in the order in which nft would put them; none where nft has to.
    pub(crate) fn native(&self) -> Option<Vec<Expr>> {
        let mut exprs = Vec::new();
        if self.words.is_empty() {
            return Some(exprs);
        }
        let mut words = self.words.iter().map(String::as_str).peekable();
        while let Some(word) = words.next() {
            match word {
                "ip" | "ip6" => {
                    let side = match words.next()? {
                        "saddr" => Side::Source,
                        "daddr" => Side::Destination,
                        _ => return None,
                    };
                    let equal = is_equal(&mut words);
                    let network: IpNetwork = words.next()?.parse().ok()?;
                    if network.is_ipv4() != (word == "ip") || network.prefix() == 0 {
                        return None;
                    }
                    exprs.extend(match_address(side, network, equal));
                }
                "iifname" | "oifname" => {
                    let equal = is_equal(&mut words);
                    let name = words.next()?.trim_matches('"');
                    if name.is_empty() || name.len() >= IFNAME_SIZE || name.contains(['*', '{']) {
                        return None;
                    }
                    let mut data = name.as_bytes().to_vec();
                    data.resize(IFNAME_SIZE, 0);
                    exprs.push(match word {
                        "iifname" => Expr::LoadInputName,
                        _ => Expr::LoadOutputName,
                    });
                    exprs.push(Expr::Compare { equal, data });
                }
                _ => return None,
            }
        }
        Some(exprs)
    }
}

fn is_equal<'a>(words: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
    match words.peek() {
        Some(&"!=") => {
            words.next();
            false
        }
        Some(&"==") => {
            words.next();
            true
        }
        _ => true,
    }
}

impl Known {
    /// Reads `[!] -s NET`, `-d`, `-i`, `-o`, each at most once.
    fn parse(words: &[String], v4: bool) -> Option<Self> {
        let mut known = Self::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(mut option) = words.next() {
            let equal = option != "!";
            if !equal {
                option = words.next()?;
            }
            let value = words.next()?;
            match option {
                "-s" | "--source" | "--src" | "-d" | "--destination" | "--dst" => {
                    let network: IpNetwork = value.parse().ok()?;
                    if network.is_ipv4() != v4 {
                        return None;
                    }
                    let field = match option.contains("-s") {
                        true => &mut known.src,
                        false => &mut known.dst,
                    };
                    if field.replace((network, equal)).is_some() {
                        return None;
                    }
                }
                "-i" | "--in-interface" | "-o" | "--out-interface" => {
                    if value.is_empty() || value.len() >= IFNAME_SIZE || value == "+" {
                        return None;
                    }
                    let field = match option.contains("-i") {
                        true => &mut known.iif,
                        false => &mut known.oif,
                    };
                    let name = value.to_owned();
                    if field.replace(Link { name, equal }).is_some() {
                        return None;
                    }
                }
                _ => return None,
            }
        }
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], v4: bool) -> Conditions {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Conditions::new(&words, v4)
    }

    #[test]
    fn addresses_and_interfaces_are_understood() {
        for words in [
            &["!", "-d", "192.0.2.0/24"][..],
            &["-s", "10.0.0.1", "-i", "eth0"],
            &["-o", "tun+", "!", "-i", "lo"],
            &["-d 10.0.0.0/8"],
            &[],
        ] {
            assert!(of(words, true).is_native(), "{words:?}");
        }
        for words in [
            &["-m", "mark", "--mark", "1"][..],
            &["!"],
            &["-d"],
            &["-d", "fd00::/8"],
            &["-d", "1.2.3.4", "-d", "1.2.3.5"],
            &["-d", "1.2.3.4,1.2.3.5"],
            &["-i", "+"],
        ] {
            assert!(!of(words, true).is_native(), "{words:?}");
        }
    }

    #[test]
    fn the_dialect_shows_in_the_first_character() {
        assert_eq!(of(&[], true).dialect(), None);
        assert_eq!(of(&[""], true).dialect(), None);
        assert_eq!(of(&["!", "-d"], true).dialect(), Some(Dialect::Iptables));
        assert_eq!(of(&["ip"], true).dialect(), Some(Dialect::Nftables));
    }

    #[test]
    fn nft_reads_what_is_more() {
        assert_eq!(of(&[], true).native(), Some(Vec::new()));
        assert!(of(&["ip daddr != 10.0.0.0/8"], true).native().is_some());
        assert!(of(&["iifname", "\"eth0\""], true).native().is_some());
        for words in [
            "ip daddr { 1.2.3.4 }",
            "ip6 daddr 1.2.3.4",
            "meta mark 1",
            "ip",
            "iifname eth*",
        ] {
            assert_eq!(of(&[words], true).native(), None, "{words}");
        }
    }
}
