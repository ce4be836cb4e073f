use super::*;
use fairway_cni::{Attachment, CniArgs, Delegates, NetConf};
use serde_json::{Value, json};

fn conf(extra: Value, ipam: Value) -> NetConf {
    let mut base = json!({"cniVersion": "1.0.0", "name": "net", "ipam": ipam});
    base.as_object_mut()
        .unwrap()
        .append(&mut extra.as_object().unwrap().clone());
    NetConf::from_json(base).unwrap()
}

fn sandbox() -> Sandbox {
    Sandbox {
        attachment: Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        },
        netns: "/nowhere".to_owned(),
    }
}

fn call<T>(
    conf: &NetConf,
    args: &str,
    verb: impl FnOnce(&Context<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    verb(&Context {
        conf,
        args: &CniArgs::parse(args).unwrap(),
        delegates: &Delegates::default(),
    })
}

fn add(extra: Value, ipam: Value, args: &str) -> Result<CniResult, Failure> {
    call(&conf(extra, ipam), args, |context| {
        Static.add(context, &sandbox())
    })
}

fn addresses(result: &CniResult) -> Vec<(String, Option<String>)> {
    let text = |ip: &IpConfig| (ip.address.to_string(), ip.gateway.map(|ip| ip.to_string()));
    result.ips.iter().map(text).collect()
}

#[test]
fn what_is_configured() {
    let ipam = json!({
        "type": "static",
        "addresses": [{"address": "10.1.2.3/24", "gateway": "10.1.2.1"}, {"address": "fd00::3/64"}],
        "routes": [{"dst": "0.0.0.0/0"}, {"dst": "fd01::1/64", "gw": "fd00::1", "mtu": 1300}],
        "dns": {"nameservers": ["10.1.2.1"]},
    });
    let result = add(json!({}), ipam, "").unwrap();
    assert_eq!(
        addresses(&result),
        [
            ("10.1.2.3/24".to_owned(), Some("10.1.2.1".to_owned())),
            ("fd00::3/64".to_owned(), None),
        ]
    );
    assert_eq!(result.routes[1].dst.to_string(), "fd01::/64");
    assert_eq!(result.dns.nameservers, ["10.1.2.1"]);
}

#[test]
fn the_runtime_beats_args_beats_the_rest() {
    let ipam = json!({"type": "static", "addresses": [{"address": "10.0.0.1/24"}]});
    let first = |extra: Value| {
        addresses(
            &add(
                extra,
                ipam.clone(),
                "IP=10.0.0.4/24,fd00::4/64;GATEWAY=10.0.0.254",
            )
            .unwrap(),
        )
    };
    let args = json!({"cni": {"ips": ["10.0.0.3/24"]}});
    let runtime = json!({"ips": ["10.0.0.2/24"]});
    assert_eq!(
        first(json!({"runtimeConfig": runtime, "args": args})),
        [("10.0.0.2/24".to_owned(), None)]
    );
    assert_eq!(
        first(json!({"args": args, "runtimeConfig": {"ips": []}})),
        [("10.0.0.3/24".to_owned(), None)]
    );
    assert_eq!(
        first(json!({})),
        [
            ("10.0.0.1/24".to_owned(), None),
            ("10.0.0.4/24".to_owned(), Some("10.0.0.254".to_owned())),
            ("fd00::4/64".to_owned(), None),
        ]
    );
}

#[test]
fn check_compares_with_the_result() {
    let ipam =
        json!({"type": "static", "addresses": [{"address": "10.0.0.2/24", "gateway": "10.0.0.1"}]});
    let check = |ips: Value| {
        let conf = conf(
            json!({"prevResult": {"cniVersion": "1.0.0", "ips": ips}}),
            ipam.clone(),
        );
        call(&conf, "", |context| Static.check(context, &sandbox()))
    };
    assert_eq!(
        check(json!([{"address": "10.0.0.2/24", "gateway": "10.0.0.1"}])),
        Ok(())
    );
    for ips in [
        json!([]),
        json!([{"address": "10.0.0.3/24"}]),
        json!([{"address": "10.0.0.2/24", "gateway": "10.0.0.9"}]),
    ] {
        assert_eq!(check(ips).unwrap_err().code, Code::CHECK_FAILED);
    }
}

#[test]
fn what_is_wrong_is_named() {
    let none = || json!({"type": "static"});
    for (extra, ipam, args, path) in [
        (
            json!({}),
            json!({"addresses": [{"address": "10.0.0.1"}]}),
            "",
            "ipam.addresses[0].address",
        ),
        (
            json!({}),
            json!({"addresses": [{}]}),
            "",
            "ipam.addresses[0].address: missing",
        ),
        (
            json!({}),
            json!({"addresses": [{"address": "10.0.0.1/8", "gateway": "::1"}]}),
            "",
            "ipam.addresses[0].gateway",
        ),
        (
            json!({}),
            json!({"routes": [{"dst": "x/8"}]}),
            "",
            "ipam.routes[0].dst",
        ),
        (
            json!({"args": {"cni": {"ips": ["10.0.0.1"]}}}),
            none(),
            "",
            "args.cni.ips[0]",
        ),
        (
            json!({"runtimeConfig": {"ips": [5]}}),
            none(),
            "",
            "runtimeConfig.ips[0]",
        ),
        (json!({}), none(), "IP=10.0.0.1", "CNI_ARGS: IP"),
        (json!({}), none(), "IP=10.0.0.1/33", "CNI_ARGS: IP"),
        (json!({}), none(), "GATEWAY=x", "CNI_ARGS: GATEWAY"),
        (
            json!({"cniVersion": "0.2.0"}),
            json!({"addresses": [{"address": "10.0.0.1/8"}, {"address": "10.0.0.2/8"}]}),
            "",
            "ipam.addresses",
        ),
    ] {
        let failure = add(extra, ipam, args).unwrap_err();
        assert!(failure.msg.starts_with(path), "{failure}");
        assert_eq!(failure.code, Code::INVALID_CONFIG);
    }
}
