//! A daemon that answers what the test says, and tells what it was asked.

use fairway_api::{Body, ErrorBody, Method, Progress, Reply, VERSION, frame};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    fs,
    io::Write,
    net::Shutdown,
    os::unix::{
        fs::PermissionsExt as _,
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
};

type Serve = dyn Fn(&Method) -> Vec<Body> + Send + Sync;

pub(crate) struct Fake {
    dir: tempfile::TempDir,
    asked: Arc<Mutex<Vec<Value>>>,
    open: Arc<Mutex<Vec<UnixStream>>>,
}

/// What netctl did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Fake {
    /// Answers each request with these frames. Its thread ends with the test's process.
    pub(crate) fn serving(serve: impl Fn(&Method) -> Vec<Body> + Send + Sync + 'static) -> Fake {
        let dir = tempfile::tempdir().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let listener = UnixListener::bind(dir.path().join("s")).unwrap();
        let open = Arc::new(Mutex::new(Vec::new()));
        let (serve, log): (Arc<Serve>, _) = (Arc::new(serve), asked.clone());
        let kept = open.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serve, log, stream) = (serve.clone(), log.clone(), stream.unwrap());
                kept.lock().unwrap().push(stream.try_clone().unwrap());
                thread::spawn(move || talk(stream, &*serve, &log));
            }
        });
        Fake { dir, asked, open }
    }

    /// Answers each request with this.
    pub(crate) fn answering(answer: impl Into<Value>) -> Fake {
        let answer = answer.into();
        Fake::serving(move |_| vec![Body::Ok(answer.clone())])
    }

    /// Refuses each request.
    pub(crate) fn refusing(code: u32, message: &str, details: &str) -> Fake {
        let body = ErrorBody {
            code,
            message: message.to_owned(),
            details: details.to_owned(),
        };
        Fake::serving(move |_| vec![Body::Error(body.clone())])
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// netctl with its socket, not started yet.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        at(&self.socket(), args)
    }

    /// Runs netctl with words that hold no blanks.
    pub(crate) fn run(&self, line: &str) -> Ran {
        ran(self.command(line.split_whitespace()).output().unwrap())
    }

    /// Ends the connections that there are.
    pub(crate) fn hang_up(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            stream.shutdown(Shutdown::Both).unwrap();
        }
    }

    /// What was asked, each as `{"method": …, "params": …}`.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.asked.lock().unwrap().clone()
    }

    /// Runs netctl, which must do it, and gives what it asked.
    pub(crate) fn asks(&self, line: &str) -> Value {
        let before = self.asked().len();
        let ran = self.run(line);
        assert_eq!(ran.status, 0, "{line}: {ran:?}");
        let mut asked = self.asked();
        assert_eq!(asked.len(), before + 1, "{line}");
        asked.remove(before)
    }
}

/// netctl with nothing of the test's own environment that would change what it does.
pub(crate) fn netctl<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netctl"));
    command
        .args(args)
        .env_remove("FAIRWAY_SOCKET")
        .env("CNI_PATH", "/nowhere")
        .env("NETCONFPATH", "/nowhere")
        .stdin(Stdio::null());
    command
}

/// netctl with a socket.
pub(crate) fn at<S: AsRef<OsStr>>(socket: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = netctl(args);
    command.env("FAIRWAY_SOCKET", socket);
    command
}

/// A user who is not root, and may run netctl wherever it lies; only root can run it so.
pub(crate) struct Nobody(tempfile::TempDir);

impl Nobody {
    pub(crate) fn new() -> Nobody {
        let dir = tempfile::tempdir().unwrap();
        // By another process: nobody can start a file that a child of another test's still has open to write.
        let cp = Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_netctl"))
            .arg(dir.path())
            .status();
        assert!(cp.unwrap().success());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Nobody(dir)
    }

    pub(crate) fn netctl<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.arg(self.0.path().join("netctl")).args(args);
        command.env_remove("FAIRWAY_SOCKET").stdin(Stdio::null());
        command
    }
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        status: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn progress(what: &str, done: u64, total: Option<u64>) -> Body {
    let what = what.to_owned();
    Body::Progress(Progress { what, done, total })
}

fn talk(mut stream: UnixStream, serve: &Serve, log: &Mutex<Vec<Value>>) {
    while let Ok(Ok(Some(body))) = frame::read(&mut stream, frame::MAX_REQUEST) {
        let request = frame::request(&body).unwrap();
        log.lock().unwrap().push(json!(request.method));
        for body in serve(&request.method) {
            // As the daemon does it: who has not said so gets no parts.
            assert!(
                request.parts || !matches!(body, Body::Part(_)),
                "{request:?}"
            );
            let reply = frame::encode(&Reply { v: VERSION, body }, frame::MAX_REPLY).unwrap();
            // netctl may have gone: some tests want that.
            if stream.write_all(&reply).is_err() {
                return;
            }
        }
    }
}
