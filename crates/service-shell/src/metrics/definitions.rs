//! The shell's own part of the list; the engine's is [`tenfold_runtime::metrics::ALL`].

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

/// The shell's metrics, in the order of the page.
pub const METRICS: &[Metric] = &[
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
