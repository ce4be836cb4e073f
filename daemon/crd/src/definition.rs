//! The definitions: what kube derives of names, columns and subresources, and the schemas.

use crate::{
    BgpConfig, BgpConfigSpec, BgpPeer, BgpPeerSpec, IPClaim, IPClaimSpec, IPClaimStatus, IPPool,
    IPPoolSpec, IPPoolStatus, Network, NetworkSpec, NetworkStatus, RateLimit, RateLimitSpec,
    Status, structural, text,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::JsonSchema;
use serde_json::{Value, json};

/// A custom resource definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The kind.
    pub kind: &'static str,
    /// The name in the API, in small letters.
    pub plural: &'static str,
    /// All of it, to be applied.
    pub json: Value,
}

impl Definition {
    /// The schema of its objects.
    pub fn schema(&self) -> &Value {
        &self.json["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    }

    /// As the file in `deploy/crds` has it.
    ///
    /// # Errors
    /// Where it cannot be written as YAML.
    pub fn yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        let head = "# Written by: cargo run -p fairway-crd --example write\n";
        Ok(format!("{head}{}", serde_saphyr::to_string(&self.json)?))
    }

    /// For a client.
    ///
    /// # Errors
    /// Never, as a test sees to it.
    pub fn typed(&self) -> Result<CustomResourceDefinition, serde_json::Error> {
        serde_json::from_value(self.json.clone())
    }
}

/// All of them.
pub fn all() -> Vec<Definition> {
    // Pools and networks have names of their own form in the daemon; those of claims are longer than an object's.
    let short = || json!({"type": "string", "maxLength": 63, "pattern": text::NAME});
    let any = || json!({"type": "string"});
    vec![
        one::<IPPool, IPPoolSpec, IPPoolStatus>("IPPool", "ippools", short()),
        one::<IPClaim, IPClaimSpec, IPClaimStatus>("IPClaim", "ipclaims", any()),
        one::<Network, NetworkSpec, NetworkStatus>("Network", "networks", short()),
        one::<RateLimit, RateLimitSpec, Status>("RateLimit", "ratelimits", any()),
        one::<BgpPeer, BgpPeerSpec, Status>("BgpPeer", "bgppeers", any()),
        one::<BgpConfig, BgpConfigSpec, Status>("BgpConfig", "bgpconfigs", any()),
    ]
}

fn one<Kind: CustomResourceExt, Spec: JsonSchema, Status: JsonSchema>(
    kind: &'static str,
    plural: &'static str,
    name: Value,
) -> Definition {
    let mut spec = structural::schema::<Spec>();
    let description = spec["description"].take();
    let description = description.as_str().unwrap_or(kind).to_owned();
    spec["description"] = "What is wanted.".into();
    let mut status = structural::schema::<Status>();
    status["description"] = "What the daemon says of it.".into();
    let mut json = serde_json::to_value(Kind::crd()).unwrap_or_default();
    let version = &mut json["spec"]["versions"][0];
    let own = version["additionalPrinterColumns"].take();
    let own = own.as_array().into_iter().flatten().cloned();
    version["additionalPrinterColumns"] = own.chain(columns_of_all()).collect();
    version["schema"] =
        json!({"openAPIV3Schema": structural::object(&description, name, spec, status)});
    json.sort_all_objects();
    Definition { kind, plural, json }
}

/// What `kubectl get` shows last of each kind; kube's derive takes no list that several kinds have in common.
fn columns_of_all() -> [Value; 2] {
    [
        json!({
            "name": "Accepted",
            "type": "string",
            "jsonPath": r#".status.conditions[?(@.type=="Accepted")].status"#,
            "description": "Whether the object is valid.",
        }),
        json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}),
    ]
}
