//! Who decides.

use crate::fixture::{Node, allowance, endpoint, id, limit, wish, word};
use fairway_policy::spec::{Operator, Requirement, Selector};
use fairway_rates::{Asked, Direction, Input, Override, Scope};

#[test]
fn of_all_that_is_asked_the_least_of_each_kind_holds() {
    let mut node = Node::default();
    let mut web = endpoint("web/a-0", "100M 500p");
    web.asked.push(Asked {
        direction: Direction::Ingress,
        allowance: allowance("20M 64000b 900p"),
        field: "pod annotation fairway.network/ingress-rate".into(),
    });
    web.asked.push(Asked {
        direction: Direction::Egress,
        allowance: allowance("700p"),
        field: "args".into(),
    });
    node.endpoint(web).endpoint(endpoint("web/b-0", ""));
    assert_eq!(
        node.holds(),
        [
            "container web/a-0 eth0 egress: 700 packets/s (args)",
            "container web/a-0 eth0 ingress: 20Mbit, 500 packets/s, burst 64000 \
             (pod annotation fairway.network/ingress-rate)",
        ]
    );
    let picture = node.engine.picture(9);
    assert_eq!(picture.ways.len(), 2, "who has no limit is not in it");
    assert_eq!(node.way("web/a-0"), (None, Vec::new()));
}

#[test]
fn a_container_without_a_pod_goes_by_its_id() {
    let mut node = Node::default();
    let mut bare = endpoint("web/a-0", "1M");
    bare.pod = None;
    node.endpoint(bare).word("web/a-0", word("2M", None));
    assert_eq!(
        node.holds(),
        ["container web-a-0 eth0 ingress: 1Mbit (bandwidth.ingressRate)"]
    );
}

#[test]
fn an_administrators_word_is_in_place_of_what_is_asked() {
    let mut node = Node::default();
    node.endpoint(endpoint("web/a-0", "20M"));
    node.word("web/a-0", word("100M", Some("incident 17")));
    node.word("web/b-0", word("1M", None));
    assert_eq!(
        node.holds(),
        ["container web/a-0 eth0 ingress: 100Mbit (netctl rate set: incident 17)"]
    );
    // No limit of its own; what objects say holds all the same.
    node.word("web/a-0", word("", None));
    assert_eq!(node.holds(), [""; 0]);
    node.limit(limit("all", Scope::Container, "50M"));
    assert_eq!(
        node.holds(),
        ["container web/a-0 eth0 ingress: 50Mbit (RateLimit/all)"]
    );
    // The other direction is as it was.
    let egress = Override {
        egress: Some(wish("1M")),
        ..Override::default()
    };
    node.word("web/a-0", egress);
    assert_eq!(
        node.holds(),
        [
            "container web/a-0 eth0 egress: 1Mbit (netctl rate set)",
            "container web/a-0 eth0 ingress: 20Mbit (bandwidth.ingressRate)",
        ]
    );
    node.take(Input::OverrideGone("web".into(), "a-0".into()));
    assert_eq!(
        node.holds(),
        ["container web/a-0 eth0 ingress: 20Mbit (bandwidth.ingressRate)"]
    );
}

#[test]
fn objects_hold_where_their_lists_and_labels_fit() {
    let mut node = Node::default();
    let mut front = endpoint("web/front", "");
    front.labels.insert("app".into(), "front".into());
    front.network = Some("blue".into());
    node.endpoint(front).endpoint(endpoint("web/back", ""));
    node.endpoint(endpoint("shop/back", ""));
    let mut only = limit("labels", Scope::Container, "1M");
    only.pods = Selector {
        requirements: vec![Requirement {
            key: "app".into(),
            operator: Operator::Exists,
        }],
    };
    node.limit(only);
    assert_eq!(
        node.holds(),
        ["container web/front eth0 ingress: 1Mbit (RateLimit/labels)"]
    );
    node.take(Input::RateLimitGone("labels".into()));
    let mut only = limit("lists", Scope::Container, "1M");
    only.namespaces = vec!["shop".into()];
    node.limit(only.clone());
    assert_eq!(
        node.holds(),
        ["container shop/back eth0 ingress: 1Mbit (RateLimit/lists)"]
    );
    only.networks = vec!["blue".into()];
    node.limit(only.clone());
    assert_eq!(node.holds(), [""; 0], "both lists must fit");
    only.namespaces.clear();
    node.limit(only);
    assert_eq!(
        node.holds(),
        ["container web/front eth0 ingress: 1Mbit (RateLimit/lists)"]
    );
}

#[test]
fn namespaces_and_networks_share_one_limit() {
    let mut node = Node::default();
    for (workload, network) in [
        ("web/a", "blue"),
        ("web/b", "red"),
        ("shop/a", "blue"),
        ("shop/b", ""),
    ] {
        let mut one = endpoint(workload, "");
        one.network = Some(network.to_owned()).filter(|network| !network.is_empty());
        node.endpoint(one);
    }
    let mut web = limit("web", Scope::Namespace, "20M");
    web.namespaces = vec!["web".into(), "nobody".into()];
    node.limit(web).limit(limit("each", Scope::Network, "30M"));
    assert_eq!(
        node.holds(),
        [
            "namespace web ingress: 20Mbit (RateLimit/web)",
            "network blue ingress: 30Mbit (RateLimit/each)",
            "network red ingress: 30Mbit (RateLimit/each)",
        ]
    );
    let picture = node.engine.picture(9).clone();
    let limits = |workload: &str| {
        let way = picture.ways.get(&(id(workload), Direction::Ingress));
        let names = way.map(|way| {
            way.limits
                .map(|number| Some(picture.limits[&number?].of.clone()))
        });
        names
            .unwrap_or_default()
            .map(|name| name.unwrap_or_default())
    };
    assert_eq!(limits("web/a"), ["", "web", "blue"]);
    assert_eq!(limits("web/b"), ["", "web", "red"]);
    assert_eq!(limits("shop/a"), ["", "", "blue"]);
    assert_eq!(limits("shop/b"), ["", "", ""]);
}

#[test]
fn who_is_not_in_the_networks_of_an_object_is_not_under_it() {
    let mut node = Node::default();
    let mut blue = endpoint("web/a", "");
    blue.network = Some("blue".into());
    node.endpoint(blue).endpoint(endpoint("web/b", ""));
    let mut some = limit("some", Scope::Namespace, "10M");
    some.networks = vec!["blue".into()];
    node.limit(some);
    let picture = node.engine.picture(1);
    let under: Vec<_> = picture.ways.keys().map(|(id, _)| id.clone()).collect();
    assert_eq!(under, [id("web/a")]);
    // Another object has all of the namespace share one limit, and the least of both holds.
    node.limit(limit("all", Scope::Namespace, "50M"));
    assert_eq!(
        node.holds(),
        ["namespace web ingress: 10Mbit (RateLimit/some)"]
    );
    assert_eq!(node.way("web/a").1, [""; 0]);
    let text = "container web/b ingress shares the limit of namespace web, 10Mbit, though RateLimit/some is not \
                about it";
    assert_eq!(node.way("web/b").1, [text]);
}

#[test]
fn the_first_who_says_the_least_is_the_reason() {
    let mut node = Node::default();
    node.endpoint(endpoint("web/a", ""));
    for (name, text) in [
        ("c", "20M"),
        ("b", "20M 64000b"),
        ("a", "30M 500p"),
        ("d", "500p"),
    ] {
        node.limit(limit(name, Scope::Namespace, text));
    }
    assert_eq!(
        node.holds(),
        ["namespace web ingress: 20Mbit, 500 packets/s, burst 64000 (RateLimit/b)"]
    );
    for name in ["a", "b", "c"] {
        node.take(Input::RateLimitGone(name.into()));
    }
    assert_eq!(
        node.holds(),
        ["namespace web ingress: 500 packets/s (RateLimit/d)"]
    );
}

#[test]
fn marks_have_an_order() {
    let mut node = Node::default();
    let mut web = endpoint("web/a", "");
    web.network = Some("blue".into());
    node.endpoint(web);
    node.limit(limit("z", Scope::Network, "1d"));
    assert_eq!(node.way("web/a").0, Some(1));
    node.limit(limit("y", Scope::Namespace, "2d"));
    assert_eq!(node.way("web/a").0, Some(2));
    node.limit(limit("x", Scope::Container, "3d"));
    node.limit(limit("w", Scope::Container, "4d"));
    node.limit(limit("v", Scope::Container, "5M"));
    assert_eq!(node.way("web/a").0, Some(4), "the first name that has one");
    node.word("web/a", word("1M", None));
    assert_eq!(node.way("web/a").0, Some(4));
    node.word("web/a", word("0d", None));
    assert_eq!(node.way("web/a").0, Some(0));
    assert_eq!(
        node.holds(),
        ["container web/a eth0 ingress: 5Mbit (RateLimit/v)"],
        "a mark is no limit"
    );
}

#[test]
fn an_own_limit_above_a_shared_one_is_taken_with_a_warning() {
    let mut node = Node::default();
    let mut web = endpoint("web/a-0", "100M 500p");
    web.network = Some("blue".into());
    node.endpoint(web)
        .limit(limit("web", Scope::Namespace, "20M 100p"));
    node.limit(limit("tenants", Scope::Network, "100M"));
    assert_eq!(
        node.way("web/a-0").1,
        [
            "container web/a-0 ingress 100Mbit (bandwidth.ingressRate) is above the limit of namespace web, 20Mbit \
             (RateLimit/web)",
            "container web/a-0 ingress 500 packets/s (bandwidth.ingressRate) is above the limit of namespace web, \
             100 packets/s (RateLimit/web)",
        ]
    );
    assert!(node.holds()[0].starts_with("container web/a-0 eth0 ingress: 100Mbit"));
    let picture = node.engine.picture(9).clone();
    let way = &picture.ways[&(id("web/a-0"), Direction::Ingress)];
    assert_eq!(picture.least(way), allowance("20M 100p"));
    node.word("web/a-0", word("200M", Some("incident 17")));
    let warnings = node.way("web/a-0").1;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert_eq!(
        warnings[1],
        "container web/a-0 ingress 200Mbit (netctl rate set: incident 17) is above the limit of network blue, \
         100Mbit (RateLimit/tenants)"
    );
    node.word("web/a-0", word("20M 100p", None));
    assert_eq!(node.way("web/a-0").1, [""; 0]);
}
