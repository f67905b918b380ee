//! Boards of lanes, added up.

use tenfold_domain::results::state::{Histogram, STAGES};
use tenfold_proto::v1;

/// Verdicts in the order of the counts.
const VERDICTS: [v1::Verdict; 6] = [
    v1::Verdict::Negative,
    v1::Verdict::Positive,
    v1::Verdict::Inconclusive,
    v1::Verdict::Recollect,
    v1::Verdict::Withdrawn,
    v1::Verdict::Retracted,
];

/// Stages in which tubes wait for something; `delivered` waits for nothing.
const WAITING: usize = 4;

pub(super) fn sum(lanes: Vec<v1::LaneBoard>) -> v1::ResultsBoard {
    let add = |of: fn(&v1::LaneBoard) -> &Vec<u64>| -> Vec<u64> {
        let mut sum = Vec::new();
        for lane in &lanes {
            let more = of(lane);
            if sum.len() < more.len() {
                sum.resize(more.len(), 0);
            }
            for (own, more) in sum.iter_mut().zip(more) {
                *own += more;
            }
        }
        sum
    };
    let histogram = |of| Histogram::of_counts(add(of));
    // How long tubes stay in each stage, in the order of the stages; nothing leaves the last.
    let spans = [
        histogram(|lane| &lane.run),
        histogram(|lane| &lane.report),
        histogram(|lane| &lane.retest),
        histogram(|lane| &lane.delivery),
        Histogram::default(),
    ];
    let (count, at_risk, late) = (
        add(|lane| &lane.count),
        add(|lane| &lane.at_risk),
        add(|lane| &lane.late),
    );
    let at = |of: &[u64], index: usize| of.get(index).copied().unwrap_or(0);
    let stages: Vec<v1::ResultsStage> = STAGES
        .iter()
        .zip(spans)
        .enumerate()
        .map(|(index, (stage, span))| v1::ResultsStage {
            stage: (*stage).to_owned(),
            count: at(&count, index),
            at_risk: at(&at_risk, index),
            late: at(&late, index),
            p50_ms: span.quantile(0.5).map(|length| length.0),
            p95_ms: span.quantile(0.95).map(|length| length.0),
        })
        .collect();
    let bottleneck = stages
        .iter()
        .take(WAITING)
        .filter(|stage| stage.count > 0)
        .max_by_key(|stage| (stage.late, stage.at_risk, stage.count))
        .map(|stage| stage.stage.clone())
        .unwrap_or_default();
    let total = |of: fn(&v1::LaneBoard) -> u64| lanes.iter().map(of).sum();
    v1::ResultsBoard {
        stages,
        bottleneck,
        verdicts: VERDICTS
            .iter()
            .zip(add(|lane| &lane.verdicts))
            .map(|(verdict, count)| v1::VerdictCount {
                verdict: (*verdict).into(),
                count,
            })
            .collect(),
        open_orders: total(|lane| lane.open_orders),
        late_orders: total(|lane| lane.late_orders),
        open_work: total(|lane| lane.open_work),
        waiting_deliveries: total(|lane| lane.waiting_deliveries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bottleneck_is_where_most_late_tubes_wait() {
        let lane = |count: [u64; 5], late: [u64; 5]| v1::LaneBoard {
            count: count.to_vec(),
            at_risk: vec![0; 5],
            late: late.to_vec(),
            run: vec![0, 4],
            ..v1::LaneBoard::default()
        };
        let board = sum(vec![
            lane([90, 0, 5, 0, 700], [0, 0, 1, 0, 9]),
            lane([90, 0, 5, 0, 700], [0, 0, 2, 0, 9]),
        ]);
        assert_eq!(board.bottleneck, "pending-confirmation");
        assert_eq!(board.stages[0].count, 180);
        assert_eq!(board.stages[0].p50_ms, Some(10_000));
        assert_eq!(board.stages[1].p50_ms, None);
    }
}
