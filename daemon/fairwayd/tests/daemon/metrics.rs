//! Metrics of a daemon that runs: what a scrape shows, what alerts and pages say of it, and that it holds up nobody.

use crate::bed::{Bed, SOON};
use fairway_api::{Client, Method, admin::Claim, admin::ClaimCreate};
use fairway_lab::poll;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

const OPEN_METRICS: &str = "Accept: application/openmetrics-text\r\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Bed {
    /// A node with metrics and a pool of both families.
    fn measured() -> (Bed, u16) {
        let mut bed = Bed::new();
        bed.lab.node().up("lo").unwrap();
        bed.daemon = Some(bed.launch(&["--metrics", "127.0.0.1:0"]));
        bed.answers();
        let head = "metrics are at http://127.0.0.1:";
        bed.says(head);
        let log = bed.log();
        let (_, rest) = log.split_once(head).unwrap();
        let port = rest.split_once('/').unwrap().0.parse().unwrap();
        bed.pool("web", "10.7.0.0/24");
        (bed, port)
    }

    fn http(&self, port: u16, request: &str) -> String {
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        self.lab.node().inside(ask).unwrap()
    }

    /// What stands behind the head.
    fn get(&self, port: u16, path: &str, headers: &str) -> String {
        let answer = self.http(
            port,
            &format!("GET {path} HTTP/1.1\r\nHost: n\r\n{headers}\r\n"),
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        body.to_owned()
    }

    fn scrape(&self, port: u16) -> Scrape {
        Scrape::read(&self.get(port, "/metrics", OPEN_METRICS))
    }

    /// One with all parts: one that a busy machine takes more than a second for is left out.
    fn whole(&self, port: u16) -> Scrape {
        poll(SOON, "all parts are there", || {
            let page = self.scrape(port);
            let mut up = page.values.iter();
            let up =
                up.all(|(name, value)| !name.starts_with("fairway_collector_up") || *value > 0.0);
            up.then_some(page)
        })
        .unwrap()
    }
}

/// Values by name and labels, and what each metric is.
struct Scrape {
    kinds: BTreeMap<String, String>,
    values: BTreeMap<String, f64>,
}

impl Scrape {
    fn read(text: &str) -> Scrape {
        assert!(text.ends_with("# EOF\n"), "{text}");
        let (mut kinds, mut values) = (BTreeMap::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                assert!(
                    kinds.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "{line}"
                );
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let before = values.insert(series.to_owned(), value.parse().unwrap());
                assert!(before.is_none(), "twice: {line}");
            }
        }
        Scrape { kinds, values }
    }

    fn value(&self, series: &str) -> f64 {
        let value = self.values.get(series);
        *value.unwrap_or_else(|| panic!("no {series}: {:#?}", self.values))
    }

    /// All names that a query may use.
    fn names(&self) -> BTreeSet<String> {
        let named = |(name, kind): (&String, &String)| match kind.as_str() {
            "counter" => vec![format!("{name}_total")],
            "histogram" => ["bucket", "sum", "count"]
                .map(|part| format!("{name}_{part}"))
                .into(),
            _ => vec![name.clone()],
        };
        self.kinds.iter().flat_map(named).collect()
    }
}

#[test]
fn a_scrape_shows_what_the_daemon_does() {
    let (bed, port) = Bed::measured();
    let before = bed.whole(port);
    assert_eq!(before.value("fairway_attachments"), 0.0);
    let zero = before.value("fairway_pool_addresses{pool=\"web\",family=\"ipv4\",state=\"free\"}");
    for number in 0..5 {
        bed.add(&format!("c{number}"));
    }
    let ip = bed.add("c5");
    bed.del("c5");
    bed.shows(ip, Some("cooling"));
    let claim = ClaimCreate {
        name: "prod/db-0".into(),
        pool: "web".into(),
        addresses: Vec::new(),
        release: None,
        handover: None,
        app: None,
        set: None,
    };
    let _: Claim = bed.call(Method::ClaimCreate(claim)).unwrap();
    let web = |state: &str| {
        format!("fairway_pool_addresses{{pool=\"web\",family=\"ipv4\",state=\"{state}\"}}")
    };
    // What was counted is shown again for a while, the pools' part the longer the more time it took.
    let after = poll(SOON, "the changes are counted", || {
        let page = bed.scrape(port);
        let shown = |series: &str| page.values.get(series).copied().unwrap_or(0.0);
        let up = page.values.iter();
        let mut up = up.filter(|(name, _)| name.starts_with("fairway_collector_up"));
        let there = ["fairway_attachments", &web("claimed")]
            .iter()
            .all(|one| shown(one) > 0.0)
            && up.all(|(_, value)| *value > 0.0)
            && shown("fairway_store_revision_lag") == 0.0;
        there.then_some(page)
    })
    .unwrap();
    for (series, value) in [
        ("fairway_attachments", 5.0),
        ("fairway_store_up", 1.0),
        ("fairway_journal_writable", 1.0),
        ("fairway_pool_size{pool=\"web\",family=\"ipv4\"}", 253.0),
        (&web("live"), 5.0),
        (&web("claimed"), 1.0),
        (
            "fairway_pool_blocks{pool=\"web\",family=\"ipv4\",state=\"owned\"}",
            1.0,
        ),
        (
            "fairway_pool_blocks{pool=\"web\",family=\"ipv4\",state=\"unowned\"}",
            3.0,
        ),
        ("fairway_node_blocks{pool=\"web\",family=\"ipv4\"}", 1.0),
        ("fairway_pool_claims{pool=\"web\",state=\"idle\"}", 1.0),
        ("fairway_nodes{state=\"alive\"}", 1.0),
        (
            "fairway_requests_total{verb=\"ADD\",method=\"ipam.allocate\",code=\"0\"}",
            6.0,
        ),
        (
            "fairway_requests_total{verb=\"DEL\",method=\"ipam.release\",code=\"0\"}",
            1.0,
        ),
        (
            "fairway_request_duration_seconds_count{verb=\"ADD\",method=\"ipam.allocate\"}",
            6.0,
        ),
        ("fairway_node_info{node=\"n1\",store=\"redb\"}", 1.0),
        ("fairway_bgp_sessions{state=\"Established\"}", 0.0),
        ("fairway_store_revision_lag", 0.0),
    ] {
        assert_eq!(after.value(series), value, "{series}");
    }
    // The one that rests may be free again by now.
    assert!(zero - after.value(&web("free")) >= 6.0);
    assert!(after.value("fairway_store_revision") > before.value("fairway_store_revision"));
    assert!(after.value("fairway_journal_commit_duration_seconds_count") >= 6.0);
    assert!(after.value("process_resident_memory_bytes") > 1e6);
    for part in ["ipam", "routes", "policy", "rates", "bgp", "process"] {
        assert_eq!(
            after.value(&format!("fairway_collector_up{{part=\"{part}\"}}")),
            1.0
        );
    }
    assert_eq!(bed.get(port, "/healthz", ""), "ok\n");
    assert_eq!(bed.get(port, "/readyz", ""), "ready\n");
}

/// Prometheus' own tool reads both formats as it should, and finds nothing to say against names and texts.
#[test]
fn prometheus_itself_understands_it_and_the_rules() {
    let (bed, port) = Bed::measured();
    bed.add("c1");
    let promtool = |args: &[&str], stdin: &str| {
        let command = bed.lab.node().command("promtool").args(args);
        let output = command.stdin(stdin).output().unwrap();
        let said = format!("{}{}", output.stdout, output.stderr);
        assert!(output.status.success(), "promtool {args:?}: {said}");
        said
    };
    let said = promtool(&["check", "metrics"], &bed.get(port, "/metrics", ""));
    assert_eq!(said.trim(), "");
    let rules = root().join("deploy/alerts.yaml").display().to_string();
    assert!(promtool(&["check", "rules", &rules], "").contains("SUCCESS"));
    let tests = root().join("deploy/alerts_test.yaml").display().to_string();
    assert!(promtool(&["test", "rules", &tests], "").contains("SUCCESS"));
}

/// The keys of each rule. That the file is YAML is for promtool to say.
fn rules(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut rules: Vec<BTreeMap<String, String>> = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(alert) = line.strip_prefix("- alert: ") {
            rules.push([("alert".to_owned(), alert.to_owned())].into());
        } else if let (Some((key, value)), Some(rule)) = (line.split_once(':'), rules.last_mut()) {
            let value = match value.trim() {
                ">-" => lines.next().unwrap(),
                value => value,
            };
            rule.insert(key.to_owned(), value.to_owned());
        }
    }
    rules
}

#[test]
fn every_alert_asks_for_what_there_is_and_has_its_section() {
    let (bed, port) = Bed::measured();
    let names = bed.whole(port).names();
    let text = fs::read_to_string(root().join("deploy/alerts.yaml")).unwrap();
    let page = fs::read_to_string(root().join("docs/runbook.md")).unwrap();
    let sections: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let mut alerts = BTreeSet::new();
    for rule in rules(&text) {
        let name = rule["alert"].as_str();
        assert!(alerts.insert(name.to_owned()), "{name} is there twice");
        let expr = &rule["expr"];
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let metrics =
            words.filter(|word| word.starts_with("fairway_") || word.starts_with("process_"));
        let metrics: Vec<&str> = metrics.collect();
        assert!(
            !metrics.is_empty() || expr.starts_with("up{"),
            "{name}: {expr}"
        );
        for metric in metrics {
            assert!(names.contains(metric), "{name}: nothing is called {metric}");
        }
        let anchor = rule["runbook_url"]
            .split_once("/docs/runbook.md#")
            .unwrap()
            .1;
        assert_eq!(anchor, name.to_lowercase());
        assert!(
            sections.contains(name),
            "docs/runbook.md has no section {name}"
        );
        assert!(
            ["critical", "warning", "info"].contains(&rule["severity"].as_str()),
            "{name}"
        );
        assert!(rule.contains_key("summary"), "{name}");
    }
    assert!(alerts.len() >= 30, "{}", alerts.len());
    for (number, ..) in fairway_cni::Code::ALL {
        assert!(
            sections.contains(format!("Code {number}").as_str()),
            "docs/runbook.md: Code {number}"
        );
    }
    // Nothing is left over from what is no alert any more.
    let stale = sections
        .iter()
        .find(|section| section.starts_with("Fairway") && !alerts.contains(**section));
    assert_eq!(stale, None);
}

#[test]
fn slow_and_many_clients_hold_up_no_plugin() {
    let (bed, port) = Bed::measured();
    let connect = || TcpStream::connect(("127.0.0.1", port)).unwrap();
    let slow: Vec<TcpStream> = bed
        .lab
        .node()
        .inside(|| (0..40).map(|_| connect()).collect())
        .unwrap();
    let begun = Instant::now();
    for number in 0..50 {
        bed.add(&format!("s{number}"));
    }
    let beside_slow = begun.elapsed();
    drop(slow);
    let answers = || {
        let request = "GET /healthz HTTP/1.1\r\nHost: n\r\n\r\n";
        let ask = || {
            let mut stream = connect();
            stream.write_all(request.as_bytes()).ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).ok()?;
            answer.starts_with("HTTP/1.1 200 ").then_some(())
        };
        bed.lab.node().inside(ask).unwrap()
    };
    assert!(poll(SOON, "there is room again", answers).is_ok());

    // Eight that scrape without a pause.
    let (stop, begun) = (AtomicBool::new(false), Instant::now());
    let mut pages = 0;
    thread::scope(|scope| {
        let scrapers: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut pages = 0;
                    while !stop.load(Ordering::Relaxed) {
                        bed.scrape(port);
                        pages += 1;
                    }
                    pages
                })
            })
            .collect();
        for number in 0..50 {
            bed.add(&format!("m{number}"));
        }
        stop.store(true, Ordering::Relaxed);
        pages = scrapers
            .into_iter()
            .map(|scraper| scraper.join().unwrap())
            .sum();
    });
    eprintln!(
        "50 ADDs beside slow clients: {beside_slow:?}; beside {pages} scrapes: {:?}",
        begun.elapsed()
    );
    assert!(pages > 8 && begun.elapsed() < SOON && beside_slow < SOON);
    // A page is shown again for a moment.
    let all = || bed.scrape(port).value("fairway_attachments") == 100.0;
    assert!(poll(SOON, "all are counted", all).is_ok());
    let scrape = bed.scrape(port);
    assert!(scrape.value("fairway_scrapes_refused_total") >= 24.0);
    // A page is made within a second: not each one, on a machine that does something else.
    let soon = || {
        bed.scrape(port)
            .value("fairway_collection_duration_seconds")
            < 1.0
    };
    assert!(poll(SOON, "a page is made within a second", soon).is_ok());
}

#[test]
fn a_port_that_is_taken_is_said() {
    let (bed, port) = Bed::measured();
    let more = [
        "--metrics",
        &format!("127.0.0.1:{port}"),
        "--socket",
        "/proc/1/nowhere",
    ];
    let mut other = bed.launch(&more[..2]);
    let status = other.wait(SOON).unwrap();
    // The socket is looked at first.
    assert!(
        !status.success() && other.log().contains("another fairwayd answers"),
        "{}",
        other.log()
    );
    let socket = bed.lab.scratch().join("other.sock").display().to_string();
    let mut other = bed.launch(&[more[0], more[1], "--socket", &socket]);
    let status = other.wait(SOON).unwrap();
    let log = other.log();
    assert!(
        !status.success() && log.contains(&format!("metrics: cannot listen on 127.0.0.1:{port}")),
        "{log}"
    );
    assert!(Client::connect(&bed.socket(), Duration::from_secs(5)).is_ok());
}
