//! What intake knows of a barcode, as it travels to pooling and results.

use crate::ids::{Barcode, ClassId, LabId, SiteId, Subject};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of thing was swabbed. Kinds never share a pool.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person, or several in a collection pool.
    #[default]
    Person,
    /// An object, such as a parcel of a lot.
    Object,
    /// A surface or air.
    Environment,
}

/// A remark about a registration that does not refuse it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// `collected_at` is later than the time it arrived here.
    CollectedInFuture,
    /// It arrived long after `collected_at`.
    LateEntry,
    /// No `collected_at` was given.
    CollectedUnknown,
    /// The tube reached the lab before its registration reached us.
    RegisteredAfterReceipt,
    /// The same person was sampled again inside the isolation interval: a repeat, not a duplicate.
    IsolationRepeat,
}

/// Why a sample must not be tested before a person decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// The number of registered subjects differs from the number of swabs seen in the tube.
    CountMismatch {
        /// Subjects registered.
        registered: u32,
        /// Swabs seen.
        observed: u32,
    },
}

/// One barcode's registration at one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The tube's barcode.
    pub barcode: Barcode,
    /// From 1; an amendment adds one.
    pub version: u32,
    /// Where it was collected.
    pub site: SiteId,
    /// The lab it was routed to.
    pub lab: LabId,
    /// What was swabbed.
    pub kind: Kind,
    /// Kind of swab or medium, as the policy names it; types never share a pool.
    pub specimen_type: String,
    /// Sampling class: decides deadline and pooling limit.
    pub class: ClassId,
    /// Pseudonyms: one, or up to n for a collection pool.
    pub subjects: Vec<Subject>,
    /// More than one subject may be in this tube: it is never pooled again.
    pub collection_pool: bool,
    /// Swabs seen in the tube.
    pub observed_swabs: Option<u32>,
    /// As the site stated it: raw, never compared with lane time for order.
    pub collected_at: Option<Timestamp>,
    /// When intake decided it (lane time).
    pub registered_at: Timestamp,
    /// Who collected it, a pseudonym.
    pub collector: Option<String>,
    /// Sampling round or campaign.
    pub round: Option<String>,
    /// Box it travels in.
    pub transport_box: Option<String>,
    /// Remarks.
    pub flags: Vec<Flag>,
    /// Not to be tested before a person decides.
    pub hold: Option<Hold>,
    /// The earlier sample that this one replaces.
    pub recollection_of: Option<Barcode>,
}
