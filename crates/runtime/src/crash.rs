//! Places at which the chaos harness lets the process end as if the power failed.
//!
//! A place is `crash::at("name")`. It does nothing unless the crate has the feature `crash-points`, the
//! build has debug assertions (release builds never do), and the variable `FAILPOINTS` names the place:
//! `kafka.commit.sent=200*off->return` ends the process when it comes there for the 201st time.

/// Every place, in the order of a decision's way.
pub const PLACES: &[&str] = &[
    "kafka.assigned",
    "kafka.read.journal",
    "kafka.read.inbox",
    "kafka.commit.before",
    "kafka.commit.sent",
    "kafka.commit.acknowledged",
    "kafka.relay.before",
    "kafka.relay.sent",
    "kafka.relay.acknowledged",
    "cache.before",
    "cache.after",
];

/// A place.
#[inline]
pub fn at(place: &'static str) {
    #[cfg(all(feature = "crash-points", debug_assertions))]
    {
        debug_assert!(PLACES.contains(&place), "{place} is not listed");
        fail::fail_point!(place, |_| std::process::abort());
    }
    let _ = place;
}

/// Reads which places crash from the variable `FAILPOINTS`; they do until the value is dropped.
#[cfg(all(feature = "crash-points", debug_assertions))]
#[must_use]
pub fn armed() -> impl Sized {
    fail::FailScenario::setup()
}

/// Nothing, in this build.
#[cfg(not(all(feature = "crash-points", debug_assertions)))]
#[must_use]
pub fn armed() -> impl Sized {}
