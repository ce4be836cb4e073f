//! What `netctl rate set` says, and what is kept of it.

use fairway_rates::{
    Allowance, Override, Wish,
    object::{self, Words},
};

fn lines(told: Result<Override, object::ObjectError>) -> Vec<String> {
    let error = told.expect_err("something wrong").to_string();
    error.lines().map(str::to_owned).collect()
}

#[test]
fn a_word_is_read_and_kept() {
    let ingress = Words {
        rate: Some("20M"),
        burst: Some("64Ki"),
        packets: Some(500),
        dscp: Some(46),
    };
    let told = object::overridden(Some(ingress), Some(Words::default()), Some("incident 17"));
    let wanted = Override {
        ingress: Some(Wish {
            allowance: Allowance {
                rate: Some("20Mbit".parse().unwrap()),
                burst: Some(65536),
                packets: Some(500),
            },
            dscp: Some(46),
        }),
        egress: Some(Wish::default()),
        reason: Some("incident 17".into()),
    };
    assert_eq!(told, Ok(wanted.clone()));
    let kept = object::encode(&wanted);
    assert_eq!(object::decode(&kept), Ok(wanted));
    let text = String::from_utf8(kept).unwrap();
    assert!(text.contains("\"version\":1"), "{text}");
    assert!(text.contains("\"egress\":{}"), "{text}");
}

#[test]
fn words_are_refused_by_field() {
    let ingress = Words {
        rate: Some("0"),
        packets: Some(0),
        ..Words::default()
    };
    let egress = Words {
        burst: Some("1Ki"),
        dscp: Some(64),
        ..Words::default()
    };
    let told = object::overridden(Some(ingress), Some(egress), Some("two\nlines"));
    assert_eq!(
        lines(told),
        [
            "ingress.rate: 0 bit/s is less than 1000 bit/s, the least that is kept",
            "ingress.packets: 0 is not in 1 to 1000000000",
            "egress.burst: 1024 bytes are less than a packet of 1500 bytes",
            "egress.burst: may not be given where rate is not",
            "egress.dscp: 64 is not in 0 to 63",
            "reason: \"two\\nlines\" must be 1 to 256 characters, none of which breaks the line or is another \
             control character",
        ]
    );
    assert_eq!(
        lines(object::overridden(None, None, None)),
        ["must have one of ingress, egress"]
    );
}

#[test]
fn workloads_have_two_names() {
    assert_eq!(
        object::workload("web/a-0"),
        Ok(("web".into(), "a-0".into()))
    );
    for wrong in [
        "", "web", "web/", "/a", "web/a/b", "Web/a", "web/../x", "we.b/a",
    ] {
        let error = object::workload(wrong).unwrap_err().to_string();
        assert!(error.starts_with("workload: "), "{error}");
    }
}

#[test]
fn records_of_others_are_told_apart() {
    let newer = br#"{"version":2,"more":1}"#;
    let text = "version 2 is newer than 1, the newest that this program knows";
    assert_eq!(object::decode(newer), Err(text.to_owned()));
    for (kept, start) in [
        (&b"{"[..], "EOF"),
        (b"[]", "version: missing"),
        (br#"{"version":0}"#, "version: missing"),
        (br#"{"version":"1"}"#, "version: missing"),
        (br#"{"version":1,"ingress":{"rate":"0"}}"#, "ingress.rate: "),
        (br#"{"version":1,"ingres":{}}"#, "ingres: no such field"),
    ] {
        let error = object::decode(kept).unwrap_err();
        assert!(error.starts_with(start), "{error}");
    }
}
