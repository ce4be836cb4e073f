//! What is shown of a node, and what keys change of that. It knows no terminal.

use super::between::{sum, total};
use fairway_api::admin::{Top, TopContainer};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::cmp::Ordering;

/// By what containers are sorted, the most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    /// Bytes both ways.
    #[default]
    Total,
    Received,
    Sent,
    Packets,
    Drops,
    /// From a to z.
    Name,
}

impl Sort {
    const ALL: [Sort; 6] = [
        Sort::Total,
        Sort::Received,
        Sort::Sent,
        Sort::Packets,
        Sort::Drops,
        Sort::Name,
    ];

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Sort::Total => "traffic",
            Sort::Received => "in",
            Sort::Sent => "out",
            Sort::Packets => "packets",
            Sort::Drops => "drops",
            Sort::Name => "name",
        }
    }

    fn next(self) -> Sort {
        let at = Sort::ALL.iter().position(|sort| *sort == self);
        Sort::ALL[(at.unwrap_or(0) + 1) % Sort::ALL.len()]
    }

    fn compare(self, a: &TopContainer, b: &TopContainer) -> Ordering {
        let by = |number: fn(&TopContainer) -> u64| number(b).cmp(&number(a));
        match self {
            Sort::Total => by(total),
            Sort::Received => by(|one| one.received.bytes),
            Sort::Sent => by(|one| one.sent.bytes),
            Sort::Packets => by(|one| one.received.packets.saturating_add(one.sent.packets)),
            Sort::Drops => by(dropped),
            Sort::Name => title(a).cmp(&title(b)),
        }
    }
}

/// All that was dropped of a container: packets a second, and those that policy was told to have dropped.
pub(super) fn dropped(container: &TopContainer) -> u64 {
    let policy = container.drops.values().copied();
    sum([container.received.dropped, container.sent.dropped]
        .into_iter()
        .chain(policy))
}

/// The workload, else the container's id.
pub(super) fn title(container: &TopContainer) -> String {
    let short = || crate::verbs::short(&container.container);
    container.workload.clone().unwrap_or_else(short)
}

/// What is laid over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Over {
    #[default]
    Nothing,
    Help,
    /// All of the chosen container.
    Container,
}

/// Goes on, or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Go,
    Quit,
}

/// The state of the screen.
#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) top: Option<Top>,
    /// Why what is shown may be old.
    pub(super) lost: Option<String>,
    pub(super) sort: Sort,
    pub(super) backwards: bool,
    /// Only those whose name, network, address or link has it.
    pub(super) filter: String,
    /// Keys are letters of the filter.
    pub(super) typing: bool,
    /// Which is chosen, by interface and container: it stays when the order changes.
    pub(super) chosen: Option<(String, String)>,
    pub(super) over: Over,
    /// Rows that the table had room for, for page keys.
    pub(super) room: usize,
}

impl View {
    /// Those that are shown, in their order.
    pub(super) fn rows(&self) -> Vec<&TopContainer> {
        let all = self.top.iter().flat_map(|top| &top.containers);
        let mut rows: Vec<_> = all.filter(|row| self.fits(row)).collect();
        // Equal ones stay in the order in which they came.
        rows.sort_by(|a, b| match self.backwards {
            true => self.sort.compare(b, a),
            false => self.sort.compare(a, b),
        });
        rows
    }

    fn fits(&self, row: &TopContainer) -> bool {
        let filter = self.filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&filter);
        filter.is_empty()
            || has(&title(row))
            || has(&row.container)
            || has(&row.link)
            || row.network.as_deref().is_some_and(has)
            || row
                .addresses
                .iter()
                .any(|address| has(&address.to_string()))
    }

    /// Where the chosen one is among the rows; the first where it is none of them.
    pub(super) fn at(&self, rows: &[&TopContainer]) -> usize {
        let found = self.chosen.as_ref().and_then(|(container, ifname)| {
            rows.iter()
                .position(|row| row.container == *container && row.ifname == *ifname)
        });
        found.unwrap_or(0)
    }

    fn choose(&mut self, step: impl FnOnce(usize, usize) -> usize) {
        let rows = self.rows();
        let Some(last) = rows.len().checked_sub(1) else {
            return;
        };
        let to = step(self.at(&rows), last).min(last);
        self.chosen = Some((rows[to].container.clone(), rows[to].ifname.clone()));
    }

    /// Takes a key.
    pub(super) fn key(&mut self, key: KeyEvent) -> After {
        if key.kind == KeyEventKind::Release {
            return After::Go;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c' | 'd') if control => return After::Quit,
            _ if self.typing => {
                // Of those with Ctrl or Alt none is a letter.
                if !control && !key.modifiers.contains(KeyModifiers::ALT) {
                    self.typed(key.code);
                }
                return After::Go;
            }
            // Whatever lies over the screen goes first.
            KeyCode::Char('q') | KeyCode::Esc if self.over != Over::Nothing => {
                self.over = Over::Nothing;
            }
            KeyCode::Char('q') => return After::Quit,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('?' | 'h') => self.over = self.toggled(Over::Help),
            KeyCode::Enter => self.over = self.toggled(Over::Container),
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('r') => self.backwards = !self.backwards,
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Up | KeyCode::Char('k') => self.choose(|at, _| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.choose(|at, _| at + 1),
            KeyCode::PageUp => {
                let room = self.room.max(1);
                self.choose(|at, _| at.saturating_sub(room));
            }
            KeyCode::PageDown => {
                let room = self.room.max(1);
                self.choose(|at, _| at + room);
            }
            KeyCode::Home => self.choose(|_, _| 0),
            KeyCode::End => self.choose(|_, last| last),
            _ => {}
        }
        After::Go
    }

    fn typed(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
    }

    fn toggled(&self, over: Over) -> Over {
        match self.over == over {
            true => Over::Nothing,
            false => over,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::between::{between, tests::sample};

    fn view() -> View {
        View {
            top: Some(between(&sample(1_000, 1), &sample(2_000, 2))),
            room: 2,
            ..View::default()
        }
    }

    fn press(view: &mut View, keys: &str) -> After {
        keys.chars().fold(After::Go, |_, key| {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '\x08' => KeyCode::Backspace,
                '^' => KeyCode::Up,
                'v' => KeyCode::Down,
                '<' => KeyCode::Home,
                '>' => KeyCode::End,
                key => KeyCode::Char(key),
            };
            view.key(KeyEvent::new(code, KeyModifiers::NONE))
        })
    }

    fn names(view: &View) -> Vec<String> {
        view.rows().into_iter().map(title).collect()
    }

    #[test]
    fn keys_sort() {
        let mut view = view();
        let (front, db) = ("shop/front".to_owned(), "shop/db-0".to_owned());
        let bb = "bb".to_owned();
        assert_eq!(names(&view), [&front, &db, &bb].map(Clone::clone));
        let mut orders = Vec::new();
        for _ in Sort::ALL {
            press(&mut view, "s");
            orders.push((view.sort, names(&view)[0].clone()));
        }
        assert_eq!(
            orders,
            [
                (Sort::Received, front.clone()),
                (Sort::Sent, db.clone()),
                (Sort::Packets, front.clone()),
                (Sort::Drops, db.clone()),
                (Sort::Name, bb.clone()),
                (Sort::Total, front.clone()),
            ]
        );
        press(&mut view, "r");
        assert_eq!(names(&view), [bb, db, front]);
    }

    #[test]
    fn the_chosen_one_stays_when_the_order_changes() {
        let mut view = view();
        let chosen = |view: &View| {
            let rows = view.rows();
            title(rows[view.at(&rows)])
        };
        assert_eq!(chosen(&view), "shop/front");
        press(&mut view, "v");
        assert_eq!(chosen(&view), "shop/db-0");
        press(&mut view, "r");
        assert_eq!(chosen(&view), "shop/db-0");
        press(&mut view, "vvvv");
        assert_eq!(chosen(&view), "shop/front");
        press(&mut view, "<");
        assert_eq!(chosen(&view), "bb");
        press(&mut view, ">^");
        assert_eq!(chosen(&view), "shop/db-0");
        view.key(KeyEvent::new(KeyCode::PageUp, KeyModifiers::NONE));
        assert_eq!(chosen(&view), "bb");
        // A container's other interface is another row.
        let top = view.top.as_mut().unwrap();
        let other = TopContainer {
            ifname: "eth1".to_owned(),
            ..top.containers[1].clone()
        };
        top.containers.insert(1, other);
        view.chosen = Some(("aa".to_owned(), "eth0".to_owned()));
        let rows = view.rows();
        assert_eq!(rows[view.at(&rows)].ifname, "eth0");
        // Without anybody nothing can be chosen.
        let mut none = View::default();
        press(&mut none, "v^<>");
        assert_eq!(none.at(&none.rows()), 0);
    }

    #[test]
    fn a_filter_is_typed_and_taken_back() {
        let mut view = view();
        press(&mut view, "/SHOPx\x08");
        assert!(view.typing);
        assert_eq!(names(&view), ["shop/front", "shop/db-0"]);
        // Keys are letters now.
        assert_eq!(press(&mut view, "q"), After::Go);
        assert_eq!(view.filter, "SHOPq");
        press(&mut view, "\x1b");
        assert_eq!((view.typing, view.filter.as_str()), (false, ""));
        press(&mut view, "/a");
        for odd in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
            assert_eq!(view.key(KeyEvent::new(KeyCode::Char('u'), odd)), After::Go);
        }
        assert_eq!(view.filter, "a");
        press(&mut view, "\x1b");
        for (filter, found) in [
            ("fd01::5", "shop/db-0"),
            ("blue", "shop/db-0"),
            ("fw2", "bb"),
        ] {
            press(&mut view, &format!("/{filter}\n"));
            assert_eq!(names(&view), [found], "{filter}");
            press(&mut view, "\x1b");
        }
    }

    #[test]
    fn what_lies_over_the_screen_goes_before_the_program_does() {
        let mut view = view();
        press(&mut view, "?");
        assert_eq!(view.over, Over::Help);
        assert_eq!(press(&mut view, "q"), After::Go);
        assert_eq!(view.over, Over::Nothing);
        press(&mut view, "\n");
        assert_eq!(view.over, Over::Container);
        press(&mut view, "\n");
        assert_eq!(view.over, Over::Nothing);
        assert_eq!(press(&mut view, "q"), After::Quit);
        view.typing = true;
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(view.key(interrupt), After::Quit);
    }
}
