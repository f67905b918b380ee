//! Why a result is what it is: from the file to the report.

use super::filed::{FILED, card};
use super::lists::order_view;
use super::specimen::{Found, clock, current, find, receivers, standing};
use tenfold_domain::Rejection;
use tenfold_domain::policy::Contamination;
use tenfold_domain::results::hints;
use tenfold_domain::results::state::{Analysis, Plate, PoolEnd, Run, SuspectPool, Test, tube_id};
use tenfold_domain::tables::{Read, ReadExt};
use tenfold_domain::well::Well;
use tenfold_proto::v1;

/// The whole chain of one barcode.
pub(super) fn explain(
    rules: &Contamination,
    state: &dyn Read,
    query: &v1::GetResultRequest,
) -> Result<v1::ResultExplanation, Rejection> {
    let found = find(state, query);
    if let (Err(_), Some(filed)) = (&found, card(state, &query.barcode)) {
        return Ok(v1::ResultExplanation {
            barcode: query.barcode.clone(),
            tube: filed.tube.clone(),
            standing: FILED.to_owned(),
            filed: Some(filed),
            ..v1::ResultExplanation::default()
        });
    }
    let Found {
        key,
        registered,
        specimen,
    } = found?;
    let suspect = specimen
        .pool
        .and_then(|pool| state.get::<SuspectPool>(&pool))
        .map(|pool| explain_pool(state, &pool));
    let (pool, pool_end) = suspect.as_ref().map_or_else(Default::default, |suspect| {
        (suspect.pool.clone(), suspect.end.clone())
    });
    Ok(v1::ResultExplanation {
        barcode: registered.sample.barcode.to_string(),
        tube: tube_id(state, key).to_string(),
        tests: specimen
            .tests
            .iter()
            .filter_map(|test| explain_test(rules, state, test))
            .collect(),
        pool,
        pool_end,
        reports: specimen
            .reports
            .iter()
            .map(|report| v1::IssuedVersion {
                version: report.version,
                verdict: v1::Verdict::from(report.verdict).into(),
                replaces: report.replaces.unwrap_or(0),
                at: report.at.0,
                pooled: report.pooled,
            })
            .collect(),
        receivers: receivers(state, &specimen),
        orders: specimen
            .orders
            .iter()
            .filter_map(|key| order_view(state, *key))
            .collect(),
        standing: standing(specimen.standing).to_owned(),
        withdrawn: specimen.withdrawn,
        clock: clock(specimen.sla).to_owned(),
        due: registered.due.0,
        closed_at: specimen.closed_at.map_or(0, |at| at.0),
        suspect,
        filed: None,
    })
}

fn explain_pool(state: &dyn Read, pool: &SuspectPool) -> v1::ExplainedPool {
    let end = match pool.end {
        None => "open",
        Some(PoolEnd::Confirmed) => "confirmed",
        Some(PoolEnd::Unconfirmed) => "unconfirmed pool positive",
        Some(PoolEnd::Unresolved) => "unresolved",
    };
    let plate = state.get::<Plate>(&pool.plate);
    v1::ExplainedPool {
        pool: pool.pool.to_string(),
        plate: plate.map(|p| p.barcode.to_string()).unwrap_or_default(),
        well: pool.well.to_string(),
        call: v1::WellCall::from(pool.call).into(),
        since: pool.since.0,
        members: u32::try_from(pool.members.len()).unwrap_or(u32::MAX),
        alert_due: pool.alert_due.0,
        alert_late: pool.alert_late,
        end: end.to_owned(),
    }
}

fn explain_test(rules: &Contamination, state: &dyn Read, test: &Test) -> Option<v1::ExplainedTest> {
    let plate = state.get::<Plate>(&test.plate)?;
    let well = plate.wells.iter().find(|well| well.well == test.well);
    let pool = well.and_then(|well| well.pool.clone());
    let mut explained = v1::ExplainedTest {
        plate: plate.barcode.to_string(),
        well: test.well.to_string(),
        round: test.round,
        pool: pool.map(|pool| pool.to_string()).unwrap_or_default(),
        members: well.map_or(0, |well| {
            u32::try_from(well.members.len()).unwrap_or(u32::MAX)
        }),
        controls: "not-run".to_owned(),
        transferred_at: test.transferred_at.0,
        instrument: plate.instrument.clone(),
        loaded_at: plate.loaded_at.0,
        ..v1::ExplainedTest::default()
    };
    let Some((run, version, analysis)) = current(state, &plate) else {
        return Some(explained);
    };
    if plate.is_out(&analysis.gate, test.well) {
        "out-of-control".clone_into(&mut explained.controls);
    } else {
        "in-control".clone_into(&mut explained.controls);
    }
    explained.failures = analysis
        .gate
        .failures()
        .iter()
        .map(|(well, why)| v1::ControlFailure {
            well: well.map(|well| well.to_string()).unwrap_or_default(),
            why: why.clone(),
        })
        .collect();
    explained.run = run.name.replace('\u{1f}', "/");
    explained.version = version;
    explained.file_hash = file_of(&run, version);
    explained.earlier = earlier(state, &plate, &run, version, test.well);
    explained.file_name.clone_from(&analysis.file_name);
    explained.read_at = analysis.read_at.0;
    explained.imported_at = analysis.imported_at.0;
    explained.imported_by = analysis.actor.to_string();
    explained.policy = analysis.policy;
    explained.hints = hints::of_analysis(state, (test.plate, &plate), &analysis, rules)
        .into_iter()
        .filter(|hint| hint.wells().contains(&test.well))
        .map(Into::into)
        .collect();
    if let Some((_, readings, call)) = analysis.well(test.well) {
        explained.call = v1::WellCall::from(*call).into();
        for (target, reading) in analysis.targets.iter().zip(readings) {
            let rule = analysis.rules.iter().find(|rule| rule.target == *target);
            explained.targets.push(v1::ExplainedTarget {
                target: target.clone(),
                reading: Some(reading.clone().into()),
                rule: rule.map_or_else(|| "internal control".to_owned(), |rule| rule.name.clone()),
                rule_version: rule.map_or(0, |rule| rule.version),
            });
        }
    }
    Some(explained)
}

/// Hash of the file of a version, from 1.
fn file_of(run: &Run, version: u32) -> String {
    usize::try_from(version)
        .ok()
        .and_then(|version| run.files.get(version.checked_sub(1)?).cloned())
        .unwrap_or_default()
}

/// Analyses before the one that counts: a report of theirs may have gone out.
fn earlier(
    state: &dyn Read,
    plate: &Plate,
    run: &Run,
    version: u32,
    well: Well,
) -> Vec<v1::EarlierAnalysis> {
    let Some((key, _)) = plate.current else {
        return Vec::new();
    };
    // A damaged journal may name any version; there is none without a file.
    let files = u32::try_from(run.files.len()).unwrap_or(u32::MAX);
    (1..version.min(files.saturating_add(1)))
        .filter_map(|earlier| {
            let analysis: Analysis = state.get(&(key, u64::from(earlier)))?;
            let call = analysis.well(well).map(|(_, _, call)| *call);
            Some(v1::EarlierAnalysis {
                version: earlier,
                file_hash: file_of(run, earlier),
                imported_at: analysis.imported_at.0,
                imported_by: analysis.actor.to_string(),
                call: call.map(|call| v1::WellCall::from(call).into()),
                file_name: analysis.file_name,
                set_aside: analysis.set_aside.unwrap_or_default(),
            })
        })
        .collect()
}
