//! Finds containers that are gone without a DEL, and has their addresses freed.
//!
//! A runtime that crashed, a reboot, a node that lost power: no DEL comes, and the addresses leak until the
//! pool is empty. An attachment is dead when its namespace is gone and no link of the host is its own; that
//! must be seen twice, a grace period apart, and what was given anew in between is left alone. What cannot
//! be looked at is not dead.

mod judge;
mod observe;
mod sightings;

pub use judge::{Judge, NetnsState, Seen};
pub use observe::{netns_state, observe};
pub use sightings::sightings;

use crate::{code::Coded as _, config::Sweep, driver::Driver, news::news};
use fairway_ipam::{Answer, Request};
use prometheus_client::metrics::counter::Counter;
use std::time::{Duration, Instant};
use tracing::{debug, info};

/// Looks again and again. `former`: attachments up to this number were made before the machine was booted; `swept`
/// counts those that were found gone.
pub async fn sweep(driver: Driver, times: Sweep, former: u64, swept: Counter) {
    // What is found gone when the daemon comes up has most likely been so for long.
    let mut judge = twice(&driver, former, times.first_grace, &swept).await;
    loop {
        tokio::time::sleep(times.every).await;
        look(&driver, &mut judge, times.grace, &swept).await;
    }
}

/// Looks twice, a grace period apart.
pub async fn twice(driver: &Driver, former: u64, grace: Duration, swept: &Counter) -> Judge {
    let mut judge = Judge::new(former);
    look(driver, &mut judge, grace, swept).await;
    tokio::time::sleep(grace).await;
    look(driver, &mut judge, grace, swept).await;
    judge
}

async fn look(driver: &Driver, judge: &mut Judge, grace: Duration, swept: &Counter) {
    let Ok(leases) = driver.leases().await else {
        return;
    };
    let seen = tokio::task::spawn_blocking(move || (observe(&leases), leases)).await;
    let (seen, leases) = match seen {
        Ok((Ok(seen), leases)) => (seen, leases),
        Ok((Err(error), _)) => {
            return news!(
                warn,
                code = error.number(),
                "the kernel's links cannot be listed: {error}"
            );
        }
        Err(error) => {
            return news!(
                warn,
                code = error.number(),
                "a look at the kernel failed: {error}"
            );
        }
    };
    for (attachment, seq) in judge.judge(&leases, &seen, Instant::now(), grace) {
        let name = attachment.to_string();
        match driver.ask(Request::Gone(attachment, seq)).await {
            Ok(Answer::Released(addresses)) if !addresses.is_empty() => {
                swept.inc();
                info!("{name} is gone without a DEL; {addresses:?} are freed");
            }
            Ok(_) => debug!("{name} is gone, and has nothing any more"),
            Err(error) => news!(
                warn,
                code = error.number(),
                "{name} is gone, but its addresses cannot be freed: {error}"
            ),
        }
    }
    if judge.suspects() > 0 {
        debug!("{} attachments look gone", judge.suspects());
    }
}
