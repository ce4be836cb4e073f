//! Times of day, in UTC: the machines of a cluster may be in several zones, their flows are put together.

const DAY: u64 = 86_400_000;

/// `2026-11-28T20:12:01.042Z`, of milliseconds since 1970.
pub(crate) fn utc(millis: u64) -> String {
    let (year, month, day) = date(millis / DAY);
    let of_day = millis % DAY;
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// `2026-11-28T20:12:01Z`, of seconds since 1970.
pub(crate) fn utc_second(seconds: u64) -> String {
    let text = utc(seconds.saturating_mul(1000));
    text.split('.').next().unwrap_or_default().to_owned() + "Z"
}

/// Days since 1970 in the Gregorian calendar. Counted in years that begin with March, so that the leap day
/// is a year's last, and in spans of 400 years, which are alike.
fn date(days: u64) -> (u64, u64, u64) {
    const SPAN: u64 = 146_097;
    let since = days + 719_468;
    let (span, in_span) = (since / SPAN, since % SPAN);
    let year = (in_span - in_span / 1460 + in_span / 36_524 - in_span / (SPAN - 1)) / 365;
    let in_year = in_span - (365 * year + year / 4 - year / 100);
    let march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * march + 2) / 5 + 1;
    let month = if march < 10 { march + 3 } else { march - 9 };
    (span * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_the_calendar_has_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (1_795_896_721, "2026-11-28T20:12:01.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(utc(seconds * 1000), text);
            assert_eq!(utc_second(seconds), text.replace(".000", ""));
        }
        assert_eq!(utc(1_042), "1970-01-01T00:00:01.042Z");
        assert!(utc(u64::MAX).ends_with('Z'));
    }
}
