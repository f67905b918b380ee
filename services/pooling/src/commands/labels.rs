//! Pre-printed labels.

use super::done;
use bytes::Bytes;
use tenfold_domain::ids::PoolId;
use tenfold_domain::pooling::draft::Draft;
use tenfold_domain::pooling::labels::{Batch, plate_barcode, reserve_plates, reserve_pools};
use tenfold_domain::{LabId, Rejection};
use tenfold_proto::v1;

pub(super) fn reserve(
    draft: &mut Draft<'_>,
    lab: &LabId,
    c: &v1::ReserveLabelsRequest,
) -> Result<Bytes, Rejection> {
    let pool = |number| PoolId::new(lab.clone(), number).to_string();
    let plate = |number| plate_barcode(lab, number).to_string();
    let reserved = |batch: Batch, code: &dyn Fn(u64) -> String| v1::ReserveLabelsResponse {
        first: batch.first,
        last: batch.last,
        codes: (batch.first..=batch.last).map(code).collect(),
    };
    match c.of() {
        v1::LabelOf::Pool => {
            let batch = reserve_pools(draft, lab, &c.bench.as_str().into(), c.count)?;
            done(&reserved(batch, &pool))
        }
        v1::LabelOf::Plate => done(&reserved(reserve_plates(draft, lab, c.count)?, &plate)),
        v1::LabelOf::Unspecified => Err(Rejection::invalid(
            "LABELS_OF_WHAT",
            "of",
            "labels of what?",
            "say pool or plate",
        )),
    }
}
