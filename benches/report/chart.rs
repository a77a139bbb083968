//! The picture of a report: a line of each contestant, a column of each comparison. A dot is the median, the line through it
//! reaches from the fastest round to the slowest, and the dashed line is the median of the first contestant.

use larder_benches::{Comparison, Group, Measure, Report, is_larder};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::FontStyle;
use plotters::style::text_anchor::{HPos, Pos, VPos};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

// Mid tones, which can be read on white and on black.
const OTHERS: RGBColor = RGBColor(0x76, 0x7c, 0x85);
const LARDER: RGBColor = RGBColor(0x2a, 0x7d, 0xe1);

const MARGIN: i32 = 12;
const NAMES: i32 = 350;
/// The width of all columns, and the greatest of one plot.
const COLUMNS: i32 = 920;
const PLOT: i32 = 330;
/// The width of the number beside a plot, without and with a note.
const NUMBER: i32 = 100;
const NOTE: i32 = 240;
const LINE: i32 = 24;
/// The space of the titles above a group, and that between groups.
const HEAD: i32 = 54;
const GAP: i32 = 14;

/// The widths of a plot and of the text beside it, the same in all columns of a picture.
#[derive(Clone, Copy)]
struct Column {
    plot: i32,
    text: i32,
}

impl Column {
    fn new(report: &Report, columns: i32) -> Self {
        let comparisons = report.groups.iter().flat_map(|group| &group.comparisons);
        let has_notes = comparisons.flat_map(|comparison| &comparison.rows).any(|row| !row.note.is_empty());
        let text = if has_notes { NOTE } else { NUMBER };
        Self { plot: (COLUMNS / columns - text).clamp(NUMBER, PLOT), text }
    }

    fn width(self) -> i32 {
        self.plot + self.text
    }
}

/// An SVG document.
pub fn draw(report: &Report) -> String {
    let columns = report.groups.iter().map(|group| group.comparisons.len()).max().unwrap_or(1) as i32;
    let column = Column::new(report, columns);
    let width = 2 * MARGIN + NAMES + columns * column.width();
    let height: i32 = report.groups.iter().map(height_of).sum::<i32>() + 2 * MARGIN + LINE;
    let mut document = String::new();
    {
        let area = SVGBackend::with_string(&mut document, (width as u32, height as u32)).into_drawing_area();
        let mut top = MARGIN;
        for group in &report.groups {
            draw_group(&area, group, report.measure, column, top);
            top += height_of(group);
        }
        let faster = if report.measure == Measure::Time { "left" } else { "right" };
        let legend = format!(
            "dot: median; line: all rounds; dashed: the first; logarithmic, further {faster} is faster"
        );
        write(
            &area,
            &legend,
            (MARGIN, top + LINE / 2),
            &Look { color: OTHERS, bold: false, align: HPos::Left },
        );
        area.present().expect("a picture");
    }
    document
}

fn height_of(group: &Group) -> i32 {
    HEAD + LINE * group.contestants().len() as i32 + GAP
}

fn draw_group(area: &Area<'_>, group: &Group, measure: Measure, column: Column, top: i32) {
    let title = Look { color: OTHERS, bold: true, align: HPos::Left };
    write(area, &group.title.replace('`', ""), (MARGIN, top + LINE / 2), &title);
    let names = group.contestants();
    for (index, name) in names.iter().enumerate() {
        let middle = top + HEAD + LINE * index as i32 + LINE / 2;
        write(area, name, (MARGIN, middle), &Look { align: HPos::Left, ..Look::of(name) });
    }
    for (index, comparison) in group.comparisons.iter().enumerate() {
        let left = MARGIN + NAMES + column.width() * index as i32;
        write(area, &comparison.title, (left, top + LINE + LINE / 2), &Look { bold: false, ..title });
        draw_comparison(area, comparison, measure, column, (left, top + HEAD), &names);
    }
}

fn draw_comparison(
    area: &Area<'_>,
    comparison: &Comparison,
    measure: Measure,
    column: Column,
    (left, top): (i32, i32),
    names: &[&str],
) {
    let scale = Scale::new(comparison, left, column.plot);
    let reference = scale.place(comparison.rows[0].median);
    let bottom = top + LINE * names.len() as i32;
    for dash in (top..bottom).step_by(6) {
        line(area, [(reference, dash), (reference, dash + 3)], OTHERS.mix(0.5).stroke_width(1));
    }
    for (index, name) in names.iter().enumerate() {
        let Some(row) = comparison.row(name) else { continue };
        let look = Look::of(name);
        let middle = top + LINE * index as i32 + LINE / 2;
        let ends = [(scale.place(row.min), middle), (scale.place(row.max), middle)];
        line(area, ends, look.color.stroke_width(2));
        let dot = Circle::new((scale.place(row.median), middle), 5, look.color.filled());
        area.draw(&dot).expect("a dot");
        let text = measure.format(row.median) + &row.remark();
        write(area, &text, (left + column.width() - 14, middle), &look);
    }
}

fn line(area: &Area<'_>, ends: [(i32, i32); 2], style: ShapeStyle) {
    area.draw(&PathElement::new(ends, style)).expect("a line");
}

/// A logarithmic scale over all values of one comparison.
struct Scale {
    left: i32,
    width: i32,
    low: f64,
    span: f64,
}

impl Scale {
    fn new(comparison: &Comparison, left: i32, width: i32) -> Self {
        let low = comparison.rows.iter().map(|row| row.min.ln()).fold(f64::INFINITY, f64::min);
        let high = comparison.rows.iter().map(|row| row.max.ln()).fold(f64::NEG_INFINITY, f64::max);
        // Never less than a factor of two, so that small differences look small.
        let span = (high - low).max(2_f64.ln());
        Self { left, width, low: f64::midpoint(low, high) - span / 2.0, span }
    }

    fn place(&self, value: f64) -> i32 {
        let share = (value.ln() - self.low) / self.span;
        self.left + 6 + (share * f64::from(self.width - 12)).round() as i32
    }
}

/// The color, weight and alignment of a text.
#[derive(Clone, Copy)]
struct Look {
    color: RGBColor,
    bold: bool,
    align: HPos,
}

impl Look {
    fn of(contestant: &str) -> Self {
        let bold = is_larder(contestant);
        Self { color: if bold { LARDER } else { OTHERS }, bold, align: HPos::Right }
    }
}

fn write(area: &Area<'_>, text: &str, place: (i32, i32), look: &Look) {
    let style = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
    let font = ("sans-serif", 17).into_font().style(style).color(&look.color);
    let font = font.pos(Pos::new(look.align, VPos::Center));
    area.draw(&Text::new(text.to_owned(), place, font)).expect("a text");
}
