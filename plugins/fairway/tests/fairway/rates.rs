//! Rates, as bridge, ptp and bandwidth ask for them: of the daemon, of an older one, and of none.

use crate::{
    common::{Fake, Step, attachment, good, refused},
    links::Bed,
};
use fairway_api::{Body, ErrorBody, Method, endpoint::Shape};
use fairway_lab::{Cni, Result, Value, json};

const KINDS: [&str; 2] = ["bridge", "ptp"];
const TWENTY: &str = "class htb fa17:1 root rate 20Mbit ceil 20Mbit";

/// 20 Mbit/s to the container by the administrator, and 50 by its author, who also asks for 10 from it.
fn conf() -> Value {
    json!({
        "cniVersion": "1.1.0", "bandwidth": {"ingressRate": 20_000_000},
        "args": {"cni": {"labels": {
            "fairway.network/ingress-rate": "50M", "fairway.network/egress-rate": "10M",
            "fairway.network/namespace": "shop",
        }}},
        "ipam": {"type": "static", "addresses": [{"address": "10.1.2.3/24", "gateway": "10.1.2.1"}]},
    })
}

fn cni(bed: &Bed, kind: &str, fake: &Fake) -> Cni {
    bed.cni(bed.plugins.path(), kind, fake.dir.path(), conf())
}

fn behind(bed: &Bed, fake: &Fake, result: &Value) -> Cni {
    let extra = json!({"cniVersion": "1.1.0", "egressRate": 5_000_000, "prevResult": result});
    bed.cni(bed.plugins.path(), "bandwidth", fake.dir.path(), extra)
}

/// What each of them asks: the plugin, and its rates.
fn shapes(fake: &Fake) -> Vec<(String, Vec<u64>)> {
    let shape = |method| match method {
        Method::EndpointShape(shape) => Some(*shape),
        _ => None,
    };
    let bits = |shape: &Shape| shape.rates.iter().map(|rate| rate.bits).collect();
    let shapes = fake.seen().into_iter().filter_map(shape);
    let told = shapes.map(|shape| {
        assert_eq!(shape.attachment, attachment());
        assert!(shape.link.starts_with("fw"), "{shape:?}");
        (shape.by.clone(), bits(&shape))
    });
    told.collect()
}

/// Do both ends bear the limits that the kernel keeps by itself?
fn limited(bed: &Bed) -> bool {
    let host = bed.links().remove(0);
    let [to, from] = [
        bed.lab.node().run(&format!("tc class show dev {host}")),
        bed.container.run("tc class show dev eth0"),
    ]
    .map(Result::unwrap);
    let none = to.is_empty() && from.is_empty();
    assert!(
        none || to.contains(TWENTY) && from.contains("rate 10Mbit"),
        "{to}{from}"
    );
    !none
}

/// As a daemon of before there were rates.
fn older(method: &Method) -> Vec<Step> {
    match method {
        Method::EndpointShape(_) | Method::EndpointShaped(_) => {
            let error = ErrorBody {
                code: 6,
                message: "the request: method".to_owned(),
                details: "unknown variant `endpoint.shape`, expected one of …".to_owned(),
            };
            vec![Step::Say(Body::Error(error)), Step::Close]
        }
        _ => vec![Step::Say(good(method))],
    }
}

#[test]
fn a_daemon_that_is_there_is_asked_and_judges() -> Result {
    for kind in KINDS {
        let bed = Bed::new()?;
        let fake = Fake::good();
        let cni = cni(&bed, kind, &fake);
        let result = cni.add()?.ok()?;
        cni.check(&result)?.ok()?;
        assert!(!limited(&bed));
        cni.del(Some(&result))?.ok()?;
        assert_eq!(fake.asked(), ["shape", "shaped"], "{kind}");
        let rates = vec![20_000_000, 50_000_000, 10_000_000];
        assert_eq!(shapes(&fake), [(kind.to_owned(), rates)]);
    }
    Ok(())
}

#[test]
fn without_it_or_with_an_older_one_the_kernel_is() -> Result {
    for kind in KINDS {
        for gone in [true, false] {
            let bed = Bed::new()?;
            let mut fake = Fake::new(older);
            if gone {
                fake.kill();
            }
            let cni = cni(&bed, kind, &fake);
            let result = cni.add()?.ok()?;
            assert!(limited(&bed));
            cni.check(&result)?.ok()?;
            let behind = behind(&bed, &fake, &result);
            behind.add()?.ok()?;
            behind.check(&result)?.ok()?;
            // The last word counts, where nobody knows of all.
            cni.check(&result)?.fails(100)?;
            behind.del(Some(&result))?.ok()?;
            cni.del(Some(&result))?.ok()?;
            assert!(bed.links().is_empty());
        }
    }
    Ok(())
}

#[test]
fn what_it_refuses_or_finds_is_told() -> Result {
    for kind in KINDS {
        let bed = Bed::new()?;
        let fake = Fake::new(|method| match method {
            Method::EndpointShape(_) => vec![refused(7, "bandwidth.ingressRate: too much")],
            Method::EndpointShaped(_) => vec![refused(100, "the rate is another")],
            _ => vec![Step::Say(good(method))],
        });
        let cni = cni(&bed, kind, &fake);
        let error = cni.add()?.fails(7)?;
        assert_eq!(error.msg, "bandwidth.ingressRate: too much");
        assert!(!bed.shows("eth0") && bed.links().is_empty(), "{kind}");

        let well = Fake::good();
        let result = self::cni(&bed, kind, &well).add()?.ok()?;
        let error = cni.check(&result)?.fails(100)?;
        assert_eq!(error.msg, "the rate is another");
        behind(&bed, &fake, &result).check(&result)?.fails(100)?;
        behind(&bed, &fake, &result).add()?.fails(7)?;
        // It keeps nobody from ending.
        behind(&bed, &fake, &result).del(Some(&result))?.ok()?;
        cni.del(Some(&result))?.ok()?;
    }
    Ok(())
}

/// It came, or came back, after the ADD: what it knows nothing of, the kernel is asked about.
#[test]
fn a_daemon_that_knows_of_no_rates_judges_none() -> Result {
    let bed = Bed::new()?;
    let mut away = Fake::good();
    away.kill();
    let result = cni(&bed, "bridge", &away).add()?.ok()?;
    let fake = Fake::new(|method| match method {
        Method::EndpointShaped(_) => vec![refused(3, "nobody has asked for any")],
        _ => vec![Step::Say(good(method))],
    });
    let cni = cni(&bed, "bridge", &fake);
    cni.check(&result)?.ok()?;
    bed.container.run("tc qdisc del dev eth0 root")?;
    let error = cni.check(&result)?.fails(100)?;
    assert!(error.msg.contains("has no limit"), "{error:?}");
    cni.del(Some(&result))?.ok()?;
    Ok(())
}

#[test]
fn each_plugin_of_a_list_has_its_own_word() -> Result {
    let bed = Bed::new()?;
    let fake = Fake::good();
    let cni = cni(&bed, "bridge", &fake);
    let result = cni.add()?.ok()?;
    let behind = behind(&bed, &fake, &result);
    behind.add()?.ok()?;
    behind.check(&result)?.ok()?;
    behind.del(Some(&result))?.ok()?;
    cni.del(Some(&result))?.ok()?;
    // Once the links are gone, there is nothing to take back.
    behind.del(Some(&result))?.ok()?;
    let word = |by: &str, rates: &[u64]| (by.to_owned(), rates.to_vec());
    let expected = [
        word("bridge", &[20_000_000, 50_000_000, 10_000_000]),
        word("bandwidth", &[5_000_000]),
        word("bandwidth", &[]),
    ];
    assert_eq!(shapes(&fake), expected);
    assert_eq!(fake.asked(), ["shape", "shape", "shaped", "shape"]);
    Ok(())
}
