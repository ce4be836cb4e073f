//! One call, from environment and standard input to standard output.
//!
//! The order of the checks is part of the protocol, as runtimes and conformance tools look for it:
//! missing variables, form of the variables (4), JSON (6), name (7), verb for this version, version (1),
//! namespace (8), and only then the plugin. Standard output gets one JSON document or nothing at all.

use crate::{
    CniArgs, Code, Failure, NetConf, Object, Version,
    about::about,
    chain::Chain,
    config::GcAttachments,
    delegate::{Delegates, Registry},
    env::{Env, Verb},
    failure::FALLBACK_VERSION,
    names::NetworkName,
    plugin::{Attachment, Context, Detach, Plugin, Sandbox},
};
use serde_json::{Map, Value, json};
use std::{
    ffi::OsString,
    fs,
    io::{self, Read, Write},
    os::unix::fs::MetadataExt as _,
};

/// The most that is read of standard input, in bytes: a GC that lists 15,000 attachments has 2 MB.
const STDIN_MAX: u64 = 64 << 20;

/// A call that failed, and what the runtime was told.
#[derive(Debug)]
pub struct Failed<'a> {
    /// The plugin's type.
    pub kind: &'a str,
    /// What was to be done, and for whom.
    pub env: &'a Env,
    /// The network's name, where the configuration could be read that far.
    pub network: Option<&'a str>,
    /// What the runtime was told.
    pub failure: &'a Failure,
}

/// What is known of a call by the time that it is answered.
struct Known {
    /// The version to answer in.
    version: String,
    network: Option<String>,
}

/// Serves one call of the plugin `kind` and gives the exit status: 0, or 1 with an error object printed.
pub fn serve(
    kind: &str,
    registry: &Registry<'_>,
    var: &dyn Fn(&str) -> Option<OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> u8 {
    serve_and_tell(kind, registry, var, stdin, stdout, stderr, &|_| {})
}

/// The same, and `tell` hears of a failure, once the runtime has been told. It must not print anything.
pub fn serve_and_tell(
    kind: &str,
    registry: &Registry<'_>,
    var: &dyn Fn(&str) -> Option<OsString>,
    stdin: &mut dyn Read,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
    tell: &dyn Fn(&Failed<'_>),
) -> u8 {
    let mut known = Known {
        version: FALLBACK_VERSION.to_owned(),
        network: None,
    };
    let read = Env::read(var);
    let answer = match &read {
        Ok(None) => {
            let _ = stderr.write_all(about(kind).as_bytes());
            return 0;
        }
        Ok(Some(env)) => call(kind, registry, env, stdin, &mut known),
        Err(error) => Err(error.clone().into()),
    };
    let status = match &answer {
        Ok(None) => return 0,
        Ok(Some(result)) => print(&result.to_string(), 0, stdout, stderr),
        Err(failure) => print(
            &failure.to_json(&known.version).to_string(),
            1,
            stdout,
            stderr,
        ),
    };
    if let (Err(failure), Ok(Some(env))) = (&answer, &read) {
        tell(&Failed {
            kind,
            env,
            network: known.network.as_deref(),
            failure,
        });
    }
    status
}

fn print(text: &str, status: u8, stdout: &mut dyn Write, stderr: &mut dyn Write) -> u8 {
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => status,
        Err(error) => {
            let _ = writeln!(stderr, "fairway: cannot write the answer: {error}");
            1
        }
    }
}

fn call(
    kind: &str,
    registry: &Registry<'_>,
    env: &Env,
    stdin: &mut dyn Read,
    known: &mut Known,
) -> Result<Option<Value>, Failure> {
    if env.verb == Verb::Version {
        return Ok(Some(versions(stdin)));
    }
    let raw = read_object(stdin)?;
    let root = Object::root(&raw);
    let asked = root.text("cniVersion")?.unwrap_or_default().to_owned();
    if let Ok(version) = asked.parse::<Version>() {
        known.version = version.as_str().to_owned();
    }
    let name: NetworkName = match root.text("name")? {
        Some(name) => name
            .parse()
            .map_err(|error| root.invalid("name", format_args!("{name:?}"), error))?,
        None => {
            return Err(Failure::new(
                Code::INVALID_CONFIG,
                "name: missing network name",
            ));
        }
    };
    known.network = Some(name.to_string());
    let version = Version::for_verb(&asked, env.verb)?;
    known.version = version.as_str().to_owned();
    let conf = NetConf::new(version, name, raw);

    let Some((_, plugin)) = registry.iter().find(|(name, _)| *name == kind) else {
        return Err(Failure::new(
            Code::INVALID_CONFIG,
            format!("{kind:?} is not a plugin type of this binary"),
        ));
    };
    let strict = matches!(env.verb, Verb::Add | Verb::Check) && plugin.reads_args();
    let args = match strict {
        true => CniArgs::parse(&env.args)?,
        false => CniArgs::parse_leniently(&env.args),
    };
    let delegates = Delegates::new(registry, &env.path);
    let context = Context {
        conf: &conf,
        args: &args,
        delegates: &delegates,
    };
    perform(*plugin, &context, env)
}

fn perform(
    plugin: &dyn Plugin,
    context: &Context<'_>,
    env: &Env,
) -> Result<Option<Value>, Failure> {
    match env.verb {
        Verb::Add => {
            let chain = Chain::parse(context.conf)?;
            let sandbox = sandbox(env)?;
            let first = plugin.add(context, &sandbox)?;
            let result = chain.add(context, &sandbox, first).map_err(|failure| {
                let undone = detach(env).and_then(|detach| plugin.del(context, &detach));
                undone.err().into_iter().fold(failure, |failure, error| {
                    failure.with_detail(error.to_string())
                })
            })?;
            Ok(Some(result.to_json(context.conf.version)))
        }
        Verb::Check => {
            let sandbox = sandbox(env)?;
            plugin.check(context, &sandbox)?;
            Chain::parse(context.conf)?
                .check(context, &sandbox)
                .map(|()| None)
        }
        Verb::Del => {
            let detach = detach(env)?;
            past_errors(
                context,
                |chain| chain.del(context, &detach),
                || plugin.del(context, &detach),
            )
        }
        Verb::Gc => {
            let valid: GcAttachments = context.conf.gc_attachments()?;
            past_errors(
                context,
                |chain| chain.gc(context, &valid),
                || plugin.gc(context, &valid),
            )
        }
        Verb::Status => {
            plugin.status(context)?;
            Chain::parse(context.conf)?.status(context).map(|()| None)
        }
        Verb::Version => Ok(None),
    }
}

/// What goes, goes in reverse: the chain first, then the plugin itself, whatever the chain came to.
fn past_errors(
    context: &Context<'_>,
    chained: impl FnOnce(Chain) -> Vec<Failure>,
    first: impl FnOnce() -> Result<(), Failure>,
) -> Result<Option<Value>, Failure> {
    let mut failures = match Chain::parse(context.conf) {
        Ok(chain) => chained(chain),
        Err(error) => vec![error.into()],
    };
    failures.extend(first().err());
    Failure::collect(failures).map_or(Ok(None), Err)
}

fn attachment(env: &Env) -> Result<Attachment, Failure> {
    match (&env.container_id, &env.ifname) {
        (Some(container_id), Some(ifname)) => Ok(Attachment {
            container_id: container_id.clone(),
            ifname: ifname.clone(),
        }),
        // Env::read has seen that both are there for the verbs that come here.
        _ => Err(Failure::new(
            Code::INVALID_ENVIRONMENT,
            "CNI_CONTAINERID or CNI_IFNAME missing",
        )),
    }
}

fn sandbox(env: &Env) -> Result<Sandbox, Failure> {
    let netns = env.netns.clone().unwrap_or_default();
    match is_own_namespace(&netns) {
        Ok(true) if !env.netns_override => Err(own_namespace(&netns)),
        Ok(_) => Ok(Sandbox {
            attachment: attachment(env)?,
            netns,
        }),
        Err(error) => Err(Failure::new(
            Code::INVALID_NETNS,
            format!("CNI_NETNS: failed to open netns {netns:?}: {error}"),
        )),
    }
}

fn detach(env: &Env) -> Result<Detach, Failure> {
    let attachment = attachment(env)?;
    let netns = match &env.netns {
        None => None,
        Some(netns) => match is_own_namespace(netns) {
            Ok(true) if !env.netns_override => return Err(own_namespace(netns)),
            Ok(_) => Some(netns.clone()),
            // Gone, or on a path that can no longer be walked: there is nothing to clean up in there.
            Err(_) => None,
        },
    };
    Ok(Detach { attachment, netns })
}

fn own_namespace(netns: &str) -> Failure {
    let msg = format!("CNI_NETNS: {netns:?} is the plugin's own network namespace");
    Failure::new(Code::INVALID_NETNS, msg)
}

fn is_own_namespace(netns: &str) -> io::Result<bool> {
    let there = fs::metadata(netns)?;
    let own = fs::metadata("/proc/thread-self/ns/net")?;
    Ok((there.dev(), there.ino()) == (own.dev(), own.ino()))
}

fn read_object(stdin: &mut dyn Read) -> Result<Map<String, Value>, Failure> {
    let mut bytes = Vec::with_capacity(4096);
    stdin
        .take(STDIN_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Code::IO, format!("error reading from stdin: {error}")))?;
    let decode = |reason: String| {
        Failure::new(
            Code::DECODE,
            format!("error parsing the network configuration: {reason}"),
        )
    };
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(decode("not a JSON object".to_owned())),
        Err(error) => Err(decode(error.to_string())),
    }
}

/// VERSION answers whatever comes: a runtime asks it before it knows what to say.
fn versions(stdin: &mut dyn Read) -> Value {
    let asked = read_object(stdin).ok().and_then(|raw| {
        let asked = Object::root(&raw)
            .text("cniVersion")
            .ok()
            .flatten()
            .map(ToOwned::to_owned);
        asked.filter(|text| text.len() <= 32)
    });
    json!({
        "cniVersion": asked.as_deref().unwrap_or(Version::LATEST.as_str()),
        "supportedVersions": Version::ALL.map(Version::as_str),
    })
}

#[cfg(test)]
mod tests;
