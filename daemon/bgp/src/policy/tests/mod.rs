//! Tests of policies by tables; `random` has those by properties.

mod random;

use super::*;
use crate::attr::{AsPath, Attributes, Community, LargeCommunity, NextHop, Origin, Segment};
use crate::{Asn, Family, Prefix};
use std::net::IpAddr;

fn asn(number: u32) -> Asn {
    Asn::new(number).unwrap()
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn set(all: &[PrefixMatch]) -> Term {
    Term::Prefixes(all.iter().copied().collect())
}

fn sequence(all: &[u32]) -> AsPath {
    AsPath::sequence(all.iter().copied().map(asn))
}

fn attributes(all: &[u32]) -> Attributes {
    Attributes::new(Origin::Igp, sequence(all))
}

fn subject<'a>(text: &str, attributes: &'a Attributes) -> Subject<'a> {
    Subject {
        prefix: prefix(text),
        attributes,
        neighbour: Party {
            address: "192.0.2.1".parse().unwrap(),
            asn: asn(65_001),
            internal: false,
        },
        source: Source::Neighbour,
    }
}

#[test]
fn prefixes_by_length() {
    let ten = prefix("10.0.0.0/8");
    let between = PrefixMatch::lengths(ten, 16, 24).unwrap();
    type Case = (
        PrefixMatch,
        &'static str,
        &'static str,
        &'static [(&'static str, bool)],
    );
    let cases: [Case; 4] = [
        (
            PrefixMatch::exact(ten),
            "exact",
            "10.0.0.0/8",
            &[
                ("10.0.0.0/8", true),
                ("10.0.0.0/9", false),
                ("0.0.0.0/0", false),
            ],
        ),
        (
            PrefixMatch::within(ten),
            "within",
            "10.0.0.0/8 le 32",
            &[
                ("10.0.0.0/8", true),
                ("10.2.3.4/32", true),
                ("11.0.0.0/8", false),
                ("0.0.0.0/0", false),
            ],
        ),
        (
            between,
            "between",
            "10.0.0.0/8 ge 16 le 24",
            &[
                ("10.0.0.0/15", false),
                ("10.1.0.0/16", true),
                ("10.1.0.0/17", true),
                ("10.1.1.0/24", true),
                ("10.1.1.0/25", false),
                ("fd00::/20", false),
            ],
        ),
        (
            PrefixMatch::within(prefix("::/0")),
            "all of IPv6",
            "::/0 le 128",
            &[
                ("::/0", true),
                ("fd00::1/128", true),
                ("0.0.0.0/0", false),
                ("10.0.0.0/8", false),
            ],
        ),
    ];
    for (one, name, text, expected) in cases {
        assert_eq!(one.to_string(), text);
        let all: PrefixSet = [one, PrefixMatch::exact(prefix("203.0.113.0/24"))]
            .into_iter()
            .collect();
        for (text, matches) in expected {
            let prefix = prefix(text);
            assert_eq!(one.has(prefix), *matches, "{name} {text}");
            assert_eq!(all.has(prefix), *matches, "{name} {text} in a set");
        }
    }
    for (from, to) in [(7, 24), (24, 16), (8, 33)] {
        let error = PrefixMatch::lengths(ten, from, to).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "10.0.0.0/8 with lengths {from} to {to}: they have to be at least /8, at most /32, and in order"
            )
        );
    }
}

#[test]
fn terms() {
    let mut route = attributes(&[65_001, 65_002, 65_003]);
    route.communities = vec![Community(65_001 << 16 | 7), Community::NO_EXPORT];
    route.large = vec![LargeCommunity {
        global: 4_200_000_000,
        local: [1, 2],
    }];
    route.origin = Origin::Egp;
    let own = attributes(&[]);
    let mut aggregate = attributes(&[65_001]);
    aggregate.as_path = AsPath::new([
        Segment::Sequence(vec![asn(65_001)]),
        Segment::Set(vec![asn(5), asn(6)]),
    ]);
    let exact = |value| CommunityMatch::Exact(Community(value));
    let large = |last| {
        LargeMatch::Exact(LargeCommunity {
            global: 4_200_000_000,
            local: [1, last],
        })
    };
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    use PathMatch::*;
    let cases = [
        (
            Term::Family(Family::Ipv4),
            "family ipv4-unicast",
            [true, true, true],
        ),
        (
            Term::Family(Family::Ipv6),
            "family ipv6-unicast",
            [false; 3],
        ),
        (
            Term::Communities(vec![exact(1), exact(65_001 << 16 | 7)]),
            "community {0:1, 65001:7}",
            [true, false, false],
        ),
        (
            Term::Communities(vec![exact(65_001 << 16 | 8)]),
            "community 65001:8",
            [false; 3],
        ),
        (
            Term::Communities(vec![CommunityMatch::Of(65_001)]),
            "community 65001:*",
            [true, false, false],
        ),
        (
            Term::Communities(vec![CommunityMatch::Of(65_002)]),
            "community 65002:*",
            [false; 3],
        ),
        (
            Term::Large(vec![large(2)]),
            "large community 4200000000:1:2",
            [true, false, false],
        ),
        (
            Term::Large(vec![large(3)]),
            "large community 4200000000:1:3",
            [false; 3],
        ),
        (
            Term::Large(vec![LargeMatch::Of(4_200_000_000)]),
            "large community 4200000000:*:*",
            [true, false, false],
        ),
        (
            Term::Path(Contains(asn(65_002))),
            "AS path contains AS 65002",
            [true, false, false],
        ),
        (
            Term::Path(Contains(asn(5))),
            "AS path contains AS 5",
            [false, false, true],
        ),
        (
            Term::Path(BeginsWith(asn(65_001))),
            "AS path begins with AS 65001",
            [true, false, true],
        ),
        (
            Term::Path(BeginsWith(asn(65_003))),
            "AS path begins with AS 65003",
            [false; 3],
        ),
        (
            Term::Path(OriginatedBy(asn(65_003))),
            "AS path ends with AS 65003",
            [true, false, false],
        ),
        (
            Term::Path(OriginatedBy(asn(6))),
            "AS path ends with AS 6",
            [false; 3],
        ),
        (
            Term::Path(Length(2, 3)),
            "AS path is 2 to 3 long",
            [true, false, true],
        ),
        (
            Term::Path(Length(3, 3)),
            "AS path is 3 long",
            [true, false, false],
        ),
        (Term::Path(Empty), "AS path is empty", [false, true, false]),
        (
            Term::Neighbour(vec![address("192.0.2.1")]),
            "neighbour 192.0.2.1",
            [true; 3],
        ),
        (
            Term::Neighbour(vec![address("192.0.2.2")]),
            "neighbour 192.0.2.2",
            [false; 3],
        ),
        (
            Term::NeighbourAs(vec![asn(1), asn(65_001)]),
            "neighbour AS {1, 65001}",
            [true; 3],
        ),
        (
            Term::NeighbourAs(vec![asn(1)]),
            "neighbour AS 1",
            [false; 3],
        ),
        (Term::Internal(false), "neighbour external", [true; 3]),
        (Term::Internal(true), "neighbour internal", [false; 3]),
        (
            Term::Origin(Origin::Egp),
            "origin egp",
            [true, false, false],
        ),
        (
            Term::Source(vec![Source::Neighbour]),
            "source neighbour",
            [true; 3],
        ),
        (
            Term::Source(vec![Source::Block, Source::Claim]),
            "source {block, claim}",
            [false; 3],
        ),
    ];
    for (term, text, matches) in cases {
        assert_eq!(term.to_string(), text);
        let all =
            [&route, &own, &aggregate].map(|route| term.matches(&subject("10.0.0.0/8", route)));
        assert_eq!(all, matches, "{text}");
    }
}

#[test]
fn actions() {
    let large = |last| LargeCommunity {
        global: 1,
        local: [0, last],
    };
    let all = [
        Action::LocalPref(200),
        Action::Med(Some(5)),
        Action::NextHop(HopChange::Own),
        Action::Prepend(2),
        Action::RemoveCommunities(vec![CommunityMatch::Of(7)]),
        Action::AddCommunities(vec![Community(9), Community(1)]),
        Action::RemoveLarge(vec![LargeMatch::Exact(large(1))]),
        Action::AddLarge(vec![large(3)]),
    ];
    let rule = all.into_iter().fold(Rule::accept("all"), Rule::then);
    rule.check().unwrap();
    let mut route = attributes(&[65_001]);
    route.communities = vec![Community(9), Community(7 << 16 | 1)];
    route.large = vec![large(1), large(2)];
    assert_eq!(rule.apply(&mut route, asn(65_000)), Some(HopChange::Own));
    let mut wanted = attributes(&[65_000, 65_000, 65_001]);
    wanted.local_pref = Some(200);
    wanted.med = Some(5);
    wanted.communities = vec![Community(1), Community(9)];
    wanted.large = vec![large(2), large(3)];
    assert_eq!(route, wanted);
    assert_eq!(
        rule.to_string(),
        "all: accept, local preference 200, MED 5, next hop self, prepend 2 times, remove community 7:*, \
         add community {0:9, 0:1}, remove large community 1:0:1, add large community 1:0:3"
    );
    let rule = Rule::accept("set")
        .then(Action::SetCommunities(vec![
            Community(2),
            Community(1),
            Community(2),
        ]))
        .then(Action::SetLarge(vec![]))
        .then(Action::Med(None));
    assert_eq!(rule.apply(&mut route, asn(1)), None);
    assert_eq!(
        (route.communities, route.large, route.med),
        (vec![Community(1), Community(2)], vec![], None)
    );
}

#[test]
fn what_is_wrong_with_a_policy() {
    let v4 = |ip: &str| Action::NextHop(HopChange::Address(NextHop::V4(ip.parse().unwrap())));
    let all = || Rule::accept("all");
    let ten = || set(&[PrefixMatch::exact(prefix("10.0.0.0/8"))]);
    let both = set(&["10.0.0.0/8", "fd00::/8"].map(|text| PrefixMatch::exact(prefix(text))));
    let cases = [
        (vec![Rule::accept("")], "rule : it has no name"),
        (
            vec![all().when(set(&[]))],
            "rule all: a list of prefixes is empty, so that nothing matches",
        ),
        (
            vec![all().when(Term::Source(vec![]))],
            "rule all: a list of sources is empty, so that nothing matches",
        ),
        (
            vec![all().when(Term::Path(PathMatch::Length(3, 2)))],
            "rule all: no path is at least 3 and at most 2 long",
        ),
        (
            vec![Rule::refuse("all").then(Action::Prepend(1))],
            "rule all: it refuses, so that \"prepend 1 times\" would never be done",
        ),
        (
            vec![all().then(Action::LocalPref(1)).then(Action::LocalPref(2))],
            "rule all: two actions set the local preference",
        ),
        (
            vec![all().then(Action::Prepend(0))],
            "rule all: an AS is prepended 1 to 32 times, not 0",
        ),
        (
            vec![all().then(Action::Prepend(33))],
            "rule all: an AS is prepended 1 to 32 times, not 33",
        ),
        (
            vec![all().then(v4("192.0.2.1"))],
            "rule all: an IPv4 next hop is none of IPv6 routes: the rule has to be of ipv4-unicast alone, or of IPv4 prefixes",
        ),
        (
            vec![all().when(both.clone()).then(v4("192.0.2.1"))],
            "rule all: an IPv4 next hop is none of IPv6 routes: the rule has to be of ipv4-unicast alone, or of IPv4 prefixes",
        ),
        (
            vec![all().when(ten()).then(v4("0.0.0.0"))],
            "rule all: 0.0.0.0 is no next hop",
        ),
        (
            vec![all().when(ten()).then(v4("224.0.0.5"))],
            "rule all: 224.0.0.5 is no next hop",
        ),
        (
            vec![all().when(Term::Family(Family::Ipv4)).when(both)],
            "rule all: fd00::/8 is not of the family that the rule asks for, so that it never matches",
        ),
        (
            vec![all().when(ten()), all()],
            "there is more than one rule all",
        ),
        (
            vec![all(), Rule::refuse("late")],
            "rule late is never reached: rule all before it matches everything",
        ),
    ];
    for (rules, text) in cases {
        assert_eq!(Policy::new("p", rules).unwrap_err().to_string(), text);
    }
    Policy::new("p", [all().when(ten()).then(v4("192.0.2.1"))]).unwrap();
    Policy::new(
        "p",
        [all().when(Term::Family(Family::Ipv4)).then(v4("192.0.2.1"))],
    )
    .unwrap();
    Policy::new("p", []).unwrap();
}

#[test]
fn decisions_and_their_reasons() {
    let default = set(&[PrefixMatch::exact(prefix("0.0.0.0/0"))]);
    let pods = set(&[PrefixMatch::within(prefix("10.0.0.0/8"))]);
    let rules = [
        Rule::refuse("bogons").when(set(&[PrefixMatch::within(prefix("192.168.0.0/16"))])),
        Rule::accept("pods").when(pods).then(Action::LocalPref(200)),
        Rule::accept("rest of 4").when(set(&[PrefixMatch::within(prefix("0.0.0.0/0"))])),
    ];
    let policy = Policy::new("in", rules.clone()).unwrap();
    let route = attributes(&[65_001]);
    let why = |policy: &Policy, text: &str| {
        let decision = policy.decide(&subject(text, &route));
        (decision.accepted, decision.explain(Some(policy)))
    };
    let cases = [
        (
            "192.168.1.0/24",
            false,
            "refused: rule 1 of policy in, bogons: if prefix 192.168.0.0/16 le 32: refuse",
        ),
        (
            "10.1.0.0/16",
            true,
            "accepted: rule 2 of policy in, pods: if prefix 10.0.0.0/8 le 32: accept, local preference 200",
        ),
        (
            "11.0.0.0/8",
            true,
            "accepted: rule 3 of policy in, rest of 4: if prefix 0.0.0.0/0 le 32: accept",
        ),
        (
            "0.0.0.0/0",
            false,
            "refused: it is the default route, and rule 3 of policy in does not name it exactly",
        ),
        ("fd00::/8", false, "refused: no rule of policy in matches"),
    ];
    for (text, accepted, reason) in cases {
        assert_eq!(why(&policy, text), (accepted, reason.to_owned()));
    }
    // A rule that names it may accept it, of its own family alone.
    let named = Policy::new(
        "in",
        std::iter::once(Rule::accept("default").when(default)).chain(rules),
    )
    .unwrap();
    assert!(why(&named, "0.0.0.0/0").0);
    let six = set(&[
        PrefixMatch::exact(prefix("0.0.0.0/0")),
        PrefixMatch::within(prefix("::/0")),
    ]);
    let six = Policy::new("in", [Rule::accept("both").when(six)]).unwrap();
    assert!(why(&six, "0.0.0.0/0").0 && !why(&six, "::/0").0);
    // One that refuses need not name it.
    let none = Policy::new("in", [Rule::refuse("all")]).unwrap();
    assert_eq!(
        why(&none, "0.0.0.0/0").1,
        "refused: rule 1 of policy in, all: refuse"
    );
    assert_eq!(
        policy.to_string(),
        "policy in\n  1. bogons: if prefix 192.168.0.0/16 le 32: refuse\n  \
         2. pods: if prefix 10.0.0.0/8 le 32: accept, local preference 200\n  \
         3. rest of 4: if prefix 0.0.0.0/0 le 32: accept\n  else refuse"
    );
}

#[test]
fn no_policy() {
    let route = attributes(&[65_001]);
    let decide = |wanted, text| {
        let decision = Policy::decide_for(None, wanted, &subject(text, &route));
        (decision.accepted, decision.explain(None))
    };
    assert_eq!(
        decide(true, "10.0.0.0/8"),
        (
            false,
            "refused: a neighbour of another AS needs a policy, and has none (RFC 8212)".to_owned()
        )
    );
    assert_eq!(
        decide(false, "10.0.0.0/8"),
        (
            true,
            "accepted: there is no policy, and none is needed".to_owned()
        )
    );
    assert_eq!(
        decide(false, "::/0"),
        (
            false,
            "refused: it is the default route, and no rule names it".to_owned()
        )
    );
}
