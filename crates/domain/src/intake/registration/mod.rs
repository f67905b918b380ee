//! What a site states about a tube, and whether that can be true. [`validate`] answers with every
//! field's problem at once; whether the barcode is free is `register`'s matter.

mod compare;
mod validate;

pub use compare::{Digest64, differences, digest};
pub use validate::{Subject, accept};

use crate::ids::{Barcode, ClassId, LabId, SiteId};
use crate::sample::Kind;
use crate::time::Timestamp;

/// Longest id or remark of a registration (site, class, round, ...), in bytes.
pub const TEXT_BYTES_MAX: usize = 64;
/// Longest pseudonym, in bytes: an HMAC of 512 bits in hexadecimal.
pub const SUBJECT_BYTES_MAX: usize = 128;
/// Most subjects that are looked at one by one; above it the count alone is refused.
pub const SUBJECTS_MAX: usize = 64;
/// Most swabs that may be observed in one tube.
pub const SWABS_MAX: u32 = 1_000;
/// Highest version of a registration: far above any number of corrections by people.
pub const VERSION_MAX: u32 = 1_000_000;

/// Everything a sender knows about one barcode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registration {
    /// What a scanner reads from the tube.
    pub barcode: Barcode,
    /// The system that states it; empty = the site.
    pub source: String,
    /// From 1; 0 = not said.
    pub version: u32,
    /// Collection site.
    pub site: SiteId,
    /// The lab, if the sender says.
    pub lab: Option<LabId>,
    /// What was swabbed; `None` = not said.
    pub kind: Option<Kind>,
    /// Kind of swab or medium.
    pub specimen_type: String,
    /// Sampling class.
    pub class: ClassId,
    /// Pseudonyms.
    pub subjects: Vec<crate::ids::Subject>,
    /// Several persons' swabs may be in the tube.
    pub collection_pool: bool,
    /// Swabs seen in the tube.
    pub observed_swabs: Option<u32>,
    /// As the site's clock said.
    pub collected_at: Option<Timestamp>,
    /// Who collected it.
    pub collector: Option<String>,
    /// Sampling round.
    pub round: Option<String>,
    /// Box it travels in.
    pub transport_box: Option<String>,
    /// The earlier sample that this one replaces.
    pub recollection_of: Option<Barcode>,
    /// The person is sampled again inside the isolation interval, the site says.
    pub isolation_repeat: bool,
}

impl Registration {
    /// Who states it.
    #[must_use]
    pub fn stated_by(&self) -> &str {
        if self.source.is_empty() {
            self.site.as_str()
        } else {
            &self.source
        }
    }

    /// The version, if one is said, or `otherwise`.
    #[must_use]
    pub const fn version_or(&self, otherwise: u32) -> u32 {
        if self.version == 0 {
            otherwise
        } else {
            self.version
        }
    }
}
