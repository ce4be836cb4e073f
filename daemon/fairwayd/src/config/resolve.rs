//! From what was written to what holds.

use super::{
    Config, ConfigError, DEFAULT_FILE, Flags, Kubernetes, LogFormat, NODE_GRACE, OVERLAY_PORT,
    Options, Policing, PolicyOptions, Sweep, SweepOptions,
};
use fairway_ipam::NodeName;
use fairway_store::{Etcd, Location, Named, Tls, User};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

impl Config {
    /// Reads the file, if there is one, and judges all.
    ///
    /// # Errors
    /// The first thing that is wrong; the message begins with the file or the field.
    pub fn read(flags: Flags) -> Result<Config, ConfigError> {
        let named = flags.config.is_some();
        let path = flags.config.unwrap_or_else(|| DEFAULT_FILE.into());
        let file = match fs::read_to_string(&path) {
            Ok(text) => parse(&path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !named => Options::default(),
            Err(source) => return Err(ConfigError::File { path, source }),
        };
        Config::resolve(flags.options.or(file))
    }

    /// Judges what was set.
    ///
    /// # Errors
    /// The first thing that is wrong; the message begins with the field.
    pub fn resolve(options: Options) -> Result<Config, ConfigError> {
        let state_dir = absolute("state_dir", options.state_dir.clone(), "/var/lib/fairway")?;
        let default_store = || Location::Redb(state_dir.join("store.redb"));
        let store = match &options.store {
            Some(text) => text.parse()?,
            None => default_store(),
        };
        let reclaim = ("reclaim_after", "at least 1m", Duration::from_secs(60));
        let reclaim_after = options.reclaim_after.as_deref();
        Ok(Config {
            node: node(options.node.clone())?,
            labels: labels(options.labels.clone().unwrap_or_default())?,
            socket: absolute(
                "socket",
                options.socket.clone(),
                fairway_api::DEFAULT_SOCKET,
            )?,
            underlay: options.underlay.clone().map(link).transpose()?,
            overlay_port: match options.overlay_port {
                Some(0) => return Err(ConfigError::Port),
                port => port.unwrap_or(OVERLAY_PORT),
            },
            overlay_offload: match options.overlay_checksum.as_deref() {
                None | Some("offload") => true,
                Some("software") => false,
                Some(text) => return Err(ConfigError::Checksum { text: text.into() }),
            },
            node_grace: match options.node_grace.as_deref() {
                Some(text) => time(text, ("node_grace", "at least 1s", Duration::from_secs(1)))?,
                None => NODE_GRACE,
            },
            reclaim_after: reclaim_after.map(|text| time(text, reclaim)).transpose()?,
            sweep: sweep(options.sweep.clone().unwrap_or_default())?,
            policy: policy(options.policy.clone().unwrap_or_default())?,
            bgp_record: match options.bgp_record.clone() {
                Some(path) => Some(absolute("bgp_record", Some(path), "")?),
                None => None,
            },
            metrics: match options.metrics.clone() {
                Some(text) => {
                    let address = text.parse();
                    Some(address.map_err(|_| ConfigError::Metrics { text })?)
                }
                None => None,
            },
            kubernetes: kubernetes(&options)?,
            log: match options.log.as_deref() {
                None | Some("text") => LogFormat::Text,
                Some("json") => LogFormat::Json,
                Some(text) => return Err(ConfigError::Log { text: text.into() }),
            },
            store: with_etcd(store, options)?,
            state_dir,
        })
    }
}

/// Reads a file's text.
pub(super) fn parse(path: &Path, text: &str) -> Result<Options, ConfigError> {
    toml::from_str(text).map_err(|error| ConfigError::Toml {
        path: path.to_owned(),
        fault: fault(text, &error),
    })
}

/// The file may hold a password, and what is wrong with it goes to the log: so nothing of the file's text is shown but
/// keys, and of what stands behind this key nothing at all.
const SECRET: &str = "etcd_password";

fn fault(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else {
        return error.message().to_owned();
    };
    let line = before.matches('\n').count();
    let key = text.split('\n').nth(line).and_then(|line| {
        let (key, _) = line.split_once('=')?;
        Some(key.trim()).filter(|key| !key.is_empty())
    });
    let line = line + 1;
    match key {
        Some(SECRET) => format!("line {line}: {SECRET}: is to be text, in quotes"),
        Some(key) => format!("line {line}: {key}: {}", error.message()),
        None => format!("line {line}: {}", error.message()),
    }
}

fn node(name: Option<String>) -> Result<NodeName, ConfigError> {
    let (name, hint) = match name {
        Some(name) => (name, ""),
        None => {
            let host = nix::unistd::gethostname();
            let host = host.map_err(|errno| ConfigError::HostName {
                source: errno.into(),
            })?;
            let hint = " (it is the host's; give another by --node)";
            (host.to_string_lossy().into_owned(), hint)
        }
    };
    NodeName::new(name).map_err(|source| ConfigError::Node { source, hint })
}

fn absolute(
    field: &'static str,
    path: Option<PathBuf>,
    default: &str,
) -> Result<PathBuf, ConfigError> {
    let path = path.unwrap_or_else(|| default.into());
    match path.is_absolute() {
        true => Ok(path),
        false => Err(ConfigError::Relative { field, path }),
    }
}

fn link(name: String) -> Result<String, ConfigError> {
    match fairway_rib::LinkName::new(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(ConfigError::Underlay { name }),
    }
}

fn labels(labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, ConfigError> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"-_./".contains(&c);
    for (key, value) in &labels {
        let reason = match (key, value) {
            _ if key.is_empty() || key.len() > 317 || !key.bytes().all(allowed) => {
                "a key has 1 to 317 of a-z A-Z 0-9 - _ . /"
            }
            _ if value.len() > 253 || !value.bytes().all(allowed) => {
                "a value has up to 253 of a-z A-Z 0-9 - _ . /"
            }
            _ => continue,
        };
        let key = key.clone();
        return Err(ConfigError::Label { key, reason });
    }
    Ok(labels)
}

fn kubernetes(options: &Options) -> Result<Option<Kubernetes>, ConfigError> {
    let wrong = |field, reason| Err(ConfigError::Kubernetes { field, reason });
    let cluster = options.kubernetes_cluster.clone();
    let kubeconfig = match options.kubeconfig.as_deref() {
        None if cluster.is_some() => return wrong("kubernetes_cluster", "needs kubeconfig"),
        None => return Ok(None),
        Some(_) if !cfg!(feature = "k8s") => {
            return wrong("kubeconfig", "this fairwayd was built without Kubernetes");
        }
        Some("in-cluster") => None,
        Some(path) => Some(absolute("kubeconfig", Some(path.into()), "")?),
    };
    Ok(Some(Kubernetes {
        kubeconfig,
        cluster,
    }))
}

fn sweep(options: SweepOptions) -> Result<Sweep, ConfigError> {
    let usual = Sweep::default();
    let read = |field, text: Option<String>, usual| match text {
        Some(text) => time(&text, (field, "at least 10ms", Duration::from_millis(10))),
        None => Ok(usual),
    };
    Ok(Sweep {
        every: read("sweep.every", options.every, usual.every)?,
        grace: read("sweep.grace", options.grace, usual.grace)?,
        first_grace: read("sweep.first_grace", options.first_grace, usual.first_grace)?,
    })
}

fn policy(options: PolicyOptions) -> Result<Policing, ConfigError> {
    let usual = Policing::default();
    let wrong = |field, text: String, wanted| {
        Err(ConfigError::Policy {
            field,
            text,
            wanted,
        })
    };
    Ok(Policing {
        enforce: options.enforce.unwrap_or(usual.enforce),
        judge_node: match options.node.as_deref() {
            None | Some("allow") => false,
            Some("judge") => true,
            Some(text) => return wrong("node", text.into(), "one of allow, judge"),
        },
        group_namespaces: match options.group_namespaces {
            Some(names) => match names.iter().find(|name| !is_namespace(name)) {
                Some(name) => return wrong("group_namespaces", name.clone(), "a namespace's name"),
                None => Some(names),
            },
            None => usual.group_namespaces,
        },
        deliver: options.deliver.unwrap_or(usual.deliver),
        deliver_overlay: options.deliver_overlay.unwrap_or(usual.deliver_overlay),
        deliver_direct: options.deliver_direct.unwrap_or(usual.deliver_direct),
        flows: match options.flows.unwrap_or(usual.flows) {
            flows @ 1024..=16_777_216 => flows,
            flows => return wrong("flows", flows.to_string(), "from 1024 to 16777216"),
        },
        sample: options.sample.unwrap_or(usual.sample),
        events: match options.events.unwrap_or(usual.events) {
            events @ 1..=100_000 => events,
            events => return wrong("events", events.to_string(), "from 1 to 100000"),
        },
        pins: match options.pins.unwrap_or(usual.pins) {
            pins if pins.is_absolute() => pins,
            path => {
                let field = "policy.pins";
                return Err(ConfigError::Relative { field, path });
            }
        },
    })
}

/// Not only Kubernetes has namespaces: a label of a task may name any. A pattern is none, which somebody might expect
/// to work.
fn is_namespace(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '*' | ',');
    !name.is_empty() && !name.contains(odd)
}

/// At most ten years, so that sums of times fit.
fn time(
    text: &str,
    (field, range, least): (&'static str, &'static str, Duration),
) -> Result<Duration, ConfigError> {
    let split = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(split.unwrap_or(text.len()));
    let factor = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let millis = number.parse::<u64>().ok().zip(factor);
    let millis = millis.and_then(|(number, factor)| number.checked_mul(factor));
    let most = Duration::from_secs(10 * 366 * 86_400);
    millis
        .map(Duration::from_millis)
        .filter(|time| (least..=most).contains(time))
        .ok_or_else(|| ConfigError::Time {
            field,
            text: text.to_owned(),
            range,
        })
}

fn with_etcd(store: Location, options: Options) -> Result<Location, ConfigError> {
    let wrong = |field, reason| Err(ConfigError::Etcd { field, reason });
    let given = [
        ("etcd_ca", options.etcd_ca.is_some()),
        ("etcd_cert", options.etcd_cert.is_some()),
        ("etcd_key", options.etcd_key.is_some()),
        ("etcd_user", options.etcd_user.is_some()),
        ("etcd_password", options.etcd_password.is_some()),
        ("etcd_password_file", options.etcd_password_file.is_some()),
    ];
    let etcd = match (store, given.iter().find(|(_, given)| *given)) {
        (Location::Etcd(etcd), _) => etcd,
        (_, Some((field, _))) => return wrong(field, "the store is not etcd"),
        (store, None) => return Ok(store),
    };
    let client = match (options.etcd_cert, options.etcd_key) {
        (Some(cert), Some(key)) => Some((named("--etcd-cert", cert), named("--etcd-key", key))),
        (None, None) => None,
        (Some(_), None) => return wrong("etcd_cert", "needs etcd_key"),
        (None, Some(_)) => return wrong("etcd_key", "needs etcd_cert"),
    };
    let tls = match (options.etcd_ca, client) {
        (Some(ca), client) => Some(Tls {
            ca: named("--etcd-ca", ca),
            client,
        }),
        (None, Some(_)) => return wrong("etcd_cert", "needs etcd_ca"),
        (None, None) => None,
    };
    let https = |url: &String| url.starts_with("https://");
    let all = etcd.endpoints.iter().all(https);
    match (&tls, etcd.endpoints.iter().any(https)) {
        (None, true) => return wrong("etcd_ca", "endpoints with https:// need it"),
        (Some(_), _) if !all => {
            return wrong("etcd_ca", "endpoints without https:// do not use it");
        }
        _ => {}
    }
    let password = match (options.etcd_password, options.etcd_password_file) {
        (Some(_), Some(_)) => return wrong("etcd_password", "etcd_password_file is given too"),
        (Some(password), None) => Some(password),
        (None, Some(path)) => {
            let text = fs::read_to_string(&path);
            let text = text.map_err(|source| ConfigError::PasswordFile { path, source })?;
            Some(text.trim_end_matches(['\n', '\r']).to_owned())
        }
        (None, None) => None,
    };
    let user = match (options.etcd_user, password) {
        (Some(name), Some(password)) => Some(User { name, password }),
        (None, None) => None,
        (Some(_), None) => return wrong("etcd_user", "needs etcd_password_file or etcd_password"),
        (None, Some(_)) => return wrong("etcd_password", "needs etcd_user"),
    };
    Ok(Location::Etcd(Etcd { tls, user, ..etcd }))
}

fn named(field: &'static str, path: PathBuf) -> Named {
    Named { field, path }
}
