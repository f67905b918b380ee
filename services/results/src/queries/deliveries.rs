//! What a receiver is to be sent now.

use tenfold_domain::Timestamp;
use tenfold_domain::ids::ReceiverId;
use tenfold_domain::policy::Library;
use tenfold_domain::results::delivery;
use tenfold_domain::results::report::{alert_notice, report_of};
use tenfold_domain::results::state::{Cargo, Lab};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_proto::v1;
use tenfold_proto::v1::results_delivery::Cargo as Wire;

/// Most deliveries in one answer.
const LIMIT_MAX: u32 = 500;

pub(super) fn pending(
    library: &Library,
    state: &dyn Read,
    query: &v1::PendingDeliveriesQuery,
    now: Timestamp,
) -> v1::PendingDeliveries {
    let lab = state
        .first::<Lab>()
        .map(|(_, lab)| lab.id.to_string())
        .unwrap_or_default();
    let receiver = ReceiverId::from(query.receiver.as_str());
    let mut answer = v1::PendingDeliveries {
        lab,
        ..v1::PendingDeliveries::default()
    };
    let Ok(policy) = library.active(state) else {
        return answer;
    };
    if let Some(known) = policy.receivers.get(&receiver) {
        answer.window = known.window;
        answer.resend_after_seconds = known.resend_after_seconds;
    }
    let most = query.limit.min(LIMIT_MAX) as usize;
    if most == 0 {
        return answer;
    }
    for (number, found) in delivery::pending(state, &policy, &receiver, query.after, most, now) {
        let attempt = u32::from(found.attempts).saturating_add(1);
        let cargo = match &found.cargo {
            Cargo::Report { specimen, version } => {
                report_of(state, *specimen, *version).map(|report| Wire::Report(report.into()))
            }
            Cargo::Alert { pool } => {
                alert_notice(state, *pool).map(|alert| Wire::Alert(alert.into()))
            }
        };
        answer.deliveries.push(v1::PendingDelivery {
            number,
            attempts: u32::from(found.attempts),
            delivery: Some(v1::ResultsDelivery {
                id: String::new(),
                attempt,
                cargo,
            }),
        });
    }
    answer
}
