//! Values over time, a line each, with what they are to be as a mark.

use super::text;
use std::fmt::Write as _;

const LEFT: f64 = 48.0;
const TOP: f64 = 48.0;
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 240.0;

/// One line: (time in seconds, value).
#[derive(Debug)]
pub(crate) struct Line<'a> {
    pub(crate) name: &'a str,
    pub(crate) colour: &'a str,
    pub(crate) points: &'a [(f64, f64)],
}

/// The picture; `wanted` is where the mark is.
pub(crate) fn lines(title: &str, unit: &str, wanted: f64, all: &[Line<'_>]) -> String {
    let points = || all.iter().flat_map(|line| line.points);
    let end = points().map(|point| point.0).fold(1.0, f64::max);
    let most = points().map(|point| point.1).fold(wanted * 1.25, f64::max);
    let x = |time: f64| LEFT + WIDTH * time / end;
    let y = |value: f64| TOP + HEIGHT * (1.0 - value / most);
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="20" font-size="15">{title}</text>
<text x="12" y="38" fill="#555">{unit} of frames, each tenth of a second; red: the limit</text>
<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#999"/>
<line x1="{LEFT}" x2="{right}" y1="{mark:.1}" y2="{mark:.1}" stroke="#dc322f"/>
<text x="{tx}" y="{my:.1}" text-anchor="end">{wanted}</text>
<text x="{tx}" y="{bottom}" text-anchor="end">0</text>
<text x="{right}" y="{below}" text-anchor="end">{end:.0} s</text>
"##,
        w = LEFT + WIDTH + 24.0,
        h = TOP + HEIGHT + 28.0,
        title = text(title),
        unit = text(unit),
        bottom = TOP + HEIGHT,
        right = LEFT + WIDTH,
        mark = y(wanted),
        my = y(wanted) + 4.0,
        tx = LEFT - 6.0,
        below = TOP + HEIGHT + 18.0,
    );
    for (at, line) in all.iter().enumerate() {
        let mut path = String::new();
        for (time, value) in line.points {
            let _ = write!(path, "{:.1},{:.1} ", x(*time), y(*value));
        }
        let _ = writeln!(
            out,
            r##"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="1.5"/>
<text x="{tx}" y="{ty}" fill="{colour}" text-anchor="end">{name}</text>"##,
            path.trim_end(),
            colour = line.colour,
            name = text(line.name),
            tx = LEFT + WIDTH - 100.0 * (all.len() - 1 - at) as f64,
            ty = TOP - 10.0,
        );
    }
    out + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_and_the_highest_point_are_inside() {
        let line = Line {
            name: "a<b",
            colour: "#000",
            points: &[(0.0, 0.0), (10.0, 50.0)],
        };
        let drawn = lines("t", "Mbit/s", 20.0, &[line]);
        // From the lower left to the upper right corner, and the mark at two fifths of the height.
        assert!(
            drawn.contains(r#"points="48.0,288.0 768.0,48.0""#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"y1="192.0""#), "{drawn}");
        assert!(drawn.contains("a&lt;b"), "{drawn}");
    }
}
