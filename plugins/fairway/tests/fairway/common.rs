//! A daemon that does as it is told, and the plugin as a function.

use fairway_api::{
    Body, ErrorBody, Method, Reply, VERSION, frame,
    ipam::{Address, Allocated, Attachment},
    released::{self, Record},
};
use fairway_cluster_ipam::Fairway;
use fairway_cni::{CniArgs, Context, Delegates, Detach, NetConf, Sandbox};
use fairway_lab::{Value, json, poll};
use std::{
    io::{Read as _, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How long anything may take that is expected to happen.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// What the daemon does about a request, in order.
pub(crate) enum Step {
    /// Sends a frame.
    Say(Body),
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Waits until that holds.
    Until(Box<dyn Fn() -> bool + Send>),
    /// Answers nothing until the caller has gone.
    Hang,
    /// Closes the connection.
    Close,
    /// Stops listening, as a daemon that dies, and closes the connection.
    Die,
}

/// What is done about each request.
type Script = dyn Fn(&Method) -> Vec<Step> + Send + Sync;

/// A daemon that does as it is told.
pub(crate) struct Fake {
    pub(crate) dir: tempfile::TempDir,
    seen: Arc<Mutex<Vec<Method>>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Fake {
    /// Listens on `DIR/s`.
    pub(crate) fn new(script: impl Fn(&Method) -> Vec<Step> + Send + Sync + 'static) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).unwrap();
        let (seen, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let host = Host {
            script: Box::new(script),
            seen: Arc::clone(&seen),
            stop: Arc::clone(&stop),
            socket,
        };
        let thread = thread::spawn(move || {
            let host = &host;
            thread::scope(|scope| {
                for stream in listener.incoming() {
                    if host.stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let stream = stream.unwrap();
                    scope.spawn(move || host.serve(stream));
                }
            });
        });
        Fake {
            dir,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// One that answers everything as it should.
    pub(crate) fn good() -> Self {
        Fake::new(|method| vec![Step::Say(good(method))])
    }

    /// One that says this to a request for addresses, and answers the rest as it should.
    pub(crate) fn allocating(script: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Self {
        Fake::new(move |method| match method {
            Method::Allocate(_) => script(),
            other => vec![Step::Say(good(other))],
        })
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    pub(crate) fn released(&self) -> PathBuf {
        self.dir.path().join("released")
    }

    /// The plugin that asks it, and waits no longer than `patience`.
    pub(crate) fn plugin(&self, patience: Duration) -> Fairway {
        Fairway::at(&self.socket(), &self.released(), patience)
    }

    /// What it was asked.
    pub(crate) fn seen(&self) -> Vec<Method> {
        let seen = self.seen.lock().unwrap();
        // What plugins tell of their failures is nothing that they ask for.
        let asks = |method: &&Method| !matches!(method, Method::CallFailed(_));
        seen.iter().filter(asks).cloned().collect()
    }

    /// What it was asked, by name.
    pub(crate) fn asked(&self) -> Vec<&'static str> {
        let name = |method: &Method| match method {
            Method::Allocate(_) => "allocate",
            Method::Release(_) => "release",
            Method::Check(_) => "check",
            Method::Gc(_) => "gc",
            Method::Status(_) => "status",
            Method::EndpointGuard(_) => "guard",
            Method::EndpointOpen(_) => "open",
            Method::EndpointVerify(_) => "verify",
            Method::EndpointShape(_) => "shape",
            Method::EndpointShaped(_) => "shaped",
            Method::PolicyStatus => "policy",
            _ => "other",
        };
        self.seen().iter().map(name).collect()
    }

    /// The attachments of which a record was left, for this daemon.
    pub(crate) fn left(&self) -> Vec<Attachment> {
        let files = released::list(&self.released()).unwrap();
        let read = |file: &PathBuf| {
            let record = Record::read(file).unwrap();
            assert!(record.is_meant_for(&self.socket()), "{record:?}");
            record.attachment
        };
        files.iter().map(read).collect()
    }

    /// Nobody listens any more; the socket stays, as after a kill.
    pub(crate) fn kill(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = UnixStream::connect(self.socket());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(thread::panicking() || ended.is_ok(), "the fake daemon");
        }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.kill();
    }
}

struct Host {
    script: Box<Script>,
    seen: Arc<Mutex<Vec<Method>>>,
    stop: Arc<AtomicBool>,
    socket: PathBuf,
}

impl Host {
    fn serve(&self, mut stream: UnixStream) {
        while let Ok(Ok(Some(body))) = frame::read(&mut stream, frame::MAX_REQUEST) {
            let method = frame::request(&body).unwrap().method;
            self.seen.lock().unwrap().push(method.clone());
            for step in (self.script)(&method) {
                match step {
                    Step::Say(body) => {
                        let reply = Reply { v: VERSION, body };
                        let bytes = frame::encode(&reply, frame::MAX_REPLY).unwrap();
                        // The plugin may have gone.
                        let _ = stream.write_all(&bytes);
                    }
                    Step::Bytes(bytes) => _ = stream.write_all(&bytes),
                    Step::Until(holds) => poll(LIMIT, "what the daemon waits for", holds).unwrap(),
                    Step::Hang => _ = stream.read(&mut [0]),
                    Step::Close => return,
                    Step::Die => {
                        self.stop.store(true, Ordering::SeqCst);
                        let _ = UnixStream::connect(&self.socket);
                        std::fs::remove_file(&self.socket).unwrap();
                        return;
                    }
                }
            }
        }
    }
}

/// 10.88.0.7 and fd88::7.
pub(crate) fn allocated() -> Allocated {
    let address = |ip: &str, prefix, gateway: &str| Address {
        ip: ip.parse().unwrap(),
        prefix,
        gateway: Some(gateway.parse().unwrap()),
        pool: "web".to_owned(),
        claim: None,
    };
    Allocated {
        addresses: vec![
            address("10.88.0.7", 16, "10.88.0.1"),
            address("fd88::7", 64, "fd88::1"),
        ],
        seq: 7,
        temporary: false,
    }
}

/// What a daemon that is well answers.
pub(crate) fn good(method: &Method) -> Body {
    Body::Ok(match method {
        Method::Allocate(_) => Value::from_iter([
            ("addresses", json!(allocated().addresses)),
            ("seq", json!(7)),
        ]),
        Method::Release(_) => json!({"addresses": ["10.88.0.7", "fd88::7"]}),
        Method::Check(_) => json!({}),
        Method::Gc(_) => json!({"attachments": []}),
        Method::Status(_) => json!({"connected": true, "pools": []}),
        Method::EndpointGuard(_) => json!({"enforced": true}),
        Method::EndpointOpen(_) | Method::EndpointVerify(_) => json!({}),
        Method::CallFailed(_) => json!({}),
        Method::EndpointShape(_) | Method::EndpointShaped(_) => json!({}),
        Method::PolicyStatus => {
            json!({"enforced": true, "endpoints": 0, "maps": [], "packets": []})
        }
        other => panic!("nobody asks for {other:?}"),
    })
}

/// The answer, before it is durable.
pub(crate) fn early() -> Step {
    Step::Say(Body::Early(json!(allocated())))
}

/// The answer.
pub(crate) fn done() -> Step {
    Step::Say(Body::Ok(json!(allocated())))
}

/// A refusal.
pub(crate) fn refused(code: u32, message: &str) -> Step {
    Step::Say(Body::Error(ErrorBody {
        code,
        message: message.to_owned(),
        details: "and why".to_owned(),
    }))
}

/// Network `net`, container `c1`, interface `eth0`.
pub(crate) fn attachment() -> Attachment {
    Attachment {
        network: "net".to_owned(),
        container: "c1".to_owned(),
        ifname: "eth0".to_owned(),
    }
}

pub(crate) fn sandbox() -> Sandbox {
    Sandbox {
        attachment: fairway_cni::Attachment {
            container_id: "c1".parse().unwrap(),
            ifname: "eth0".parse().unwrap(),
        },
        netns: "/proc/self/ns/net".to_owned(),
    }
}

pub(crate) fn detach() -> Detach {
    Detach {
        attachment: sandbox().attachment,
        netns: None,
    }
}

/// Calls a verb with a configuration of version 1.1.0 into which `extra` is merged.
pub(crate) fn with_conf<T>(extra: Value, verb: impl FnOnce(&Context<'_>) -> T) -> T {
    let mut conf = json!({"cniVersion": "1.1.0", "name": "net", "type": "bridge", "ipam": {"type": "fairway"}});
    let extra = extra.as_object().unwrap().clone();
    conf.as_object_mut().unwrap().extend(extra);
    verb(&Context {
        conf: &NetConf::from_json(conf).unwrap(),
        args: &CniArgs::default(),
        delegates: &Delegates::default(),
    })
}
