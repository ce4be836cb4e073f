//! From rates to times: what the program counts in.

use fairway_dataplane_abi::Limit;

const SECOND: u128 = 1_000_000_000;
const MILLISECOND: u64 = 1_000_000;
/// What a byte takes at one bit a second, as [`Limit::byte`] counts.
const BYTE: u128 = 8 * SECOND * Limit::SCALE as u128;

/// How much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Bits of Ethernet frames a second; 0: any.
    pub bits: u64,
    /// Packets a second; 0: any.
    pub packets: u64,
    /// Bytes that may be sent at once after a while without; 0: as many as are good for the rate.
    pub burst: u64,
}

/// Of a frame of 64 KiB that is cut into packets, with all their headers, and of a token bucket's usual burst in
/// each of three classes.
const AT_ONCE: u64 = 80_000;
/// By how much more those who share a limit may be ahead of it.
const AHEAD: u64 = 40 * MILLISECOND;
/// How much more they may save up.
const SAVED: u64 = 120 * MILLISECOND;
/// In which it is counted who uses a shared limit: few packets make more at the least rates.
const EPOCH: u64 = 1 << 27;
/// How long packets may be held up on their way from one end of a link to the other, to come all at once then.
const HELD_UP: u64 = 80 * MILLISECOND;

/// What the program keeps to.
///
/// How much may wait, and from when on senders are told, follows from what TCP needs: flows that get along with one
/// loss in a thousand packets have some 40 packets each under way. So eight of them have half a megabyte, whatever
/// the rate is.
pub fn limit(allowance: &Allowance) -> Limit {
    let byte = per(BYTE, allowance.bits);
    let packet = per(SECOND, allowance.packets);
    let time = |bytes| time(byte, packet, bytes);
    let burst = match allowance.burst {
        0 => time(1_600).max(MILLISECOND / 4),
        some => time(some),
    };
    let early = time(512 * 1_024).clamp(20 * MILLISECOND, 3_000 * MILLISECOND);
    Limit {
        byte,
        packet,
        burst,
        mark: time(12_000).max(5 * MILLISECOND),
        early,
        most: time(4 << 20).clamp(200 * MILLISECOND, 8_000 * MILLISECOND),
        slack: time(12_000).max(10 * MILLISECOND).saturating_add(burst),
        held: 0,
        epoch: 0,
    }
}

/// The same where several slots share it: each gets its fair share, if it is kept by dropping.
///
/// TCP that has nothing under way when its packet does not go tries again in a fifth of a second. So what is not
/// used for that while is not lost, or all together would have less than the limit. At 10 Mbit/s and more they may
/// be ahead of it by some 220 ms, once.
pub fn shared(allowance: &Allowance) -> Limit {
    let alone = limit(allowance);
    let slack = alone.slack.saturating_add(AHEAD);
    let epoch = slack.saturating_sub(alone.burst).saturating_mul(2);
    let epoch = epoch.max(EPOCH).checked_ilog2().unwrap_or(0);
    Limit {
        burst: alone.burst.saturating_add(SAVED),
        slack,
        epoch: epoch.into(),
        ..alone
    }
}

/// What the program keeps to where packets come out of a link whose other end keeps to the allowance already:
/// 5 % more, and so much at once that nothing is dropped of what comes through a qdisc there, whatever the
/// machine does meanwhile. Nothing is made to wait, and what passes the qdisc by gets 6 % more in ten seconds
/// at rates from 10 Mbit/s on; at lower ones a single frame of 64 KiB is more than that.
pub fn backstop(allowance: &Allowance) -> Limit {
    // A twentieth above.
    let byte = per(20 * BYTE, 21 * u128::from(allowance.bits));
    let packet = per(20 * SECOND, 21 * u128::from(allowance.packets));
    let at_once = AT_ONCE.saturating_add(allowance.burst.saturating_mul(3));
    let at_once = time(byte, packet, at_once);
    let slack = at_once.max(HELD_UP / 4);
    Limit {
        byte,
        packet,
        // What has been saved up comes in without a mark (ECN), which from half of the slack on it would get.
        burst: HELD_UP.saturating_sub(slack),
        slack,
        ..Limit::default()
    }
}

/// What a number of bytes takes, in packets of usual size.
fn time(byte: u64, packet: u64, bytes: u64) -> u64 {
    let by_bytes = u128::from(bytes) * u128::from(byte) / u128::from(Limit::SCALE);
    let by_packets = u128::from(bytes.div_ceil(1_500)) * u128::from(packet);
    u64::try_from(by_bytes.max(by_packets)).unwrap_or(u64::MAX)
}

fn per(time: u128, rate: impl Into<u128>) -> u64 {
    match rate.into() {
        0 => 0,
        // So fast that it takes no time: no rate that anything has.
        rate => u64::try_from(time / rate).unwrap_or(u64::MAX).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_rate() {
        let of = |bits| {
            limit(&Allowance {
                bits,
                ..Allowance::default()
            })
        };
        // 100 Mbit/s: 80 ns a byte; 512 KiB in 42 ms, 4 MiB in 336.
        let hundred = of(100_000_000);
        assert_eq!((hundred.byte, hundred.packet), (80 << 16, 0));
        assert_eq!((hundred.burst, hundred.mark), (250_000, 5_000_000));
        assert_eq!((hundred.early, hundred.most), (41_943_040, 335_544_320));
        // Slow: what is more than seconds away is not waited for.
        let slow = of(100_000);
        assert_eq!((slow.early, slow.most), (3_000_000_000, 8_000_000_000));
        // A terabit takes some time, too.
        assert!(of(1_000_000_000_000).byte > 500);
    }

    #[test]
    fn what_is_shared_is_counted_in_epochs() {
        for (bits, epoch) in [(100_000_000, 27), (1_000_000, 28), (1_000, 37), (0, 27)] {
            let of = Allowance {
                bits,
                burst: 100_000,
                ..Allowance::default()
            };
            let (shared, alone) = (shared(&of), limit(&of));
            assert_eq!((shared.epoch, alone.epoch), (epoch, 0), "{bits}");
            assert_eq!(shared.slack - alone.slack, 40 * MILLISECOND);
            assert_eq!(shared.burst - alone.burst, 120 * MILLISECOND);
            let more = (shared.byte, shared.packet, shared.most);
            assert_eq!(more, (alone.byte, alone.packet, alone.most));
        }
    }

    #[test]
    fn packets_count_for_themselves() {
        let some = limit(&Allowance {
            packets: 1_000,
            ..Allowance::default()
        });
        assert_eq!((some.byte, some.packet), (0, 1_000_000));
        assert_eq!(some.burst, 2_000_000);
        let none = limit(&Allowance::default());
        assert_eq!((none.byte, none.packet), (0, 0));
    }

    #[test]
    fn behind_a_qdisc_there_is_room() {
        let of = |bits, packets| {
            let burst = 0;
            backstop(&Allowance {
                bits,
                packets,
                burst,
            })
        };
        // 100 Mbit/s and 5: 76.19 ns a byte; 80,000 bytes in 6 ms.
        let hundred = of(100_000_000, 0);
        assert_eq!((hundred.byte, hundred.packet), (4_993_219, 0));
        assert_eq!((hundred.burst, hundred.slack), (60_000_000, 20_000_000));
        let ten = of(10_000_000, 0);
        assert_eq!(
            (ten.burst + ten.slack, ten.slack / 1_000),
            (80_000_000, 60_952)
        );
        assert_eq!(
            (of(1_000_000, 0).burst, of(1_000_000, 0).slack / 1_000),
            (0, 609_523)
        );
        assert_eq!(of(0, 1_000).packet, 952_380);
        assert_eq!((of(0, 0).byte, of(0, 0).packet), (0, 0));
        for bits in [1_000, 1_000_000, 1_000_000_000, 1_000_000_000_000] {
            let (own, back) = (
                limit(&Allowance {
                    bits,
                    ..Allowance::default()
                }),
                of(bits, 0),
            );
            let more = own.byte as f64 / back.byte as f64;
            assert!((1.049..1.052).contains(&more), "{bits}: {more}");
        }
    }

    #[test]
    fn a_burst_is_kept() {
        let some = limit(&Allowance {
            bits: 8_000_000,
            burst: 100_000,
            ..Allowance::default()
        });
        assert_eq!(some.burst, 100_000_000);
        assert_eq!(some.slack, 112_000_000);
    }
}
