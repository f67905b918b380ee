//! The policy with its patterns compiled, and the judgement of one barcode: [`scheme`] is what it is held against,
//! [`refusal`] says why it fits none.

mod refusal;
mod scheme;

use super::{BARCODE_BYTES_MAX, characters};
use crate::ids::SiteId;
use crate::policy::{ActivePolicy, BarcodeScheme, Library, Memo, Policy, no_policy};
use crate::rejection::Rejection;
use crate::tables::{Read, ReadExt};
use crate::time::Timestamp;
use jiff::tz::TimeZone;
use refusal::{refused, why_not};
use scheme::Compiled;
use std::collections::HashMap;
use std::sync::Arc;

/// A policy with its patterns compiled once.
#[derive(Debug)]
pub struct Rules {
    /// The policy.
    pub policy: Arc<Policy>,
    schemes: Vec<Compiled>,
    sites: HashMap<SiteId, Vec<Compiled>>,
}

impl Rules {
    /// Compiles a policy's patterns.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        let compile = |schemes: &[BarcodeScheme], zone: &TimeZone| -> Vec<Compiled> {
            schemes
                .iter()
                .filter_map(|scheme| Compiled::new(scheme, zone))
                .collect()
        };
        let zone = |name: &str| TimeZone::get(name).unwrap_or(TimeZone::UTC);
        let common = policy
            .labs
            .values()
            .next()
            .map_or(TimeZone::UTC, |lab| zone(&lab.zone));
        let sites = policy
            .sites
            .iter()
            .filter(|(_, site)| !site.barcodes.is_empty())
            .map(|(id, site)| {
                let lab = policy.labs.get(&site.lab);
                let zone = lab.map_or(TimeZone::UTC, |lab| zone(&lab.zone));
                (id.clone(), compile(&site.barcodes, &zone))
            })
            .collect();
        Self {
            schemes: compile(&policy.registration.barcodes, &common),
            sites,
            policy,
        }
    }

    fn schemes(&self, site: &SiteId) -> &[Compiled] {
        self.sites.get(site).unwrap_or(&self.schemes)
    }

    /// Judges a barcode that a site registers at a moment.
    ///
    /// # Errors
    /// `BARCODE_MISSING`, `BARCODE_TOO_LONG`, `BARCODE_CHARACTER`, `BARCODE_CHECK_DIGIT`,
    /// `BARCODE_SCHEME_DATES`, `BARCODE_DAMAGED`, `BARCODE_PATTERN`.
    pub fn check_barcode(&self, site: &SiteId, text: &str, at: Timestamp) -> Result<(), Rejection> {
        if text.is_empty() {
            return Err(refused(
                "BARCODE_MISSING",
                "the barcode is empty",
                "scan the tube",
            ));
        }
        if text.len() > BARCODE_BYTES_MAX {
            let message = format!(
                "the barcode has {} bytes: {BARCODE_BYTES_MAX} are allowed",
                text.len()
            );
            return Err(refused(
                "BARCODE_TOO_LONG",
                message,
                "scan one barcode into the field; check that the scanner ends each with a line end",
            ));
        }
        if let Some((place, c)) = characters::first_foreign(text) {
            return Err(refused(
                "BARCODE_CHARACTER",
                format!(
                    "barcode {text:?} has a character no barcode may have at {place}: {}",
                    characters::name(c)
                ),
                "scan the label again instead of copying text; what a scanner adds is configured in registration.scanner",
            ));
        }
        let schemes = self.schemes(site);
        if schemes.iter().any(|scheme| scheme.fits(text, at)) {
            return Ok(());
        }
        Err(why_not(schemes, site, text, at))
    }
}

/// Rules by policy, compiled once.
#[derive(Debug, Default)]
pub struct Rulebook {
    library: Library,
    memo: Memo<Rules>,
}

impl Rulebook {
    /// Parsed policies.
    #[must_use]
    pub const fn library(&self) -> &Library {
        &self.library
    }

    /// The rules of the policy that is active in a lane.
    ///
    /// # Errors
    /// `NO_POLICY`.
    pub fn active(&self, state: &dyn Read) -> Result<Arc<Rules>, Rejection> {
        let active = state.get::<ActivePolicy>(&()).ok_or_else(no_policy)?;
        self.memo.get_or_make(&active.digest, || {
            self.library.active(state).map(Rules::new)
        })
    }
}

#[cfg(test)]
mod tests;
