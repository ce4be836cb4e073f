//! Kill, clean up, compare: one round per step.

use fairway_tests_netns::{Bed, Error, Member, Ns, Result, State, Step, Traced, Value, ensure};

/// What comes after an ADD that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// What the protocol asks of a runtime.
    Del,
    /// What a runtime does that has lost the namespace meanwhile.
    DelWithoutNamespace,
    /// What it should not do.
    AddThenDel,
}

/// A node with a resident and a victim.
struct Ward<'a> {
    bed: &'a Bed,
    resident: Option<Member>,
    ns: Ns,
    conf: Value,
    traced: Traced,
}

impl<'a> Ward<'a> {
    fn new(bed: &'a Bed, conf: Value) -> Result<Self> {
        let traced = Traced::new(bed.scratch())?;
        let resident = match conf["type"].as_str() {
            // `lo` is one per container, a device one per node: there is no other to be harmed.
            Some("loopback" | "host-device") => None,
            _ => Some(resident(bed, &conf)?),
        };
        let ns = bed.container()?;
        let ward = Self {
            bed,
            resident,
            ns,
            conf,
            traced,
        };
        // Once through: a namespace that has had an interface differs from one that never had.
        let cni = ward.cni();
        cni.add()?.ok()?;
        cni.del(None)?.ok()?;
        Ok(ward)
    }

    fn cni(&self) -> fairway_tests_netns::Cni {
        self.bed.cni("victim", &self.ns, &self.conf)
    }

    fn traced(&self) -> fairway_tests_netns::Cni {
        let dir = self.traced.dir();
        self.bed.cni_in(dir, "victim", &self.ns, &self.conf)
    }

    fn steps(&self, verb: &str) -> Result<Vec<Step>> {
        let steps = self.traced.steps(&self.traced(), verb)?;
        // Every plugin's call ends at least, and prints its answer where it has one.
        ensure(!steps.is_empty(), "a call has steps")?;
        Ok(steps)
    }

    fn kill(&self, verb: &str, step: &Step) -> Result {
        let killed = self.traced.kill(&self.traced(), verb, step)?;
        ensure(killed, "the kill to come before the end of the call")
    }

    fn resident_is_well(&self) -> Result {
        let Some(resident) = &self.resident else {
            return Ok(());
        };
        resident.check()
    }
}

fn resident(bed: &Bed, conf: &Value) -> Result<Member> {
    let mut conf = conf.clone();
    if conf["ipam"]["type"] == "static" {
        conf["ipam"]["addresses"] =
            fairway_tests_netns::json!([{"address": "10.1.0.8/24"}, {"address": "fd00:1::8/64"}]);
    }
    bed.add("resident", &conf)
}

/// ADD, killed at each of its steps in turn.
pub(crate) fn adds(conf: fn(&Bed) -> Value, ends: Ends) -> Result {
    let bed = Bed::new()?;
    let ward = Ward::new(&bed, conf(&bed))?;
    let before = State::take(&bed, &[&ward.ns])?;
    let steps = ward.steps("ADD")?;
    ward.cni().del(None)?.ok()?;
    before.unchanged()?;
    for step in &steps {
        let round = || -> Result {
            ward.kill("ADD", step)?;
            match ends {
                Ends::Del => {}
                Ends::DelWithoutNamespace => {
                    ward.cni().netns_path(None).del(None)?.ok()?;
                    if ward.conf["type"] != "loopback" {
                        before.about_unchanged()?;
                    }
                }
                Ends::AddThenDel => again(&ward)?,
            }
            ward.cni().del(None)?.ok()?;
            before.about_unchanged()
        };
        round().map_err(|error| at(step, &error))?;
    }
    before.unchanged()?;
    ward.resident_is_well()
}

/// An ADD on top of a killed one: it works, or says that the container is attached already.
fn again(ward: &Ward<'_>) -> Result {
    let outcome = ward.cni().add()?;
    if let Some(error) = &outcome.error {
        return outcome.fails(103).map(drop).map_err(|_| Error::Outcome {
            wanted: "ADD to work or to say that there has been one".to_owned(),
            got: format!("{error:?}"),
        });
    }
    let result = outcome.ok()?;
    ward.cni().check(&result)?.ok().map(drop)
}

/// DEL, killed at each of its steps in turn.
pub(crate) fn dels(conf: fn(&Bed) -> Value) -> Result {
    let bed = Bed::new()?;
    let ward = Ward::new(&bed, conf(&bed))?;
    let before = State::take(&bed, &[&ward.ns])?;
    ward.cni().add()?.ok()?;
    let steps = ward.steps("DEL")?;
    before.unchanged()?;
    for step in &steps {
        let round = || -> Result {
            ward.cni().add()?.ok()?;
            ward.kill("DEL", step)?;
            ward.cni().del(None)?.ok()?;
            before.about_unchanged()
        };
        round().map_err(|error| at(step, &error))?;
    }
    before.unchanged()?;
    ward.resident_is_well()
}

/// The error, with the place of the kill.
pub(crate) fn at(step: &Step, error: &Error) -> Error {
    Error::Differ {
        what: step.to_string(),
        diff: error.to_string(),
    }
}

/// GC, killed at each of its steps in turn, with the victim lost and the resident valid.
pub(crate) fn gcs(conf: fn(&Bed) -> Value) -> Result {
    let bed = Bed::new()?;
    let ward = Ward::new(&bed, conf(&bed))?;
    let before = State::take(&bed, &[&ward.ns])?;
    let valid = fairway_tests_netns::json!([{"containerID": "resident", "ifname": "eth0"}]);
    let listed = |cni: fairway_tests_netns::Cni| {
        let mut conf = ward.conf.clone();
        conf["cni.dev/valid-attachments"] = valid.clone();
        cni.config(conf)
    };
    ward.cni().add()?.ok()?;
    let steps = ward.traced.steps(&listed(ward.traced()), "GC")?;
    before.unchanged()?;
    for step in &steps {
        let round = || -> Result {
            ward.cni().add()?.ok()?;
            let killed = ward.traced.kill(&listed(ward.traced()), "GC", step)?;
            ensure(killed, "the kill to come before the end of the call")?;
            listed(ward.cni()).call("GC")?.ok()?;
            before.about_unchanged()?;
            ward.resident_is_well()
        };
        round().map_err(|error| at(step, &error))?;
    }
    before.unchanged()
}
