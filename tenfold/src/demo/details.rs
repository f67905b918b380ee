//! Waiting for the registrations of tubes that are in the lab: of the tubes just received, and of no others.
//! An earlier day that was killed may have left tubes whose registration never comes.

use super::lab::{Lab, Patience, look};
use crate::failure::Outcome;
use futures::{StreamExt as _, TryStreamExt as _};
use tenfold_proto::v1::{PoolingStage, ReceiveResponse, ReceiveVerdict};

/// Questions on their way at a time.
const QUESTIONS: usize = 32;

/// Most tubes that are told one by one.
const TOLD: usize = 5;

/// The tubes of an answer that does not say that their registration is known.
pub fn unsure(received: ReceiveResponse) -> Vec<String> {
    received
        .tubes
        .into_iter()
        .filter(|tube| tube.verdict() != ReceiveVerdict::Known)
        .filter_map(|tube| tube.barcode)
        .collect()
}

/// Waits until none of these tubes waits for its registration.
pub async fn known(lab: &Lab, mut unsure: Vec<String>) -> Outcome {
    let mut patience = Patience::new(String::new());
    loop {
        unsure = pending(lab, unsure).await?;
        if unsure.is_empty() {
            return Ok(());
        }
        patience.still_for(what(&lab.id, &unsure));
        patience.pause().await?;
    }
}

/// Those of them that still wait for it.
async fn pending(lab: &Lab, barcodes: Vec<String>) -> Outcome<Vec<String>> {
    futures::stream::iter(barcodes)
        .map(|barcode| {
            let mut lab = lab.clone();
            async move {
                let tube = barcode.clone();
                let found = look!(lab, get_tube, GetTubeRequest { tube: tube })?;
                Ok((found.stage() == PoolingStage::Pending).then_some(barcode))
            }
        })
        .buffered(QUESTIONS)
        .try_filter_map(|pending| async { Ok(pending) })
        .try_collect()
        .await
}

/// What is waited for, with the names of some.
fn what(lab: &str, unsure: &[String]) -> String {
    let some = unsure.iter().take(TOLD).cloned().collect::<Vec<_>>();
    let more = match unsure.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{lab}: pooling knows the registration of {}{more}",
        some.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenfold_proto::v1::ReceivedTube;

    #[test]
    fn only_tubes_just_received_are_waited_for_unless_they_are_known_already() {
        let tube = |barcode: Option<&str>, verdict: ReceiveVerdict| ReceivedTube {
            barcode: barcode.map(str::to_owned),
            verdict: verdict.into(),
            ..ReceivedTube::default()
        };
        let received = ReceiveResponse {
            tubes: vec![
                tube(Some("A"), ReceiveVerdict::Known),
                tube(Some("B"), ReceiveVerdict::DetailsPending),
                tube(None, ReceiveVerdict::Unreadable),
                tube(Some("C"), ReceiveVerdict::AlreadyReceived),
            ],
        };
        assert_eq!(unsure(received), ["B", "C"]);
    }

    #[test]
    fn what_is_waited_for_is_told_by_name_but_not_a_whole_rack_of_it() {
        let names = |many: u32| (1..=many).map(|n| format!("T{n}")).collect::<Vec<_>>();
        let told = what("lab-1", &names(2));
        assert!(told.ends_with("registration of T1, T2"), "{told}");
        let told = what("lab-1", &names(96));
        assert!(told.ends_with("T4, T5 and 91 more"), "{told}");
    }
}
