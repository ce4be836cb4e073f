//! The multi-call binary: its own file name says which plugin it is.
//!
//! `bridge`, `ptp` and the others in `/opt/cni/bin` are links to it, or copies. Called as itself it
//! lists the types that it holds, from which an installer makes the links.

use fairway_cluster_ipam::trace;
use fairway_cni::serve_and_tell;
use fairway_plugins::PLUGINS;
use std::{
    env,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
};

fn main() -> ExitCode {
    let mut args = env::args_os();
    let program = args.next().unwrap_or_default();
    let kind = Path::new(&program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let (mut stdout, mut stderr) = (io::stdout().lock(), io::stderr().lock());
    if PLUGINS.iter().any(|(name, _)| *name == kind) {
        let var = |name: &str| env::var_os(name);
        let status = serve_and_tell(
            kind,
            PLUGINS,
            &var,
            &mut io::stdin().lock(),
            &mut stdout,
            &mut stderr,
            &trace::tell,
        );
        return ExitCode::from(status);
    }
    let list = PLUGINS.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let written = match args.next().as_deref().and_then(|arg| arg.to_str()) {
        Some("--list") => writeln!(stdout, "{}", list.join("\n")),
        Some("--version") => writeln!(stdout, "fairway-cni {}", env!("CARGO_PKG_VERSION")),
        _ => {
            let _ = writeln!(
                stderr,
                "fairway-cni {}: CNI plugins in one file; it acts as the plugin that it is named after.\n\
                 Types: {}\n\
                 Usage: ln -s fairway-cni /opt/cni/bin/TYPE; fairway-cni --list | --version",
                env!("CARGO_PKG_VERSION"),
                list.join(", ")
            );
            return ExitCode::from(2);
        }
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
