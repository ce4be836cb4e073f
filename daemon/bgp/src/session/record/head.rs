//! The head of a recording: the neighbour, as far as a session asks for it. Key, ports and TTLs are not of it.

use super::NotARecording;
use super::line::{Moment, NotALine, bad, family, number, time};
use crate::session::config::{
    Abilities, Backoff, FamilySettings, Graceful, GracefulMode, Limit, Over, Peer, Settings,
};
use crate::session::{Neighbour, RemoteAs, Speaker};
use crate::{Asn, HoldTime, RouterId, Time};
use std::fmt::Write as _;
use std::iter::Peekable;
use std::net::Ipv4Addr;
use std::time::Duration;

const BEGINS: &str = "fairway-bgp-recording 1";
/// No time that a session is told of in its settings is longer: a year.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

pub(super) fn write(neighbour: &Neighbour, seed: u64) -> String {
    let s = neighbour.settings();
    let mut text = format!("{BEGINS}\nseed {seed}\n");
    let mut put = |key: &str, value: String| {
        // A String takes whatever it is told.
        let _ = writeln!(text, "{key} {value}");
    };
    put(
        "peer",
        match s.peer {
            Peer::At(address) => address.to_string(),
            Peer::Within(prefix) => prefix.to_string(),
        },
    );
    put("local", format!("{} {}", s.local.asn, s.local.router));
    put("remote", remote(&s.remote_as));
    put("passive", s.passive.to_string());
    put("hold-time", s.hold_time.seconds().to_string());
    put("retry", both(s.retry));
    put("idle-hold", both(s.idle_hold));
    let abilities = [
        ("four-octets", s.abilities.four_octets),
        ("refresh", s.abilities.refresh),
        ("enhanced-refresh", s.abilities.enhanced_refresh),
        ("extended-messages", s.abilities.extended_messages),
    ];
    put("abilities", flags(&abilities));
    let g = s.graceful;
    let mode = match g.mode {
        GracefulMode::Off => "off",
        GracefulMode::Helper => "helper",
        GracefulMode::Full => "full",
    };
    let (stale, deferral) = (length(g.stale_time), length(g.deferral));
    let notification = flags(&[("notification", g.notification)]);
    put(
        "graceful",
        format!(
            "{mode} {} {stale} {deferral} {notification}",
            g.restart_time
        ),
    );
    for one in &s.families {
        put("family", of_family(one));
    }
    text
}

fn remote(remote: &RemoteAs) -> String {
    match remote {
        RemoteAs::Is(asn) => asn.to_string(),
        RemoteAs::Internal => "internal".to_owned(),
        RemoteAs::External => "external".to_owned(),
        RemoteAs::OneOf(all) => {
            let all: Vec<_> = all.iter().map(Asn::to_string).collect();
            format!("one-of {}", all.join(" "))
        }
    }
}

fn length(time: Duration) -> Moment {
    Moment(Time::after(time))
}

fn both(times: Backoff) -> String {
    format!("{} {}", length(times.first), length(times.most))
}

/// Those that are set.
fn flags(all: &[(&str, bool)]) -> String {
    let set = all.iter().filter(|(_, set)| *set);
    let set: Vec<_> = set.map(|(name, _)| *name).collect();
    match set.is_empty() {
        true => "-".to_owned(),
        false => set.join(" "),
    }
}

fn of_family(one: &FamilySettings) -> String {
    let flags = flags(&[
        ("required", one.required),
        ("ipv6-next-hops", one.ipv6_next_hops),
        ("forwarding", one.forwarding),
    ]);
    let limit = one.limit.map(|limit| {
        let over = match limit.over {
            Over::Warn => "warn".to_owned(),
            Over::Down { again: None } => "down".to_owned(),
            Over::Down { again: Some(time) } => length(time).to_string(),
        };
        format!(" limit {} {} {over}", limit.prefixes, limit.warn_at)
    });
    format!("{} {flags}{}", one.family, limit.unwrap_or_default())
}

/// Lines by number. Those that say nothing are not among them.
pub(super) struct Lines<'a, I: Iterator<Item = (usize, &'a str)>> {
    pub(super) rest: Peekable<I>,
    /// Of the last one that was taken.
    pub(super) number: usize,
}

impl<'a, I: Iterator<Item = (usize, &'a str)>> Lines<'a, I> {
    /// The value of the next line, whose key this is.
    fn value(&mut self, key: &'static str) -> Result<&'a str, NotALine> {
        let next = self.rest.next_if(|(_, line)| {
            let rest = line.strip_prefix(key);
            rest.is_some_and(|rest| rest.starts_with(' '))
        });
        let Some((number, line)) = next else {
            self.number = self.rest.peek().map_or(self.number + 1, |(at, _)| *at);
            return Err(NotALine::Missing(key));
        };
        self.number = number;
        Ok(line.get(key.len() + 1..).unwrap_or_default())
    }
}

/// The neighbour and the seed.
pub(super) fn read<'a, I: Iterator<Item = (usize, &'a str)>>(
    lines: &mut Lines<'a, I>,
) -> Result<(Neighbour, u64), NotARecording> {
    let head = settings(lines).and_then(|(settings, seed)| Ok((Neighbour::new(settings)?, seed)));
    head.map_err(|why| NotARecording {
        number: lines.number,
        why,
    })
}

fn settings<'a, I: Iterator<Item = (usize, &'a str)>>(
    lines: &mut Lines<'a, I>,
) -> Result<(Settings, u64), NotALine> {
    let version = lines.value("fairway-bgp-recording")?;
    if version != "1" {
        return Err(bad(version, "version that is known: 1"));
    }
    let seed = number(lines.value("seed")?)?;
    let at = lines.value("peer")?;
    let peer = at.parse().map(Peer::At).ok();
    let peer = peer.or_else(|| at.parse().map(Peer::Within).ok());
    let peer = peer.ok_or_else(|| bad(at, "address or prefix"))?;
    let local = local(lines.value("local")?)?;
    let mut settings = Settings::new(peer, local, remote_of(lines.value("remote")?)?);
    settings.passive = yes(lines.value("passive")?)?;
    let hold = lines.value("hold-time")?;
    settings.hold_time =
        HoldTime::new(number(hold)?).ok_or_else(|| bad(hold, "hold time: 1 and 2 are none"))?;
    settings.retry = backoff(lines.value("retry")?)?;
    settings.idle_hold = backoff(lines.value("idle-hold")?)?;
    let mut none = Abilities {
        four_octets: false,
        refresh: false,
        enhanced_refresh: false,
        extended_messages: false,
    };
    for word in words(lines.value("abilities")?) {
        *match word {
            "four-octets" => &mut none.four_octets,
            "refresh" => &mut none.refresh,
            "enhanced-refresh" => &mut none.enhanced_refresh,
            "extended-messages" => &mut none.extended_messages,
            other => return Err(bad(other, "ability")),
        } = true;
    }
    settings.abilities = none;
    settings.graceful = graceful(lines.value("graceful")?)?;
    settings.families.clear();
    while let Some((_, line)) = lines.rest.peek()
        && line.starts_with("family ")
    {
        settings.families.push(family_of(lines.value("family")?)?);
    }
    Ok((settings, seed))
}

fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(' ').filter(|word| *word != "-")
}

fn local(value: &str) -> Result<Speaker, NotALine> {
    let (as_number, router) = value.split_once(' ').unwrap_or((value, ""));
    let address: Option<Ipv4Addr> = router.parse().ok();
    let found = address.and_then(|address| RouterId::new(address.to_bits()));
    Ok(Speaker {
        asn: asn(as_number)?,
        router: found.ok_or_else(|| bad(router, "BGP identifier"))?,
    })
}

fn asn(word: &str) -> Result<Asn, NotALine> {
    Asn::new(number(word)?).ok_or_else(|| bad(word, "AS number"))
}

fn remote_of(value: &str) -> Result<RemoteAs, NotALine> {
    Ok(match value {
        "internal" => RemoteAs::Internal,
        "external" => RemoteAs::External,
        other => match other.strip_prefix("one-of ") {
            Some(all) => RemoteAs::OneOf(all.split(' ').map(asn).collect::<Result<_, _>>()?),
            None => RemoteAs::Is(asn(other)?),
        },
    })
}

fn yes(word: &str) -> Result<bool, NotALine> {
    word.parse().map_err(|_| bad(word, "true or false"))
}

fn duration(word: &str) -> Result<Duration, NotALine> {
    let time = time(word).map(|time| time - Time::default());
    time.filter(|time| *time <= LONGEST)
        .ok_or_else(|| bad(word, "time of a year at most: SECONDS.NANOSECONDS"))
}

fn backoff(value: &str) -> Result<Backoff, NotALine> {
    let (first, most) = value.split_once(' ').unwrap_or((value, ""));
    Ok(Backoff {
        first: duration(first)?,
        most: duration(most)?,
    })
}

fn graceful(value: &str) -> Result<Graceful, NotALine> {
    let words: Vec<&str> = value.split(' ').collect();
    let [mode, restart, stale, deferral, notification] = words[..] else {
        return Err(bad(value, "mode, three times and a word"));
    };
    Ok(Graceful {
        mode: match mode {
            "off" => GracefulMode::Off,
            "helper" => GracefulMode::Helper,
            "full" => GracefulMode::Full,
            other => return Err(bad(other, "mode of graceful restart")),
        },
        restart_time: number(restart)?,
        stale_time: duration(stale)?,
        deferral: duration(deferral)?,
        notification: match notification {
            "notification" => true,
            "-" => false,
            other => return Err(bad(other, "word of graceful restart")),
        },
    })
}

fn family_of(value: &str) -> Result<FamilySettings, NotALine> {
    let (value, limit) = match value.split_once(" limit ") {
        Some((value, limit)) => (value, Some(limit_of(limit)?)),
        None => (value, None),
    };
    let (name, flags) = value.split_once(' ').unwrap_or((value, "-"));
    let mut one = FamilySettings {
        forwarding: false,
        limit,
        ..FamilySettings::new(family(name)?)
    };
    for word in words(flags) {
        *match word {
            "required" => &mut one.required,
            "ipv6-next-hops" => &mut one.ipv6_next_hops,
            "forwarding" => &mut one.forwarding,
            other => return Err(bad(other, "word of a family")),
        } = true;
    }
    Ok(one)
}

fn limit_of(value: &str) -> Result<Limit, NotALine> {
    let words: Vec<&str> = value.split(' ').collect();
    let [prefixes, warn_at, over] = words[..] else {
        return Err(bad(value, "limit: two numbers and what becomes of more"));
    };
    Ok(Limit {
        prefixes: number(prefixes)?,
        warn_at: number(warn_at)?,
        over: match over {
            "warn" => Over::Warn,
            "down" => Over::Down { again: None },
            time => Over::Down {
                again: Some(duration(time)?),
            },
        },
    })
}
