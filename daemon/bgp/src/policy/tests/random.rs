//! Whatever rules there are, the first that matches decides.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn any_prefix() -> impl Strategy<Value = Prefix> {
    let v4 = (any::<u32>(), 0u8..=32).prop_map(|(bits, length)| {
        let few = bits & 0x0303_0303;
        Prefix::new(IpAddr::V4(few.into()), length).unwrap()
    });
    let v6 = (any::<u128>(), 0u8..=128).prop_map(|(bits, length)| {
        Prefix::new(IpAddr::V6((bits & (0x0303 << 112)).into()), length).unwrap()
    });
    prop_oneof![v4, v6]
}

fn any_match() -> impl Strategy<Value = PrefixMatch> {
    (any_prefix(), any::<u8>(), any::<u8>()).prop_map(|(prefix, one, other)| {
        let (least, most) = (prefix.length(), prefix.family().bits());
        let [one, other] = [one, other].map(|n| least + n % (most - least + 1));
        PrefixMatch::lengths(prefix, one.min(other), one.max(other)).unwrap()
    })
}

fn any_term() -> impl Strategy<Value = Term> {
    prop_oneof![
        vec(any_match(), 1..6).prop_map(|all| set(&all)),
        Just(Term::Family(Family::Ipv4)),
        (0usize..3, 0usize..3).prop_map(|(a, b)| Term::Path(PathMatch::Length(a.min(b), a.max(b)))),
        (1u32..4).prop_map(|n| Term::Path(PathMatch::Contains(asn(n)))),
        (1u32..4).prop_map(|n| Term::Communities(vec![CommunityMatch::Exact(Community(n))])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_set_has_what_one_of_its_matches_has(all in vec(any_match(), 0..20), prefixes in vec(any_prefix(), 20)) {
        let set: PrefixSet = all.iter().copied().collect();
        for prefix in prefixes {
            prop_assert_eq!(set.has(prefix), all.iter().any(|one| one.has(prefix)));
        }
    }

    #[test]
    fn the_first_rule_that_matches_decides(
        rules in vec((vec(any_term(), 1..3), any::<bool>()), 0..8),
        all in any::<bool>(),
        prefix in any_prefix(),
        path in vec(1u32..4, 0..3),
        community in 1u32..4,
    ) {
        let rules = rules.into_iter().enumerate().map(|(number, (terms, accepts))| {
            let name = number.to_string();
            let rule = if accepts { Rule::accept(name) } else { Rule::refuse(name) };
            terms.into_iter().fold(rule, Rule::when)
        });
        let rules = rules.chain(all.then(|| Rule::accept("all")));
        let rules: Vec<Rule> = rules.filter(|rule| rule.check().is_ok()).collect();
        let policy = Policy::new("p", rules.clone()).unwrap();
        let mut route = attributes(&path);
        route.communities = vec![Community(community)];
        let subject = Subject { prefix, ..subject("10.0.0.0/8", &route) };
        let decision = policy.decide(&subject);
        match decision.why.rule() {
            Some(number) => {
                let number = number as usize;
                prop_assert!(rules[..number].iter().all(|rule| !rule.terms().iter().all(|term| term.matches(&subject))));
                prop_assert!(rules[number].terms().iter().all(|term| term.matches(&subject)));
                let named = rules[number].names(prefix);
                let accepted = rules[number].accepts() && (prefix.length() > 0 || named);
                prop_assert_eq!(decision.accepted, accepted);
            }
            None => {
                prop_assert!(rules.iter().all(|rule| !rule.terms().iter().all(|term| term.matches(&subject))));
                prop_assert_eq!(decision, Decision { accepted: false, why: Why::NoRule });
            }
        }
    }
}
