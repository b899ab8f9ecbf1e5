//! The data of the zoomable chart: the latency of every load step by percentile, as JSON inside the page.
//!
//! The script draws it with uPlot where scripts run; the plots above it say the same without one.

use serde::Serialize;

use crate::language::plot_words::PlotWord;
use crate::language::{InWords as _, Language};
use crate::report::latency::TagLatency;

/// What the script needs to draw the chart.
#[derive(Serialize)]
struct ChartData {
    /// Percentiles of all series, as 1/(1−p).
    x: Vec<f64>,
    /// One series a tag.
    series: Vec<Series>,
    x_name: String,
    y_name: String,
    /// `,` or `.`.
    decimal: char,
}

#[derive(Serialize)]
struct Series {
    name: String,
    /// Milliseconds, `null` beyond the samples of the tag.
    values: Vec<Option<f64>>,
}

/// Points on each tenfold of 1/(1−p).
const POINTS_PER_DECADE: i32 = 60;

/// The JSON text, safe inside a script element; `None` where no load step measured anything.
pub(super) fn chart_data(tags: &[TagLatency<'_>], language: Language) -> Option<String> {
    let measured: Vec<_> =
        tags.iter().filter_map(|tag| Some((tag, tag.intended.filter(|v| v.len() > 1)?))).collect();
    let most = measured.iter().map(|(_, values)| values.len()).max()?;
    let decades = (most as f64).log10();
    let points = (decades * f64::from(POINTS_PER_DECADE)).ceil() as i32;
    let x: Vec<f64> = (0..=points).map(|i| 10f64.powf(f64::from(i) / f64::from(POINTS_PER_DECADE))).collect();
    let series = measured
        .iter()
        .map(|(tag, values)| Series {
            name: crate::report::wire::plain(&tag.tag, 60),
            values: x
                .iter()
                .map(|x| {
                    let ms = values.value_at_quantile(1.0 - 1.0 / x) as f64 / 1e6;
                    (*x <= values.len() as f64 * 1.0001).then_some((ms * 10_000.0).round() / 10_000.0)
                })
                .collect(),
        })
        .collect();
    let data = ChartData {
        x: x.iter().map(|x| (x * 1000.0).round() / 1000.0).collect(),
        series,
        x_name: PlotWord::Percentile.in_words(language),
        y_name: PlotWord::Latency.in_words(language),
        decimal: language.choose('.', ','),
    };
    // Inside a script element only `<` could end it.
    serde_json::to_string(&data).ok().map(|text| text.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use super::chart_data;
    use crate::language::Language;
    use crate::report::latency::by_tag;
    use crate::report::testkit::RunBuilder;

    #[test]
    fn the_data_cannot_end_its_element_and_errors_alone_give_none() {
        let run = RunBuilder::new("load").ready().load("</script>", 1_000, 0).build();
        let text = chart_data(&by_tag(&run.source()), Language::Es).unwrap();
        assert!(!text.contains('<') && text.contains("\\u003c/script>"), "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        let run = RunBuilder::new("load").ready().load("bad", 40, 100).build();
        assert!(chart_data(&by_tag(&run.source()), Language::Es).is_none());
    }
}
