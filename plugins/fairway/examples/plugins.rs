//! `bandwidth`, `bridge`, `ptp`, `static` and `fairway` in one file, for this crate's tests. What is installed is plugins/bin.

use fairway_cluster_ipam::{Fairway, trace};
use fairway_cni::{Plugin, serve_and_tell};
use std::{env, io, path::Path, process::ExitCode};

const PLUGINS: &[(&str, &dyn Plugin)] = &[
    ("bandwidth", &fairway_bandwidth::Bandwidth),
    ("bridge", &fairway_bridge::Bridge),
    ("fairway", &Fairway::new()),
    ("ptp", &fairway_ptp::Ptp),
    ("static", &fairway_static::Static),
];

fn main() -> ExitCode {
    let program = env::args_os().next().unwrap_or_default();
    let kind = Path::new(&program)
        .file_name()
        .and_then(|name| name.to_str());
    let status = serve_and_tell(
        kind.unwrap_or_default(),
        PLUGINS,
        &|name| env::var_os(name),
        &mut io::stdin().lock(),
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
        &trace::tell,
    );
    ExitCode::from(status)
}
