//! A kernel for tests: links and their queues are those of [`fairway_netlink::fake`], and the program only remembers
//! what it is told. Whatever is asked of either is written down, in one order.

mod written;

use super::{Kernel, Place, place::Away};
use crate::alias;
use fairway_dataplane::Error;
use fairway_ipam::{AttachmentId, Netns};
use fairway_netlink::{
    ClsactHook, LinkChange, Netlink as _, VethPeer, VethSpec,
    fake::{self, Change, Recorder},
};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs::File,
    io,
    os::fd::AsFd as _,
    rc::Rc,
    time::{Duration, Instant},
};
use written::{Maps, REFUSED, Written, flags, told};

/// Clones are of the same kernel.
#[derive(Debug, Clone)]
pub(in crate::rates) struct Fake {
    pub(in crate::rates) host: Recorder,
    inside: Recorder,
    shared: Rc<RefCell<Shared>>,
}

#[derive(Debug)]
struct Shared {
    now: Instant,
    asked: Vec<String>,
    /// So many calls for links stand in it.
    heard: usize,
    /// Counts down to the write to a map that is refused.
    refusal: Option<usize>,
    /// There is no program to be had.
    programless: bool,
    /// Paths of namespaces that are others by now.
    moved: BTreeSet<String>,
    /// By the program's number, which is that of its descriptor.
    maps: BTreeMap<u32, Maps>,
    /// Links hold on to a program also when its daemon is gone.
    held: Vec<Rc<File>>,
}

/// A container, with a link.
#[derive(Debug, Clone)]
pub(in crate::rates) struct Container {
    pub(in crate::rates) attachment: AttachmentId,
    /// The host's end, and its own.
    pub(in crate::rates) index: [u32; 2],
    pub(in crate::rates) link: String,
    pub(in crate::rates) netns: Netns,
}

impl Container {
    pub(in crate::rates) fn host(&self) -> Place {
        Place::Host {
            index: self.index[0],
            link: self.link.clone(),
            alias: alias::alias(&self.attachment),
        }
    }

    pub(in crate::rates) fn inside(&self) -> Place {
        Place::Inside {
            netns: self.netns.clone(),
            peer: self.index[0],
        }
    }
}

impl Fake {
    /// One that has fq.
    pub(in crate::rates) fn new() -> Fake {
        let (host, inside) = fake::namespaces();
        let shared = Shared {
            now: Instant::now(),
            asked: Vec::new(),
            heard: 0,
            refusal: None,
            programless: false,
            moved: BTreeSet::new(),
            maps: BTreeMap::new(),
            held: Vec::new(),
        };
        Fake {
            host,
            inside,
            shared: Rc::new(RefCell::new(shared)),
        }
    }

    /// One that has none.
    pub(in crate::rates) fn unfair() -> Fake {
        let fake = Fake::new();
        fake.host.lack("fq");
        fake
    }

    /// Puts a container there.
    pub(in crate::rates) fn container(&self, name: &str) -> Container {
        let attachment = AttachmentId {
            network: "net".to_owned(),
            container: name.to_owned(),
            ifname: "eth0".to_owned(),
        };
        let link = format!("fw-{name}");
        let elsewhere = io::stdin();
        let pair = VethSpec {
            name: link.clone(),
            up: true,
            peer: VethPeer {
                name: format!("eth-{name}"),
                netns: Some(elsewhere.as_fd()),
                ..VethPeer::default()
            },
            ..VethSpec::default()
        };
        let mut host = self.host.clone();
        host.create_veth(&pair).unwrap();
        let found = host.link_by_name(&link).unwrap().unwrap();
        let change = LinkChange {
            alias: Some(alias::alias(&attachment)),
            ..LinkChange::default()
        };
        host.change_link(found.index, &change).unwrap();
        self.asked();
        Container {
            attachment,
            index: [found.index, found.peer_index.unwrap()],
            link,
            netns: Netns {
                path: format!("/run/netns/{name}"),
                device: 4,
                inode: found.index.into(),
            },
        }
    }

    /// Its link goes, and its own end with it.
    pub(in crate::rates) fn remove(&self, container: &Container) {
        let mut host = self.host.clone();
        assert!(host.delete_link(container.index[0]).unwrap());
        self.asked();
    }

    /// Another namespace has the path of a container's, or its own has it again.
    pub(in crate::rates) fn moves(&self, container: &Container, moved: bool) {
        let path = container.netns.path.clone();
        let all = &mut self.shared.borrow_mut().moved;
        match moved {
            true => all.insert(path),
            false => all.remove(&path),
        };
    }

    /// Can the program be loaded from now on?
    pub(in crate::rates) fn program(&self, there: bool) {
        self.shared.borrow_mut().programless = !there;
    }

    /// Refuses a write to a map: 0 the next one.
    pub(in crate::rates) fn refuse(&self, nth: usize) {
        self.shared.borrow_mut().refusal = Some(nth);
    }

    /// Refuses what is next asked of a link, or what comes so many after.
    pub(in crate::rates) fn refuse_link(&self, nth: usize) {
        let error = fairway_netlink::Error::Kernel {
            op: "test",
            subject: String::new(),
            errno: nix::errno::Errno::EBUSY,
            ext_ack: None,
        };
        self.host.fail_at(nth, error);
    }

    /// Time goes by.
    pub(in crate::rates) fn later(&self, time: Duration) {
        self.shared.borrow_mut().now += time;
    }

    /// What was asked for since this was called last.
    pub(in crate::rates) fn asked(&self) -> Vec<String> {
        self.hear();
        std::mem::take(&mut self.shared.borrow_mut().asked)
    }

    /// What packets meet: of each link, its queues and what its programs keep to.
    pub(in crate::rates) fn in_force(&self) -> Vec<String> {
        let snapshot = self.host.snapshot();
        let shared = self.shared.borrow();
        let mut all = Vec::new();
        for (index, queues) in &snapshot.queues {
            let mut line = format!("{index}");
            for qdisc in &queues.qdiscs {
                write!(line, " {}", qdisc.kind.name()).unwrap();
            }
            for class in &queues.classes {
                write!(line, " {}k", class.ceil * 8 / 1_000).unwrap();
            }
            all.push(line);
        }
        for (index, filters) in &snapshot.clsact {
            for filter in filters {
                let program = filter.program.as_ref().unwrap();
                let maps = &shared.maps[&program.id];
                let slot = maps.slots[&program.class];
                let numbers = slot.limits.iter().filter(|number| **number != 0);
                let limits = numbers.map(|number| told(&maps.limits[number]));
                let limits: Vec<String> = limits.collect();
                let hook = way(filter.id.hook);
                all.push(format!("{index} {hook} {limits:?}{}", flags(&slot)));
            }
        }
        all
    }

    /// Takes over what was asked of links.
    fn hear(&self) {
        let calls = self.host.calls();
        let shared = &mut *self.shared.borrow_mut();
        for call in &calls[shared.heard..] {
            let what = match &call.change {
                // The program's own doing.
                Change::EnsureClsact(_) | Change::PutFilter(..) if !call.refused => continue,
                Change::EnsureClsact(index) => format!("clsact of {index}"),
                Change::PutFilter(id, _) => format!("attach {} {}", id.index, way(id.hook)),
                Change::DeleteFilter(id) => format!("detach {} {}", id.index, way(id.hook)),
                Change::AddQdisc(index, _)
                | Change::PutQdisc(index, _)
                | Change::DeleteQdisc(index, ..)
                | Change::PutClass(index, _)
                | Change::AddU32Filter(index, _)
                | Change::DeleteFilters(index, ..) => format!("queues of {index}"),
                Change::ChangeLink(index, _) => format!("link {index}"),
                other => format!("{other:?}"),
            };
            let what = what + if call.refused { ": refused" } else { "" };
            if shared.asked.last() != Some(&what) {
                shared.asked.push(what);
            }
        }
        shared.heard = calls.len();
    }

    fn write_down(&self, what: String) {
        self.hear();
        self.shared.borrow_mut().asked.push(what);
    }
}

impl Kernel for Fake {
    type Links = Recorder;
    type Program = Written;

    fn here(&self) -> fairway_netlink::Result<Recorder> {
        Ok(self.host.clone())
    }

    fn inside(&self, netns: &Netns) -> Result<Recorder, Away> {
        match self.shared.borrow().moved.contains(&netns.path) {
            true => Err(Away::Another(netns.path.clone())),
            false => Ok(self.inside.clone()),
        }
    }

    fn load(&self) -> Result<Written, Error> {
        self.write_down("load".to_owned());
        if self.shared.borrow().programless {
            return Err(REFUSED);
        }
        let file = Rc::new(File::open("/dev/null").unwrap());
        let program = Written {
            fake: self.clone(),
            file: file.clone(),
        };
        let shared = &mut *self.shared.borrow_mut();
        shared.maps.insert(program.number(), Maps::default());
        shared.held.push(file);
        Ok(program)
    }

    fn now(&self) -> Instant {
        self.shared.borrow().now
    }
}

const fn way(hook: ClsactHook) -> &'static str {
    match hook {
        ClsactHook::Egress => "out",
        ClsactHook::Ingress => "in",
    }
}
