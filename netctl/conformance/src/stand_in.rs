//! An IPAM plugin that an interface plugin is given: it works, and fails when it is told to.
//!
//! It is this very program by another name, so that nothing has to be installed. What it has given out is a file for
//! each number, linked to its name when it is whole, so that one that is killed leaves nothing half; what it was asked
//! is a line in `log`; and a file `refuse-VERB` in its folder makes that verb fail. The suite reads all of that.

use serde_json::{Map, Value, json};
use std::{
    env, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// By this name it is called.
pub const NAME: &str = "conformance-ipam";
/// 10.232.0.0/16 and fd00:232::/64; the first is the gateway's.
const FIRST: u32 = 2;
const LAST: u32 = 60_000;

/// Is this process called as the stand-in?
pub fn is_called() -> bool {
    let name = env::args_os().next().unwrap_or_default();
    Path::new(&name)
        .file_name()
        .is_some_and(|name| name == NAME)
}

/// Answers the call in this process's environment and on standard input; the exit status.
pub fn answer() -> u8 {
    let mut stdin = Vec::new();
    let read = io::stdin().read_to_end(&mut stdin);
    let conf = match read.map(|_| serde_json::from_slice(&stdin)) {
        Ok(Ok(conf)) => conf,
        _ => Value::Null,
    };
    let (text, status) = match Call::of(&conf).and_then(|call| call.perform()) {
        Ok(None) => return 0,
        Ok(Some(result)) => (result, 0),
        Err((code, msg)) => {
            let version = conf["cniVersion"].as_str().unwrap_or("1.1.0");
            (json!({"cniVersion": version, "code": code, "msg": msg}), 1)
        }
    };
    match write!(io::stdout(), "{text}") {
        Ok(()) => status,
        Err(_) => 1,
    }
}

type Refusal = (u32, String);

struct Call<'a> {
    verb: String,
    owner: String,
    version: &'a str,
    folder: PathBuf,
    conf: &'a Value,
}

impl<'a> Call<'a> {
    fn of(conf: &'a Value) -> Result<Self, Refusal> {
        let var = |name: &str| env::var(name).unwrap_or_default();
        let verb = var("CNI_COMMAND");
        let Some(folder) = conf["ipam"]["stateDir"].as_str() else {
            return Err((7, "ipam.stateDir: missing".to_owned()));
        };
        let call = Call {
            owner: owner(&var("CNI_CONTAINERID"), &var("CNI_IFNAME")),
            verb,
            version: conf["cniVersion"].as_str().unwrap_or("0.1.0"),
            folder: folder.into(),
            conf,
        };
        call.note().map_err(io_error)?;
        Ok(call)
    }

    /// A line of what it was asked, written at once.
    fn note(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let line = json!({"verb": self.verb, "owner": self.owner});
        let mut log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        log.write_all(format!("{line}\n").as_bytes())
    }

    fn perform(&self) -> Result<Option<Value>, Refusal> {
        if self.verb == "VERSION" {
            let all = [
                "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
            ];
            return Ok(Some(
                json!({"cniVersion": self.version, "supportedVersions": all}),
            ));
        }
        if self.folder.join(format!("refuse-{}", self.verb)).exists() {
            let code = if self.verb == "STATUS" { 50 } else { 11 };
            return Err((
                code,
                format!("the stand-in was told to refuse {}", self.verb),
            ));
        }
        match self.verb.as_str() {
            "ADD" => self.give().map(Some),
            "DEL" => self.take(|owner| owner == self.owner).map(|()| None),
            "GC" => {
                let valid = self.valid();
                self.take(|owner| !valid.iter().any(|valid| valid == owner))
                    .map(|()| None)
            }
            "CHECK" => match held(&self.folder)
                .iter()
                .any(|(_, owner)| *owner == self.owner)
            {
                true => Ok(None),
                false => Err((100, format!("{} has no address", self.owner))),
            },
            "STATUS" => Ok(None),
            other => Err((4, format!("CNI_COMMAND: unknown command {other:?}"))),
        }
    }

    fn give(&self) -> Result<Value, Refusal> {
        let fresh = self.folder.join(format!(".{}", std::process::id()));
        fs::write(&fresh, &self.owner).map_err(io_error)?;
        let given = (FIRST..LAST).find_map(|number| {
            match fs::hard_link(&fresh, self.folder.join(number.to_string())) {
                Ok(()) => Some(Ok(number)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                Err(error) => Some(Err(io_error(error))),
            }
        });
        let _ = fs::remove_file(&fresh);
        let number = given.unwrap_or_else(|| Err((101, "no address is free".to_owned())))?;
        Ok(result(self.version, number))
    }

    fn take(&self, whose: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        for (number, owner) in held(&self.folder) {
            if whose(&owner) {
                fs::remove_file(self.folder.join(number.to_string())).map_err(io_error)?;
            }
        }
        Ok(())
    }

    fn valid(&self) -> Vec<String> {
        let valid = self.conf["cni.dev/valid-attachments"].as_array();
        let text = |item: &Value, key: &str| item[key].as_str().unwrap_or_default().to_owned();
        let owner = |item: &Value| owner(&text(item, "containerID"), &text(item, "ifname"));
        valid.into_iter().flatten().map(owner).collect()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn io_error(error: io::Error) -> Refusal {
    (5, format!("the stand-in's folder: {error}"))
}

/// Whose an address is.
pub(crate) fn owner(container: &str, ifname: &str) -> String {
    format!("{container} {ifname}")
}

/// What is given out, by number and owner.
pub(crate) fn held(folder: &Path) -> Vec<(u32, String)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let held = entries.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, fs::read_to_string(entry.path()).ok()?))
    });
    held.collect()
}

/// The addresses of a number, with their prefix lengths.
pub(crate) fn addresses(number: u32) -> [String; 2] {
    let v4 = format!("10.232.{}.{}/16", number >> 8, number & 255);
    [v4, format!("fd00:232::{number:x}/64")]
}

fn result(version: &str, number: u32) -> Value {
    let [v4, v6] = addresses(number);
    let (gateway4, gateway6) = ("10.232.0.1", "fd00:232::1");
    let route = |dst: &str| json!({"dst": dst});
    let mut result = Map::new();
    result.insert("cniVersion".to_owned(), json!(version));
    if version < "0.3" {
        result.insert(
            "ip4".to_owned(),
            json!({"ip": v4, "gateway": gateway4, "routes": [route("0.0.0.0/0")]}),
        );
        result.insert(
            "ip6".to_owned(),
            json!({"ip": v6, "gateway": gateway6, "routes": [route("::/0")]}),
        );
    } else {
        let mut ips = [
            json!({"address": v4, "gateway": gateway4}),
            json!({"address": v6, "gateway": gateway6}),
        ];
        if version < "1" {
            ips[0]["version"] = json!("4");
            ips[1]["version"] = json!("6");
        }
        result.insert("ips".to_owned(), json!(ips));
        result.insert(
            "routes".to_owned(),
            json!([route("0.0.0.0/0"), route("::/0")]),
        );
    }
    result.insert("dns".to_owned(), json!({"nameservers": [gateway4]}));
    Value::Object(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Profile, Release, shape};

    #[test]
    fn its_results_are_what_the_suite_asks_of_others() {
        for name in [
            "0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0",
        ] {
            let release = Release::named(name).unwrap();
            let faults = shape::faults(&result(name, 300), release, Profile::Ipam);
            assert_eq!(faults, [""; 0], "{name}");
        }
        assert_eq!(addresses(300), ["10.232.1.44/16", "fd00:232::12c/64"]);
    }
}
