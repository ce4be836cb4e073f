//! Regular expressions, as far as lists of kernel settings have them: a library for all of them takes longer to start
//! than the plugin has work.
//!
//! Characters, `.`, classes with ranges, `\d \w \s` and their opposites, groups, alternatives, `* + ?` and `{m,n}`
//! (lazy or not, which makes no difference to whether something is found), `^` and `$`. Anything else is refused, not
//! guessed at. A search is followed in all directions at once, so that no pattern takes longer than its length by
//! that of the text.

use std::iter::Peekable;
use std::str::Chars;

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Step>);

/// What a search does at a place of the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Takes a character.
    Take(Class),
    /// Goes on at either.
    Split(usize, usize),
    Jump(usize),
    Start,
    End,
    Found,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Class {
    ranges: Vec<(char, char)>,
    not: bool,
}

impl Class {
    fn has(&self, c: char) -> bool {
        let within = |&(low, high): &(char, char)| low <= c && c <= high;
        self.ranges.iter().any(within) != self.not
    }

    fn of(ranges: &[(char, char)], not: bool) -> Self {
        Self {
            ranges: ranges.to_vec(),
            not,
        }
    }
}

/// The pattern as it is written.
#[derive(Debug, Clone)]
enum Node {
    Take(Class),
    Start,
    End,
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, usize, Option<usize>),
}

/// The most that one repetition may be written out to.
const REPEAT_MAX: usize = 1000;
/// The most steps of a pattern.
const STEPS_MAX: usize = 100_000;

impl Pattern {
    /// None where it is no pattern, or one of those that are not understood.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut chars = text.chars().peekable();
        let node = either(&mut chars, 0)?;
        if chars.next().is_some() {
            return None;
        }
        let mut steps = Vec::new();
        compile(&node, &mut steps)?;
        steps.push(Step::Found);
        Some(Self(steps))
    }

    /// Whether it fits any part of the text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let chars: Vec<char> = text.chars().collect();
        let mut places: Vec<usize> = Vec::new();
        for at in 0..=chars.len() {
            // A find may begin at each character.
            places.push(0);
            let (mut seen, mut takes) = (vec![false; self.0.len()], Vec::new());
            while let Some(place) = places.pop() {
                let Some(step) = self.0.get(place) else {
                    continue;
                };
                if std::mem::replace(&mut seen[place], true) {
                    continue;
                }
                match step {
                    Step::Take(_) => takes.push(place),
                    Step::Split(one, other) => places.extend([*one, *other]),
                    Step::Jump(to) => places.push(*to),
                    Step::Start if at == 0 => places.push(place + 1),
                    Step::End if at == chars.len() => places.push(place + 1),
                    Step::Start | Step::End => {}
                    Step::Found => return true,
                }
            }
            let Some(c) = chars.get(at) else {
                break;
            };
            let fits =
                |place: &usize| matches!(&self.0[*place], Step::Take(class) if class.has(*c));
            places = takes
                .into_iter()
                .filter(fits)
                .map(|place| place + 1)
                .collect();
        }
        false
    }
}

/// How deep groups may be.
const DEPTH_MAX: usize = 50;

fn either(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Node> {
    if depth > DEPTH_MAX {
        return None;
    }
    let mut ways = vec![sequence(chars, depth)?];
    while chars.next_if_eq(&'|').is_some() {
        ways.push(sequence(chars, depth)?);
    }
    Some(match ways.len() {
        1 => ways.pop()?,
        _ => Node::Either(ways),
    })
}

fn sequence(chars: &mut Peekable<Chars<'_>>, depth: usize) -> Option<Node> {
    let mut nodes = Vec::new();
    while let Some(c) = chars.next_if(|c| !['|', ')'].contains(c)) {
        let node = match c {
            '^' => Node::Start,
            '$' => Node::End,
            '.' => Node::Take(Class::of(&[('\n', '\n')], true)),
            '[' => Node::Take(class(chars)?),
            '\\' => Node::Take(escape(chars.next()?)?),
            '(' => {
                if chars.next_if_eq(&'?').is_some() && chars.next() != Some(':') {
                    return None;
                }
                let node = either(chars, depth + 1)?;
                chars.next_if_eq(&')')?;
                node
            }
            '*' | '+' | '?' | '{' => return None,
            plain => Node::Take(Class::of(&[(plain, plain)], false)),
        };
        nodes.push(repeated(node, chars)?);
    }
    Some(Node::Sequence(nodes))
}

fn repeated(node: Node, chars: &mut Peekable<Chars<'_>>) -> Option<Node> {
    let (least, most) = match chars.peek() {
        Some('*') => (0, None),
        Some('+') => (1, None),
        Some('?') => (0, Some(1)),
        Some('{') => {
            let text: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
            let (least, most) = match text.split_once(',') {
                Some((least, "")) => (least.parse().ok()?, None),
                Some((least, most)) => (least.parse().ok()?, Some(most.parse().ok()?)),
                None => (text.parse().ok()?, Some(text.parse().ok()?)),
            };
            let sound =
                least <= REPEAT_MAX && most.is_none_or(|most| (least..=REPEAT_MAX).contains(&most));
            chars.next_if_eq(&'?');
            return sound.then(|| Node::Repeat(Box::new(node), least, most));
        }
        _ => return Some(node),
    };
    chars.next();
    // As few as possible, which finds the same.
    chars.next_if_eq(&'?');
    // Go refuses a second one.
    match chars.peek() {
        Some('*' | '+' | '?' | '{') => None,
        _ => Some(Node::Repeat(Box::new(node), least, most)),
    }
}

const DIGITS: &[(char, char)] = &[('0', '9')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: &[(char, char)] = &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];

fn escape(c: char) -> Option<Class> {
    Some(match c {
        'd' => Class::of(DIGITS, false),
        'D' => Class::of(DIGITS, true),
        'w' => Class::of(WORD, false),
        'W' => Class::of(WORD, true),
        's' => Class::of(SPACE, false),
        'S' => Class::of(SPACE, true),
        c if c.is_ascii_punctuation() => Class::of(&[(c, c)], false),
        _ => return None,
    })
}

fn class(chars: &mut Peekable<Chars<'_>>) -> Option<Class> {
    let not = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let low = match chars.next()? {
            ']' if !ranges.is_empty() => return Some(Class { ranges, not }),
            '[' if chars.peek() == Some(&':') => return None,
            '\\' => {
                let escaped = escape(chars.next()?)?;
                match escaped.ranges.as_slice() {
                    [(low, high)] if low == high => *low,
                    several if !escaped.not => {
                        ranges.extend(several);
                        continue;
                    }
                    _ => return None,
                }
            }
            c => c,
        };
        if chars.peek() != Some(&'-') {
            ranges.push((low, low));
            continue;
        }
        chars.next();
        match chars.next()? {
            ']' => {
                ranges.extend([(low, low), ('-', '-')]);
                return Some(Class { ranges, not });
            }
            '\\' => return None,
            high if low <= high => ranges.push((low, high)),
            _ => return None,
        }
    }
}

fn compile(node: &Node, steps: &mut Vec<Step>) -> Option<()> {
    if steps.len() > STEPS_MAX {
        return None;
    }
    match node {
        Node::Take(class) => steps.push(Step::Take(class.clone())),
        Node::Start => steps.push(Step::Start),
        Node::End => steps.push(Step::End),
        Node::Sequence(nodes) => nodes.iter().try_for_each(|node| compile(node, steps))?,
        Node::Either(ways) => {
            let mut ends = Vec::new();
            for (index, way) in ways.iter().enumerate() {
                let split = steps.len();
                let last = index + 1 == ways.len();
                if !last {
                    steps.push(Step::Found);
                }
                compile(way, steps)?;
                if !last {
                    ends.push(steps.len());
                    steps.push(Step::Found);
                    steps[split] = Step::Split(split + 1, steps.len());
                }
            }
            let end = steps.len();
            for at in ends {
                steps[at] = Step::Jump(end);
            }
        }
        Node::Repeat(node, least, most) => {
            for _ in 0..*least {
                compile(node, steps)?;
            }
            match most {
                None => {
                    let split = steps.len();
                    steps.push(Step::Found);
                    compile(node, steps)?;
                    steps.push(Step::Jump(split));
                    steps[split] = Step::Split(split + 1, steps.len());
                }
                Some(most) => {
                    let mut splits = Vec::new();
                    for _ in *least..*most {
                        splits.push(steps.len());
                        steps.push(Step::Found);
                        compile(node, steps)?;
                    }
                    let end = steps.len();
                    for at in splits {
                        steps[at] = Step::Split(at + 1, end);
                    }
                }
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_find_what_go_would_find() {
        for (pattern, text, found) in [
            (
                "net.ipv4.conf.IFNAME.arp_filter",
                "net.ipv4.conf.IFNAME.arp_filter",
                true,
            ),
            (r"^net\.ipv4\.", "net.ipv4.conf.all.log", true),
            (r"^net\.ipv4\.", "xnet.ipv4.", false),
            (
                r"^net\.ipv4\.conf\.[a-z0-9]+\.arp_(filter|ignore)$",
                "net.ipv4.conf.eth0.arp_ignore",
                true,
            ),
            (
                r"^net\.ipv4\.conf\.[a-z0-9]+\.arp_(filter|ignore)$",
                "net.ipv4.conf.eth0.arp_notify",
                false,
            ),
            ("core", "net.core.somaxconn", true),
            ("^$", "", true),
            ("^$", "a", false),
            ("a{2,3}b", "xaab", true),
            ("a{2,3}b", "xab", false),
            ("^a{2}$", "aaa", false),
            ("^a{2,}$", "aaaa", true),
            ("[^a-c]", "abc", false),
            ("[^a-c]", "abcd", true),
            (r"[\d_]+x", "12_x", true),
            (r"\w\W\s", "a- ", true),
            ("(?:ab)*c$", "ababc", true),
            ("a|b|c", "xxc", true),
            ("a|", "z", true),
            ("a?b", "b", true),
            ("[-a]", "-", true),
            ("[a-]", "-", true),
            ("()", "", true),
            ("(a*)*b", &"a".repeat(200), false),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.is_in(text), found, "{pattern} in {text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for pattern in [
            "*",
            "a**",
            "(",
            ")",
            "(a",
            "[",
            "[]",
            "[b-a]",
            r"\",
            r"\pL",
            "a{",
            "a{x}",
            "a{3,2}",
            "a{2000}",
            "(?i)a",
            "[[:alpha:]]",
        ] {
            assert_eq!(Pattern::parse(pattern), None, "{pattern}");
        }
        assert!(Pattern::parse(&"(".repeat(5000)).is_none());
        assert!(Pattern::parse("((((a{99}){99}){99}){99}){99}").is_none());
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_breaks(pattern in "[a-c.*+?()\\[\\]{}0-3,|^$\\\\-]{0,20}", text in "[a-c.]{0,12}") {
            if let Some(pattern) = Pattern::parse(&pattern) {
                pattern.is_in(&text);
            }
        }

        #[test]
        fn a_text_is_found_in_itself(text in "[a-z0-9_.]{0,20}", around in "[a-z.]{0,5}") {
            let quoted = text.replace('.', r"\.");
            let pattern = Pattern::parse(&quoted).unwrap();
            let whole = format!("{around}{text}{around}");
            prop_assert!(pattern.is_in(&whole));
        }
    }
}
