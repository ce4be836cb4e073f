//! Standard input of a plugin: whatever comes, the answer is nothing or one JSON object, with a status
//! that fits, and no plugin's own keys make it panic.
#![no_main]

use fairway_bridge::conf::BridgeConf;
use fairway_child::Child;
use fairway_cni::{CniResult, Context, Detach, Failure, GcAttachments, Plugin, Sandbox, serve};
use fairway_firewall::Firewall;
use fairway_portmap::Portmap;
use fairway_sbr::Sbr;
use fairway_tuning::Tuning;
use fairway_vrf::Vrf;
use fairway_vxlan::conf::VxlanConf;
use libfuzzer_sys::fuzz_target;
use std::ffi::OsString;

/// Parses all that the real plugins parse, and does nothing.
struct Parser;

impl Parser {
    fn parse(context: &Context<'_>) -> Result<(), Failure> {
        let bridge = BridgeConf::parse(context).map(drop);
        let host_local = fairway_host_local::config::Config::read(context.conf).map(drop);
        let requests = fairway_host_local::request::requests(context.conf, context.args).map(drop);
        let fairway =
            fairway_cluster_ipam::facts::Wanted::read(context.conf, context.args).map(drop);
        let vxlan = VxlanConf::parse(context).map(drop);
        let rates = fairway_iface::Rates::read_flat(context.conf, context.args).map(drop);
        let children = [
            Child::Macvlan,
            Child::Ipvlan,
            Child::Vlan,
            Child::Dummy,
            Child::Tap,
        ];
        let children = children.map(|child| child.parse(context).map(drop));
        let device = fairway_host_device::conf::parse(context).map(drop);
        let chained = [
            Portmap::parse,
            Tuning::parse,
            Sbr::parse,
            Firewall::parse,
            Vrf::parse,
        ];
        let chained = chained.map(|parse| parse(context));
        let function = fairway_sriov::conf::parse(context).map(drop);
        // A file of the plugin's own; hardly any input is one.
        let _ = fairway_sriov::claim::Claim::from_json(&context.conf.root());
        context.conf.prev_result()?;
        context.conf.dns()?;
        bridge?;
        host_local?;
        fairway?;
        vxlan?;
        rates?;
        device?;
        function?;
        children.into_iter().collect::<Result<(), _>>()?;
        chained.into_iter().collect::<Result<(), _>>()?;
        Ok(requests?)
    }
}

impl Plugin for Parser {
    fn add(&self, context: &Context<'_>, _: &Sandbox) -> Result<CniResult, Failure> {
        Self::parse(context)?;
        Ok(context.conf.prev_result()?.unwrap_or_default())
    }
    fn del(&self, context: &Context<'_>, _: &Detach) -> Result<(), Failure> {
        Self::parse(context)
    }
    fn check(&self, context: &Context<'_>, _: &Sandbox) -> Result<(), Failure> {
        Self::parse(context)
    }
    fn gc(&self, context: &Context<'_>, _: &GcAttachments) -> Result<(), Failure> {
        Self::parse(context)
    }
    fn status(&self, context: &Context<'_>) -> Result<(), Failure> {
        Self::parse(context)
    }
}

fuzz_target!(|data: &[u8]| {
    for verb in ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] {
        let var = |name: &str| {
            let value = match name {
                "CNI_COMMAND" => verb,
                "CNI_CONTAINERID" => "c1",
                "CNI_IFNAME" => "eth0",
                "CNI_NETNS" | "CNI_PATH" => "/",
                "CNI_ARGS" => "IgnoreUnknown=1;K8S_POD_NAME=web-0",
                _ => return None,
            };
            Some(OsString::from(value))
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let status = serve(
            "parser",
            &[("parser", &Parser)],
            &var,
            &mut &data[..],
            &mut stdout,
            &mut stderr,
        );
        match stdout.as_slice() {
            [] => assert_eq!(status, 0),
            json => {
                let answer: serde_json::Value =
                    serde_json::from_slice(json).expect("one JSON document");
                assert_eq!(answer.get("code").is_some(), status == 1, "{answer}");
            }
        }
        assert!(stderr.is_empty());
    }
});
