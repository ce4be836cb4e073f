//! What stands for fairwayd: it gives addresses of two pools and makes the node's routes, with `ip`.
//!
//! It keeps to what the real one promises and no more: an attachment that has addresses gets no others (103),
//! a container is reached when the node has its routes, and only with addresses of its network's pools. Rates it
//! remembers, by plugin, and keeps none. Told to, it refuses one method, or is not there.

use crate::Families;
use fairway_api::{
    Body, ErrorBody, Method, Reply, VERSION,
    endpoint::{Guarded, Prepared, Ready, Shape, Shaped},
    frame,
    ipam::{Address, Allocate, Allocated, Attachment, Headrooms},
};
use fairway_lab::{Error, Ns, Result, Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    net::IpAddr,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// What it knows as the network `apps`: its pools, and the MTU.
const POOLS: [&str; 2] = ["web", "db"];
const MTU: u32 = 1450;
/// The pool of no network.
const STRAY: &str = "stray";

/// An answer, or a code and a line that says why there is none.
type Answer<T> = std::result::Result<T, (u32, String)>;

/// A daemon on a socket of its own.
#[derive(Debug)]
pub struct FakeDaemon {
    socket: PathBuf,
    state: Arc<Mutex<State>>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct State {
    node: Ns,
    families: Families,
    held: BTreeMap<Attachment, Vec<Address>>,
    rates: BTreeMap<Attachment, BTreeMap<String, Vec<u64>>>,
    seen: Vec<String>,
    refusal: Option<(&'static str, u32)>,
    stop: bool,
}

impl FakeDaemon {
    /// One that listens on `socket` and makes routes on `node`.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub fn start(socket: &Path, node: &Ns) -> Result<Self> {
        let listener = UnixListener::bind(socket).map_err(|source| Error::Os {
            what: "the fake daemon's socket".to_owned(),
            source,
        })?;
        let state = Arc::new(Mutex::new(State {
            node: node.clone(),
            families: Families::Dual,
            held: BTreeMap::new(),
            rates: BTreeMap::new(),
            seen: Vec::new(),
            refusal: None,
            stop: false,
        }));
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            thread::scope(|scope| {
                for stream in listener.incoming() {
                    if lock(&shared).stop {
                        return;
                    }
                    let shared = &shared;
                    scope.spawn(move || stream.map(|stream| serve(stream, shared)));
                }
            });
        });
        Ok(Self {
            socket: socket.to_owned(),
            state,
            thread: Some(thread),
        })
    }

    /// What its pools give from now on.
    pub fn gives(&self, families: Families) {
        lock(&self.state).families = families;
    }

    /// It refuses this method from now on; code 0 is none.
    pub fn refuses(&self, method: &'static str, code: u32) {
        lock(&self.state).refusal = Some((method, code));
    }

    /// The addresses that it has given out and not got back, sorted.
    pub fn held(&self) -> Vec<String> {
        let state = lock(&self.state);
        let addresses = state.held.values().flatten();
        let held: BTreeSet<_> = addresses.map(|address| address.ip).collect();
        held.iter().map(ToString::to_string).collect()
    }

    /// The rates that each plugin has asked for last, for a container.
    pub fn rates(&self, container: &str) -> Vec<(String, Vec<u64>)> {
        let state = lock(&self.state);
        let mut rates = state.rates.iter();
        let own = rates.find(|(at, _)| at.container == container);
        let words = own.into_iter().flat_map(|(_, words)| words.clone());
        words.collect()
    }

    /// The methods that it was asked for since the last look, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).seen)
    }

    /// Ends it: the socket stays, and nobody listens, as after a kill.
    pub fn end(&mut self) {
        lock(&self.state).stop = true;
        let _ = UnixStream::connect(&self.socket);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: UnixStream, state: &Mutex<State>) {
    while let Ok(Ok(Some(bytes))) = frame::read(&mut stream, frame::MAX_REQUEST) {
        let Ok(request) = frame::request(&bytes) else {
            return;
        };
        let named = serde_json::to_value(&request.method).unwrap_or_default();
        let name = named["method"].as_str().unwrap_or_default();
        let body = lock(state).answer(name, request.method);
        let reply = Reply { v: VERSION, body };
        // The plugin may have been killed.
        let sent = frame::encode(&reply, frame::MAX_REPLY).map(|bytes| stream.write_all(&bytes));
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

impl State {
    fn answer(&mut self, name: &str, method: Method) -> Body {
        // What plugins tell of their failures is nothing that they ask for.
        if matches!(method, Method::CallFailed(_)) {
            return Body::Ok(json!({}));
        }
        self.seen.push(name.to_owned());
        let answer = match self.refusal {
            Some((refused, code)) if refused == name && code != 0 => {
                Err((code, format!("{name} is refused")))
            }
            _ => self.carry_out(method),
        };
        answer.map_or_else(
            |(code, message)| {
                Body::Error(ErrorBody {
                    code,
                    message,
                    details: String::new(),
                })
            },
            Body::Ok,
        )
    }

    fn carry_out(&mut self, method: Method) -> Answer<Value> {
        Ok(match method {
            Method::EndpointPrepare(asked) if asked.network.value == "apps" => json!(Prepared {
                pools: POOLS.map(str::to_owned).to_vec(),
                mtu: MTU,
            }),
            Method::EndpointPrepare(asked) => {
                let (field, name) = (asked.network.field, asked.network.value);
                return Err((7, format!("{field}: {name:?}: there is no such network")));
            }
            Method::EndpointReady(ready) => self.ready(&ready)?,
            Method::EndpointGuard(_) => json!(Guarded { enforced: true }),
            Method::EndpointOpen(open) => {
                let had = self.ips(&open.attachment);
                match open.addresses.iter().all(|ip| had.contains(ip)) {
                    true => json!({}),
                    false => return Err((100, format!("it has {had:?}, not {open:?}"))),
                }
            }
            Method::NetworkList => json!([{
                "name": "apps", "vni": 4096, "pools": POOLS, "imports": [], "live": 0
            }]),
            Method::EndpointVerify(_) => json!({}),
            Method::EndpointShape(shape) => json!(self.shape(*shape)?),
            Method::EndpointShaped(asked) => match self.rates.contains_key(&asked.attachment) {
                true => json!({}),
                false => return Err((3, "nobody has asked for rates".to_owned())),
            },
            Method::Allocate(asked) => json!(self.allocate(&asked)?),
            Method::Release(asked) => {
                let freed = self.held.remove(&asked.attachment).unwrap_or_default();
                let freed: Vec<_> = freed.iter().map(|address| address.ip).collect();
                json!({"addresses": freed})
            }
            Method::Check(asked) => {
                let had = self.ips(&asked.attachment);
                match asked.addresses.iter().all(|ip| had.contains(ip)) {
                    true => json!({}),
                    false => return Err((100, format!("it has {had:?}, not {asked:?}"))),
                }
            }
            Method::Gc(asked) => {
                let keep = |at: &Attachment| {
                    at.network != asked.network
                        || asked
                            .keep
                            .contains(&(at.container.clone(), at.ifname.clone()))
                };
                self.held.retain(|at, _| keep(at));
                json!({"attachments": []})
            }
            Method::Status(_) => json!(Headrooms {
                connected: true,
                pools: Vec::new(),
            }),
            other => return Err((999, format!("{other:?} is not for plugins"))),
        })
    }

    fn ips(&self, attachment: &Attachment) -> Vec<IpAddr> {
        let held = self.held.get(attachment).into_iter().flatten();
        held.map(|address| address.ip).collect()
    }

    /// 10.1.0.2 and fd00:1::2 and up in the first pool; 10.2, 10.3 and so on in the others.
    fn allocate(&mut self, asked: &Allocate) -> Answer<Allocated> {
        let attachment = asked.attachment.clone();
        if self.held.contains_key(&attachment) {
            return Err((103, format!("{attachment:?} has addresses already")));
        }
        let pool = asked.facts.pool.as_ref().map(|pool| pool.value.as_str());
        let pool = pool.unwrap_or(POOLS[0]).to_owned();
        let pools = [POOLS[0], POOLS[1], STRAY];
        let Some(number) = pools.iter().position(|known| *known == pool) else {
            return Err((7, format!("pool {pool} does not exist")));
        };
        let number = number + 1;
        let taken: Vec<_> = self.held.values().flatten().map(|had| had.ip).collect();
        let mut addresses = Vec::new();
        for v6 in [false, true] {
            if !(if v6 {
                self.families.v6()
            } else {
                self.families.v4()
            }) {
                continue;
            }
            let ip = |last: u32| -> Option<IpAddr> {
                match v6 {
                    true => format!("fd00:{number}::{last:x}").parse().ok(),
                    false => format!("10.{number}.0.{last}").parse().ok(),
                }
            };
            let free = (2..255).filter_map(ip).find(|ip| !taken.contains(ip));
            addresses.extend(free.map(|free| Address {
                ip: free,
                prefix: if v6 { 64 } else { 24 },
                gateway: ip(1),
                pool: pool.clone(),
                claim: None,
            }));
        }
        self.held.insert(attachment, addresses.clone());
        Ok(Allocated {
            addresses,
            seq: 1,
            temporary: false,
        })
    }

    /// Remembers them, where the link is there; the namespace has no path only where a word is taken back.
    fn shape(&mut self, shape: Shape) -> Answer<Shaped> {
        let link = self.node.run(&format!("ip link show {}", shape.link));
        link.map_err(|error| (11, error.to_string()))?;
        if !shape.rates.is_empty() && !Path::new(&shape.netns).exists() {
            return Err((8, format!("no namespace {:?}", shape.netns)));
        }
        let bits = shape.rates.iter().map(|rate| rate.bits).collect();
        let words = self.rates.entry(shape.attachment).or_default();
        words.insert(shape.by, bits);
        let warnings = Vec::new();
        Ok(Shaped { warnings })
    }

    /// Makes the routes, by the host's end that bears the attachment's alias.
    fn ready(&self, ready: &Ready) -> Answer<Value> {
        let Attachment {
            network,
            container,
            ifname,
        } = &ready.attachment;
        let had = self.held.get(&ready.attachment);
        let had: Vec<_> = had.into_iter().flatten().collect();
        let ours = |ip: &IpAddr| {
            let mut own = had.iter().filter(|address| address.ip == *ip);
            own.any(|address| POOLS.contains(&address.pool.as_str()))
        };
        if ready.network != "apps" || !ready.addresses.iter().all(ours) {
            return Err((102, format!("{:?} is not of the network", ready.addresses)));
        }
        let internal = |error: Error| (999, error.to_string());
        let links = self.node.json("ip -j link show").map_err(internal)?;
        let alias = format!("fairway:{network}/{container}/{ifname}");
        let mut links = links.as_array().into_iter().flatten();
        let link = links.find(|link| link["ifalias"] == alias.as_str());
        let name = link.and_then(|link| link["ifname"].as_str());
        let Some(name) = name else {
            return Err((11, format!("no link {alias}")));
        };
        for ip in &ready.addresses {
            let route = format!("ip route replace {ip} dev {name} proto 250");
            self.node.run(&route).map_err(internal)?;
        }
        Ok(json!({}))
    }
}
