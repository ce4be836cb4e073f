//! `netctl attach` and `netctl detach`: one more network for a container that runs (what pipework did).
//!
//! netctl is the runtime here, and not a second one: plugin `multi` is to its networks what a runtime is, and this is
//! that, with one network. What is done is written down below [`STATE`] before it is done, so that a call that was
//! killed is undone by the next, and a detach needs neither the configuration nor the namespace.

mod answer;
mod network;
mod target;

pub(crate) use target::TargetArg;

use crate::{
    args_attach::{AttachArgs, DetachArgs},
    error::NetctlError,
    output::Format,
    watch,
};
use answer::{Attached, Detached};
use fairway_api::{Method, admin};
use fairway_cni::{Code, Delegates, Failure, FieldError, IfName, NetworkName};
use fairway_multi::{attach, error::Error, network::Network, store::Store};
use nix::fcntl::{Flock, FlockArg};
use std::{
    env,
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    net::IpAddr,
    os::unix::{
        fs::{DirBuilderExt as _, MetadataExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

/// Where it is kept what is attached. Beside libcni's own folder, which is the runtimes'.
pub(crate) const STATE: &str = "/var/lib/cni/fairway-attach";
/// Where plugins are unless `CNI_PATH` says it: as containerd, Podman and Debian have them.
const PLUGINS: [&str; 3] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/// What a container is to have.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// The interface in the container.
    pub(crate) ifname: IfName,
    /// These very addresses.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) pool: Option<String>,
    pub(crate) claim: Option<String>,
    pub(crate) release: Option<String>,
    /// Namespace and pod.
    pub(crate) workload: Option<(String, String)>,
    /// The hardware address.
    pub(crate) mac: Option<String>,
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    /// It takes root.
    #[error("{verb}: needs root: it enters the container's namespace")]
    Root {
        /// `attach` or `detach`.
        verb: &'static str,
    },
    /// There is no such namespace.
    #[error("no network namespace at {}", netns.display())]
    Netns {
        /// Its path.
        netns: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// It is no container's.
    #[error("NETNS|PID: {} is the host's own network namespace, and no container's", netns.display())]
    Host {
        /// Its path.
        netns: PathBuf,
    },
    /// Nobody knows the network.
    #[error("network {name:?} is in no file of {}{}, and is none of the daemon's", folder.display(), beside(unread))]
    Unknown {
        /// Its name.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// Files there that cannot be read, and why.
        unread: Vec<String>,
    },
    /// A file that makes no sense.
    #[error("{}: {reason}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The runtimes' folder.
    #[error(transparent)]
    Folder(Error),
    /// A configuration.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// No plugin of the network can do what was asked for.
    #[error("{option}: network {network:?} has no plugin with the capability {capability:?}")]
    Incapable {
        /// The network's name.
        network: String,
        /// What asks for it.
        option: &'static str,
        /// The capability.
        capability: &'static str,
    },
    /// The folder of what is attached.
    #[error("{}", path.display())]
    State {
        /// It, or something in it.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// What was written down cannot be read.
    #[error("{}", lines.join("; "))]
    Unread {
        /// A line for each file.
        lines: Vec<String>,
    },
    /// What plugins say.
    #[error("{}{}", failure.msg, details(failure))]
    Plugin {
        /// Their words.
        failure: Failure,
    },
}

impl AttachError {
    /// How to mend it.
    pub(crate) fn remedy(&self) -> Option<&'static str> {
        let AttachError::Plugin { failure } = self else {
            return match self {
                AttachError::Root { .. } => Some("run netctl as root"),
                AttachError::Host { .. } => Some(
                    "a container on the host's network has what the host has: name one with a network of its own",
                ),
                AttachError::Unknown { .. } => {
                    Some("netctl network ls; or name its configuration: --conf FILE")
                }
                _ => None,
            };
        };
        match failure.code {
            Code::DELEGATE_MISSING => Some("say where plugins are: --plugin-path or CNI_PATH"),
            Code::ALREADY_ATTACHED => Some("another name: --ifname; or netctl detach it first"),
            Code::TRY_AGAIN => Some("that passes: try again"),
            _ => None,
        }
    }
}

impl From<Failure> for NetctlError {
    fn from(failure: Failure) -> NetctlError {
        AttachError::from(failure).into()
    }
}

impl From<Failure> for AttachError {
    fn from(failure: Failure) -> AttachError {
        AttachError::Plugin { failure }
    }
}

fn details(failure: &Failure) -> String {
    match failure.details.as_str() {
        "" => String::new(),
        details => format!(": {details}"),
    }
}

fn beside(unread: &[String]) -> String {
    match unread {
        [] => String::new(),
        unread => format!(" (not readable: {})", unread.join("; ")),
    }
}

/// Attaches, or with `--check` looks whether what is attached is as it was.
pub(crate) fn attach(args: &AttachArgs, socket: &Path, format: Format) -> Result<u8, NetctlError> {
    must_be_root("attach")?;
    hand_on(socket);
    let asked = args.asked();
    let target = args.target.target(args.container.as_ref());
    let path = plugins(args.plugins.as_deref());
    let delegates = Delegates::new(&[], &path);
    let root = state(args.state.as_deref());
    let _lock = lock(&root)?;
    let store = Store::new(root, args.network.clone());
    if args.check {
        let attachment = fairway_cni::Attachment {
            container_id: target.container,
            ifname: asked.ifname,
        };
        let record = store.read(&attachment).map_err(Failure::from)?;
        let record = record.ok_or_else(|| {
            Failure::from(Error::Forgotten {
                container: attachment.container_id.as_str().to_owned(),
                ifname: attachment.ifname.as_str().to_owned(),
                folder: store.folder(),
            })
        })?;
        attach::check(&delegates, &record)?;
        return Attached::of(&record).show(format);
    }
    let netns = args.target.netns.clone();
    must_be_containers(netns)?;
    let network = network(args, socket)?;
    let version = network.list().version;
    let wire = network::wire(network, &asked)?;
    let (wanted, ifname) = (asked.addresses, wire.ifname.clone());
    let result = attach::attach(&delegates, &store, &target, wire, &wanted, &attach::inside)?;
    Attached::new(args.network.clone(), ifname, result, version).show(format)
}

/// Detaches what is attached of it; nothing to do where nothing is.
pub(crate) fn detach(args: &DetachArgs, socket: &Path, format: Format) -> Result<u8, NetctlError> {
    must_be_root("detach")?;
    hand_on(socket);
    let target = args.target.target(args.container.as_ref());
    let path = plugins(args.plugins.as_deref());
    let delegates = Delegates::new(&[], &path);
    let root = state(args.state.as_deref());
    if !root.exists() {
        return Detached::default().show(format);
    }
    let _lock = lock(&root)?;
    let kept = attach::records(&root).map_err(Failure::from)?;
    let mut gone = Detached::default();
    let mut failures = Vec::new();
    for (store, record) in &kept.records {
        let meant = record.attachment.container_id == target.container
            && args
                .network
                .as_ref()
                .is_none_or(|name| record.network == *name)
            && args
                .ifname
                .as_ref()
                .is_none_or(|name| record.attachment.ifname == *name);
        if !meant {
            continue;
        }
        match attach::detach(&delegates, store, record) {
            Ok(()) => gone.add(record),
            Err(failure) => failures.push(failure),
        }
    }
    if let Some(failure) = Failure::collect(failures) {
        return Err(AttachError::from(failure).into());
    }
    match gone.is_empty() && !kept.unread.is_empty() {
        // It may be one of those.
        true => Err(AttachError::Unread { lines: kept.unread }.into()),
        false => gone.show(format),
    }
}

/// From the file that is named, else from the runtimes' folder, else the daemon's.
fn network(args: &AttachArgs, socket: &Path) -> Result<Network, NetctlError> {
    let name: &NetworkName = &args.network;
    if let Some(file) = &args.conf {
        return Ok(network::of_file(file, name)?);
    }
    let (found, unread) = network::of_folder(&args.conf_dir, name)?;
    if let Some(network) = found {
        return Ok(network);
    }
    let mut client = watch::connect(socket)?;
    let networks: Vec<admin::Network> = client.list(Method::NetworkList, |_| {})?;
    match networks.iter().any(|network| network.name == name.as_str()) {
        true => Ok(network::of_daemon(name)?),
        false => Err(AttachError::Unknown {
            name: name.as_str().to_owned(),
            folder: args.conf_dir.clone(),
            unread,
        }
        .into()),
    }
}

fn must_be_root(verb: &'static str) -> Result<(), AttachError> {
    match nix::unistd::geteuid().is_root() {
        true => Ok(()),
        false => Err(AttachError::Root { verb }),
    }
}

/// Plugins of ours refuse the namespace that they run in, and others may not: their links, addresses and routes would
/// become the host's own. Process 1 is in the host's, wherever netctl runs.
fn must_be_containers(netns: PathBuf) -> Result<(), AttachError> {
    let there = match fs::metadata(&netns) {
        Ok(there) => there,
        Err(source) => return Err(AttachError::Netns { netns, source }),
    };
    let is_it = |own: fs::Metadata| (own.dev(), own.ino()) == (there.dev(), there.ino());
    // One that cannot be looked at is no reason to refuse.
    let mut hosts = ["/proc/self/ns/net", "/proc/1/ns/net"].into_iter();
    match hosts.any(|path| fs::metadata(path).is_ok_and(is_it)) {
        true => Err(AttachError::Host { netns }),
        false => Ok(()),
    }
}

/// Plugins find the daemon by the variable alone: where `--socket` says otherwise, netctl begins once more with it.
fn hand_on(socket: &Path) {
    if fairway_api::socket_path() != socket {
        let mut again = Command::new("/proc/self/exe");
        again.args(env::args_os().skip(1));
        // Only comes back where it cannot be; plugins then say that they do not find the daemon.
        drop(again.env(fairway_api::SOCKET_VARIABLE, socket).exec());
    }
}

pub(crate) fn plugins(folders: Option<&str>) -> Vec<PathBuf> {
    match folders {
        Some(folders) => env::split_paths(folders).collect(),
        None => PLUGINS.map(PathBuf::from).to_vec(),
    }
}

pub(crate) fn state(folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(|| STATE.into(), ToOwned::to_owned)
}

/// One at a time: a runtime does not call for one container twice at once.
fn lock(root: &Path) -> Result<Flock<File>, AttachError> {
    let failed = |source: io::Error| AttachError::State {
        path: root.to_owned(),
        source,
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(root).map_err(failed)?;
    let folder = File::open(root).map_err(failed)?;
    let folder = match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => return Ok(lock),
        Err((folder, _)) => folder,
    };
    // Where nobody hears it, it waits all the same.
    let _ = writeln!(io::stderr(), "netctl: waits for another attach or detach");
    let locked = Flock::lock(folder, FlockArg::LockExclusive);
    locked.map_err(|(_, errno)| failed(errno.into()))
}
