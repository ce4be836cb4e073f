//! Random histories against a plain model: ours, the reference's hand, an administrator's, reboots, kills.

use super::*;
use crate::{crash::crash_after, order::search_order, record, span::Span};
use fairway_cni::Fault as _;
use proptest::prelude::*;
use std::os::unix::fs::MetadataExt as _;

#[derive(Debug, Clone)]
enum Step {
    Add(u8),
    Exactly(u8, u8),
    Del(u8),
    Gc(Vec<u8>),
    Status,
    Reboot,
    /// The reference, or an old version of it that writes no interface.
    Foreign(u8, u8, bool),
    ForeignDel(u8),
    Torn(u8),
    ByHand(u8),
    KilledAdd(u8, u32),
    KilledDel(u8, u32),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, ip) = (|| 0u8..8, || 1u8..15);
    prop_oneof![
        6 => who().prop_map(Step::Add),
        2 => (who(), ip()).prop_map(|(who, ip)| Step::Exactly(who, ip)),
        3 => who().prop_map(Step::Del),
        1 => prop::collection::vec(who(), 0..6).prop_map(Step::Gc),
        1 => Just(Step::Status),
        1 => Just(Step::Reboot),
        2 => (who(), ip(), any::<bool>()).prop_map(|(who, ip, old)| Step::Foreign(who, ip, old)),
        1 => ip().prop_map(Step::ForeignDel),
        1 => ip().prop_map(Step::Torn),
        1 => ip().prop_map(Step::ByHand),
        2 => (who(), 0u32..20).prop_map(|(who, nth)| Step::KilledAdd(who, nth)),
        1 => (who(), 0u32..9).prop_map(|(who, nth)| Step::KilledDel(who, nth)),
    ]
}

const BY_HAND: &str = "kept by hand";

#[derive(Debug, Clone)]
struct Entry {
    content: String,
    /// We have seen it in this boot.
    seen: bool,
    /// We had seen it in an earlier one.
    dead: bool,
}

struct Model {
    net: Net,
    entries: BTreeMap<IpAddr, Entry>,
    last: Option<IpAddr>,
}

fn address(n: u8) -> IpAddr {
    IpAddr::from([10, 0, 0, n])
}

fn name(n: u8) -> String {
    format!("c{n}")
}

impl Model {
    fn new() -> Self {
        let net = Net::new(json!([[{"subnet": "10.0.0.0/28", "gateway": "10.0.0.7"}]]));
        Model {
            net,
            entries: BTreeMap::new(),
            last: None,
        }
    }

    fn order(&self) -> Vec<IpAddr> {
        let spans = search_order(&self.net.sets[0], self.last);
        spans.iter().flat_map(Span::iter).collect()
    }

    fn insert(&mut self, ip: IpAddr, content: String, seen: bool) {
        self.entries.insert(
            ip,
            Entry {
                content,
                seen,
                dead: false,
            },
        );
    }

    /// What any operation of ours does: nobody's files go, all others have been seen.
    fn look(&mut self) {
        self.entries.retain(|_, entry| !entry.content.is_empty());
        self.entries
            .values_mut()
            .for_each(|entry| entry.seen = true);
    }

    fn of(&self, who: &str) -> Vec<(IpAddr, bool, bool)> {
        let exact = format!("{who}\r\neth0");
        let mine = |(ip, entry): (&IpAddr, &Entry)| {
            let (exact, old) = (entry.content == exact, entry.content == who);
            (exact || old).then_some((*ip, exact, entry.dead))
        };
        self.entries.iter().filter_map(mine).collect()
    }

    /// What an ADD should answer, the model changed accordingly.
    fn add(&mut self, who: u8, exactly: Option<IpAddr>) -> Result<IpAddr, u32> {
        self.look();
        let held = self.of(&name(who));
        if held.iter().any(|(.., dead)| !dead) {
            return Err(103);
        }
        for (ip, ..) in held {
            self.entries.remove(&ip);
        }
        let order = self.order();
        let ip = match exactly {
            Some(ip) => {
                if self.entries.get(&ip).is_some_and(|entry| entry.dead) {
                    self.entries.remove(&ip);
                }
                Some(ip)
                    .filter(|ip| !self.entries.contains_key(ip))
                    .ok_or(102u32)?
            }
            None => {
                if !order.iter().any(|ip| !self.entries.contains_key(ip)) {
                    let dead = order.iter().find(|ip| self.entries[*ip].dead).copied();
                    dead.map(|ip| self.entries.remove(&ip));
                }
                let free = order.into_iter().find(|ip| !self.entries.contains_key(ip));
                free.ok_or(101u32)?
            }
        };
        self.insert(ip, format!("{}\r\neth0", name(who)), true);
        self.last = Some(ip);
        Ok(ip)
    }

    fn del(&mut self, who: u8) {
        self.look();
        let held = self.of(&name(who));
        let any = held.iter().any(|(_, exact, _)| *exact);
        for (ip, ..) in held.into_iter().filter(|(_, exact, _)| *exact == any) {
            self.entries.remove(&ip);
        }
    }

    fn gc(&mut self, valid: &[u8]) {
        self.look();
        let valid: Vec<_> = valid.iter().map(|who| name(*who)).collect();
        self.entries
            .retain(|_, entry| match Record::parse(entry.content.as_bytes()) {
                Record::Owner { id, .. } => valid.iter().any(|name| name == id.as_str()),
                _ => true,
            });
    }

    /// Which file stands for each address.
    fn inodes(&self) -> BTreeMap<String, (u64, i64)> {
        let files = self.net.files().into_keys();
        let inode = |ip: String| {
            let meta = fs::metadata(self.net.path(&ip)).unwrap();
            (ip, (meta.ino(), meta.mtime_nsec()))
        };
        files.map(inode).collect()
    }

    /// Kills `operation` after its `nth` change. What is there then is what counts, and it must be
    /// explicable.
    fn kill(&mut self, who: u8, nth: u32, operation: impl Fn(&Net)) {
        let before = self.inodes();
        let _ = crash_after(nth, || operation(&self.net));
        let after = self.inodes();
        self.net.holdings("nobody");
        self.look();
        let (files, mine) = (self.net.files(), name(who));
        self.entries.retain(|ip, entry| {
            let ip = ip.to_string();
            let same = after.contains_key(&ip) && before.get(&ip) == after.get(&ip);
            let there = same && files.get(&ip) == Some(&entry.content);
            assert!(
                there || entry.dead || entry.content.starts_with(&mine),
                "{ip} {entry:?} is gone"
            );
            there
        });
        for (ip, content) in files {
            let ip = ip.parse().unwrap();
            if !self.entries.contains_key(&ip) {
                assert_eq!(content, format!("{mine}\r\neth0"));
                self.insert(ip, content, true);
            }
        }
        let last = fs::read_to_string(self.net.path("last_reserved_ip.0"));
        self.last = last.ok().map(|text| text.parse().unwrap());
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Add(who) => {
                let expected = self.add(who, None);
                self.compare(self.net.add(&name(who)), expected);
            }
            Step::Exactly(who, ip) => {
                let expected = self.add(who, Some(address(ip)));
                self.compare(
                    self.net.add_exactly(&name(who), &address(ip).to_string()),
                    expected,
                );
            }
            Step::Del(who) => {
                self.net.del(&name(who));
                self.del(who);
            }
            Step::Gc(valid) => {
                let names: Vec<_> = valid.iter().map(|who| name(*who)).collect();
                self.net
                    .gc(&names.iter().map(String::as_str).collect::<Vec<_>>());
                self.gc(&valid);
            }
            Step::Status => {
                let full = self.net.full();
                self.look();
                let available = |ip: &IpAddr| self.entries.get(ip).is_none_or(|entry| entry.dead);
                assert_eq!(full, !self.order().iter().any(available));
            }
            Step::Reboot => {
                self.net.boot += 1;
                for entry in self.entries.values_mut() {
                    entry.dead |= entry.seen && entry.content.contains("\r\n");
                    entry.seen = false;
                }
            }
            Step::Foreign(who, ip, old) => {
                let (ip, id) = (address(ip), name(who));
                if !self.entries.contains_key(&ip) {
                    let content = if old { id } else { format!("{id}\r\neth0") };
                    self.net.foreign(&ip.to_string(), &content);
                    self.insert(ip, content, false);
                    self.last = Some(ip);
                }
            }
            Step::ForeignDel(ip) => {
                if self.entries.remove(&address(ip)).is_some() {
                    fs::remove_file(self.net.path(&address(ip).to_string())).unwrap();
                }
            }
            Step::Torn(ip) | Step::ByHand(ip) => {
                let ip = address(ip);
                if !self.entries.contains_key(&ip) {
                    let content = if matches!(step, Step::Torn(_)) {
                        ""
                    } else {
                        BY_HAND
                    };
                    self.net.file(&ip.to_string(), content);
                    self.insert(ip, content.to_owned(), false);
                }
            }
            Step::KilledAdd(who, nth) => {
                self.kill(who, nth, |net| drop(net.add(&name(who))));
            }
            Step::KilledDel(who, nth) => {
                self.kill(who, nth, |net| net.del(&name(who)));
            }
        }
    }

    fn compare(&self, answer: Result<Vec<String>, AllocError>, expected: Result<IpAddr, u32>) {
        let answer = answer.map_err(|error| error.code().number());
        assert_eq!(answer, expected.map(|ip| vec![ip.to_string()]));
    }

    fn check(&self) {
        let files = self.net.files();
        let entries = self
            .entries
            .iter()
            .map(|(ip, entry)| (ip.to_string(), entry.content.clone()));
        assert_eq!(files, entries.collect());
    }
}

proptest! {
    #[test]
    fn any_history(steps in prop::collection::vec(step(), 1..60)) {
        let mut model = Model::new();
        for step in steps {
            model.run(step);
            model.check();
        }
        // In the end each address can still be given out, once.
        model.net.gc(&[]);
        model.gc(&[]);
        let free = model.order().iter().filter(|ip| !model.entries.contains_key(ip)).count();
        let mut given = Vec::new();
        for n in 0..free {
            given.extend(model.net.add(&format!("fill{n}")).unwrap());
        }
        given.sort();
        given.dedup();
        prop_assert_eq!(given.len(), free);
        prop_assert_eq!(model.net.add("more").unwrap_err().code().number(), 101);
    }
}

/// The content of what is given out is what the model writes.
#[test]
fn the_model_writes_what_we_write() {
    assert_eq!(record::format(&id("c1"), &eth0()), b"c1\r\neth0");
}
