//! Keys and TTLs between namespaces.

use anyhow::{Context as _, Result, ensure};
use fairway_bgp::session::config::{Password, Peer, Ttl};
use fairway_lab::{Lab, Ns};
use fairway_speaker::socket::{Reach, Whose, accepted, connect, listen, set_key};
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

const PORT: u16 = 179;
/// For what is to happen.
const SOON: Duration = Duration::from_secs(30);
/// For what is not: a segment that is not taken is sent again after 200 ms, a SYN after a second.
const NEVER: Duration = Duration::from_millis(1500);

/// A neighbour of another AS on the same link.
const LINK: Reach = Reach {
    ttl: Ttl::Usual,
    external: true,
};

/// One end.
#[derive(Clone)]
struct End {
    ns: Ns,
    ip: IpAddr,
    key: Option<Password>,
    reach: Reach,
}

impl End {
    fn new(ns: &Ns, ip: &str) -> Result<End> {
        Ok(End {
            ns: ns.clone(),
            ip: ip.parse()?,
            key: None,
            reach: LINK,
        })
    }

    fn key(mut self, key: &[u8]) -> Result<End> {
        self.key = Some(Password::new(key)?);
        Ok(self)
    }

    fn reach(mut self, ttl: Ttl) -> End {
        self.reach = Reach { ttl, ..LINK };
        self
    }
}

/// Whether a byte comes from one to the other and back.
fn talks(from: &End, to: &End, expected: bool) -> Result<bool> {
    let limit = if expected { SOON } else { NEVER };
    let (ready, listening) = mpsc::channel();
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            on(
                &to.ns,
                async {
                    let listener = listen(SocketAddr::new(to.ip, PORT))?;
                    set_key(&listener, Whose::of(from.ip), to.key.as_ref())?;
                    ready.send(()).context("nobody waits")?;
                    let (mut stream, _) = listener.accept().await?;
                    accepted(&stream, to.reach)?;
                    // From here on the bound holds.
                    stream.write_u8(0).await?;
                    let byte = stream.read_u8().await?;
                    stream.write_u8(byte).await?;
                    // The other end closes first.
                    let _ = stream.read_u8().await;
                    Ok(())
                },
                limit,
            )
        });
        listening.recv_timeout(SOON)?;
        let client = on(
            &from.ns,
            async {
                let to = SocketAddr::new(to.ip, PORT);
                // A router that drops a packet may say so.
                let stream = connect(to, Some(from.ip), from.key.as_ref(), from.reach).await;
                let mut stream = match stream {
                    Err(_) if !expected => return std::future::pending().await,
                    stream => stream?,
                };
                stream.read_u8().await?;
                stream.write_u8(7).await?;
                ensure!(stream.read_u8().await? == 7, "another byte came back");
                Ok(())
            },
            limit,
        )?;
        server.join().expect("the server's thread")?;
        Ok(client)
    })
}

/// Whether it was done in time.
fn on(ns: &Ns, work: impl Future<Output = Result<()>> + Send, limit: Duration) -> Result<bool> {
    ns.inside(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build()?;
        match runtime.block_on(async { timeout(limit, work).await }) {
            Ok(done) => done.map(|()| true),
            Err(_) => Ok(false),
        }
    })?
}

fn cable(lab: &Lab, one: (&Ns, &str), other: (&Ns, &str), addresses: [&[&str]; 2]) -> Result<()> {
    lab.wire(one.0, one.1, other.0, other.1)?;
    for ((ns, link), addresses) in [one, other].into_iter().zip(addresses) {
        for address in addresses {
            ns.addr(link, address)?;
        }
    }
    Ok(())
}

const FAMILIES: [[&str; 2]; 2] = [["10.9.1.1", "10.9.1.2"], ["fd09::1", "fd09::2"]];

fn two() -> Result<(Lab, [Ns; 2])> {
    let lab = Lab::new()?;
    let [one, two] = [lab.machine("one")?, lab.machine("two")?];
    cable(
        &lab,
        (&one, "a"),
        (&two, "b"),
        [
            &["10.9.1.1/24", "fd09::1/64"],
            &["10.9.1.2/24", "fd09::2/64"],
        ],
    )?;
    Ok((lab, [one, two]))
}

#[test]
fn only_who_has_the_key_talks() -> Result<()> {
    let (_lab, [one, two]) = two()?;
    for [own, peer] in FAMILIES {
        let (from, to) = (End::new(&one, own)?, End::new(&two, peer)?);
        let keyed = |end: &End, key: &[u8]| end.clone().key(key);
        ensure!(talks(&from, &to, true)?, "{own}: no key at all");
        ensure!(
            talks(&keyed(&from, b"right")?, &keyed(&to, b"right")?, true)?,
            "{own}: the same"
        );
        ensure!(
            !talks(&keyed(&from, b"wrong")?, &keyed(&to, b"right")?, false)?,
            "{own}: another"
        );
        ensure!(!talks(&from, &keyed(&to, b"right")?, false)?, "{own}: none");
        ensure!(
            !talks(&keyed(&from, b"right")?, &to, false)?,
            "{own}: one too many"
        );
    }
    Ok(())
}

#[test]
fn a_prefix_has_a_key_that_can_be_changed_and_taken_away() -> Result<()> {
    let (_lab, [one, two]) = two()?;
    for [own, peer] in FAMILIES {
        let (from, to) = (End::new(&one, own)?, End::new(&two, peer)?);
        let prefix = match from.ip {
            IpAddr::V4(_) => "10.9.1.0/24",
            IpAddr::V6(_) => "fd09::/64",
        };
        let whose = Whose::peer(Peer::Within(prefix.parse()?));
        let served = |keys: &[Option<&[u8]>], client: &End, expected| -> Result<bool> {
            // The last one holds.
            let keys: Result<Vec<_>, _> = keys
                .iter()
                .map(|key| key.map(Password::new).transpose())
                .collect();
            with_keys(client, &to, whose, &keys?, expected)
        };
        let keyed = from.clone().key(b"second")?;
        ensure!(
            served(&[Some(b"first"), Some(b"second")], &keyed, true)?,
            "{own}: changed"
        );
        ensure!(
            !served(&[Some(b"first")], &keyed, false)?,
            "{own}: the first"
        );
        ensure!(
            served(&[Some(b"first"), None, None], &from, true)?,
            "{own}: taken away, and once more"
        );
    }
    Ok(())
}

/// As [`talks`], with keys of a prefix set one after the other; a byte one way is enough.
fn with_keys(
    from: &End,
    to: &End,
    whose: Whose,
    keys: &[Option<Password>],
    expected: bool,
) -> Result<bool> {
    let limit = if expected { SOON } else { NEVER };
    let (ready, listening) = mpsc::channel();
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            on(
                &to.ns,
                async {
                    let listener = listen(SocketAddr::new(to.ip, PORT))?;
                    for key in keys {
                        set_key(&listener, whose, key.as_ref())?;
                    }
                    ready.send(()).context("nobody waits")?;
                    let (mut stream, _) = listener.accept().await?;
                    ensure!(stream.read_u8().await? == 7, "another byte came");
                    Ok(())
                },
                limit,
            )
        });
        listening.recv_timeout(SOON)?;
        on(
            &from.ns,
            async {
                let to = SocketAddr::new(to.ip, PORT);
                let mut stream = connect(to, Some(from.ip), from.key.as_ref(), from.reach).await?;
                stream.write_u8(7).await?;
                Ok(())
            },
            limit,
        )?;
        server.join().expect("the server's thread")
    })
}

#[test]
fn who_is_too_far_away_is_not_heard() -> Result<()> {
    let lab = Lab::new()?;
    let [one, router, two] = [
        lab.machine("one")?,
        lab.machine("router")?,
        lab.machine("two")?,
    ];
    cable(
        &lab,
        (&one, "a"),
        (&router, "b"),
        [
            &["10.9.1.1/24", "fd09:1::1/64"],
            &["10.9.1.2/24", "fd09:1::2/64"],
        ],
    )?;
    cable(
        &lab,
        (&router, "c"),
        (&two, "d"),
        [
            &["10.9.2.1/24", "fd09:2::1/64"],
            &["10.9.2.2/24", "fd09:2::2/64"],
        ],
    )?;
    router.set_sysctl("ipv4/ip_forward", "1")?;
    router.set_sysctl("ipv6/conf/all/forwarding", "1")?;
    for (ns, to, via) in [(&one, 2, 1), (&two, 1, 2)] {
        let near = if via == 1 { 2 } else { 1 };
        ns.run(&format!(
            "ip route add 10.9.{to}.0/24 via 10.9.{via}.{near}"
        ))?;
        ns.run(&format!(
            "ip route add fd09:{to}::/64 via fd09:{via}::{near}"
        ))?;
    }
    for [own, near, far] in [
        ["10.9.1.1", "10.9.1.2", "10.9.2.2"],
        ["fd09:1::1", "fd09:1::2", "fd09:2::2"],
    ] {
        let (near, far) = (End::new(&router, near)?, End::new(&two, far)?);
        let talk = |from: Ttl, to: &End, its: Ttl, expected| {
            let (from, to) = (End::new(&one, own)?.reach(from), to.clone().reach(its));
            let talked = talks(&from, &to, expected)?;
            ensure!(
                talked == expected,
                "{own} ({:?}) to {} ({its:?}): {talked}",
                from.reach,
                to.ip
            );
            Ok(())
        };
        talk(Ttl::Usual, &near, Ttl::Usual, true)?;
        talk(Ttl::Security(1), &near, Ttl::Security(1), true)?;
        // It sends with 64.
        talk(Ttl::Hops(64), &near, Ttl::Security(1), false)?;
        talk(Ttl::Usual, &far, Ttl::Hops(64), false)?;
        talk(Ttl::Hops(2), &far, Ttl::Hops(2), true)?;
        talk(Ttl::Security(2), &far, Ttl::Security(2), true)?;
        // A secured neighbour two hops away cannot be one on the link.
        talk(Ttl::Security(2), &far, Ttl::Security(1), false)?;
    }
    Ok(())
}
