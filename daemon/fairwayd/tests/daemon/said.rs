//! What is said of rates, as the store keeps it.

use crate::bed::Bed;
use fairway_api::{
    ClientError, Method, Nothing,
    admin::{
        Applied, ObjectApply, ObjectList, ObjectRef, RateOverride, RateRemove, RateSet, RateWish,
    },
};
use fairway_lab::{Value, json};

fn limit(name: &str, rate: &str) -> Value {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": "RateLimit", "metadata": {"name": name},
           "spec": {"per": "Container", "ingress": {"rate": rate}}})
}

fn apply(bed: &Bed, objects: &[Value]) -> Result<Vec<String>, ClientError> {
    let objects = objects.to_vec();
    let done: Vec<Applied> = bed.call(Method::ObjectApply(ObjectApply { objects }))?;
    let line = |applied: Applied| {
        format!(
            "{} {} {}",
            applied.object.kind, applied.object.name, applied.done
        )
    };
    Ok(done.into_iter().map(line).collect())
}

fn listed(bed: &Bed, kind: &str) -> Vec<Value> {
    let (kind, namespace, name) = (kind.to_owned(), None, None);
    let list = ObjectList {
        kind,
        namespace,
        name,
    };
    bed.call(Method::ObjectList(list)).unwrap()
}

fn set(ingress: Option<&str>, egress: Option<&str>) -> Method {
    let wish = |rate: &str| RateWish {
        rate: Some(rate.to_owned()).filter(|rate| !rate.is_empty()),
        ..RateWish::default()
    };
    Method::RateSet(RateSet {
        workload: "web/a-0".into(),
        ingress: ingress.map(wish),
        egress: egress.map(wish),
        reason: None,
    })
}

#[test]
fn limits_are_applied_listed_and_removed() {
    let bed = Bed::up();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "web"}});
    let both = [limit("web", "20M"), namespace.clone()];
    assert_eq!(
        apply(&bed, &both).unwrap(),
        ["RateLimit web created", "Namespace web created"]
    );
    assert_eq!(
        apply(&bed, &both).unwrap(),
        ["RateLimit web unchanged", "Namespace web unchanged"]
    );
    // Nothing of a request is written of which one part is wrong.
    let wrong = apply(&bed, &[limit("other", "1M"), limit("web", "0")]).unwrap_err();
    assert!(
        wrong
            .to_string()
            .contains("RateLimit web: spec.ingress.rate"),
        "{wrong}"
    );
    assert_eq!(listed(&bed, "ratelimit"), [limit("web", "20M")]);
    assert_eq!(
        apply(&bed, &[limit("web", "30M")]).unwrap(),
        ["RateLimit web configured"]
    );
    let object = ObjectRef {
        kind: "ratelimit".into(),
        namespace: None,
        name: "web".into(),
    };
    let gone: Applied = bed.call(Method::ObjectRemove(object.clone())).unwrap();
    assert_eq!(
        (gone.object.kind.as_str(), gone.done.as_str()),
        ("RateLimit", "deleted")
    );
    assert_eq!(listed(&bed, "RateLimit"), [Value::Null; 0]);
    let none = bed
        .call::<Applied>(Method::ObjectRemove(object))
        .unwrap_err();
    assert!(
        none.to_string().contains("RateLimit web: there is none"),
        "{none}"
    );
}

#[test]
fn rates_are_set_and_taken_back() {
    let mut bed = Bed::up();
    let told: RateOverride = bed.call(set(Some("20M"), None)).unwrap();
    assert_eq!(told.ingress.unwrap().rate.as_deref(), Some("20Mbit"));
    // Another daemon on the same store knows it.
    bed.kill();
    bed.start();
    let told: RateOverride = bed.call(set(None, Some(""))).unwrap();
    assert_eq!(told.ingress.unwrap().rate.as_deref(), Some("20Mbit"));
    assert_eq!(told.egress, Some(RateWish::default()));
    let wrong = bed.call::<RateOverride>(set(Some("0"), None)).unwrap_err();
    assert!(
        wrong.to_string().contains("ingress.rate: 0 bit/s"),
        "{wrong}"
    );
    let remove = || {
        let workload = "web/a-0".into();
        bed.call::<Nothing>(Method::RateRemove(RateRemove { workload }))
    };
    remove().unwrap();
    let none = remove().unwrap_err();
    assert!(
        none.to_string().contains("rate of web/a-0: there is none"),
        "{none}"
    );
}
