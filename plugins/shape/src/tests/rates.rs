//! Rates and bursts, and the sizes that follow from them.

use proptest::prelude::*;

use crate::{Burst, BurstError, Limit, Rate, RateError};

fn bits(text: &str) -> u64 {
    text.parse::<Rate>().unwrap().bits_per_second()
}

#[test]
fn both_traditions_are_read() {
    for (text, expected) in [
        ("1000", 1_000),
        ("1k", 1_000),
        ("20M", 20_000_000),
        ("020M", 20_000_000),
        ("1.5G", 1_500_000_000),
        ("1T", 1_000_000_000_000),
        ("1Mi", 1_048_576),
        ("0.5Gi", 536_870_912),
        ("1e6", 1_000_000),
        ("1.25E6", 1_250_000),
        ("20Mbit", 20_000_000),
        ("20Mbit/s", 20_000_000),
        ("1500kbit", 1_500_000),
        ("1234567bit", 1_234_567),
        ("0.0000000000000000000009T", 0),
        ("1234.9999", 1_234),
    ] {
        if expected == 0 {
            assert_eq!(text.parse::<Rate>(), Err(RateError::TooLow(0)), "{text}");
        } else {
            assert_eq!(bits(text), expected, "{text}");
        }
    }
}

#[test]
fn what_is_no_rate_is_refused() {
    for text in [
        "", "M", "-1", "+1", "1.", ".5M", "1..5", "1.5.0", " 1", "1 M", "1m", "1Mb", "20Mbps",
        "1e", "1e13", "1e-1", "1e+3", "１M", "1E", "inf", "NaN", "0x10",
    ] {
        let error = text.parse::<Rate>().unwrap_err();
        assert_eq!(error, RateError::Malformed(text.to_owned()));
    }
    for text in ["0", "999", "0.9k"] {
        assert!(matches!(text.parse::<Rate>(), Err(RateError::TooLow(_))));
    }
    let huge = "9".repeat(400);
    for text in [
        "1.1T",
        "1P",
        "1Pi",
        "1000000000001",
        &huge,
        "99999999999999999999Ti",
    ] {
        let error = text.parse::<Rate>().unwrap_err();
        assert!(matches!(error, RateError::TooHigh(_)), "{text}: {error:?}");
    }
}

#[test]
fn bursts_are_between_a_packet_and_four_gigabytes() {
    assert_eq!(Burst::new(1499), Err(BurstError::TooSmall(1499)));
    assert_eq!(Burst::new(1500).unwrap().bytes(), 1500);
    assert_eq!(Burst::new(1 << 32), Err(BurstError::TooLarge(1 << 32)));
}

#[test]
fn sizes_follow_from_the_rate() {
    for (bits, burst, queue, segments) in [
        (1_000, 1_600, 4_000_000, 1),
        (20_000_000, 1_600, 4_000_000, 3),
        (100_000_000, 3_125, 4_000_000, 16),
        (1_000_000_000, 31_250, 12_500_000, 166),
        (1_000_000_000_000, 31_250_000, 64_000_000, 65_535),
    ] {
        let limit = Limit::new(Rate::new(bits).unwrap());
        let sizes = (limit.burst_bytes(), limit.queue_bytes());
        assert_eq!(sizes, (burst, queue), "{bits}");
        assert_eq!(limit.segments(1500, None), segments, "{bits}");
        assert_eq!(limit.segments(1500, Some(2)), segments.min(2), "{bits}");
        assert!(limit.segments(0, Some(0)) >= 1);
    }
}

proptest! {
    #[test]
    fn a_rate_is_read_as_it_is_said(bits in 1_000..=1_000_000_000_000_u64, round in 0_u32..10) {
        let bits = (bits / 10_u64.pow(round) * 10_u64.pow(round)).max(1_000);
        let rate = Rate::new(bits).unwrap();
        prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        prop_assert!(rate.bytes_per_second() / 2 > 0);
    }

    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,40}", number in "[0-9.]{0,40}[a-zA-Z/]{0,5}") {
        for text in [text, number] {
            if let Ok(rate) = text.parse::<Rate>() {
                prop_assert!(rate >= Rate::MIN && rate <= Rate::MAX);
            }
        }
    }
}
