//! Claims of the same application, and of the same name, in two pools.

use crate::real::Real;
use serde_json::json;

/// An application with claims in two pools gives back those of the pool that is named.
pub(crate) fn of_one_pool(real: &Real) {
    real.does_once("pool", "pool create stg --cidr 10.95.0.0/24");
    // Their names say which application they belong to.
    let of = "--release on-scale-down";
    for (name, pool) in [("shop/kv-3", "web"), ("shop/kv-5", "stg")] {
        real.does_once("claim", &format!("claim create {name} --pool {pool} {of}"));
    }
    for (pool, name) in [("web", "shop/kv-3"), ("stg", "shop/kv-5")] {
        let line = format!("claim rm --app StatefulSet/shop/kv --pool {pool}");
        let removed = real.does_once("claim-ls", &line);
        assert_eq!(removed.as_array().unwrap().len(), 1, "{removed}");
        assert_eq!(removed[0]["name"], name);
    }
    // The new name is in another pool already: the answer is of the claim that was moved.
    for (name, pool) in [("kv", "web"), ("old", "stg")] {
        real.does_once("claim", &format!("claim create {name} --pool {pool}"));
    }
    let moved = real.does_once("claim", "claim move old --to kv");
    assert_eq!(
        (&moved["name"], &moved["pool"]),
        (&json!("kv"), &json!("stg"))
    );
    real.refuses("claim ls --pool nope", "pool nope does not exist");
    real.does_once("claim-ls", "claim rm kv --pool stg");
    // Of a claim both addresses are freed, and said.
    let kv = real.does_once("claim-ls", "claim ls --pool web")[0].clone();
    assert_eq!(kv["addresses"].as_array().unwrap().len(), 2);
    let ip = kv["addresses"][0].as_str().unwrap();
    let freed = real.does_once("ipam-release", &format!("ipam release {ip}"));
    assert_eq!(freed["addresses"], kv["addresses"]);
    real.does_once("pool", "pool set stg --cooldown 0s");
    let gone = real.run("pool rm stg --wait");
    assert_eq!(gone.status, 0, "{gone:?}");
}
