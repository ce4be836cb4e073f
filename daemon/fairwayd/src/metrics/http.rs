//! The HTTP server: `GET /metrics`, `/healthz`, `/readyz`, and nothing else.
//!
//! Whoever can reach the port may ask, so nothing that is asked costs much: a connection has one request of a few
//! kilobytes and so many seconds in all, of connections there are so many at once, and those beyond are closed. What is
//! answered lies in memory, and is the same for all who ask at the same time.

use super::page::{CLASSIC, OPEN_METRICS, classic};
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::metrics::counter::Counter;
use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::timeout,
};
use tracing::debug;

/// How long and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// For a request to be there.
    pub(crate) receive: Duration,
    /// For a connection in all.
    pub(crate) all: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 16,
            receive: Duration::from_secs(5),
            all: Duration::from_secs(15),
        }
    }
}

/// The least that the library reads a request with.
const REQUEST: usize = 8192;

/// What the server counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    pub(crate) scrapes: Counter,
    pub(crate) refused: Counter,
}

/// Who answers.
pub(crate) trait Source: Send + Sync + 'static {
    /// The metrics, as OpenMetrics has them.
    fn metrics(&self) -> impl Future<Output = Arc<str>> + Send;

    /// Would an ADD be answered now?
    ///
    /// # Errors
    /// Why not.
    fn ready(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// Accepts and answers until told to stop.
pub(crate) async fn serve<S: Source>(
    listener: TcpListener,
    source: Arc<S>,
    limits: Limits,
    served: Served,
    mut stop: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(limits.connections));
    let mut tasks = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            Some(_) = tasks.join_next(), if !tasks.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: others must end first.
                debug!("metrics: a connection cannot be accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Ok(permit) = permits.clone().try_acquire_owned() else {
            served.refused.inc();
            continue;
        };
        let (source, served) = (source.clone(), served.clone());
        tasks.spawn(async move {
            let ended = timeout(limits.all, connection(stream, source, limits, &served)).await;
            if !ended.unwrap_or(false) {
                served.refused.inc();
            }
            drop(permit);
        });
    }
}

/// False: its request did not come in time.
async fn connection<S: Source>(
    stream: TcpStream,
    source: Arc<S>,
    limits: Limits,
    served: &Served,
) -> bool {
    let service = service_fn(|request| {
        let source = source.clone();
        async move { Ok::<_, Infallible>(answer(&request, &*source, served).await) }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.receive)
        .max_buf_size(REQUEST)
        .keep_alive(false);
    let done = builder
        .serve_connection(TokioIo::new(stream), service)
        .await;
    match done {
        Ok(()) => true,
        Err(error) => {
            debug!("metrics: {error}");
            !error.is_timeout()
        }
    }
}

async fn answer<S: Source>(
    request: &Request<Incoming>,
    source: &S,
    served: &Served,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if !["/metrics", "/healthz", "/readyz"].contains(&path) {
        let text = "there are /metrics, /healthz and /readyz\n";
        return plain(StatusCode::NOT_FOUND, text);
    }
    if *request.method() != Method::GET {
        let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        let allowed = HeaderValue::from_static("GET");
        refused.headers_mut().insert(ALLOW, allowed);
        return refused;
    }
    match path {
        "/healthz" => plain(StatusCode::OK, "ok\n"),
        "/readyz" => match source.ready().await {
            Ok(()) => plain(StatusCode::OK, "ready\n"),
            Err(reason) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
        },
        _ => {
            let page = source.metrics().await;
            served.scrapes.inc();
            match wants_open_metrics(request.headers()) {
                true => response(StatusCode::OK, OPEN_METRICS, page.as_bytes().to_vec()),
                false => response(StatusCode::OK, CLASSIC, classic(&page)),
            }
        }
    }
}

/// Whoever knows it names it, as Prometheus does.
fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(ACCEPT).iter();
    let mut accepts = accepts.filter_map(|accept| accept.to_str().ok());
    accepts.any(|accept| accept.contains("application/openmetrics-text"))
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", text)
}

fn response(
    status: StatusCode,
    kind: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
