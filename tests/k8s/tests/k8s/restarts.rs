//! The bed itself: a server that goes and comes keeps its objects, however it went.

use fairway_lab::{json, poll};
use fairway_tests_k8s::{Bed, Doc, Result, Server, User};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

#[test]
fn objects_outlive_the_server() -> Result {
    let bed = Bed::start()?;
    bed.install()?;
    let doc = Doc::ours("RateLimit", "kept", json!({"egress": {"rate": "1M"}}));
    assert!(bed.apply(&doc)?.done);
    let ways: [fn(&Server) -> Result; 2] = [Server::kill, Server::stop];
    for way in ways {
        way(&bed.server)?;
        assert!(!bed.server.runs());
        assert!(
            !bed.ask(User::Admin, "get rl kept --request-timeout=2s", "")?
                .done
        );
        bed.server.launch()?;
        bed.ready()?;
        // Custom resources are served a moment after the rest.
        poll(SOON, "the object is there", || {
            bed.kubectl(User::Admin, "get rl kept").is_ok()
        })?;
    }
    bed.server.pause()?;
    assert!(
        !bed.ask(User::Admin, "get rl kept --request-timeout=1s", "")?
            .done
    );
    bed.server.go_on()?;
    poll(SOON, "it answers again", || {
        bed.kubectl(User::Admin, "get rl kept").is_ok()
    })?;
    Ok(())
}
