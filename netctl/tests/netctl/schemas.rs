//! `docs/schema` describes what `-o json` writes.
//!
//! The files are made from the types: `FAIRWAY_REGENERATE=1 cargo test -p netctl schemas` writes them, and
//! without that variable the test fails where one is not as it would be made.

use crate::{
    answers, answers_bgp, answers_policy, answers_rate,
    cni_result::{CniResult, Detached},
    conf_report::ConfReport,
    fake::Fake,
};
use fairway_api::{
    admin::{
        AddressRow, Applied, Audit, AuditRow, BgpNeighbor, BgpPeers, BgpRoute, Claim, Doctor, Flow,
        Flows, Info, Network, Node, NodeRemoved, Policy, PolicyExplained, PolicyStatus, Pool, Rate,
        RateChanged, RateOverride, Route, RouteExplained, Top,
    },
    call::FailedCall,
    endpoint::Endpoint,
    ipam::Released,
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};
use std::{collections::BTreeSet, env, fs, path::PathBuf};

/// A schema's file, what it describes, how it is made, and real answers to run netctl with.
struct Kind {
    file: &'static str,
    of: &'static str,
    made: Value,
    runs: Vec<(&'static str, Value)>,
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema"))
}

fn make<T: JsonSchema>(of: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("title".to_owned(), json!(format!("netctl {of} -o json")));
    schema.into()
}

fn kind<T: JsonSchema>(
    file: &'static str,
    of: &'static str,
    runs: Vec<(&'static str, Value)>,
) -> Kind {
    let made = make::<T>(of);
    Kind {
        file,
        of,
        made,
        runs,
    }
}

fn kinds() -> Vec<Kind> {
    use answers as a;
    let none = || json!([]);
    vec![
        kind::<Vec<Pool>>(
            "pool-ls",
            "pool ls",
            vec![("pool ls", a::pools()), ("pool ls", none())],
        ),
        kind::<Pool>(
            "pool",
            "pool create|set|drain|undrain|rm",
            vec![
                ("pool create web --cidr 10.0.0.0/8", a::pool()),
                ("pool set web --reserve 1", a::pools()[1].clone()),
                ("pool drain web", a::pool()),
                ("pool undrain web", a::pool()),
                ("pool rm web", a::pool()),
            ],
        ),
        kind::<Vec<Network>>(
            "network-ls",
            "network ls",
            vec![("network ls", a::networks()), ("network ls", none())],
        ),
        kind::<Network>(
            "network",
            "network create|set",
            vec![
                ("network create blue --pool web", a::network()),
                ("network set blue --add-pool db", a::networks()[1].clone()),
            ],
        ),
        kind::<Vec<Route>>(
            "route-ls",
            "route ls",
            vec![("route ls", a::routes()), ("route ls", none())],
        ),
        kind::<RouteExplained>(
            "route-why",
            "route why",
            vec![
                ("route why 10.1.0.17", a::explained(true)),
                ("route why fd01::9 --network blue", a::explained(false)),
            ],
        ),
        kind::<Vec<Endpoint>>(
            "endpoint-ls",
            "endpoint ls|show",
            vec![
                ("endpoint ls", a::endpoints()),
                ("endpoint ls", none()),
                ("endpoint show 77aa", a::endpoints()),
                ("endpoint show none", a::endpoints()),
            ],
        ),
        kind::<Vec<FailedCall>>(
            "endpoint-failed",
            "endpoint failed",
            vec![
                ("endpoint failed", a::failed_calls()),
                ("endpoint failed", none()),
            ],
        ),
        kind::<Vec<AddressRow>>(
            "ipam-ls",
            "ipam ls",
            vec![("ipam ls", a::addresses()), ("ipam ls", none())],
        ),
        kind::<Audit>(
            "ipam-check",
            "ipam check",
            vec![
                ("ipam check", a::audit(true)),
                ("ipam check", a::audit(false)),
            ],
        ),
        kind::<Released>(
            "ipam-release",
            "ipam release",
            vec![("ipam release 10.1.0.17", a::released())],
        ),
        kind::<Vec<Claim>>(
            "claim-ls",
            "claim ls|rm",
            vec![
                ("claim ls", a::claims()),
                ("claim rm shop/db-0", a::claims()),
            ],
        ),
        kind::<Claim>(
            "claim",
            "claim create|move",
            vec![
                ("claim create shop/db-0 --pool web", a::claim()),
                ("claim move shop/db-0 --node n2", a::claims()[1].clone()),
            ],
        ),
        kind::<Vec<Node>>("node-ls", "node ls", vec![("node ls", a::nodes())]),
        kind::<Node>(
            "node",
            "node drain|undrain",
            vec![("node drain n2", a::node()), ("node undrain n2", a::node())],
        ),
        kind::<NodeRemoved>(
            "node-rm",
            "node rm",
            vec![("node rm n2", a::node_removed())],
        ),
        kind::<Doctor>(
            "doctor",
            "doctor",
            vec![("doctor", a::doctor(true)), ("doctor", a::doctor(false))],
        ),
        kind::<Info>(
            "status",
            "status",
            vec![("status", a::status()), ("status", a::troubled())],
        ),
    ]
}

const CONF: &str = concat!(
    "conf check --plugin-path /nowhere ",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/netctl/fixture/conf"
);

const APPLY: &str = concat!(
    "apply -f ",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/netctl/fixture/policy.yaml"
);

fn kinds_of_policy() -> Vec<Kind> {
    use answers_policy as a;
    let none = || json!([]);
    let explain = "policy explain web/front 192.0.2.7 80";
    vec![
        kind::<Vec<Applied>>("apply", "apply", vec![(APPLY, a::applied())]),
        kind::<Applied>(
            "delete",
            "delete",
            vec![("delete netpol web/allow-dns", a::deleted())],
        ),
        kind::<Vec<Policy>>(
            "policy-ls",
            "policy ls",
            vec![("policy ls", a::policies()), ("policy ls", none())],
        ),
        kind::<PolicyExplained>(
            "policy-explain",
            "policy explain",
            vec![
                (explain, a::policy_explained("allowed")),
                (explain, a::policy_explained("denied")),
            ],
        ),
        kind::<Vec<AuditRow>>(
            "policy-audit",
            "policy audit",
            vec![("policy audit", a::audit_rows()), ("policy audit", none())],
        ),
        kind::<PolicyStatus>(
            "policy-status",
            "policy status",
            vec![
                ("policy status", a::policy_status(true)),
                ("policy status", a::policy_status(false)),
            ],
        ),
        kind::<Flows>("flows", "flows", vec![("flows --drops", a::flows())]),
        // Run where flows are followed.
        kind::<Flow>("flow", "flows --follow", Vec::new()),
    ]
}

fn kinds_of_rates() -> Vec<Kind> {
    use answers_rate as a;
    let none = || json!([]);
    vec![
        kind::<Vec<Rate>>(
            "rate-ls",
            "rate ls",
            vec![("rate ls", a::rates()), ("rate ls shop/db-0", none())],
        ),
        kind::<RateOverride>(
            "rate",
            "rate set",
            vec![("rate set shop/db-0 --ingress none", a::set())],
        ),
        kind::<Vec<RateChanged>>(
            "rate-history",
            "rate history",
            vec![("rate history", a::history()), ("rate history", none())],
        ),
    ]
}

fn kinds_of_bgp() -> Vec<Kind> {
    use answers_bgp as a;
    vec![
        kind::<BgpPeers>(
            "bgp-peers",
            "bgp peers",
            vec![("bgp peers", a::peers()), ("bgp peers", a::off())],
        ),
        kind::<BgpNeighbor>(
            "bgp-neighbor",
            "bgp neighbor",
            vec![
                ("bgp neighbor fd00::2", a::neighbor()),
                ("bgp neighbor show 10.0.0.3", a::stranger()),
            ],
        ),
        kind::<Vec<BgpRoute>>(
            "bgp-routes",
            "bgp routes",
            vec![("bgp routes", a::routes()), ("bgp routes", json!([]))],
        ),
    ]
}

/// What is judged where it is made, since it takes more than one answer or a container.
fn kinds_made_here() -> Vec<Kind> {
    vec![
        kind::<Top>("top", "top", Vec::new()),
        kind::<CniResult>("attach", "attach", Vec::new()),
        kind::<Vec<Detached>>("detach", "detach", Vec::new()),
    ]
}

/// No daemon is asked for these.
fn kinds_of_plugins() -> Vec<Kind> {
    vec![
        kind::<fairway_conformance::Report>("conformance", "conformance", vec![]),
        kind::<Vec<fairway_conformance::Listed>>(
            "conformance-list",
            "conformance --list",
            vec![("conformance --list", Value::Null)],
        ),
        kind::<ConfReport>("conf-check", "conf check", vec![(CONF, Value::Null)]),
    ]
}

fn all_kinds() -> impl Iterator<Item = Kind> {
    let kinds = kinds().into_iter().chain(kinds_of_policy());
    let kinds = kinds.chain(kinds_made_here()).chain(kinds_of_plugins());
    kinds.chain(kinds_of_rates()).chain(kinds_of_bgp())
}

/// Each line that lists something, and what it lists.
pub(crate) fn lists() -> Vec<(&'static str, Value)> {
    let runs = all_kinds().flat_map(|kind| kind.runs);
    let some = |value: &Value| value.as_array().is_some_and(|all| !all.is_empty());
    let words = ["ls", "routes", "audit", "history"];
    let lists = |line: &str| {
        line.split(' ')
            .nth(1)
            .is_some_and(|word| words.contains(&word))
    };
    runs.filter(|(line, answer)| lists(line) && some(answer))
        .collect()
}

#[test]
fn the_files_are_as_the_types_make_them() {
    let regenerate = env::var_os("FAIRWAY_REGENERATE").is_some();
    let mut files = BTreeSet::new();
    for kind in all_kinds() {
        let path = folder().join(format!("{}.json", kind.file));
        let made = serde_json::to_string_pretty(&kind.made).unwrap() + "\n";
        if regenerate {
            fs::create_dir_all(folder()).unwrap();
            fs::write(&path, &made).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == made,
            "{} is stale: FAIRWAY_REGENERATE=1 cargo test -p netctl schemas",
            path.display()
        );
        files.insert(format!("{}.json", kind.file));
    }
    let there: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(there, files);
}

#[test]
fn what_is_written_is_as_described() {
    for kind in all_kinds() {
        let schema = Schema::read(kind.file);
        for (line, answer) in &kind.runs {
            assert!(described(&kind, line));
            let ran = Fake::answering(answer.clone()).run(&format!("{line} -o json"));
            let document: Value = serde_json::from_str(&ran.out).unwrap();
            schema.must_describe(line, &document);
        }
        // It judges indeed.
        assert!(
            !schema.judge.is_valid(&json!({"what": 1})) && !schema.judge.is_valid(&json!([{}]))
        );
    }
}

/// One of the files.
pub(crate) struct Schema {
    text: Value,
    judge: jsonschema::Validator,
}

impl Schema {
    pub(crate) fn read(file: &str) -> Schema {
        let path = folder().join(format!("{file}.json"));
        let text: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let options = jsonschema::options().should_validate_formats(true);
        let judge = options.build(&text).unwrap();
        Schema { text, judge }
    }

    pub(crate) fn must_describe(&self, line: &str, document: &Value) {
        let errors: Vec<String> = self
            .judge
            .iter_errors(document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{line}: {errors:?}\n{document}");
        no_field_is_unknown(&self.text, &self.text, document, line);
    }
}

/// Is the line's verb among those that the file says it is of?
fn described(kind: &Kind, line: &str) -> bool {
    let mut of = kind.of.split(' ');
    let mut words = line.split(' ');
    of.next() == words.next()
        && match (of.next(), words.next()) {
            // No verb: what follows are its arguments.
            (None, _) => true,
            (Some(verbs), Some(verb)) => verbs.split('|').any(|one| one == verb),
            (Some(_), None) => false,
        }
}

/// A schema lets fields pass that it does not name, as a reader should; a writer may not have any.
fn no_field_is_unknown(root: &Value, schema: &Value, value: &Value, line: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => &root["$defs"][name.rsplit('/').next().unwrap()],
        None => schema,
    };
    match value {
        Value::Array(items) => {
            for item in items {
                no_field_is_unknown(root, &schema["items"], item, line);
            }
        }
        Value::Object(fields) if schema.get("properties").is_some() => {
            for (name, value) in fields {
                let field = &schema["properties"][name];
                assert!(!field.is_null(), "{line}: {name} is not described");
                assert!(
                    field.get("description").is_some()
                        || field.get("$ref").is_some()
                        || field.get("anyOf").is_some(),
                    "{line}: {name} has no words"
                );
                let choices = field["anyOf"].as_array();
                let inner =
                    choices.and_then(|all| all.iter().find(|one| one.get("$ref").is_some()));
                no_field_is_unknown(root, inner.unwrap_or(field), value, line);
            }
        }
        _ => {}
    }
}
