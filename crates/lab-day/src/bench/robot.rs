//! The pipetting robot: asks where each tube of a rack goes, and says what it did.

use super::{DETAILS_MAX, Lab, pooling};
use crate::link::Link;
use crate::plan::Tube;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tenfold_proto::v1;
use v1::tube_placement::Placement;

/// The bench of the robot.
const ROBOT: &str = "robot";

impl Lab<'_> {
    /// Plans a rack until nothing in it waits for its registration: barcode -> pool, `None` = alone.
    pub(super) async fn plan(
        &self,
        rack: &str,
    ) -> anyhow::Result<BTreeMap<String, Option<String>>> {
        let began = Instant::now();
        for again in 0_u32.. {
            let request = v1::PlanRackRequest {
                lab: self.lab.to_owned(),
                actor: "robot".to_owned(),
                request_id: format!("plan-{rack}-{again}"),
                bench: ROBOT.to_owned(),
                rack: rack.to_owned(),
            };
            let plan = pooling!(self.services, plan_rack, request)
                .with_context(|| format!("rack {rack} planned"))?;
            let mut planned = BTreeMap::new();
            let mut refused = Vec::new();
            for tube in plan.tubes {
                let barcode = self.barcode_of(&tube.tube)?;
                match tube.planned {
                    Some(v1::planned_tube::Planned::Placement(placement)) => {
                        planned.insert(barcode, pool_of(placement.placement));
                    }
                    other => refused.push(format!("{barcode}: {other:?}")),
                }
            }
            if refused.is_empty() {
                return Ok(planned);
            }
            if began.elapsed() > DETAILS_MAX {
                bail!(
                    "tubes of rack {rack} cannot be pooled: {}",
                    refused.join("; ")
                );
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(BTreeMap::new())
    }

    pub(super) async fn confirm(
        &self,
        rack: &str,
        planned: &BTreeMap<String, Option<String>>,
        clogged: &[&Tube],
    ) -> anyhow::Result<v1::ConfirmRackResponse> {
        let failed = |barcode: &str| clogged.iter().any(|tube| tube.barcode() == barcode);
        let in_pool = |tube: &&&Tube| planned.get(tube.barcode()).is_some_and(Option::is_some);
        let tubes = clogged
            .iter()
            .filter(in_pool)
            .map(|tube| v1::TubePerformed {
                tube: tube.barcode().to_owned(),
                failed: Some("clogged tip".to_owned()),
            });
        let request = v1::ConfirmRackRequest {
            lab: self.lab.to_owned(),
            actor: "robot".to_owned(),
            request_id: format!("confirm-{rack}"),
            bench: ROBOT.to_owned(),
            rack: rack.to_owned(),
            tubes: tubes.collect(),
            rest_done: true,
        };
        if planned.values().all(Option::is_none) {
            // Everything in it goes into wells of its own: the robot has nothing to do.
            return Ok(v1::ConfirmRackResponse::default());
        }
        if let Ok(mut hands) = self.hands.lock() {
            for (barcode, pool) in planned {
                if let Some(pool) = pool.as_ref().filter(|_| !failed(barcode)) {
                    hands
                        .pools
                        .entry(pool.clone())
                        .or_default()
                        .push(barcode.clone());
                }
            }
        }
        pooling!(self.services, confirm_rack, request)
            .with_context(|| format!("rack {rack} confirmed"))
    }
}

/// The pool of a placement; `None` = a well of its own.
pub(crate) fn pool_of(placement: Option<Placement>) -> Option<String> {
    match placement {
        Some(Placement::Pool(seat)) => Some(seat.pool),
        _ => None,
    }
}
