//! The classic percentile text of HdrHistogram (`.hgrm`), which its plotter and many others read.
//!
//! The conductor writes it at the end of a run. Values are milliseconds, as those tools expect; it only prints.

use std::fmt::Write;

use super::{Histograms, Measure};

/// The percentile distribution of the intended-time latency of every tag, one table after the other.
pub fn percentile_text(histograms: &Histograms) -> String {
    let mut text = String::new();
    for tag in histograms.tags() {
        for measure in Measure::ALL {
            if let Some(values) = histograms.total(tag, measure) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "#[{tag}.{}, milliseconds]", measure.suffix());
                push_table(&mut text, values);
                text.push('\n');
            }
        }
    }
    text
}

fn push_table(text: &mut String, values: &hdrhistogram::Histogram<u64>) {
    const TICKS_PER_HALF_DISTANCE: u32 = 5;
    let ms = |value: f64| value / 1e6;
    let _ = writeln!(
        text,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut seen = 0;
    for step in values.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
        seen += step.count_since_last_iteration();
        let quantile = step.quantile_iterated_to();
        let value = ms(step.value_iterated_to() as f64);
        let _ = if quantile < 1.0 {
            writeln!(text, "{value:>12.3} {quantile:>14.12} {seen:>10} {:>14.2}", 1.0 / (1.0 - quantile))
        } else {
            writeln!(text, "{value:>12.3} {quantile:>14.12} {seen:>10}")
        };
    }
    let _ = writeln!(
        text,
        "#[Mean    = {:>12.3}, StdDeviation   = {:>12.3}]",
        ms(values.mean()),
        ms(values.stdev())
    );
    let _ = writeln!(
        text,
        "#[Max     = {:>12.3}, Total count    = {:>12}]",
        ms(values.max() as f64),
        values.len()
    );
    let _ = writeln!(text, "#[Buckets = {:>12}, SubBuckets     = {:>12}]", values.buckets(), 2048);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fake_backends::clock::Moment;

    use super::super::{Histograms, Interval, LatencyHistogram, Measure};
    use super::percentile_text;

    #[test]
    fn the_table_ends_with_the_maximum_and_the_count() {
        let mut histogram = LatencyHistogram::default();
        (1..=100).for_each(|i| histogram.record(Duration::from_millis(i)));
        let mut all = Histograms::default();
        let values = histogram.values().clone();
        let (tag, measure, start) = ("steady".to_owned(), Measure::Intended, Moment(0));
        all.push(Interval { tag, measure, start, duration: Duration::from_secs(1), values });
        let text = percentile_text(&all);
        assert!(text.starts_with("#[steady.intended, milliseconds]\n"), "{text}");
        assert!(text.contains("Total count    =          100]"), "{text}");
        assert!(text.contains("1.000000000000        100"), "{text}");
    }
}
