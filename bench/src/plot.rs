//! A bar a line: ours as a part of the peer's, or as a part of what the bound allows, with the
//! target as a mark. Plain SVG, since bars and text are all there is to draw.

mod lines;

pub(crate) use lines::{Line, lines};

use crate::report::{Better, Report};
use std::fmt::Write as _;

const LEFT: f64 = 390.0;
const WIDTH: f64 = 420.0;
const STEP: f64 = 26.0;
const TOP: f64 = 56.0;

/// One line of the picture.
struct Bar<'a> {
    name: &'a str,
    /// Of the peer's, or of what is allowed.
    length: f64,
    target: Option<f64>,
    verdict: &'static str,
    /// What stands beside it.
    label: String,
}

fn bars(report: &Report) -> Vec<Bar<'_>> {
    // Of a rate the length is the peer's by ours: shorter is better here, too.
    let length = |better, ratio: f64| match better {
        Better::Less => ratio,
        Better::More => 1.0 / ratio,
    };
    let compared = report.measures.iter().map(|measure| Bar {
        name: &measure.name,
        length: length(measure.better, measure.ratio()),
        target: measure.target.map(|target| length(measure.better, target)),
        verdict: measure.verdict(),
        label: format!("{:.2}", measure.ratio()),
    });
    let alone = report.figures.iter().filter_map(|figure| {
        let length = figure.share()?;
        Some(Bar {
            name: &figure.name,
            length,
            target: Some(1.0),
            verdict: figure.verdict(),
            label: format!("{:.3} {}", figure.samples.median(), figure.unit),
        })
    });
    compared.chain(alone).collect()
}

/// The picture.
pub(crate) fn svg(report: &Report) -> String {
    let bars = bars(report);
    let most = bars.iter().map(longest).fold(1.0, f64::max);
    // One that is far off must not press the others flat; its number is told anyway.
    let most = most.min(2.0);
    let x = |ratio: f64| LEFT + WIDTH * (ratio / most).min(1.0);
    let bottom = TOP + STEP * bars.len() as f64;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="12" y="24" font-size="15">Fairway by its peer, or by its target ({bench}); shorter is better</text>
<text x="12" y="42" fill="#555">blue: ratio of the medians; red mark: the target; grey line: as fast as the peer</text>
<line x1="{one}" x2="{one}" y1="{TOP}" y2="{bottom}" stroke="#999"/>
"##,
        w = LEFT + WIDTH + 180.0,
        h = bottom + 16.0,
        bench = text(report.bench),
        one = x(1.0),
    );
    for (at, bar) in bars.iter().enumerate() {
        let y = TOP + STEP * at as f64;
        let fill = if bar.verdict == "miss" {
            "#b58900"
        } else {
            "#268bd2"
        };
        let _ = write!(
            out,
            r##"<text x="{tx}" y="{ty}" text-anchor="end">{name}</text>
<rect x="{LEFT}" y="{by}" width="{width:.1}" height="14" fill="{fill}"/>
<text x="{lx:.1}" y="{ty}">{label} {verdict}</text>
"##,
            name = text(bar.name),
            tx = LEFT - 8.0,
            ty = y + 17.0,
            by = y + 6.0,
            width = x(bar.length) - LEFT,
            lx = x(longest(bar)) + 8.0,
            label = text(&bar.label),
            verdict = bar.verdict,
        );
        if let Some(target) = bar.target {
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

fn longest(bar: &Bar<'_>) -> f64 {
    bar.length.max(bar.target.unwrap_or_default())
}

fn text(raw: &str) -> String {
    raw.replace('&', "&amp;").replace('<', "&lt;")
}
