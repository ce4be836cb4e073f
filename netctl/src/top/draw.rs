//! The screen: who it is, all traffic together, containers, and below them pools, neighbours and problems. What does
//! not fit is cut off at the right, and what is least of use in a low or narrow terminal is left out.

use super::{
    between::sum,
    view::{Over, View, dropped, title},
};
use fairway_api::admin::{Top, TopContainer, TopSpeed};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Table, TableState, Wrap},
};

/// Lines of pools, neighbours and problems, with their heads.
const BELOW: u16 = 7;
/// Where there are fewer lines, only containers are shown.
const LOW: u16 = 18;

const HELP: [&str; 9] = [
    "up, down, page up, page down, home, end   choose a container",
    "enter       all of the chosen one",
    "s           sort by the next column: traffic, in, out, packets, drops, name",
    "r           the other way round",
    "/           show only those whose name, network, address or link has it",
    "esc         take the filter back",
    "?           this",
    "q           quit",
    "Speeds are of bytes and packets by the second, as the container's own link counts them.",
];

/// What colours say; without them, bold and reverse do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tones {
    pub(super) colour: bool,
}

impl Tones {
    fn of(self, colour: Color) -> Style {
        match self.colour {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    fn bad(self) -> Style {
        self.of(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn mind(self) -> Style {
        self.of(Color::Yellow)
    }

    fn good(self) -> Style {
        self.of(Color::Green)
    }

    fn head(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }
}

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, view: &mut View, tones: Tones) {
    let area = frame.area();
    let below = if area.height < LOW { 0 } else { BELOW };
    let parts = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(1),
        Constraint::Length(below),
        Constraint::Length(1),
    ]);
    let [head, middle, bottom, foot] = parts.areas(area);
    frame.render_widget(Paragraph::new(heads(view, tones)), head);
    // Without its own head.
    view.room = usize::from(middle.height.saturating_sub(1));
    containers(frame, view, tones, middle);
    if below > 0 {
        let thirds = Layout::horizontal([
            Constraint::Percentage(30),
            Constraint::Percentage(35),
            Constraint::Percentage(35),
        ]);
        let [left, centre, right] = thirds.areas(bottom);
        if let Some(top) = &view.top {
            list(frame, left, "POOLS", pools(top, tones), tones);
            list(frame, centre, "BGP", peers(top, tones), tones);
            list(frame, right, "PROBLEMS", problems(top, tones), tones);
        }
    }
    frame.render_widget(Paragraph::new(keys(view, tones)), foot);
    match view.over {
        Over::Nothing => {}
        Over::Help => {
            let lines = HELP.iter().map(|line| Line::from(*line));
            over(frame, "keys", lines.collect());
        }
        Over::Container => {
            let rows = view.rows();
            let lines = rows.get(view.at(&rows)).map(|row| whole(row));
            over(frame, "container", lines.unwrap_or_default());
        }
    }
}

fn heads(view: &View, tones: Tones) -> Vec<Line<'static>> {
    let Some(top) = &view.top else {
        let waits = view.lost.clone();
        return vec![Line::from(waits.unwrap_or_else(|| "looks…".to_owned()))];
    };
    let store = match top.connected {
        true => Span::styled(top.store.clone(), tones.good()),
        false => Span::styled(format!("{} AWAY", top.store), tones.bad()),
    };
    let mut first = vec![
        Span::styled(format!("node {}", top.node), tones.head()),
        Span::from(format!("  fairwayd {}  store ", top.daemon)),
        store,
    ];
    if let Some(lost) = &view.lost {
        first.push(Span::styled(format!("  {lost}"), tones.bad()));
    }
    let all = |of: fn(&TopContainer) -> u64| sum(top.containers.iter().map(of));
    let drops = sum(top.drops.iter().map(|drop| drop.packets));
    let reasons = top.drops.iter().filter(|drop| drop.packets > 0);
    let reasons: Vec<String> = reasons
        .map(|drop| format!("{} {}", drop.reason, short(drop.packets)))
        .collect();
    let text = format!(
        "{} containers  in {}B/s {}/s  out {}B/s {}/s  ",
        top.containers.len(),
        short(all(|one| one.received.bytes)),
        short(all(|one| one.received.packets)),
        short(all(|one| one.sent.bytes)),
        short(all(|one| one.sent.packets)),
    );
    let dropped = match reasons.is_empty() {
        true => Span::from("no drops by policy"),
        false => Span::styled(
            format!("drops {}/s: {}", short(drops), reasons.join(", ")),
            tones.mind(),
        ),
    };
    vec![
        Line::from(first),
        Line::from(vec![Span::from(text), dropped]),
    ]
}

/// A column of the containers' table.
struct Column {
    head: &'static str,
    width: u16,
    /// The higher, the sooner it is left out.
    last: u8,
    cell: fn(&TopContainer, Tones) -> Cell<'static>,
}

/// Besides names, which take the rest.
const COLUMNS: [Column; 7] = [
    column("NETWORK", 8, 5, |row, _| {
        Cell::from(row.network.clone().unwrap_or_default())
    }),
    column("IN B/S", 7, 0, |row, _| {
        Cell::from(short(row.received.bytes))
    }),
    column("OUT B/S", 7, 1, |row, _| Cell::from(short(row.sent.bytes))),
    column("IN P/S", 7, 3, |row, _| {
        Cell::from(short(row.received.packets))
    }),
    column("OUT P/S", 7, 4, |row, _| {
        Cell::from(short(row.sent.packets))
    }),
    column("LIMIT", 11, 6, |row, _| {
        Cell::from(limits(row.received, row.sent))
    }),
    column("DROPS", 6, 2, |row, tones| {
        let dropped = dropped(row);
        Cell::from(some(dropped)).style(match dropped {
            0 => Style::new(),
            _ => tones.mind(),
        })
    }),
];

const fn column(
    head: &'static str,
    width: u16,
    last: u8,
    cell: fn(&TopContainer, Tones) -> Cell<'static>,
) -> Column {
    Column {
        head,
        width,
        last,
        cell,
    }
}

/// A name shorter than this says little.
const NAME: u16 = 16;

/// Those that leave room for names.
fn that_fit(width: u16) -> Vec<&'static Column> {
    let mut kept: Vec<&Column> = COLUMNS.iter().collect();
    // A blank before each.
    let taken = |kept: &[&Column]| kept.iter().map(|column| column.width + 1).sum::<u16>();
    while !kept.is_empty() && taken(&kept) + NAME > width {
        let least = kept.iter().map(|column| column.last).max();
        kept.retain(|column| Some(column.last) != least);
    }
    kept
}

fn containers(frame: &mut Frame<'_>, view: &View, tones: Tones, area: Rect) {
    let rows = view.rows();
    let columns = that_fit(area.width);
    let heads = columns.iter().map(|column| column.head);
    let widths = columns.iter().map(|column| column.width);
    let at = view.at(&rows);
    // Only what is seen is made, up to the chosen one: there may be thousands.
    let first = (at + 1).saturating_sub(view.room.max(1));
    let seen = rows.iter().skip(first).take(view.room);
    let cells = seen.map(|row| {
        let name = Cell::from(format!("{} {}", title(row), row.ifname));
        Row::new(
            std::iter::once(name).chain(columns.iter().map(|column| (column.cell)(row, tones))),
        )
    });
    let table = Table::new(
        cells,
        std::iter::once(Constraint::Fill(1)).chain(widths.map(Constraint::Length)),
    )
    .header(Row::new(std::iter::once("CONTAINER").chain(heads)).style(tones.head()))
    .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let chosen = (!rows.is_empty()).then_some(at - first);
    let mut state = TableState::default().with_selected(chosen);
    frame.render_stateful_widget(table, area, &mut state);
    if rows.is_empty() && view.top.is_some() {
        let none = match view.filter.is_empty() {
            true => "no containers on this node",
            false => "none has what is typed",
        };
        let line = Rect {
            y: area.y.saturating_add(1),
            height: 1,
            ..area
        };
        frame.render_widget(Paragraph::new(none), line.intersection(area));
    }
}

fn list(frame: &mut Frame<'_>, area: Rect, head: &'static str, lines: Vec<Line<'_>>, tones: Tones) {
    let room = usize::from(area.height.saturating_sub(1));
    let more = lines.len().saturating_sub(room);
    let mut shown: Vec<Line<'_>> = vec![Line::styled(head, tones.head())];
    let count = if more > 0 {
        room.saturating_sub(1)
    } else {
        room
    };
    shown.extend(lines.into_iter().take(count));
    if more > 0 {
        shown.push(Line::from(format!("and {} more", more + 1)));
    }
    // A column between them.
    let width = area.width.saturating_sub(1);
    frame.render_widget(Paragraph::new(shown), Rect { width, ..area });
}

fn pools(top: &Top, tones: Tones) -> Vec<Line<'static>> {
    let line = |pool: &fairway_api::admin::TopPool| {
        let style = match pool.percent {
            95.. => tones.bad(),
            80.. => tones.mind(),
            _ => tones.good(),
        };
        Line::from(vec![
            Span::styled(format!("{:>3}% ", pool.percent), style),
            Span::from(pool.name.clone()),
        ])
    };
    top.pools.iter().map(line).collect()
}

fn peers(top: &Top, tones: Tones) -> Vec<Line<'static>> {
    let line = |peer: &fairway_api::admin::TopPeer| {
        let style = match peer.state.as_str() {
            "Established" => tones.good(),
            _ => tones.bad(),
        };
        let text = format!(" {} in {}", peer.address, short(peer.received));
        Line::from(vec![
            Span::styled(peer.state.clone(), style),
            Span::from(text),
        ])
    };
    top.peers.iter().map(line).collect()
}

fn problems(top: &Top, tones: Tones) -> Vec<Line<'static>> {
    match top.problems.is_empty() {
        true => vec![Line::styled("none", tones.good())],
        false => {
            let lines = top.problems.iter();
            lines
                .map(|problem| Line::styled(problem.clone(), tones.bad()))
                .collect()
        }
    }
}

fn keys(view: &View, tones: Tones) -> Line<'static> {
    if view.typing {
        return Line::styled(format!("/{}_", view.filter), tones.head());
    }
    let order = if view.backwards { ", backwards" } else { "" };
    let mut text = format!(
        "q quit  s sort ({}{order})  r reverse  / filter  enter details  ? help",
        view.sort.name()
    );
    if !view.filter.is_empty() {
        text = format!("only {:?} (esc: all)  {text}", view.filter);
    }
    Line::from(text)
}

/// All of a container.
fn whole(row: &TopContainer) -> Vec<Line<'static>> {
    let addresses: Vec<String> = row.addresses.iter().map(ToString::to_string).collect();
    let speed = |of: TopSpeed| {
        let limit = of
            .limit
            .map_or("none".to_owned(), |limit| format!("{}bit/s", short(limit)));
        format!(
            "{}B/s, {} packets/s, {} dropped/s, limit {limit}",
            short(of.bytes),
            short(of.packets),
            short(of.dropped)
        )
    };
    let drops: Vec<String> = row
        .drops
        .iter()
        .map(|(reason, packets)| format!("{reason} {packets}"))
        .collect();
    let lines = [
        ("workload", row.workload.clone().unwrap_or_default()),
        ("container", row.container.clone()),
        ("interface", format!("{} by {}", row.ifname, row.link)),
        ("network", row.network.clone().unwrap_or_default()),
        ("addresses", addresses.join(", ")),
        ("in", speed(row.received)),
        ("out", speed(row.sent)),
        ("dropped", drops.join(", ")),
    ];
    let lines = lines.into_iter().filter(|(_, text)| !text.is_empty());
    lines
        .map(|(name, text)| Line::from(format!("{name:<10} {text}")))
        .collect()
}

/// A box in the middle.
fn over(frame: &mut Frame<'_>, head: &'static str, lines: Vec<Line<'_>>) {
    let area = frame.area();
    let height = u16::try_from(lines.len() + 2)
        .unwrap_or(u16::MAX)
        .min(area.height);
    let widest = lines.iter().map(Line::width).max().unwrap_or(0);
    let width = u16::try_from(widest + 4)
        .unwrap_or(u16::MAX)
        .min(area.width);
    let place = Rect {
        x: (area.width - width) / 2,
        y: (area.height - height) / 2,
        width,
        height,
    };
    frame.render_widget(Clear, place);
    let block = Block::new().borders(Borders::ALL).title(head);
    let text = Paragraph::new(lines)
        .block(block)
        .wrap(Wrap { trim: false });
    frame.render_widget(text, place);
}

/// In and out: `20M/-`.
fn limits(received: TopSpeed, sent: TopSpeed) -> String {
    match (received.limit, sent.limit) {
        (None, None) => String::new(),
        (received, sent) => {
            let text = |limit: Option<u64>| limit.map_or_else(|| "-".to_owned(), short);
            format!("{}/{}", text(received), text(sent))
        }
    }
}

fn some(number: u64) -> String {
    match number {
        0 => String::new(),
        number => short(number),
    }
}

/// Three digits at most, and a letter: `999`, `1.2k`, `34M`.
pub(super) fn short(number: u64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let (mut whole, mut rest, mut unit) = (number, 0, 0);
    while whole >= 1000 {
        (whole, rest, unit) = (whole / 1000, whole % 1000, unit + 1);
    }
    match (unit, whole) {
        (1.., 0..10) => format!("{whole}.{}{}", rest / 100, UNITS[unit]),
        _ => format!("{whole}{}", UNITS[unit]),
    }
}

#[cfg(test)]
mod tests;
