//! Connections as TCP makes them: in order, late, and sometimes dead without a sign.

use super::*;

/// One connection. Side 0 asked for it.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    /// The nodes at its ends; who asked first. Nobody answers where there is no second.
    pub(super) nodes: [Option<usize>; 2],
    /// What they call it, and in which of their lives.
    names: [Option<(Connection, u32)>; 2],
    open: [bool; 2],
    /// When the last thing that was sent to a side comes there.
    last: [Time; 2],
    /// Nothing gets through, and nobody knows.
    pub(super) dead: bool,
}

#[derive(Debug, Default)]
pub(super) struct Wires(pub(super) Vec<Wire>);

impl Wires {
    pub(super) fn close(&mut self, wire: usize, node: usize) {
        let wire = &mut self.0[wire];
        for side in 0..2 {
            if wire.nodes[side] == Some(node) {
                wire.open[side] = false;
            }
        }
    }

    pub(super) fn live(&self) -> Vec<usize> {
        let open = |wire: &Wire| wire.open == [true, true];
        (0..self.0.len()).filter(|at| open(&self.0[*at])).collect()
    }
}

impl World {
    pub(super) fn dial(&mut self, node: usize, id: Connection) {
        let life = self.nodes[node].life;
        let wire = self.wires.0.len();
        self.wires.0.push(Wire {
            nodes: [Some(node), Some(1 - node)],
            names: [Some((id, life)), None],
            open: [true, false],
            last: [self.now; 2],
            dead: false,
        });
        self.nodes[node].names.insert(id, wire);
        let time = self.now + self.dice.millis(300);
        self.at(time, Due::Asked { wire });
    }

    /// Somebody connects, and says nothing.
    pub(super) fn stranger(&mut self, node: usize) {
        let wire = self.wires.0.len();
        self.wires.0.push(Wire {
            nodes: [None, Some(node)],
            names: [None, None],
            open: [true, true],
            last: [self.now; 2],
            dead: true,
        });
        self.accepted(wire);
    }

    pub(super) fn asked(&mut self, wire: usize) {
        let Some(asked) = self.wires.0[wire].nodes[1] else {
            return;
        };
        if self.parted {
            return;
        }
        let time = self.now + self.dice.millis(300);
        if !self.nodes[asked].alive {
            self.at(time, Due::Refused { wire });
            return;
        }
        self.wires.0[wire].open[1] = true;
        self.wires.0[wire].last[0] = time;
        self.at(time, Due::Made { wire });
        let later = self.now + self.dice.millis(600);
        self.wires.0[wire].last[1] = later;
        self.at(later, Due::Accepted { wire });
    }

    /// The name of a wire at a side, in the life that the node lives.
    fn name(&self, wire: usize, side: usize) -> Option<(usize, Connection)> {
        let wire = &self.wires.0[wire];
        let node = wire.nodes[side]?;
        let (id, life) = wire.names[side]?;
        (self.nodes[node].life == life).then_some((node, id))
    }

    pub(super) fn refused(&mut self, wire: usize) {
        if let Some((node, id)) = self.name(wire, 0) {
            self.give(node, Input::ConnectFailed(id, "refused".to_owned()));
        }
    }

    pub(super) fn made(&mut self, wire: usize) {
        if let Some((node, id)) = self.name(wire, 0) {
            self.nodes[node].opened(id);
            self.give(node, Input::Connected(id));
        }
    }

    pub(super) fn accepted(&mut self, wire: usize) {
        let Some(node) = self.wires.0[wire].nodes[1] else {
            return;
        };
        if !self.nodes[node].alive {
            return;
        }
        let id = self.nodes[node].accepts(wire);
        let life = self.nodes[node].life;
        self.wires.0[wire].names[1] = Some((id, life));
        self.give(node, Input::Connected(id));
    }

    /// From a node to the other end.
    pub(super) fn carry(&mut self, wire: usize, from: usize, item: Item) {
        let delay = self.dice.millis(400) + Duration::from_nanos(1);
        let now = self.now;
        let one = &mut self.wires.0[wire];
        let to = usize::from(one.nodes[0] == Some(from));
        let time = one.last[to].max(now) + delay;
        one.last[to] = time;
        if !one.dead {
            self.at(time, Due::Comes { wire, to, item });
        }
    }

    pub(super) fn comes(&mut self, wire: usize, to: usize, item: Item) {
        if self.wires.0[wire].dead {
            return;
        }
        if self.parted {
            // It is sent again, and in order.
            let time = self.now + secs(1);
            self.wires.0[wire].last[to] = self.wires.0[wire].last[to].max(time);
            self.at(time, Due::Comes { wire, to, item });
            return;
        }
        let Some((node, id)) = self
            .name(wire, to)
            .filter(|(node, _)| self.nodes[*node].alive)
        else {
            // Nobody is there any more, and says so.
            if !matches!(item, Item::End)
                && let Some(from) = self.wires.0[wire].nodes[to]
            {
                self.carry(wire, from, Item::End);
            }
            return;
        };
        if !self.wires.0[wire].open[to] && !matches!(item, Item::End) {
            // It was closed here, and the other side learns so. The session may still get to see what comes.
            self.carry(wire, node, Item::End);
        }
        match item {
            Item::Message(message) => self.give(node, Input::Received(id, *message)),
            Item::Garbage => {
                let said = said(Reason::Header(crate::message::HeaderError::NotSynchronized));
                self.give(node, Input::Malformed(id, said));
            }
            Item::End => {
                self.wires.close(wire, node);
                self.nodes[node].closed(id);
                self.give(node, Input::Closed(id, "closed".to_owned()));
            }
        }
    }

    /// A connection is reset at both ends, or at one.
    pub(super) fn reset(&mut self, wire: usize) {
        for to in 0..2 {
            if self.dice.below(4) > 0 {
                let time = self.now + self.dice.millis(1000);
                let item = Item::End;
                self.at(time, Due::Comes { wire, to, item });
            }
        }
        self.wires.0[wire].open = [false; 2];
    }
}
