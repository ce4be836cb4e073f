//! Claims that end with their workloads: watched, suspected, asked once more, given back.

use crate::{
    apps::{App, AppKind, Apps, bound, end},
    call::{CallError, call},
    kind::Name,
    mirror::Leading,
    report::watch_code,
    run::same_cluster,
    seen,
    sink::SinkError,
};
use futures::{Stream, StreamExt as _, stream};
use kube::{
    Api,
    core::ApiResource,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event, watcher},
    },
};
use std::pin::Pin;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tracing::info;

type Told = (AppKind, watcher::Result<Event<seen::App>>);

/// Gives claims back until that must end.
pub(crate) async fn reap(leading: Leading) -> SinkError {
    let mut apps = Apps::default();
    let mut told = watch(&leading);
    let every = leading.settings.look;
    let mut look = interval_at(Instant::now() + every, every);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            next = told.next() => {
                let Some((kind, event)) = next else {
                    told = watch(&leading);
                    continue;
                };
                match take(&leading, &mut apps, kind, event) {
                    Some(true) => {}
                    Some(false) => continue,
                    None => {
                        told = watch(&leading);
                        apps = Apps::default();
                        continue;
                    }
                }
            }
            _ = look.tick() => {}
        }
        match pass(&leading, &apps).await {
            Ok(()) => leading.report.fine("claims"),
            Err(Stop::Call(error)) => leading.report.failed("claims", &error),
            Err(Stop::Sink(SinkError::Away(text))) => leading.report.trouble("claims", text),
            Err(Stop::Sink(error)) => return error,
        }
    }
}

/// Both kinds' events.
type Watches = Pin<Box<dyn Stream<Item = Told> + Send>>;

fn watch(leading: &Leading) -> Watches {
    let streams = AppKind::ALL.map(|kind| {
        let api: Api<seen::App> = Api::all_with(leading.client.clone(), &resource(kind));
        let config = watcher::Config::default().page_size(200).timeout(120);
        let stream = watcher(api, config).default_backoff();
        stream.map(move |event| (kind, event)).boxed()
    });
    stream::select_all(streams).boxed()
}

/// Notes what is told; says whether something may have ended. None: the watch is to be begun anew.
fn take(
    leading: &Leading,
    apps: &mut Apps,
    kind: AppKind,
    event: watcher::Result<Event<seen::App>>,
) -> Option<bool> {
    let what = kind.name();
    let name = |app: &seen::App| Name {
        namespace: app.metadata.namespace.clone().unwrap_or_default(),
        name: app.metadata.name.clone().unwrap_or_default(),
    };
    match event {
        Ok(Event::Init) => apps.list(kind),
        Ok(Event::InitApply(app)) => drop(apps.seen(kind, name(&app), &app.spec)),
        Ok(Event::Apply(app)) => {
            leading.report.fine(what);
            return Some(apps.seen(kind, name(&app), &app.spec));
        }
        Ok(Event::Delete(app)) => {
            apps.gone(kind, &name(&app));
            return Some(true);
        }
        Ok(Event::InitDone) => {
            leading.report.fine(what);
            apps.listed(kind);
            return Some(true);
        }
        Err(error) => {
            leading.report.watch_failed(what, &error);
            let forgotten = watch_code(&error) == Some(410)
                && matches!(error, watcher::Error::WatchStartFailed(_));
            return (!forgotten).then_some(false);
        }
    }
    Some(false)
}

enum Stop {
    Call(CallError),
    Sink(SinkError),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Stop {
        Stop::Call(error)
    }
}

impl From<SinkError> for Stop {
    fn from(error: SinkError) -> Stop {
        Stop::Sink(error)
    }
}

/// One look at all that may have ended.
async fn pass(leading: &Leading, apps: &Apps) -> Result<(), Stop> {
    let all = leading.sink.apps().await.into_iter();
    let suspects: Vec<App> = all.filter(|app| apps.suspects(app)).collect();
    if suspects.is_empty() {
        return Ok(());
    }
    // First the claims, then the server: what it says is newer than they are.
    let claims = leading.sink.claims().await?;
    for app in suspects {
        let client = leading.client.clone();
        let api: Api<seen::App> =
            Api::namespaced_with(client, &app.name.namespace, &resource(app.kind));
        let found = call(api.get_opt(&app.name.name)).await?;
        let Some(end) = end(&app, found.map(|found| bound(&found.spec))) else {
            continue;
        };
        // Another cluster's server knows none of them.
        same_cluster(leading).await?;
        let freed = claims.release(&app, end).await?;
        for claim in freed {
            let (kind, name) = (app.kind.name(), &app.name);
            info!("claim {claim} is given back: {kind} {name}: {end:?}");
        }
    }
    Ok(())
}

fn resource(kind: AppKind) -> ApiResource {
    ApiResource {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        api_version: "apps/v1".to_owned(),
        kind: kind.name().to_owned(),
        plural: kind.plural().to_owned(),
    }
}
