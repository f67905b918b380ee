//! One trace through the whole pipeline: the W3C `traceparent` of the call under way.
//!
//! The edge sets it for the duration of a call ([`traced`]); the gateway reads it and gives it to the
//! lane, whose records and messages carry it on, so that a report can be followed back to the
//! registration's batch. A record carries the trace of the first call in it.

use std::future::Future;

tokio::task_local! {
    static CURRENT: String;
}

/// Runs a future under a trace.
pub async fn traced<F: Future>(traceparent: String, future: F) -> F::Output {
    CURRENT.scope(traceparent, future).await
}

/// The trace of the call under way; empty if there is none.
#[must_use]
pub fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_call_sees_its_own_trace_and_no_other() {
        assert_eq!(current(), "");
        let (a, b) = tokio::join!(
            traced("a".to_owned(), async { current() }),
            traced("b".to_owned(), async { current() }),
        );
        assert_eq!((a.as_str(), b.as_str()), ("a", "b"));
        assert_eq!(current(), "");
    }
}
