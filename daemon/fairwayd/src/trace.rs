//! The call that is being answered: what is asked of others on its behalf is known by its trace.

use fairway_api::Trace;

tokio::task_local! {
    static CALL: Trace;
}

/// The trace of the call that this task answers.
pub(crate) fn current() -> Option<Trace> {
    CALL.try_with(|trace| *trace).ok()
}

/// Does something for a call.
pub(crate) async fn within<T>(trace: Option<Trace>, done: impl Future<Output = T>) -> T {
    match trace {
        Some(trace) => CALL.scope(trace, done).await,
        None => done.await,
    }
}

/// For a span or an event: the id, where there is one.
pub(crate) fn field(trace: Option<Trace>) -> Option<tracing::field::DisplayValue<String>> {
    trace.map(|trace| tracing::field::display(trace.id()))
}
