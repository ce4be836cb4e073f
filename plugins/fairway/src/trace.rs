//! What this call is known by: the runtime's trace, where it hands one on (`TRACEPARENT`, W3C Trace Context), else one of
//! its own. A process serves one call, so it has one.
//!
//! A failed call is told to the daemon, if there is one, so that it can be found when the container has long gone. That
//! must cost nothing: it is done after the runtime has been answered, waits for a moment at most, and is given up in
//! silence.

use fairway_api::{Client, Method, Nothing, TRACE_VARIABLE, Trace, call::CallFailed, socket_path};
use fairway_cni::{Failed, env::Verb};
use std::{env, path::Path, sync::OnceLock, time::Duration};

/// For a daemon that hangs the runtime does not wait.
const PATIENCE: Duration = Duration::from_millis(250);

/// What this process' call is known by.
pub fn trace() -> Trace {
    static CALL: OnceLock<Trace> = OnceLock::new();
    *CALL.get_or_init(|| {
        let context = env::var(TRACE_VARIABLE);
        Trace::of_call(context.ok().as_deref().and_then(Trace::parse))
    })
}

/// For the details of an error: by this the log has it.
pub(crate) fn word() -> String {
    format!("request {}", trace().id())
}

/// Tells the daemon of a call that failed. STATUS is asked again and again, and VERSION fails for nobody.
pub fn tell(failed: &Failed<'_>) {
    tell_at(&socket_path(), failed);
}

fn tell_at(socket: &Path, failed: &Failed<'_>) {
    let Failed {
        kind,
        env,
        network,
        failure,
    } = failed;
    if matches!(env.verb, Verb::Status | Verb::Version) {
        return;
    }
    let told = CallFailed {
        plugin: (*kind).to_owned(),
        verb: env.verb.to_string(),
        network: network.map(str::to_owned),
        container: env.container_id.as_ref().map(ToString::to_string),
        ifname: env.ifname.as_ref().map(ToString::to_string),
        code: failure.code.number(),
        message: failure.msg.clone(),
        details: failure.details.clone(),
    };
    // Whoever is not there, or is older than this, hears nothing of it.
    let client = Client::connect(socket, PATIENCE);
    let _ = client.and_then(|client| {
        let mut client = client.answer_timeout(PATIENCE).traced(trace());
        client.call::<Nothing>(Method::CallFailed(Box::new(told)))
    });
}
