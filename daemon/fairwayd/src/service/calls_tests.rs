use super::*;
use fairway_api::{Method, VERSION, ipam::Release};

const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn attachment() -> Attachment {
    Attachment {
        network: "net".into(),
        container: "c1".into(),
        ifname: "eth0".into(),
    }
}

fn request(trace: Option<Trace>) -> Request {
    let attachment = attachment();
    Request {
        v: VERSION,
        trace,
        parts: false,
        method: Method::Release(Release { attachment }),
    }
}

fn told(verb: &str, code: u32) -> CallFailed {
    CallFailed {
        plugin: "bridge".into(),
        verb: verb.into(),
        network: Some("net".into()),
        container: Some("c1".into()),
        ifname: Some("eth0".into()),
        code,
        message: "no".into(),
        details: "since".into(),
    }
}

fn error(code: u32) -> ErrorBody {
    ErrorBody {
        code,
        message: "m".into(),
        details: String::new(),
    }
}

fn page(calls: &Calls) -> String {
    let mut page = Page::default();
    calls.show(&mut page);
    page.open_metrics()
}

#[test]
fn each_call_is_counted_by_what_became_of_it() {
    let calls = Calls::default();
    calls.begin(&request(None)).end(None);
    calls.begin(&request(None)).end(Some(&error(11)));
    calls.begin(&request(None)).end(Some(&error(4711)));
    drop(calls.begin(&request(None)));
    let open = calls.begin(&request(None));
    let text = page(&calls);
    for line in [
        "fairway_requests_total{verb=\"DEL\",method=\"ipam.release\",code=\"0\"} 1",
        "fairway_requests_total{verb=\"DEL\",method=\"ipam.release\",code=\"11\"} 1",
        "fairway_requests_total{verb=\"DEL\",method=\"ipam.release\",code=\"other\"} 1",
        "fairway_requests_abandoned_total{verb=\"DEL\",method=\"ipam.release\"} 1",
        "fairway_request_duration_seconds_count{verb=\"DEL\",method=\"ipam.release\"} 3",
        "fairway_requests_in_flight 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    drop(open);
    assert!(page(&calls).contains("fairway_requests_in_flight 0"));
    // Administrators take the time they take.
    let list = Request {
        method: Method::PoolList,
        ..request(None)
    };
    calls.begin(&list).end(Some(&error(7)));
    assert!(!page(&calls).contains("duration_seconds_count{verb=\"other\""));
    assert_eq!(calls.failed().len(), 2);
}

#[test]
fn what_the_daemon_refused_and_the_plugin_tells_is_one_failure() {
    let calls = Calls::default();
    let trace = Trace::parse(CONTEXT);
    calls.begin(&request(trace)).end(Some(&error(11)));
    calls.told(&told("DEL", 11), trace);
    calls.told(&told("ADD", 999), trace);
    calls.told(&told("ADD", 12345), None);
    let failed = calls.failed();
    assert_eq!(failed.len(), 3);
    let first = &failed[0];
    assert_eq!(
        first.trace.as_deref(),
        Some("4bf92f3577b34da6a3ce929d0e0e4736")
    );
    assert_eq!(
        (first.method.as_deref(), first.plugin.as_deref()),
        (Some("ipam.release"), Some("bridge"))
    );
    assert_eq!(
        (first.message.as_str(), first.details.as_str()),
        ("no", "since")
    );
    assert_eq!(first.attachment, Some(attachment()));
    let text = page(&calls);
    let line = "fairway_plugin_failures_total{verb=\"ADD\",plugin=\"bridge\",code=\"other\"} 1";
    assert!(text.contains(line), "{text}");
}

#[test]
fn what_is_remembered_and_counted_has_bounds() {
    let calls = Calls::default();
    for number in 0..600_u32 {
        let mut failed = told("ADD", number);
        failed.plugin = format!("plugin-{number}");
        failed.verb = format!("verb-{number}");
        failed.message = "ä".repeat(5000);
        calls.told(&failed, None);
    }
    let failed = calls.failed();
    assert_eq!((failed.len(), failed[KEPT - 1].code), (KEPT, 599));
    assert!(
        failed
            .iter()
            .all(|one| one.message.len() <= TEXT && !one.message.is_empty())
    );
    let series = page(&calls)
        .lines()
        .filter(|line| line.starts_with("fairway_plugin_failures"))
        .count();
    assert!(series <= Code::ALL.len() + 1, "{series}");
}

#[test]
fn each_plugin_is_known_by_name() {
    let table = include_str!("../../../../plugins/bin/src/lib.rs");
    let types = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\"")?.split('"').next());
    let types: Vec<&str> = types.collect();
    assert_eq!(types, PLUGINS);
}
