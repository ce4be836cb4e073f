use super::*;

fn ground() -> Ground {
    Ground {
        underlay: None,
        no_underlay: String::new(),
        problems: Vec::new(),
        networks: 1,
        families: vec![Family::V4, Family::V6],
        wraps: true,
        device: true,
    }
}

fn well() -> Kernel {
    let is = |text: &str| Ok(text.to_owned());
    Kernel {
        forward_v4: is("1"),
        forward_v6: is("1"),
        filter_all: is("0"),
        filter_device: is("2"),
        device: Device::Up,
    }
}

/// `STATE NAME` of each check.
fn lines(checks: &[Check]) -> Vec<String> {
    let line = |check: &Check| format!("{} {}", check.state, check.name);
    checks.iter().map(line).collect()
}

#[test]
fn what_is_well_is_ok() {
    let checks = judge(&ground(), &well());
    assert_eq!(lines(&checks), ["ok device", "ok settings"]);
    let none = Ground {
        networks: 0,
        ..ground()
    };
    let harmed = Kernel {
        forward_v4: Ok("0".into()),
        device: Device::Absent,
        ..well()
    };
    assert_eq!(lines(&judge(&none, &harmed)), ["ok settings"]);
}

#[test]
fn each_setting_is_told_where_its_family_is_used() {
    let off = Kernel {
        forward_v4: Ok("0".into()),
        forward_v6: Err("read kernel setting: no such file".into()),
        ..well()
    };
    let checks = judge(&ground(), &off);
    assert_eq!(
        lines(&checks),
        ["ok device", "failed settings", "failed settings"]
    );
    assert!(checks[1].text.contains("net.ipv4.ip_forward is 0"));
    assert!(checks[2].text.contains("IPv6: read kernel setting"));
    let remedy = checks[2].remedy.as_deref().unwrap();
    assert!(remedy.contains("sysctl -w net.ipv6.conf.all.forwarding=1"));
    let v4 = Ground {
        families: vec![Family::V4],
        ..ground()
    };
    assert_eq!(lines(&judge(&v4, &off)), ["ok device", "failed settings"]);
    // Router advertisements are taken as well.
    let two = Kernel {
        forward_v6: Ok("2".into()),
        ..well()
    };
    assert_eq!(lines(&judge(&ground(), &two)), ["ok device", "ok settings"]);
}

#[test]
fn the_larger_rp_filter_holds() {
    let cases = [
        ("0", "0", true),
        ("1", "2", true),
        ("2", "1", true),
        ("1", "0", false),
        ("0", "1", false),
        ("1", "1", false),
    ];
    for (all, own, fine) in cases {
        let kernel = Kernel {
            filter_all: Ok(all.into()),
            filter_device: Ok(own.into()),
            ..well()
        };
        let checks = judge(&ground(), &kernel);
        assert_eq!(checks[1].state == "ok", fine, "{all} {own}");
        if !fine {
            let remedy = checks[1].remedy.as_deref();
            assert_eq!(
                remedy,
                Some("sysctl -w net.ipv4.conf.fairway/vx.rp_filter=2")
            );
        }
    }
}

#[test]
fn the_device_is_there_and_up() {
    let cases = [
        (Device::Down, "failed", "is down"),
        (Device::Absent, "failed", "is not there"),
        (Device::Unknown("netlink".into()), "warning", "netlink"),
    ];
    for (device, state, words) in cases {
        let checks = judge(&ground(), &Kernel { device, ..well() });
        assert_eq!(checks[0].state, state);
        assert!(checks[0].text.contains(words));
    }
}
