//! Log lines of the process: text for people or JSON for programs, on standard error.
//!
//! Never personal data: fields are ids of lanes, labs, pools and calls, never barcodes with subjects,
//! never request bodies.

use crate::config::{LogFormat, Telemetry};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Starts logging, once in a process; later calls change nothing.
///
/// # Errors
/// The level cannot be read.
pub fn start(settings: &Telemetry) -> Result<(), tracing_subscriber::filter::ParseError> {
    let filter: EnvFilter = settings.level.parse()?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_span_events(FmtSpan::NONE);
    // A second start in one process (tests run many services) keeps the first.
    let _ = match settings.format {
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    Ok(())
}

/// The trace of a request: as the caller states it (W3C `traceparent`), or a new one.
#[must_use]
pub fn traceparent(headers: &tonic::codegen::http::HeaderMap) -> String {
    headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok())
        .filter(|text| is_traceparent(text))
        .map_or_else(new_traceparent, str::to_owned)
}

/// A trace that starts here.
#[must_use]
pub fn new_traceparent() -> String {
    let trace = uuid::Uuid::new_v4().simple().to_string();
    let span = uuid::Uuid::new_v4().simple().to_string();
    format!(
        "00-{trace}-{}-01",
        span.get(..16).unwrap_or("0000000000000001")
    )
}

/// The trace id inside a traceparent; empty if there is none.
#[must_use]
pub fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).unwrap_or_default()
}

/// `00-<32 hex>-<16 hex>-<2 hex>`, ids not all zero.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else {
        return false;
    };
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let set = |part: &str| part.bytes().any(|b| b != b'0');
    hex(version, 2)
        && *version != "ff"
        && hex(trace, 32)
        && hex(span, 16)
        && hex(flags, 2)
        && set(trace)
        && set(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::codegen::http::{HeaderMap, HeaderValue};

    #[test]
    fn a_callers_trace_goes_on_and_anything_else_starts_a_new_one() {
        let theirs = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(theirs));
        assert_eq!(traceparent(&headers), theirs);
        assert_eq!(trace_id(theirs), "0af7651916cd43dd8448eb211c80319c");
        for bad in [
            "",
            "00-0-0-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "name: Zhang",
        ] {
            headers.insert("traceparent", HeaderValue::from_static(bad));
            let made = traceparent(&headers);
            assert_ne!(made, bad);
            assert!(is_traceparent(&made), "{made}");
        }
    }
}
