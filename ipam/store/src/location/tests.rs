//! What is read, and what the errors say.

use super::*;

fn named(field: &'static str) -> Option<Named> {
    let path = PathBuf::from("/etc/x");
    Some(Named { field, path })
}

#[test]
fn locations_are_read() {
    for (text, shown) in [
        ("redb:/var/lib/x", "redb:/var/lib/x"),
        ("etcd:10.0.0.1", "etcd:http://10.0.0.1:2379"),
        (
            "etcd:http://a:1,http://b.example/",
            "etcd:http://a:1,http://b.example:2379",
        ),
        ("etcd:https://[fd00::1]:2379", "etcd:https://[fd00::1]:2379"),
        ("etcd:[::1]", "etcd:http://[::1]:2379"),
    ] {
        let location: Location = text.parse().expect(text);
        assert_eq!(location.to_string(), shown);
    }
}

#[test]
fn what_is_no_location_is_told_with_the_part_that_is_wrong() {
    for (text, part) in [
        ("", "redb:PATH or etcd:URL"),
        ("/var/lib/x", "redb:PATH or etcd:URL"),
        ("redb:", "absolute"),
        ("redb:x", "absolute"),
        ("etcd:", "no host"),
        ("etcd:http://a,,http://b", "\"\" is no etcd endpoint"),
        ("etcd:ftp://a", "only http"),
        ("etcd:http://a/v3", "may follow"),
        ("etcd:http://a:x", "\"http://a:x\""),
        ("etcd:http://a:0", "1 to 65535"),
        ("etcd:http://a:70000", "1 to 65535"),
        ("etcd:http://a:", "1 to 65535"),
        ("etcd:http://fd00::1:2379", "\"http://fd00::1:2379\""),
        ("etcd:http://[fd00::x]:1", "\"http://[fd00::x]:1\""),
        ("etcd:http://u:p@a", "do not belong"),
        ("etcd:http://:2379", "\"http://:2379\""),
        ("etcd:http://a b", "\"http://a b\""),
    ] {
        let error = text.parse::<Location>().expect_err(text).to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn files_of_tls_must_fit_together_and_errors_name_the_flag() {
    let (ca, cert, key) = ("--etcd-ca", "--etcd-cert", "--etcd-key");
    for (text, files, part) in [
        ("etcd:https://a", [None, None, None], Some(ca)),
        ("etcd:https://a", [named(ca), named(cert), None], Some(cert)),
        ("etcd:https://a", [named(ca), None, named(key)], Some(key)),
        (
            "etcd:https://a",
            [None, named(cert), named(key)],
            Some(cert),
        ),
        ("etcd:http://a", [named(ca), None, None], Some(ca)),
        (
            "etcd:https://a,http://b",
            [named(ca), None, None],
            Some("http://b"),
        ),
        ("redb:/x", [named(ca), None, None], Some(ca)),
        ("redb:/x", [None, None, None], None),
        ("etcd:http://a", [None, None, None], None),
        ("etcd:https://a", [named(ca), None, None], None),
        ("etcd:https://a", [named(ca), named(cert), named(key)], None),
    ] {
        let location: Location = text.parse().expect(text);
        let [ca, cert, key] = files;
        match (location.with_tls(ca, cert, key), part) {
            (Ok(_), None) => {}
            (Err(error), Some(part)) => {
                assert!(error.to_string().contains(part), "{text}: {error}");
            }
            (got, wanted) => panic!("{text}: {got:?} instead of {wanted:?}"),
        }
    }
}

#[test]
fn a_password_is_never_shown() {
    let name = "root".to_owned();
    let password = "secret".to_owned();
    let shown = format!("{:?}", User { name, password });
    assert!(shown.contains("root") && !shown.contains("secret"));
}
