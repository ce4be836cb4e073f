//! host-local by itself, as a process: for this crate's tests. What is installed is plugins/bin.

use fairway_host_local::HostLocal;
use std::{env, io, process::ExitCode};

fn main() -> ExitCode {
    let registry: [(&str, &dyn fairway_cni::Plugin); 1] = [("host-local", &HostLocal)];
    let status = fairway_cni::serve(
        "host-local",
        &registry,
        &|name| env::var_os(name),
        &mut io::stdin().lock(),
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    );
    ExitCode::from(status)
}
