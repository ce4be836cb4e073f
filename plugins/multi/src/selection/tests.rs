use super::*;
use proptest::prelude::*;

const AT: &str = "pod annotation: k8s.v1.cni.cncf.io/networks";

fn parsed(text: &str) -> Vec<Selection> {
    parse(text, AT).unwrap()
}

fn refused(text: &str) -> String {
    let error = parse(text, AT).unwrap_err().to_string();
    error.strip_prefix(AT).unwrap().to_owned()
}

fn brief(selection: &Selection) -> (Option<&str>, &str, Option<&str>) {
    (
        selection.namespace.as_ref().map(|name| name.as_str()),
        selection.name.as_str(),
        selection.ifname.as_ref().map(|name| name.as_str()),
    )
}

#[test]
fn the_short_form() {
    let selections = parsed(" net-a, ns-b/net-b ,net-c@eth7,ns-d/net-d@data0 ");
    let brief: Vec<_> = selections.iter().map(brief).collect();
    assert_eq!(
        brief,
        [
            (None, "net-a", None),
            (Some("ns-b"), "net-b", None),
            (None, "net-c", Some("eth7")),
            (Some("ns-d"), "net-d", Some("data0")),
        ]
    );
    assert_eq!(selections[2].field, format!("{AT}[2]"));
    // The same network twice is two attachments (section 4.2).
    assert_eq!(parsed("a,a").len(), 2);
    assert!(parsed("").is_empty() && parsed(" \n").is_empty() && parsed("[]").is_empty());
}

#[test]
fn what_is_wrong_in_the_short_form_is_named() {
    for (text, start) in [
        ("a,,b", "[1]: \"\": name: is empty"),
        (",", "[0]: \"\": name: is empty"),
        ("a,../b", "[1]: \"../b\": namespace: "),
        ("a/b/c", "[0]: \"a/b/c\": name: "),
        ("/b", "[0]: \"/b\": namespace: is empty"),
        ("b/", "[0]: \"b/\": name: is empty"),
        ("a@", "[0]: \"a@\": interface: is empty"),
        ("a@lo", "[0]: \"a@lo\": interface: is the loopback's"),
        ("a@..", "[0]: \"a@..\": interface: "),
        ("a@x/y", "[0]: \"a@x/y\": interface: "),
        (
            "a@abcdefghijklmnop",
            "[0]: \"a@abcdefghijklmnop\": interface: ",
        ),
        ("a b", "[0]: \"a b\": name: "),
        ("a@b@c d", "[0]: \"a@b@c d\": interface: "),
    ] {
        let error = refused(text);
        assert!(error.starts_with(start), "{text}: {error}");
    }
    let many = vec!["a"; MAX + 1].join(",");
    assert_eq!(
        refused(&many),
        ": 33 networks: a container has 32 further networks at most"
    );
    assert_eq!(parsed(&vec!["a"; MAX].join(",")).len(), MAX);
}

#[test]
fn the_json_form() {
    let selections = parsed(
        r#"[
            {"name": "net-a"},
            {"name": "net-b", "namespace": "ns", "interface": "data0", "ips": ["10.2.2.42/24", "2001:db8::5"],
             "mac": "02-23-45-67-89-0A", "infiniband-guid": "24:8a:07:03:00:8d:ae:2f",
             "default-route": ["10.2.2.1", "2001:db8::1"], "cni-args": {"spoofchk": "on"},
             "portMappings": [{"hostPort": 8080, "containerPort": 80},
                              {"hostPort": 53, "containerPort": 53, "protocol": "UDP", "hostIP": "192.0.2.1"}],
             "bandwidth": {"ingressRate": 2048, "ingressBurst": 300, "egressRate": 8000},
             "deviceID": "0000:01:02.3", "org.example.more": 7, "later": true}
        ]"#,
    );
    assert_eq!(brief(&selections[0]), (None, "net-a", None));
    let all = &selections[1];
    assert_eq!(brief(all), (Some("ns"), "net-b", Some("data0")));
    let wishes: Vec<_> = all
        .wishes
        .iter()
        .map(|wish| (wish.key, wish.capability, wish.value.clone()))
        .collect();
    assert_eq!(
        wishes,
        [
            ("ips", "ips", json!(["10.2.2.42/24", "2001:db8::5"])),
            ("mac", "mac", json!("02:23:45:67:89:0a")),
            (
                "infiniband-guid",
                "infinibandGUID",
                json!("24:8a:07:03:00:8d:ae:2f")
            ),
            (
                "portMappings",
                "portMappings",
                json!([
                    {"hostPort": 8080, "containerPort": 80, "protocol": "tcp"},
                    {"hostPort": 53, "containerPort": 53, "protocol": "udp", "hostIP": "192.0.2.1"},
                ])
            ),
            (
                "bandwidth",
                "bandwidth",
                json!({"ingressRate": 2048, "ingressBurst": 300, "egressRate": 8000})
            ),
            ("deviceID", "deviceID", json!("0000:01:02.3")),
        ]
    );
    let gateways = all.default_route.clone().unwrap();
    let gateways: Vec<_> = gateways.iter().map(IpAddr::to_string).collect();
    assert_eq!(gateways, ["10.2.2.1", "2001:db8::1"]);
    assert_eq!(all.cni_args["spoofchk"], "on");
    // An empty list takes the network's own.
    assert_eq!(
        parsed(r#"[{"name": "a", "default-route": []}]"#)[0].default_route,
        Some(Vec::new())
    );
}

#[test]
fn what_is_wrong_in_the_json_form_is_named() {
    for (text, start) in [
        (r#"[{"name": "a"}"#, ": [{\"name\": \"a\"}: is no JSON: "),
        (r#"{"name": "a"}"#, ": expected an array, got an object"),
        (r#""a""#, ": expected an array, got the string"),
        (r#"["a"]"#, "[0]: expected an object, got the string"),
        (r#"[{"namespace": "x"}]"#, "[0].name: missing"),
        (r#"[{"name": ""}]"#, "[0].name: \"\": is empty"),
        (
            r#"[{"name": "a"}, {"name": 7}]"#,
            "[1].name: expected a string",
        ),
        (r#"[{"name": "../a"}]"#, "[0].name: \"../a\": "),
        (
            r#"[{"name": "a", "namespace": "x/y"}]"#,
            "[0].namespace: \"x/y\": ",
        ),
        (
            r#"[{"name": "a", "interface": "a b"}]"#,
            "[0].interface: \"a b\": ",
        ),
        (
            r#"[{"name": "a", "interface": "lo"}]"#,
            "[0].interface: \"lo\": is the loopback's",
        ),
        (
            r#"[{"name": "a", "ips": "10.0.0.1"}]"#,
            "[0].ips: expected an array",
        ),
        (
            r#"[{"name": "a", "ips": ["10.0.0.1", "10.0.0"]}]"#,
            "[0].ips[1]: \"10.0.0\": is no IP address",
        ),
        (r#"[{"name": "a", "ips": ["10.0.0.1/33"]}]"#, "[0].ips[0]: "),
        (
            r#"[{"name": "a", "mac": "02:00:00:00:00"}]"#,
            "[0].mac: \"02:00:00:00:00\": is no hardware address",
        ),
        (
            r#"[{"name": "a", "mac": "02:00:00:00:00:+1"}]"#,
            "[0].mac: ",
        ),
        (
            r#"[{"name": "a", "mac": "01:00:00:00:00:01"}]"#,
            "[0].mac: \"01:00:00:00:00:01\": is a group's",
        ),
        (
            r#"[{"name": "a", "infiniband-guid": "02:00:00:00:00:01"}]"#,
            "[0].infiniband-guid: ",
        ),
        (
            r#"[{"name": "a", "default-route": ["10.0.0.0/24"]}]"#,
            "[0].default-route[0]: ",
        ),
        (
            r#"[{"name": "a", "default-route": ["0.0.0.0"]}]"#,
            "[0].default-route[0]: \"0.0.0.0\": cannot be a gateway",
        ),
        (
            r#"[{"name": "a", "default-route": ["10.0.0.1", "10.0.0.1"]}]"#,
            "[0].default-route[1]: \"10.0.0.1\": is there twice",
        ),
        (
            r#"[{"name": "a", "default-route": []}, {"name": "b"}, {"name": "c", "default-route": ["10.0.0.1"]}]"#,
            "[2].default-route: \"c\": pod annotation: k8s.v1.cni.cncf.io/networks[0].default-route is there already",
        ),
        (
            r#"[{"name": "a", "cni-args": []}]"#,
            "[0].cni-args: expected an object",
        ),
        (
            r#"[{"name": "a", "portMappings": [{"hostPort": 80}]}]"#,
            "[0].portMappings[0].containerPort: missing",
        ),
        (
            r#"[{"name": "a", "portMappings": [{"hostPort": 0, "containerPort": 80}]}]"#,
            "[0].portMappings[0].hostPort: 0: must be from 1 to 65535",
        ),
        (
            r#"[{"name": "a", "portMappings": [{"hostPort": 80, "containerPort": 80, "protocol": "icmp"}]}]"#,
            "[0].portMappings[0].protocol: \"icmp\": ",
        ),
        (
            r#"[{"name": "a", "bandwidth": {}}]"#,
            "[0].bandwidth: {}: has none of",
        ),
        (
            r#"[{"name": "a", "bandwidth": {"ingressRate": 0}}]"#,
            "[0].bandwidth.ingressRate: 0: ",
        ),
        (
            r#"[{"name": "a", "bandwidth": {"egressBurst": 9, "ingressRate": 9}}]"#,
            "[0].bandwidth.egressBurst: 9: goes with egressRate",
        ),
        (
            r#"[{"name": "a", "ips": ["10.0.0.1"], "ipam-claim-reference": "db"}]"#,
            "[0].ipam-claim-reference: \"db\": cannot stand beside ips",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(start), "{text}: {error}");
    }
}

#[test]
fn a_claim_becomes_a_label() {
    let labels = |cni_args: &str| {
        let text = format!(r#"[{{"name": "a", "ipam-claim-reference": "db"{cni_args}}}]"#);
        parsed(&text)[0].cni_args["labels"].clone()
    };
    let claim = json!({"fairway.network/claim": "db"});
    assert_eq!(labels(""), claim);
    assert_eq!(
        labels(r#", "cni-args": {"labels": {"x": "y"}}"#),
        json!({"fairway.network/claim": "db", "x": "y"})
    );
    assert_eq!(
        labels(r#", "cni-args": {"Labels": [{"key": "x", "value": "y"}]}"#)[1],
        json!({"key": "fairway.network/claim", "value": "db"})
    );
}

#[test]
fn a_configurations_list_has_both_forms() {
    let value = json!(["a@x", {"name": "b", "interface": "y"}]);
    let selections = parse_list(&Field::new(&value, "defaultNetworks")).unwrap();
    let brief: Vec<_> = selections.iter().map(brief).collect();
    assert_eq!(brief, [(None, "a", Some("x")), (None, "b", Some("y"))]);
    let value = json!(["a", 7]);
    let error = parse_list(&Field::new(&value, "defaultNetworks")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("defaultNetworks[1]: expected an object")
    );
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9][a-zA-Z0-9_.-]{0,20}"
}

fn ifname() -> impl Strategy<Value = String> {
    "[a-z0-9._-]{0,14}[a-z]".prop_filter("the loopback's", |name| name != "lo")
}

proptest! {
    /// The short form is the JSON form with three of its keys.
    #[test]
    fn both_forms_say_the_same(
        entries in prop::collection::vec((prop::option::of(name()), name(), prop::option::of(ifname())), 0..MAX)
    ) {
        let short: Vec<_> = entries.iter().map(|(namespace, name, ifname)| {
            let namespace = namespace.as_ref().map_or(String::new(), |namespace| format!("{namespace}/"));
            let ifname = ifname.as_ref().map_or(String::new(), |ifname| format!("@{ifname}"));
            format!("{namespace}{name}{ifname}")
        }).collect();
        let long: Vec<_> = entries.iter().map(|(namespace, name, ifname)| {
            json!({"name": name, "namespace": namespace, "interface": ifname})
        }).collect();
        let (short, long) = (parsed(&short.join(",")), parsed(&json!(long).to_string()));
        prop_assert_eq!(&short, &long);
        for (selection, (namespace, name, ifname)) in short.iter().zip(&entries) {
            prop_assert_eq!(brief(selection), (namespace.as_deref(), name.as_str(), ifname.as_deref()));
        }
    }

    /// Whatever comes is read or refused by name, and what is read holds nothing that could be a path.
    #[test]
    fn anything_is_read_or_refused(text in "\\PC{0,80}|[a-z/@,. ]{0,40}|\\[\\{\"name\": \"[a-z./]{0,9}\", \"(ips|mac|interface|default-route)\": (\"[0-9a-f.:/]{0,20}\"|\\[\"[0-9a-f.:]{0,20}\"\\]|7|null)\\}\\]") {
        match parse(&text, AT) {
            Ok(selections) => {
                prop_assert!(selections.len() <= MAX);
                for selection in selections {
                    prop_assert!(!selection.name.as_str().contains('/') && selection.name.as_str() != "..");
                }
            }
            Err(error) => prop_assert!(error.to_string().starts_with(AT), "{}", error),
        }
    }
}
