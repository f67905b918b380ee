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
    metric(
        "tenfold_connections_count",
        Kind::Gauge,
        &["door"],
        "Connections that are open, by what they came for: grpc or pages.",
    ),
    metric(
        "tenfold_connections_refused_total",
        Kind::Counter,
        &["door"],
        "Connections closed at once because all seats were taken by others that speak: raise grpc.connections_max, or find who holds them.",
    ),
    metric(
        "tenfold_connections_dropped_total",
        Kind::Counter,
        &["door"],
        "Connections closed because they had not greeted: too late, or to make room for another.",
    ),
    // The process.
    metric(
        "tenfold_build_info",
        Kind::Gauge,
        &["version"],
        "Always 1; the label tells the release that runs.",
    ),
];
