//! Screens, as they are drawn.

use super::*;
use crate::top::between::{between, tests::sample};
use fairway_api::admin::{TopPeer, TopPool};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

fn view() -> View {
    let mut top = between(&sample(1_000, 1), &sample(2_000, 2));
    let pool = |name: &str, percent| TopPool {
        name: name.to_owned(),
        size: "254".to_owned(),
        used: 1,
        percent,
    };
    top.pools = vec![pool("web", 97), pool("db", 85), pool("spare", 1)];
    let peer = |address: &str, state: &str| TopPeer {
        address: address.parse().unwrap(),
        state: state.to_owned(),
        since: None,
        received: 1_200,
        advertised: 3,
    };
    top.peers = vec![peer("fd00::2", "Active"), peer("10.0.0.1", "Established")];
    View {
        top: Some(top),
        ..View::default()
    }
}

fn drawn(view: &mut View, width: u16, height: u16, colour: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let frame = terminal.draw(|frame| draw(frame, view, Tones { colour }));
    frame.unwrap().buffer.clone()
}

fn text(buffer: &Buffer) -> Vec<String> {
    let rows = buffer.content.chunks(usize::from(buffer.area.width));
    rows.map(|row| {
        let line: String = row.iter().map(|cell| cell.symbol()).collect();
        line.trim_end().to_owned()
    })
    .collect()
}

#[test]
fn all_is_there_in_80_columns_and_24_lines() {
    let lines = text(&drawn(&mut view(), 80, 24, false));
    assert_eq!(
        lines[..6],
        [
            "node n1  fairwayd 0.1.0  store etcd",
            "3 containers  in 9.0MB/s 9.0k/s  out 2.0MB/s 205/s  drops 7/s: not-allowed 7",
            "CONTAINER            NETWORK  IN B/S  OUT B/S IN P/S  OUT P/S LIMIT       DROPS",
            "shop/front eth0               9.0M    500     9.0k    5",
            "shop/db-0 eth0       blue     1.0k    2.0M    10      200     -/20M       5",
            "bb eth0                       70      0       1       0",
        ]
    );
    let below = &lines[16..];
    assert!(
        below[0].starts_with("POOLS") && below[0].contains("BGP") && below[0].contains("PROBLEMS")
    );
    assert!(below[1].starts_with(" 97% web") && below[1].contains("Active fd00::2 in 1.2k"));
    assert!(below[1].contains("underlay: link eth7 is not"), "{below:?}");
    assert!(lines[23].starts_with("q quit  s sort (traffic)"));
}

#[test]
fn it_fits_whatever_the_terminal_is() {
    for (width, height) in [(0, 0), (1, 1), (20, 5), (40, 12), (80, 17), (300, 90)] {
        for over in [Over::Nothing, Over::Help, Over::Container] {
            let mut view = view();
            view.over = over;
            drawn(&mut view, width, height, true);
        }
    }
    // In a low one containers come first.
    let low = text(&drawn(&mut view(), 80, 10, false)).join("\n");
    assert!(low.contains("shop/front") && !low.contains("POOLS"));
}

/// Whatever is left out, names and what they get and send are there.
#[test]
fn in_a_narrow_one_the_columns_of_least_use_go_first() {
    let heads = |width| text(&drawn(&mut view(), width, 12, false))[2].clone();
    assert!(heads(80).contains("LIMIT"));
    for (width, line) in [
        (
            75,
            "CONTAINER                   NETWORK  IN B/S  OUT B/S IN P/S  OUT P/S DROPS",
        ),
        (50, "CONTAINER           IN B/S  OUT B/S IN P/S  DROPS"),
        (40, "CONTAINER         IN B/S  OUT B/S DROPS"),
        (25, "CONTAINER         IN B/S"),
        (12, "CONTAINER"),
    ] {
        assert_eq!(heads(width), line, "{width}");
    }
    let lines = text(&drawn(&mut view(), 40, 12, false));
    assert_eq!(lines[4], "shop/db-0 eth0    1.0k    2.0M    5");
}

#[test]
fn none_is_said() {
    let mut view = view();
    view.filter = "nobody".to_owned();
    assert_eq!(
        text(&drawn(&mut view, 80, 24, false))[3],
        "none has what is typed"
    );
    view.filter.clear();
    view.top.as_mut().unwrap().containers.clear();
    let lines = text(&drawn(&mut view, 80, 24, false));
    assert!(lines[1].starts_with("0 containers  in 0B/s"), "{lines:?}");
    assert_eq!(lines[3], "no containers on this node");
    for (width, height) in [(1, 1), (20, 4), (20, 5)] {
        drawn(&mut view, width, height, true);
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let coloured = |buffer: &Buffer| {
        let cells = buffer.content.iter();
        cells
            .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
            .count()
    };
    assert_eq!(coloured(&drawn(&mut view(), 80, 24, false)), 0);
    let buffer = drawn(&mut view(), 80, 24, true);
    assert!(coloured(&buffer) > 0);
    let colour_of = |word: &str| {
        let lines = text(&buffer);
        let (y, x) = lines
            .iter()
            .enumerate()
            .find_map(|(y, line)| Some((y, line.find(word)?)))
            .unwrap();
        buffer.content[y * 80 + x].fg
    };
    for (word, colour) in [
        ("97%", Color::Red),
        ("85%", Color::Yellow),
        ("Established", Color::Green),
        ("Active", Color::Red),
        ("underlay", Color::Red),
    ] {
        assert_eq!(colour_of(word), colour, "{word}");
    }
}

#[test]
fn many_containers_are_scrolled_and_long_lists_say_how_many_more() {
    let mut view = view();
    let top = view.top.as_mut().unwrap();
    let one = top.containers[2].clone();
    top.containers = (0..10_000)
        .map(|number| TopContainer {
            workload: Some(format!("ns/pod-{number:04}")),
            container: number.to_string(),
            ..one.clone()
        })
        .collect();
    top.problems = (0..9).map(|number| format!("problem {number}")).collect();
    let lines = text(&drawn(&mut view, 80, 24, false)).join("\n");
    assert!(
        lines.contains("pod-0000") && lines.contains("pod-0012") && !lines.contains("pod-0013"),
        "{lines}"
    );
    assert!(
        lines.contains("problem 4") && lines.contains("and 4 more"),
        "{lines}"
    );
    let mut pressed = |key| {
        view.key(ratatui::crossterm::event::KeyEvent::from(key));
        let buffer = drawn(&mut view, 80, 24, false);
        let reversed = |row: &&[ratatui::buffer::Cell]| {
            let modifier = row.first().map(|cell| cell.modifier);
            modifier.is_some_and(|modifier| modifier.contains(Modifier::REVERSED))
        };
        let chosen = buffer.content.chunks(80).find(reversed).unwrap();
        let chosen: String = chosen.iter().take(14).map(|cell| cell.symbol()).collect();
        (chosen, text(&buffer).join("\n"))
    };
    use ratatui::crossterm::event::KeyCode;
    for (key, chosen, there, gone) in [
        (KeyCode::PageDown, "ns/pod-0013", "pod-0001", "pod-0000"),
        (KeyCode::PageDown, "ns/pod-0026", "pod-0014", "pod-0013"),
        (KeyCode::Up, "ns/pod-0025", "pod-0013", "pod-0026"),
        (KeyCode::End, "ns/pod-9999", "pod-9987", "pod-9986"),
        (KeyCode::Home, "ns/pod-0000", "pod-0012", "pod-0013"),
    ] {
        let (found, lines) = pressed(key);
        assert!(found.starts_with(chosen), "{key}: {found}");
        assert!(
            lines.contains(there) && !lines.contains(gone),
            "{key}: {lines}"
        );
    }
}

#[test]
fn what_lies_over_it_can_be_read() {
    let mut view = view();
    view.over = Over::Help;
    let help = text(&drawn(&mut view, 100, 24, false)).join("\n");
    assert!(help.contains("take the filter back"), "{help}");
    view.over = Over::Container;
    view.key(ratatui::crossterm::event::KeyEvent::from(
        ratatui::crossterm::event::KeyCode::Down,
    ));
    let whole = text(&drawn(&mut view, 100, 24, false)).join("\n");
    for part in ["10.1.0.17, fd01::5", "eth0 by fw1", "limit 20Mbit/s"] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
}

#[test]
fn a_daemon_that_is_away_is_told_and_what_was_stays() {
    let mut view = view();
    view.lost = Some("no fairwayd at /run/x".to_owned());
    let lines = text(&drawn(&mut view, 100, 24, false));
    assert!(lines[0].ends_with("no fairwayd at /run/x"), "{lines:?}");
    assert!(lines.join("\n").contains("shop/front"));
    let mut new = View {
        lost: view.lost.clone(),
        ..View::default()
    };
    let lines = text(&drawn(&mut new, 80, 24, false));
    assert_eq!(lines[0], "no fairwayd at /run/x");
}

#[test]
fn numbers_are_short() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (9_999, "9.9k"),
        (10_000, "10k"),
        (999_999, "999k"),
        (20_000_000, "20M"),
        (u64::MAX, "18E"),
    ] {
        assert_eq!(short(number), text);
    }
}
