use super::*;
use std::{fs, path::Path};

#[test]
fn an_error_has_the_code_that_a_call_is_refused_with() {
    let io = || std::io::Error::other("full");
    let journal = JournalFault::Io {
        path: "j".into(),
        source: io(),
    };
    let stopping = Error::Late(Box::new(crate::driver::Failure::Stopping));
    let ended = Error::Ended { what: "agent" };
    let refused = ErrorBody {
        code: 101,
        message: "p".into(),
        details: String::new(),
    };
    let netlink = |errno| {
        fairway_dataplane::Error::Netlink(fairway_netlink::Error::Kernel {
            op: "add filter",
            subject: "link 7".into(),
            errno,
            ext_ack: None,
        })
    };
    let full = fairway_dataplane::Error::Full {
        map: "m",
        entries: 1,
    };
    let all: [(&dyn Coded, u32); 8] = [
        (&netlink(Errno::ENODEV), 11),
        (&netlink(Errno::EINVAL), 104),
        (&full, 104),
        (&io(), 5),
        (&Error::Journal(journal), 5),
        (&stopping, 11),
        (&ended, 999),
        (&refused, 101),
    ];
    for (error, number) in all {
        assert_eq!(error.number(), number);
        assert!(Code::ALL.iter().any(|(known, ..)| *known == number));
    }
}

/// What a macro that logs is given, up to the parenthesis that ends it.
fn lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("!(") {
        let name = ["news", "warn", "error"];
        if !name.iter().any(|name| text[..at].ends_with(name)) {
            continue;
        }
        let mut depth = 0;
        let end = text[at + 1..].find(|c| {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            depth == 0
        });
        found.extend(end.map(|end| text[at..at + 1 + end].to_owned()));
    }
    found
}

fn look(folder: &Path, all: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.display().to_string();
        match path.is_dir() {
            true => look(&path, all),
            false if file.ends_with("tests.rs") || file.ends_with("news.rs") => {}
            false => {
                let text = fs::read_to_string(&path).unwrap();
                all.extend(lines(&text).into_iter().map(|line| (file.clone(), line)));
            }
        }
    }
}

/// A line that tells of an error bears its code, and one that is added will.
#[test]
fn what_tells_of_an_error_in_the_log_bears_its_code() {
    let mut all = Vec::new();
    look(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    assert!(all.len() > 40, "{} lines", all.len());
    let told = ["error", "fault", "failure", "gone", "uncut", "inside"];
    let tells = |line: &str| {
        let named = |name: &&str| line.contains(&format!("{{{name}}}"));
        told.iter().any(named) || line.contains("chain(&")
    };
    let bare = |(_, line): &&(String, String)| tells(line) && !line.contains("code = ");
    let bare: Vec<_> = all.iter().filter(bare).collect();
    assert!(bare.is_empty(), "{bare:#?}");
    let coded = all.iter().filter(|(_, line)| line.contains("code = "));
    assert!(coded.count() > 25);
}
