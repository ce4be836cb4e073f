//! Who is who: the server's certificate, the key of service accounts, tokens, kubeconfig files.

use crate::{Error, Result, server::PORT};
use fairway_etcd_bed::{Authority, Flaw};
use fairway_lab::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Somebody whom the server knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// May do anything.
    Admin,
    /// The daemon's service account: may do what `deploy/rbac.yaml` says, and nothing before that is applied.
    Daemon,
    /// May do nothing.
    Nobody,
}

impl User {
    /// All of them.
    pub const ALL: [User; 3] = [User::Admin, User::Daemon, User::Nobody];

    /// The file's name.
    fn word(self) -> &'static str {
        match self {
            User::Admin => "admin",
            User::Daemon => "daemon",
            User::Nobody => "nobody",
        }
    }

    /// What it shows to be known.
    pub fn token(self) -> String {
        format!("{}-token", self.word())
    }

    /// A line of the server's token file: token, name, uid, groups.
    fn line(self) -> String {
        let word = self.word();
        let (name, groups) = match self {
            User::Admin => ("admin", "system:masters"),
            User::Daemon => (
                "system:serviceaccount:kube-system:fairwayd",
                "system:serviceaccounts,system:serviceaccounts:kube-system",
            ),
            User::Nobody => ("nobody", "guests"),
        };
        format!("{},{name},{word},\"{groups}\"\n", self.token())
    }
}

/// The files.
#[derive(Debug, Clone)]
pub(crate) struct Papers {
    folder: PathBuf,
}

impl Papers {
    /// Writes them for a server of that address.
    pub(crate) fn write(folder: &Path, ip: &str) -> Result<Self> {
        let papers = Self {
            folder: folder.join("papers"),
        };
        let folder = &papers.folder;
        fs::create_dir(folder).map_err(file(folder))?;
        let put = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(file(&path))
        };
        let authority = Authority::new("api")?;
        put("ca.pem", &authority.pem())?;
        let (cert, key) = authority.issue("kube-apiserver", &[ip.to_owned()], Flaw::None)?;
        put("server.pem", &cert)?;
        put("server.key", &key)?;
        let (cert, key) = authority.issue("accounts", &[], Flaw::None)?;
        put("accounts.pem", &cert)?;
        put("accounts.key", &key)?;
        put("tokens.csv", &User::ALL.map(User::line).concat())?;
        for user in User::ALL {
            let credentials = fairway_lab::json!({"token": user.token()});
            put(user.word(), &papers.config(&credentials, ip))?;
        }
        Ok(papers)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn kubeconfig(&self, user: User) -> PathBuf {
        self.path(user.word())
    }

    /// A kubeconfig file of whoever shows these credentials; JSON is YAML.
    pub(crate) fn config(&self, credentials: &Value, ip: &str) -> String {
        let ca = self.path("ca.pem");
        fairway_lab::json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bed", "cluster": {
                "server": format!("https://{ip}:{PORT}"),
                "certificate-authority": ca,
            }}],
            "users": [{"name": "me", "user": credentials}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": "me"}}],
            "current-context": "bed",
        })
        .to_string()
    }
}

fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, source }
}
