//! The list.

use super::{Kind, Metric};

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        help,
    }
}

/// All metrics, in the order of the page.
pub const METRICS: &[Metric] = &[
    // The hot path.
    metric(
        "tenfold_call_stage_seconds",
        Kind::Histogram,
        &["service", "stage"],
        "Time of a command in each stage of the hot path: queue, decide, append, apply, answer.",
    ),
    metric(
        "tenfold_call_seconds",
        Kind::Histogram,
        &["service"],
        "Time of a command from its arrival to its answer.",
    ),
    metric(
        "tenfold_calls_over_budget_total",
        Kind::Counter,
        &["service", "stage"],
        "Commands that took longer than the budget, by the stage that took most; each has a log line.",
    ),
    metric(
        "tenfold_rpc_seconds",
        Kind::Histogram,
        &["method", "code"],
        "Time of a gRPC call as the server saw it, by method and status code; of a stream, until it began to answer.",
    ),
    // The process.
    metric(
        "tenfold_build_info",
        Kind::Gauge,
        &["version"],
        "Always 1; the label tells the release that runs.",
    ),
];
