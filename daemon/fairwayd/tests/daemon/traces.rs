//! A call is found in the log, and among those that failed, when its container is gone.

use crate::bed::{Bed, attachment};
use fairway_api::{
    Client, ClientError, Method, Nothing, Trace,
    admin::ClaimCreate,
    call::{CallFailed, FailedCall},
    ipam::{Allocate, Allocated, Facts, Release, Released, Sourced},
};
use fairway_lab::Value;
use std::time::Duration;

const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

impl Bed {
    fn traced(&self) -> Client {
        let trace = Trace::parse(&format!("00-{ID}-00f067aa0ba902b7-01")).unwrap();
        let client = Client::connect(&self.socket(), Duration::from_secs(5)).unwrap();
        client.traced(trace)
    }

    fn failed(&self) -> Vec<FailedCall> {
        self.call(Method::CallList).unwrap()
    }

    /// The same, once there are so many: a call is noted after its answer.
    fn failed_in_time(&self, many: usize) -> Vec<FailedCall> {
        let noted = || self.failed().len() == many;
        fairway_lab::poll(crate::bed::SOON, "the failed calls", noted).unwrap();
        self.failed()
    }
}

fn add(container: &str, pool: Option<&str>) -> Method {
    let pool = pool.map(|pool| Sourced {
        value: pool.to_owned(),
        field: "ipam.pool".to_owned(),
    });
    Method::Allocate(Box::new(Allocate {
        attachment: attachment(container),
        netns: None,
        facts: Facts {
            pool,
            ..Facts::default()
        },
        early: false,
    }))
}

#[test]
fn a_refusal_is_logged_once_and_remembered() {
    let bed = Bed::up();
    let mut client = bed.traced();
    let error = client
        .call::<Allocated>(add("c1", Some("none")))
        .unwrap_err();
    let ClientError::Refused(refused) = error else {
        panic!("{error}")
    };
    let told = CallFailed {
        plugin: "bridge".into(),
        verb: "ADD".into(),
        network: Some("net".into()),
        container: Some("c1".into()),
        ifname: Some("eth0".into()),
        code: refused.code,
        message: refused.message.clone(),
        details: format!("request {ID}"),
    };
    let _: Nothing = client.call(Method::CallFailed(Box::new(told))).unwrap();
    let failed = bed.failed_in_time(1);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0].trace.as_deref(), Some(ID));
    assert_eq!(failed[0].plugin.as_deref(), Some("bridge"));
    assert_eq!(failed[0].method.as_deref(), Some("ipam.allocate"));
    assert_eq!(failed[0].attachment, Some(attachment("c1")));
    assert_eq!(
        (failed[0].code, &failed[0].message),
        (refused.code, &refused.message)
    );
    bed.says(ID);
    let log = bed.log();
    let lines = log
        .lines()
        .filter(|line| line.contains(ID) && line.contains("WARN"));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "{log}");
    for word in [
        "ipam.allocate",
        "c1",
        "eth0",
        "refused: ipam.pool: ",
        "code=7",
    ] {
        assert!(lines[0].contains(word), "{word}: {}", lines[0]);
    }
}

#[test]
fn what_the_store_was_told_for_a_call_has_its_trace() {
    let bed = Bed::up();
    // The first address needs a block, which the store is asked for on behalf of the call.
    let _: Allocated = bed.traced().call(add("c1", None)).unwrap();
    let told = || {
        let log = bed.log();
        let mut lines = log.lines();
        lines.any(|line| line.contains(ID) && line.contains("in the store at revision"))
    };
    assert!(
        fairway_lab::poll(crate::bed::SOON, "the store's line", told).is_ok(),
        "{}",
        bed.log()
    );
    // A change of an administrator's is told within the call itself.
    let claim = ClaimCreate {
        name: "prod/db-0".into(),
        pool: "web".into(),
        addresses: Vec::new(),
        release: None,
        handover: None,
        app: None,
        set: None,
    };
    let _: Value = bed.traced().call(Method::ClaimCreate(claim)).unwrap();
    assert_eq!(bed.failed(), []);
}

#[test]
fn json_has_the_trace_as_a_field() {
    let mut bed = Bed::new();
    bed.daemon = Some(bed.launch(&["--log", "json"]));
    bed.answers();
    let error = bed.traced().call::<Allocated>(add("c1", None)).unwrap_err();
    assert!(matches!(error, ClientError::Refused(_)), "{error}");
    let attachment = attachment("c1");
    let _: Released = bed
        .traced()
        .call(Method::Release(Release { attachment }))
        .unwrap();
    bed.says("refused: ");
    let log = bed.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let refused: Vec<Value> = lines
        .filter(|line| line["level"] == "WARN" && line["code"].is_number())
        .collect();
    assert_eq!(refused.len(), 1, "{log}");
    let span = &refused[0]["span"];
    assert_eq!(
        (&span["trace"], &span["container"], &span["ifname"]),
        (&ID.into(), &"c1".into(), &"eth0".into())
    );
    assert_eq!(
        (&span["method"], &span["network"]),
        (&"ipam.allocate".into(), &"net".into())
    );
    assert!(
        refused[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("refused: "),
        "{}",
        refused[0]
    );
}

/// One that is older than traces sends none, and one that sends junk is served all the same.
#[test]
fn without_a_trace_all_is_as_before() {
    let bed = Bed::up();
    bed.add("c1");
    let refused = bed.call::<Allocated>(add("c2", Some("none"))).unwrap_err();
    assert!(refused.to_string().contains("none"), "{refused}");
    let failed = bed.failed_in_time(1);
    assert_eq!(failed[0].trace, None);
}
