//! A bar a measure: ours as a part of the peer's, with the target as a mark. Plain SVG, since
//! bars and text are all there is to draw.

use crate::report::{Measure, Report};
use std::fmt::Write as _;

const LEFT: f64 = 330.0;
const WIDTH: f64 = 420.0;
const STEP: f64 = 26.0;
const TOP: f64 = 56.0;

/// The picture.
pub(crate) fn svg(report: &Report) -> String {
    let most = report.measures.iter().map(longest).fold(1.0, f64::max);
    // One that is far off must not press the others flat; its number is told anyway.
    let most = most.min(2.0);
    let x = |ratio: f64| LEFT + WIDTH * (ratio / most).min(1.0);
    let bottom = TOP + STEP * report.measures.len() as f64;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="24" font-size="15">Fairway by its peer ({bench}); shorter is better</text>
<text x="12" y="42" fill="#555">blue: ratio of the medians; red mark: the target; grey line: as fast as the peer</text>
<line x1="{one}" x2="{one}" y1="{TOP}" y2="{bottom}" stroke="#999"/>
"##,
        w = LEFT + WIDTH + 120.0,
        h = bottom + 16.0,
        bench = text(report.bench),
        one = x(1.0),
    );
    for (at, measure) in report.measures.iter().enumerate() {
        let y = TOP + STEP * at as f64;
        let (ratio, name) = (measure.ratio(), text(&measure.name));
        let fill = if measure.verdict() == "miss" {
            "#b58900"
        } else {
            "#268bd2"
        };
        let _ = write!(
            out,
            r##"<text x="{tx}" y="{ty}" text-anchor="end">{name}</text>
<rect x="{LEFT}" y="{by}" width="{width:.1}" height="14" fill="{fill}"/>
<text x="{lx:.1}" y="{ty}">{ratio:.2} {verdict}</text>
"##,
            tx = LEFT - 8.0,
            ty = y + 17.0,
            by = y + 6.0,
            width = x(ratio) - LEFT,
            lx = x(longest(measure)) + 8.0,
            verdict = measure.verdict(),
        );
        if let Some(target) = measure.target {
            let _ = writeln!(
                out,
                r##"<line x1="{t:.1}" x2="{t:.1}" y1="{a}" y2="{b}" stroke="#dc322f" stroke-width="2"/>"##,
                t = x(target),
                a = y + 3.0,
                b = y + 23.0,
            );
        }
    }
    out + "</svg>\n"
}

fn longest(measure: &Measure) -> f64 {
    measure.ratio().max(measure.target.unwrap_or_default())
}

fn text(raw: &str) -> String {
    raw.replace('&', "&amp;").replace('<', "&lt;")
}
