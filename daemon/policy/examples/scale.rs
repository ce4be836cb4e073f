//! What the engine costs where there is much: `cargo run --release -p fairway-policy --example scale`.
//! Times, the number of changes that came of it, and the process' resident memory.

use fairway_policy::{
    Engine, Limits,
    input::{Change, Endpoint, EndpointId, Input},
    spec::{
        Action, Block, Labels, Namespace, Namespaces, NetworkPolicy, Object, Operator, Peer, Pod,
        Ports, Protocol, Requirement, Rule, Selector,
    },
};
use std::{
    collections::BTreeSet,
    io::Write,
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

const ROOM: Limits = Limits {
    addresses: 65_536,
    prefixes: 65_536,
    sets: 65_536,
    peers: 4_194_304,
    ports: 4_194_304,
};

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.unwrap_or_default() / 1024
}

/// Does something, asks for the changes and says how long both took.
fn timed(what: &str, engine: &mut Engine, inputs: Vec<Input>) -> Vec<Change> {
    let begin = Instant::now();
    for input in inputs {
        engine.handle(input);
    }
    let handled = begin.elapsed();
    let changes = match engine.changes() {
        Ok(changes) => changes,
        Err(overflow) => {
            let _ = writeln!(std::io::stderr(), "{what}: {overflow}");
            Vec::new()
        }
    };
    let _ = writeln!(
        std::io::stdout(),
        "{what:<58} {:>9.3} ms ({:.3} ms to be told) {:>7} changes {:>5} MiB",
        begin.elapsed().as_secs_f64() * 1e3,
        handled.as_secs_f64() * 1e3,
        changes.len(),
        resident(),
    );
    changes
}

fn is(key: &str, value: &str) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator: Operator::In(BTreeSet::from([value.to_owned()])),
    }
}

fn labels(pairs: &[(&str, String)]) -> Labels {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

fn address(nth: u32) -> IpAddr {
    Ipv4Addr::from(0x0a00_0000 + nth).into()
}

/// A hundred namespaces of a hundred pods of ten applications; each pod has labels that no other has.
fn endpoint(nth: u32, local: bool) -> Endpoint {
    let (namespace, app) = (nth / 100, nth % 10);
    Endpoint {
        id: EndpointId {
            node: format!("node-{}", nth % 100),
            container: format!("{nth:064x}"),
            ifname: "eth0".to_owned(),
            network: "default".to_owned(),
        },
        namespace: format!("namespace-{namespace}"),
        pod: format!("app-{app}-{nth}"),
        labels: labels(&[
            ("app", format!("app-{app}")),
            ("tier", format!("tier-{}", app % 3)),
            (
                "statefulset.kubernetes.io/pod-name",
                format!("app-{app}-{nth}"),
            ),
            (
                "controller-revision-hash",
                format!("revision-{namespace}-{app}"),
            ),
        ]),
        groups: BTreeSet::new(),
        ports: Vec::new(),
        addresses: vec![address(nth)],
        local,
    }
}

/// Ten policies in each namespace: one application, from two others and from another namespace.
fn policy(nth: u32) -> NetworkPolicy {
    let (namespace, app) = (nth / 10, nth % 10);
    let pods = |app: u32| Selector {
        requirements: vec![is("app", &format!("app-{}", app % 10))],
    };
    let elsewhere = Selector {
        requirements: vec![is(
            "kubernetes.io/metadata.name",
            &format!("namespace-{}", (namespace + 1) % 100),
        )],
    };
    let own = |app| Peer::Pods {
        namespaces: Namespaces::Own,
        pods: pods(app),
    };
    let rule = |peers, port| Rule {
        name: None,
        action: Action::Accept,
        peers: Some(peers),
        ports: Some(vec![Ports::Range(Protocol::Tcp, port, port)]),
    };
    let block = Block {
        cidr: "10.0.0.0/8"
            .parse()
            .unwrap_or_else(|_| std::process::exit(2)),
        except: vec![
            format!("10.200.{namespace}.0/24")
                .parse()
                .unwrap_or_else(|_| std::process::exit(2)),
        ],
    };
    NetworkPolicy {
        namespace: format!("namespace-{namespace}"),
        name: format!("policy-{app}"),
        pods: pods(app),
        ingress: Some(vec![
            rule(vec![own(app + 1), own(app + 2)], 8080),
            rule(
                vec![Peer::Pods {
                    namespaces: Namespaces::Matching(elsewhere),
                    pods: Selector::default(),
                }],
                9090,
            ),
        ]),
        egress: Some(vec![rule(vec![Peer::Block(block)], 443)]),
        audit: false,
    }
}

fn cluster(everywhere: u32, local: impl Fn(u32) -> bool, title: &str) -> Engine {
    let mut engine = Engine::new(ROOM);
    let mut inputs = Vec::new();
    for nth in 0..100 {
        let name = format!("namespace-{nth}");
        inputs.push(Input::Object(Object::Namespace(Namespace {
            labels: labels(&[("kubernetes.io/metadata.name", name.clone())]),
            name,
            audit: false,
        })));
    }
    inputs.extend((0..everywhere).map(|nth| Input::Endpoint(endpoint(nth, local(nth)))));
    inputs.extend((0..1000).map(|nth| Input::Object(Object::NetworkPolicy(policy(nth)))));
    timed(title, &mut engine, inputs);
    let changed = |nth: u32| {
        let mut changed = endpoint(nth, local(nth));
        changed.labels.insert("app".to_owned(), "app-7".to_owned());
        Input::Endpoint(changed)
    };
    timed(
        "  an endpoint elsewhere has another label",
        &mut engine,
        vec![changed(5001)],
    );
    timed(
        "  an endpoint here has another label",
        &mut engine,
        vec![changed(5000)],
    );
    timed(
        "  the same by its pod's object",
        &mut engine,
        vec![Input::Object(Object::Pod(Pod {
            namespace: "namespace-50".to_owned(),
            name: "app-0-5000".to_owned(),
            labels: labels(&[("app", "app-3".to_owned())]),
            ports: Vec::new(),
        }))],
    );
    let new = Endpoint {
        addresses: vec![address(200_000)],
        ..endpoint(everywhere, true)
    };
    let new = Endpoint {
        namespace: "namespace-50".to_owned(),
        ..new
    };
    let id = new.id.clone();
    timed(
        "  a new endpoint here",
        &mut engine,
        vec![Input::Endpoint(new)],
    );
    timed("  it is gone", &mut engine, vec![Input::EndpointGone(id)]);
    let mut one = policy(500);
    one.ingress = None;
    timed(
        "  a policy has changed",
        &mut engine,
        vec![Input::Object(Object::NetworkPolicy(one))],
    );
    timed(
        "  a namespace has another label",
        &mut engine,
        vec![Input::Object(Object::Namespace(Namespace {
            name: "namespace-51".to_owned(),
            labels: labels(&[("kubernetes.io/metadata.name", "other".to_owned())]),
            audit: false,
        }))],
    );
    engine
}

/// One endpoint, and one policy of so many rules.
fn rules(count: u32, title: &str, rule: impl Fn(u32) -> Rule) {
    let mut engine = Engine::new(ROOM);
    let mut one = endpoint(0, true);
    one.namespace = "one".to_owned();
    let mut inputs = vec![Input::Endpoint(one)];
    inputs.extend((1..20_000).map(|nth| {
        let mut other = endpoint(nth, false);
        other.namespace = "one".to_owned();
        Input::Endpoint(other)
    }));
    timed(&format!("{title}: endpoints"), &mut engine, inputs);
    let mut policy = NetworkPolicy {
        namespace: "one".to_owned(),
        name: "large".to_owned(),
        pods: Selector {
            requirements: vec![is("statefulset.kubernetes.io/pod-name", "app-0-0")],
        },
        ingress: Some((0..count).map(&rule).collect()),
        egress: None,
        audit: false,
    };
    let all = |policy: &NetworkPolicy| vec![Input::Object(Object::NetworkPolicy(policy.clone()))];
    timed(&format!("  {count} rules"), &mut engine, all(&policy));
    if let Some(rules) = &mut policy.ingress {
        rules[6000] = rule(count + 7);
    }
    timed("  one of them is another", &mut engine, all(&policy));
    if let Some(rules) = &mut policy.ingress {
        rules.insert(3000, rule(count + 8));
    }
    timed("  one more in their midst", &mut engine, all(&policy));
    if let Some(rules) = &mut policy.ingress {
        rules.remove(9000);
    }
    timed("  one fewer", &mut engine, all(&policy));
}

fn main() {
    cluster(
        10_000,
        |nth| nth % 100 == 0,
        "10,000 endpoints, 100 of them here, 1,000 policies",
    );
    cluster(10_000, |_| true, "the same, all of them here");
    let tcp = |first, last| Some(vec![Ports::Range(Protocol::Tcp, first, last)]);
    let plain = |peers, ports| Rule {
        name: None,
        action: Action::Accept,
        peers,
        ports,
    };
    rules(12_500, "from a block each", |nth| {
        let cidr = format!(
            "172.{}.{}.{}/32",
            16 + nth / 65536,
            nth / 256 % 256,
            nth % 256
        );
        let block = Block {
            cidr: cidr.parse().unwrap_or_else(|_| std::process::exit(2)),
            except: Vec::new(),
        };
        plain(Some(vec![Peer::Block(block)]), tcp(80, 80))
    });
    rules(12_500, "from a pod each", |nth| {
        let pods = Selector {
            requirements: vec![is(
                "statefulset.kubernetes.io/pod-name",
                &format!("app-{}-{nth}", nth % 10),
            )],
        };
        let peer = Peer::Pods {
            namespaces: Namespaces::Own,
            pods,
        };
        plain(Some(vec![peer]), tcp(80, 80))
    });
    rules(12_500, "by a port each", |nth| {
        let port = u16::try_from(nth + 1).unwrap_or(u16::MAX);
        plain(None, tcp(port, port))
    });
    rules(12_500, "by a range of ports each", |nth| {
        let port = u16::try_from(nth + 1).unwrap_or(u16::MAX);
        plain(None, tcp(port, u16::MAX - port))
    });
}
