//! Logs, to stderr: the service manager keeps them.

use crate::config::LogFormat;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Begins to log. `filter`: as `RUST_LOG` has it, such as `debug` or `info,fairwayd::link=trace`; what
/// cannot be read counts as none. Does nothing the second time.
pub fn start(format: LogFormat, filter: Option<&str>) {
    let usual = || {
        let all = Targets::new().with_default(tracing::Level::INFO);
        // It tells of each request that fails as an error; what matters of that is told by who made it, once.
        all.with_target("kube_client", LevelFilter::OFF)
    };
    let filter = filter
        .and_then(|filter| filter.parse().ok())
        .unwrap_or_else(usual);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => fmt::layer()
            .with_writer(stderr)
            .with_ansi(stderr().is_terminal())
            .with_target(false)
            .boxed(),
        LogFormat::Json => fmt::layer()
            .with_writer(stderr)
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
    };
    drop(
        tracing_subscriber::registry()
            .with(layer.with_filter(filter))
            .try_init(),
    );
}
