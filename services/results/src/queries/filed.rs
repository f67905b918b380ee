//! What is left at hand of a filed sample. The rest is read from the journal by who can wait for it ([`crate::recall`]).

use tenfold_domain::results::state::{Filed, lab_id, tube_id};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::v1;

/// What the standing of a filed sample is called.
pub(crate) const FILED: &str = "filed";

/// The card of a barcode, if its sample was filed; of several, that of the newest registration.
pub(super) fn card(state: &dyn Read, barcode: &str) -> Option<v1::FiledSample> {
    let (key, filed) = state
        .find_all::<Filed>(barcode)
        .into_iter()
        .max_by_key(|(_, filed)| filed.version)?;
    Some(v1::FiledSample {
        lab: lab_id(state, filed.lab).to_string(),
        tube: tube_id(state, key).to_string(),
        version: filed.version,
        report_version: filed.report,
        result: v1::FinalResult::from(filed.result).into(),
        reported_at: filed.reported_at.0,
        from: filed.from.0,
        until: filed.until.0,
        missing: String::new(),
    })
}
