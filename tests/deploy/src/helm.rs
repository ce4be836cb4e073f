//! Helm itself, on the chart as it lies in the repository.

use anyhow::{Context, Result, bail, ensure};
use fairway_lab::{Ns, Output, Value};
use std::path::PathBuf;

/// See the module's head.
#[derive(Debug)]
pub struct Helm {
    ns: Ns,
    program: PathBuf,
    home: fairway_lab::tempfile::TempDir,
}

/// What came of a chart: all objects.
#[derive(Debug)]
pub struct Rendered(pub Vec<Value>);

impl Helm {
    /// In a namespace without a network: nothing is fetched.
    ///
    /// # Errors
    /// Where there is no Helm.
    pub fn new() -> Result<Self> {
        Ok(Self {
            ns: Ns::new("helm")?,
            program: crate::given("FAIRWAY_HELM")?,
            home: fairway_lab::tempfile::tempdir()?,
        })
    }

    /// Runs it on the chart.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn run(&self, command: &[&str], values: &[&str]) -> Result<Output> {
        let mut run = self.ns.command(&self.program).args(command);
        run = run
            .arg(crate::deploy().join("chart"))
            .env("HOME", self.home.path());
        for value in values {
            run = run.args(["--set-json", value]);
        }
        Ok(run.output()?)
    }

    /// Renders it with these values, as `key=JSON`.
    ///
    /// # Errors
    /// What Helm says.
    pub fn render(&self, values: &[&str]) -> Result<Rendered> {
        let command = ["template", "fw", "--namespace", "net", "--include-crds"];
        let output = self.run(&command, values)?;
        ensure!(output.status.success(), "{values:?}: {}", output.stderr);
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&output.stdout).with_context(|| output.stdout.clone())?;
        let objects = documents.into_iter().filter(|value| !value.is_null());
        Ok(Rendered(objects.collect()))
    }

    /// As [`Helm::render`], as Helm writes it, without the kinds.
    ///
    /// # Errors
    /// What Helm says.
    pub fn text(&self, values: &[&str]) -> Result<String> {
        let output = self.run(&["template", "fw", "--namespace", "net"], values)?;
        ensure!(output.status.success(), "{values:?}: {}", output.stderr);
        Ok(output.stdout)
    }

    /// What Helm says of values that it refuses.
    ///
    /// # Errors
    /// Where it takes them.
    pub fn refuses(&self, values: &[&str]) -> Result<String> {
        let output = self.run(&["template", "fw", "--namespace", "net"], values)?;
        if output.status.success() {
            bail!("{values:?} were taken");
        }
        Ok(output.stderr)
    }
}

impl Rendered {
    /// All of a kind.
    pub fn kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| object["kind"] == kind)
    }

    /// The only one of a kind.
    ///
    /// # Errors
    /// Where there is none, or more.
    pub fn one(&self, kind: &str) -> Result<&Value> {
        let all: Vec<_> = self.kind(kind).collect();
        ensure!(all.len() == 1, "{} objects of kind {kind}", all.len());
        Ok(all[0])
    }
}
