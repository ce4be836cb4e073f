//! What a result says is really there.

use super::add::added;
use crate::{
    Check, Level, Profile, Release,
    check::{Outcome, ensure, skipped},
    form::Form,
    kernel,
    stage::{Container, Stage},
    stand_in,
};

const SUCCESS: &str = "section 5, ADD Success";
const LINKS: &[Profile] = &[Profile::Interface, Profile::Chained];
const MAKERS: &[Profile] = &[Profile::Interface];

pub(super) const CHECKS: &[Check] = &[
    Check::new(
        "attached.interface",
        Level::Must,
        "section 2, ADD: the interface that CNI_IFNAME names; section 5, ADD Success, sandbox",
        "the container has the interface that was asked for, and the result tells of it",
        interface,
    )
    .of(MAKERS)
    .since(Release::V0_3_0),
    Check::new(
        "attached.interfaces",
        Level::Must,
        SUCCESS,
        "each interface of the result is there, with its name, sandbox, MAC and MTU",
        interfaces,
    )
    .of(LINKS)
    .since(Release::V0_3_0)
    .each(),
    Check::new(
        "attached.addresses",
        Level::Must,
        SUCCESS,
        "each address of the result is on its interface",
        addresses,
    )
    .of(LINKS)
    .each(),
    Check::new(
        "attached.routes",
        Level::Must,
        SUCCESS,
        "each route of the result is in the container",
        routes,
    )
    .of(MAKERS)
    .each(),
    Check::new(
        "attached.ipam",
        Level::Must,
        "section 4; before 1.0.0: IP Allocation, what the IPAM plugin returned is applied and returned",
        "addresses, gateways and routes of the IPAM plugin are in the result",
        ipam,
    )
    .of(MAKERS)
    .each(),
    Check::new(
        "attached.dns",
        Level::Should,
        "0.4.0, Result: dns should be what the IPAM plugin returned",
        "the IPAM plugin's name servers are in the result",
        dns,
    )
    .of(MAKERS),
];

/// All of it.
pub(super) fn all(stage: &Stage, container: &Container, form: &Form) -> Outcome {
    let profile = stage.subject.profile;
    // An IPAM plugin puts nothing anywhere.
    if profile == Profile::Ipam {
        return Ok(());
    }
    kernel::interfaces(stage, container, form)?;
    kernel::addresses(stage, container, form)?;
    match profile {
        Profile::Interface => kernel::routes(container, form),
        // It may lead packets another way.
        Profile::Chained | Profile::Ipam => Ok(()),
    }
}

fn judged(
    stage: &Stage,
    release: Release,
    judge: impl FnOnce(&Container, &Form, &serde_json::Value) -> Outcome,
) -> Outcome {
    let (container, result, form) = added(stage, release)?;
    let judged = judge(&container, &form, &result);
    // What comes of that is for others to ask.
    let _ = stage.del(&container, release, &result);
    judged
}

fn interface(stage: &Stage, release: Release) -> Outcome {
    judged(stage, release, |container, form, _| {
        kernel::interface(container, form)
    })
}

fn interfaces(stage: &Stage, release: Release) -> Outcome {
    judged(stage, release, |container, form, _| {
        kernel::interfaces(stage, container, form)
    })
}

fn addresses(stage: &Stage, release: Release) -> Outcome {
    judged(stage, release, |container, form, _| {
        kernel::addresses(stage, container, form)
    })
}

fn routes(stage: &Stage, release: Release) -> Outcome {
    judged(stage, release, |container, form, _| {
        kernel::routes(container, form)
    })
}

fn ipam(stage: &Stage, release: Release) -> Outcome {
    if !stage.has_stand_in() {
        return skipped("its addresses do not come from the suite's IPAM plugin");
    }
    judged(stage, release, |container, form, _| {
        let given = stage.given(container);
        let [number] = given[..] else {
            return crate::check::wrong(format!(
                "the IPAM plugin gave {} addresses, asked is for one",
                given.len()
            ));
        };
        for address in stand_in::addresses(number) {
            let told =
                |ip: &crate::form::Ip| ip.address.to_string() == address && ip.gateway.is_some();
            ensure(form.ips.iter().any(told), || {
                format!("{address} and its gateway are not in the result")
            })?;
        }
        for dst in ["0.0.0.0/0", "::/0"] {
            let told = |route: &crate::form::Route| route.dst.to_string() == dst;
            ensure(form.routes.iter().any(told), || {
                format!("the route to {dst} is not in the result")
            })?;
        }
        Ok(())
    })
}

fn dns(stage: &Stage, release: Release) -> Outcome {
    if !stage.has_stand_in() {
        return skipped("its addresses do not come from the suite's IPAM plugin");
    }
    judged(stage, release, |_, _, result| {
        let servers = result["dns"]["nameservers"].as_array();
        let told =
            servers.is_some_and(|servers| servers.iter().any(|server| server == "10.232.0.1"));
        ensure(told, || format!("dns is {}", result["dns"]))
    })
}
