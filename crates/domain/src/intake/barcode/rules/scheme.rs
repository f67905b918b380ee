//! One scheme of the policy, ready to judge: its pattern compiled, its dates as moments of its lab's zone.

use crate::intake::check_digit::{Fault, Scheme};
use crate::policy::{BarcodeScheme, whole_pattern};
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use regex::Regex;

/// A scheme, ready to judge.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) pattern: Regex,
    check: Option<Scheme>,
    /// First moment it is valid.
    pub(super) from: Timestamp,
    /// First moment it is valid no more.
    pub(super) until: Timestamp,
}

impl Compiled {
    /// `None` if the pattern is none; a checked policy has no such scheme.
    pub(super) fn new(scheme: &BarcodeScheme, zone: &TimeZone) -> Option<Self> {
        let start = |day: jiff::civil::Date| {
            day.to_zoned(zone.clone())
                .map(|at| Timestamp(at.timestamp().as_millisecond()))
        };
        let from = scheme.from.and_then(|day| start(day.0).ok());
        let until = scheme
            .until
            .and_then(|day| day.0.tomorrow().ok())
            .and_then(|day| start(day).ok());
        Some(Self {
            name: scheme.name.clone(),
            pattern: Regex::new(&whole_pattern(&scheme.pattern)).ok()?,
            check: scheme.check,
            from: from.unwrap_or(Timestamp(i64::MIN)),
            until: until.unwrap_or(Timestamp(i64::MAX)),
        })
    }

    pub(super) fn is_valid_at(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    pub(super) fn fault(&self, text: &str) -> Option<Fault> {
        self.check.and_then(|check| check.verify(text).err())
    }

    pub(super) fn fits(&self, text: &str, at: Timestamp) -> bool {
        self.is_valid_at(at) && self.pattern.is_match(text) && self.fault(text).is_none()
    }
}
