//! Every metric there is: its name, what it counts, its labels.
//!
//! Names follow `tenfold_<name>_<unit>[_total]`. Literals in `counter!`, `gauge!` and `histogram!` are
//! compared with the list by the tests of the repository, the list with `docs/metrics.md` by a test here. Labels never hold barcodes, subjects or people.

mod definitions;

use definitions::METRICS;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::fmt::Write as _;
use std::sync::OnceLock;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows; ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution; in seconds unless the name says otherwise.
    Histogram,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it tells, and whom it should alarm when.
    pub help: &'static str,
}

/// Every metric: the shell's, then the engine's. The engine names and describes its own; what they are
/// follows from the names.
#[must_use]
pub fn all() -> Vec<Metric> {
    let engine = tenfold_runtime::metrics::ALL.iter().map(|(name, help)| {
        let kind = if name.ends_with("_total") {
            Kind::Counter
        } else if name.ends_with("_seconds") || name.ends_with("_inputs") {
            Kind::Histogram
        } else {
            Kind::Gauge
        };
        let labels: &[&str] = if help.contains("by reason") {
            &["service", "reason"]
        } else if help.contains("by the stage") {
            &["service", "stage"]
        } else if name.starts_with("tenfold_log_") {
            // A process has one log, whatever services it runs.
            &[]
        } else {
            &["service"]
        };
        Metric {
            name,
            kind,
            labels,
            help,
        }
    });
    METRICS.iter().copied().chain(engine).collect()
}

/// Upper bounds of histograms of durations, in seconds: fine around the hot path's budget (20 and 50 ms).
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5,
    1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Upper bounds of histograms of counts and sizes.
const COUNTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0,
    262_144.0,
];

static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts counting in this process; the handle renders what was counted. Later calls get the same handle.
///
/// # Errors
/// Another recorder is installed already.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    if let Some(handle) = INSTALLED.get() {
        return Ok(handle.clone());
    }
    let mut builder = PrometheusBuilder::new();
    for metric in all().iter().filter(|m| m.kind == Kind::Histogram) {
        let bounds = if metric.name.ends_with("_seconds") {
            SECONDS
        } else {
            COUNTS
        };
        builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
    }
    let handle = builder.install_recorder()?;
    for metric in all() {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
    metrics::gauge!("tenfold_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(INSTALLED.get_or_init(|| handle).clone())
}

/// The page of all metrics, `docs/metrics.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\nEvery process serves these as Prometheus text at `/metrics`. Names follow \
         `tenfold_<name>_<unit>[_total]`. No label ever holds a barcode, a subject or a person.\n\n\
         This page is written by `scripts/docs` from the lists in the code (`crates/service-shell/src/metrics` and \
         `crates/runtime/src/metrics.rs`); a test compares them.\n\n| name | kind | labels | what it tells |\n|---|---|---|---|\n",
    );
    for metric in all() {
        let labels: Vec<String> = metric.labels.iter().map(|l| format!("`{l}`")).collect();
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let _ = writeln!(
            page,
            "| `{}` | {kind} | {} | {} |",
            metric.name,
            labels.join(", "),
            metric.help
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn names_follow_the_template_and_are_there_once() {
        let units = [
            "seconds", "bytes", "ratio", "count", "total", "info", "number", "inputs", "owned",
            "settling",
        ];
        let all = all();
        for (i, metric) in all.iter().enumerate() {
            let name = metric.name;
            assert!(name.starts_with("tenfold_"), "{name}");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            assert!(
                units.iter().any(|unit| name.ends_with(unit)),
                "{name} has no unit"
            );
            assert_eq!(
                metric.kind == Kind::Counter,
                name.ends_with("_total"),
                "{name}"
            );
            assert!(metric.help.ends_with('.'), "{name} is not described");
            assert!(
                all[..i].iter().all(|other| other.name != name),
                "{name} is there twice"
            );
        }
    }

    #[test]
    fn the_page_of_metrics_is_what_the_code_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        if std::env::var_os("WRITE_DOCS").is_some() {
            std::fs::write(&path, page()).expect("the page can be written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            written == page(),
            "docs/metrics.md is old: run scripts/docs"
        );
    }

    #[test]
    fn what_is_counted_is_rendered_with_its_description() {
        let handle = install().expect("a recorder");
        let metric = METRICS[0];
        assert_eq!(metric.kind, Kind::Histogram);
        metrics::histogram!(metric.name, "method" => "/a.B/C", "code" => "0").record(0.004);
        let text = handle.render();
        assert!(
            text.contains(&format!("# HELP {} {}", metric.name, metric.help)),
            "{text}"
        );
        assert!(text.contains("le=\"0.02\""), "{text}");
    }
}
