//! The report as CI systems read it: the XML that JUnit made common.
//!
//! What a plugin should do and does not is told as skipped, with its reason: a CI system takes each failure as its own
//! word on the whole, and only what a plugin must do decides. One suite a plugin, one case a check and release.

use crate::{Finding, PluginReport, Report, State};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};
use std::io;

/// As XML.
///
/// # Errors
/// Where it cannot be written.
pub fn junit(report: &Report, to: impl io::Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(to, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let mut all = BytesStart::new("testsuites");
    let findings = || report.plugins.iter().flat_map(|plugin| &plugin.findings);
    count(&mut all, &findings().collect::<Vec<_>>());
    all.push_attribute(("name", "CNI conformance"));
    xml.write_event(Event::Start(all))?;
    for plugin in &report.plugins {
        suite(&mut xml, plugin)?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let mut to = xml.into_inner();
    to.write_all(b"\n")?;
    to.flush()
}

fn count(element: &mut BytesStart<'_>, findings: &[&Finding]) {
    let count = |what: &dyn Fn(&Finding) -> bool| {
        let found = findings.iter().filter(|finding| what(finding)).count();
        found.to_string()
    };
    let errors = count(&|finding| finding.state == State::Error);
    let failed = count(&|finding| finding.is_failure() && finding.state != State::Error);
    let skipped = count(&|finding| finding.state == State::Skipped || finding.is_remark());
    element.push_attribute(("tests", findings.len().to_string().as_str()));
    element.push_attribute(("failures", failed.as_str()));
    element.push_attribute(("errors", errors.as_str()));
    element.push_attribute(("skipped", skipped.as_str()));
    let millis = findings.iter().map(|finding| finding.millis).sum();
    element.push_attribute(("time", seconds(millis).as_str()));
}

fn suite(xml: &mut Writer<impl io::Write>, plugin: &PluginReport) -> io::Result<()> {
    let mut suite = BytesStart::new("testsuite");
    suite.push_attribute(("name", plugin.binary.as_str()));
    count(&mut suite, &plugin.findings.iter().collect::<Vec<_>>());
    xml.write_event(Event::Start(suite))?;
    let class = format!("cni.{}.{}", plugin.profile, plugin.kind);
    for finding in &plugin.findings {
        let mut case = BytesStart::new("testcase");
        case.push_attribute(("classname", class.as_str()));
        let name = format!("{}[{}]", finding.id, finding.version);
        case.push_attribute(("name", name.as_str()));
        case.push_attribute(("time", seconds(finding.millis).as_str()));
        let remark;
        let (word, message) = match finding.state {
            State::Passed => {
                xml.write_event(Event::Empty(case))?;
                continue;
            }
            State::Failed if finding.is_remark() => {
                remark = format!("should: {}", finding.found);
                ("skipped", &remark)
            }
            State::Failed => ("failure", &finding.found),
            State::Skipped => ("skipped", &finding.found),
            State::Error => ("error", &finding.found),
        };
        xml.write_event(Event::Start(case))?;
        let mut outcome = BytesStart::new(word);
        outcome.push_attribute(("message", printable(message).as_str()));
        if word != "skipped" {
            outcome.push_attribute(("type", finding.level.to_string().as_str()));
        }
        xml.write_event(Event::Start(outcome))?;
        let text = format!("{} ({})", finding.asks, finding.source);
        xml.write_event(Event::Text(BytesText::new(&text)))?;
        xml.write_event(Event::End(BytesEnd::new(word)))?;
        xml.write_event(Event::End(BytesEnd::new("testcase")))?;
    }
    xml.write_event(Event::End(BytesEnd::new("testsuite")))
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// A plugin may print what XML has no form for at all, not even escaped.
fn printable(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let sound = |c: char| if allowed(c) { c } else { '\u{fffd}' };
    text.chars().map(sound).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Level,
        report::tests::{finding, plugin},
    };
    use quick_xml::{Reader, XmlVersion};

    fn written(findings: Vec<Finding>) -> String {
        let report = Report::of(vec![plugin(findings)]);
        let mut bytes = Vec::new();
        junit(&report, &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_state_has_its_element() {
        let text = written(vec![
            finding("a.a", Level::Must, State::Passed, ""),
            finding("a.b", Level::Must, State::Failed, "left a link"),
            finding("a.c", Level::Should, State::Failed, "left a file"),
            finding("a.d", Level::Must, State::Skipped, "has none"),
            finding("a.e", Level::Should, State::Error, "no node"),
        ]);
        for part in [
            r#"<testsuite name="/opt/x" tests="5" failures="1" errors="1" skipped="2" time="7.500">"#,
            r#"<testcase classname="cni.interface.x" name="a.a[1.1.0]" time="1.500"/>"#,
            r#"<failure message="left a link" type="MUST">what is asked (section 2)</failure>"#,
            r#"<skipped message="should: left a file">"#,
            r#"<skipped message="has none">"#,
            r#"<error message="no node" type="SHOULD">"#,
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }

    #[test]
    fn whatever_a_plugin_prints_is_xml() {
        let rubbish = "<\"&'>\u{0}\u{1b}[1m]]>\u{ffff} ä\n";
        let text = written(vec![finding("a.b", Level::Must, State::Failed, rubbish)]);
        let mut reader = Reader::from_str(&text);
        let mut message = None;
        loop {
            match reader.read_event().unwrap() {
                Event::Eof => break,
                Event::Start(element) if element.name().as_ref() == "failure" => {
                    let attribute = element.try_get_attribute("message").unwrap().unwrap();
                    message = Some(
                        attribute
                            .normalized_value(XmlVersion::Implicit1_0)
                            .unwrap()
                            .into_owned(),
                    );
                }
                _ => {}
            }
        }
        assert!(
            message
                .unwrap()
                .starts_with("<\"&'>\u{fffd}\u{fffd}[1m]]>\u{fffd} ä")
        );
    }
}
