//! Two speakers and what is between them: delays, losses, restarts. All follows from a seed.

mod anything;
mod node;
mod runs;
mod wires;

use super::*;
use node::Node;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use wires::Wires;

/// Numbers of a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed = (mixed ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        (mixed ^ (mixed >> 32)) % limit
    }

    fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }

    fn millis(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }
}

/// What comes over a wire.
#[derive(Debug, Clone)]
enum Item {
    Message(Box<Message>),
    Garbage,
    End,
}

/// What is to come.
#[derive(Debug, Clone)]
enum Due {
    /// The other side is asked for a connection.
    Asked {
        wire: usize,
    },
    /// The side that asked has it.
    Made {
        wire: usize,
    },
    /// The side that was asked has it.
    Accepted {
        wire: usize,
    },
    Refused {
        wire: usize,
    },
    Comes {
        wire: usize,
        to: usize,
        item: Item,
    },
    /// The table tells all it has, in the session that it was asked for in.
    Tells {
        node: usize,
        session: u64,
        family: Family,
    },
    /// A node is there once more.
    Back {
        node: usize,
    },
    Starts {
        node: usize,
    },
    Healed,
}

struct World {
    now: Time,
    dice: Dice,
    nodes: [Node; 2],
    wires: Wires,
    due: BinaryHeap<Reverse<(Time, u64)>>,
    what: std::collections::HashMap<u64, Due>,
    next: u64,
    /// Nothing gets through.
    parted: bool,
}

impl World {
    fn new(seed: u64, settings: [Settings; 2]) -> World {
        let dice = Dice(seed);
        let [one, other] = settings;
        World {
            now: Time::after(secs(1)),
            nodes: [Node::new(one, seed), Node::new(other, seed ^ 0x5555)],
            dice,
            wires: Wires::default(),
            due: BinaryHeap::new(),
            what: std::collections::HashMap::new(),
            next: 0,
            parted: false,
        }
    }

    fn at(&mut self, time: Time, due: Due) {
        self.next += 1;
        self.what.insert(self.next, due);
        self.due.push(Reverse((time, self.next)));
    }

    /// Up to a moment.
    fn run(&mut self, until: Time) {
        loop {
            let queued = self.due.peek().map(|Reverse((time, _))| *time);
            let timers = self.nodes.iter().filter(|node| node.alive);
            let timer = timers.filter_map(|node| node.session.deadline()).min();
            let Some(next) = [queued, timer].into_iter().flatten().min() else {
                break;
            };
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            if queued == Some(next) {
                let Some(Reverse((_, number))) = self.due.pop() else {
                    break;
                };
                let due = self.what.remove(&number).unwrap();
                self.happens(due);
            } else {
                for node in 0..2 {
                    let deadline = self.nodes[node].session.deadline();
                    if self.nodes[node].alive && deadline.is_some_and(|time| time <= self.now) {
                        self.give(node, Input::Tick);
                    }
                }
            }
        }
        self.now = until;
    }

    /// A node is told something, and does what it answers.
    fn give(&mut self, node: usize, input: Input) {
        if !self.nodes[node].alive {
            return;
        }
        let out = self.nodes[node].handle(self.now, input);
        for output in out {
            match output {
                Output::Connect(id) => self.dial(node, id),
                Output::Send(id, message) => {
                    if let Some(wire) = self.nodes[node].wire(id) {
                        self.carry(wire, node, Item::Message(Box::new(message)));
                    }
                }
                Output::Close(id) => {
                    if let Some(wire) = self.nodes[node].wire(id) {
                        self.wires.close(wire, node);
                        self.carry(wire, node, Item::End);
                    }
                }
                Output::Up(_, agreed) => {
                    for family in agreed.families().iter() {
                        self.tells(node, family);
                    }
                }
                Output::RefreshWanted(family) => self.tells(node, family),
                _ => {}
            }
        }
    }

    fn tells(&mut self, node: usize, family: Family) {
        let session = self.nodes[node].sessions;
        let time = self.now + self.dice.millis(3000);
        self.at(
            time,
            Due::Tells {
                node,
                session,
                family,
            },
        );
    }

    fn happens(&mut self, due: Due) {
        match due {
            Due::Asked { wire } => self.asked(wire),
            Due::Made { wire } => self.made(wire),
            Due::Accepted { wire } => self.accepted(wire),
            Due::Refused { wire } => self.refused(wire),
            Due::Comes { wire, to, item } => self.comes(wire, to, item),
            Due::Tells {
                node,
                session,
                family,
            } => {
                if self.nodes[node].alive && self.nodes[node].sessions == session {
                    for route in self.nodes[node].routes(family) {
                        self.give(node, Input::Tell(node::announce(route)));
                    }
                    self.give(node, Input::Told(family));
                }
            }
            Due::Back { node } => {
                self.nodes[node].alive = true;
                let all = Families::from_iter(Family::ALL);
                let kept = self.dice.pick(&[None, Some(all), Some(Families::NONE)]);
                self.give(node, Input::Start { restarted: kept });
            }
            Due::Starts { node } => self.give(node, Input::Start { restarted: None }),
            Due::Healed => self.parted = false,
        }
    }
}
