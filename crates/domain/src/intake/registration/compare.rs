//! Whether two statements about a barcode say the same.

use super::Registration;
use crate::sample::{Flag, Sample};

/// First 8 bytes of blake3 over what a registration states: kept for closed samples, whose statement is gone.
pub type Digest64 = u64;

/// The fields in which a registration differs from the accepted sample; none = it says the same. A lab
/// that the sender leaves open differs from none.
#[must_use]
pub fn differences(registration: &Registration, sample: &Sample) -> Vec<&'static str> {
    let r = registration;
    let s = sample;
    [
        ("site", r.site == s.site),
        ("lab", r.lab.as_ref().is_none_or(|lab| *lab == s.lab)),
        ("kind", r.kind == Some(s.kind)),
        ("specimen_type", r.specimen_type == s.specimen_type),
        ("sampling_class", r.class == s.class),
        ("subjects", r.subjects == s.subjects),
        ("collection_pool", r.collection_pool == s.collection_pool),
        ("observed_swabs", r.observed_swabs == s.observed_swabs),
        ("collected_at", r.collected_at == s.collected_at),
        ("collector", r.collector == s.collector),
        ("round", r.round == s.round),
        ("transport_box", r.transport_box == s.transport_box),
        ("recollection_of", r.recollection_of == s.recollection_of),
        (
            "isolation_repeat",
            r.isolation_repeat == s.flags.contains(&Flag::IsolationRepeat),
        ),
    ]
    .into_iter()
    .filter_map(|(field, same)| (!same).then_some(field))
    .collect()
}

/// The digest of an accepted sample's statement, without the lab (routing may have chosen it).
#[must_use]
pub fn digest(sample: &Sample) -> Digest64 {
    let statement = (
        &sample.site,
        sample.kind,
        &sample.specimen_type,
        &sample.class,
        &sample.subjects,
        sample.collection_pool,
        sample.observed_swabs,
        sample.collected_at,
        &sample.collector,
        &sample.round,
        &sample.transport_box,
        &sample.recollection_of,
        sample.flags.contains(&Flag::IsolationRepeat),
    );
    digest_of(&statement)
}

impl Registration {
    /// The digest of this statement: equal to [`digest`] of the sample it became.
    #[must_use]
    pub fn digest(&self) -> Digest64 {
        let statement = (
            &self.site,
            self.kind.unwrap_or_default(),
            &self.specimen_type,
            &self.class,
            &self.subjects,
            self.collection_pool,
            self.observed_swabs,
            self.collected_at,
            &self.collector,
            &self.round,
            &self.transport_box,
            &self.recollection_of,
            self.isolation_repeat,
        );
        digest_of(&statement)
    }
}

fn digest_of(statement: &impl serde::Serialize) -> Digest64 {
    let bytes = postcard::to_stdvec(statement).unwrap_or_default();
    let hash = blake3::hash(&bytes);
    let mut first = [0; 8];
    first.copy_from_slice(hash.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]));
    u64::from_le_bytes(first)
}
