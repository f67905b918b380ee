//! Receiving and pooling: racks come, benches scan tube by tube, a robot takes whole racks; and what goes
//! wrong there.

use super::details;
use super::lab::{Lab, ask, look, must_be_refused};
use crate::failure::{Failure, Outcome};
use indicatif::ProgressBar;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tenfold_proto::v1::rack_position::Found;
use tenfold_proto::v1::receive_request::Arrival;
use tenfold_proto::v1::tube_placement::Placement;
use tenfold_proto::v1::{
    PoolMemberView, RackContains, RackPosition, Registration, TubePerformed, TubesArrived,
};

/// Sites whose racks go to the robot, whole.
const ROBOT_SITES: [&str; 2] = ["s-02", "s-04"];

/// Benches that scan tube by tube, in each lab.
const SCAN_BENCHES: usize = 3;

/// What was seen of the hot path, and what went wrong on purpose.
#[derive(Debug, Default)]
pub struct Seen {
    /// How long each scan took.
    pub scans: Vec<Duration>,
    /// Dirty cases and how they ended.
    pub dirty: Vec<String>,
}

/// A box of tubes, as it stands in a rack.
pub struct Rack {
    name: String,
    tubes: Vec<Registration>,
}

/// The racks of a lab.
pub fn racks(registrations: Vec<Registration>) -> Vec<Rack> {
    let mut order: Vec<String> = Vec::new();
    let mut boxes: HashMap<String, Vec<Registration>> = HashMap::new();
    for registration in registrations {
        let name = registration.transport_box.clone().unwrap_or_default();
        if !boxes.contains_key(&name) {
            order.push(name.clone());
        }
        boxes.entry(name).or_default().push(registration);
    }
    order
        .into_iter()
        .filter_map(|name| {
            let tubes = boxes.remove(&name)?;
            let day = tubes
                .first()?
                .barcode
                .get(..4)
                .unwrap_or_default()
                .to_owned();
            Some(Rack {
                name: format!("{day}-{name}"),
                tubes,
            })
        })
        .collect()
}

/// A1, B1, ... H12.
fn position(index: usize) -> String {
    let row = char::from(b'A' + u8::try_from(index % 8).unwrap_or_default());
    format!("{row}{}", index / 8 + 1)
}

/// Receives all racks; in the first, one label cannot be read until a person types it.
pub async fn receive(lab: &mut Lab, racks: &[Rack], bar: &ProgressBar, seen: &mut Seen) -> Outcome {
    let mut unsure = Vec::new();
    for (number, rack) in racks.iter().enumerate() {
        let unreadable = (number == 0).then_some(7);
        let mut positions: Vec<RackPosition> = Vec::new();
        for (index, tube) in rack.tubes.iter().enumerate() {
            positions.push(RackPosition {
                position: position(index),
                found: Some(if Some(index) == unreadable {
                    Found::Unreadable(true)
                } else {
                    Found::Barcode(tube.barcode.clone())
                }),
            });
        }
        unsure.extend(put(lab, rack, positions).await?);
        if let Some((index, tube)) = unreadable.and_then(|i| Some((i, rack.tubes.get(i)?))) {
            let typed = RackPosition {
                position: position(index),
                found: Some(Found::Barcode(tube.barcode.clone())),
            };
            unsure.extend(put(lab, rack, vec![typed]).await?);
            seen.dirty.push(format!(
                "{}: label at {} of rack {} unreadable, then typed",
                lab.id,
                position(index),
                rack.name
            ));
        }
        bar.inc(rack.tubes.len() as u64);
    }
    details::known(lab, unsure).await
}

/// Answers the tubes whose registration may not be known yet.
async fn put(lab: &mut Lab, rack: &Rack, positions: Vec<RackPosition>) -> Outcome<Vec<String>> {
    let contains = RackContains {
        rack: rack.name.clone(),
        positions,
    };
    let received = ask!(
        lab,
        "tech-1",
        receive,
        ReceiveRequest {
            arrival: Some(Arrival::Rack(contains))
        }
    )?;
    Ok(details::unsure(received))
}

/// Receives single tubes, without a rack, and scans them: each gets a well of its own.
pub async fn receive_tubes(lab: &mut Lab, barcodes: Vec<String>) -> Outcome {
    let tubes = TubesArrived {
        barcodes: barcodes.clone(),
        another: false,
    };
    let received = ask!(
        lab,
        "tech-1",
        receive,
        ReceiveRequest {
            arrival: Some(Arrival::Tubes(tubes))
        }
    )?;
    details::known(lab, details::unsure(received)).await?;
    for barcode in barcodes {
        scan(lab, "b1", &barcode, &mut Seen::default()).await?;
    }
    Ok(())
}

/// Pools everything that is pooled: benches side by side, the robot beside them.
pub async fn pool(lab: &Lab, racks: Vec<Rack>, bar: &ProgressBar, seen: &mut Seen) -> Outcome {
    let mut benches: Vec<Vec<Registration>> = (0..SCAN_BENCHES).map(|_| Vec::new()).collect();
    let mut robot = Vec::new();
    for (number, rack) in racks.into_iter().enumerate() {
        let site = rack.tubes.first().map_or("", |tube| tube.site.as_str());
        if ROBOT_SITES.contains(&site) {
            robot.push(rack);
        } else if let Some(bench) = benches.get_mut(number % SCAN_BENCHES) {
            bench.extend(rack.tubes);
        }
    }
    let mut work = tokio::task::JoinSet::new();
    for (number, tubes) in benches.into_iter().enumerate() {
        let (lab, bar) = (lab.clone(), bar.clone());
        work.spawn(async move { scan_bench(lab, number + 1, tubes, bar).await });
    }
    {
        let (lab, bar) = (lab.clone(), bar.clone());
        work.spawn(async move { robot_bench(lab, robot, bar).await });
    }
    while let Some(done) = work.join_next().await {
        let part = done.map_err(|error| Failure::Wrong(error.to_string()))??;
        seen.scans.extend(part.scans);
        seen.dirty.extend(part.dirty);
    }
    spill(&mut lab.clone(), bar, seen).await?;
    close_all(&mut lab.clone()).await
}

/// Scans every tube at one bench; each scan records the transfer before it.
async fn scan_bench(
    mut lab: Lab,
    number: usize,
    tubes: Vec<Registration>,
    bar: ProgressBar,
) -> Outcome<Seen> {
    let bench = format!("b{number}");
    let mut seen = Seen::default();
    let mut under_way = false;
    let mut pooled = None;
    let mut wrong_done = false;
    for (index, tube) in tubes.iter().enumerate() {
        let response = scan(&mut lab, &bench, &tube.barcode, &mut seen).await?;
        under_way = matches!(
            response.placement.and_then(|p| p.placement),
            Some(Placement::Pool(_))
        );
        if under_way && pooled.is_none() {
            pooled = Some((index, tube.barcode.clone()));
        }
        bar.inc(1);
        // A tube that stands in a pool already is scanned at this bench once more, and a label nobody knows.
        if let Some((first, again)) = pooled.clone()
            && number == 1
            && index > first + 20
            && !wrong_done
        {
            wrong_done = true;
            let wrong = scan(&mut lab, &bench, &again, &mut seen).await;
            seen.dirty.push(must_be_refused(
                &format!("{}: a tube scanned twice", lab.id),
                wrong,
            )?);
            let stray = scan(&mut lab, &bench, "ZZ00000000", &mut seen).await;
            seen.dirty.push(must_be_refused(
                &format!("{}: a label nobody knows", lab.id),
                stray,
            )?);
        }
    }
    if under_way {
        ask!(
            lab,
            bench.as_str(),
            confirm_transfer,
            ConfirmTransferRequest {
                bench: bench.clone(),
                failed: None
            }
        )?;
    }
    Ok(seen)
}

async fn scan(
    lab: &mut Lab,
    bench: &str,
    barcode: &str,
    seen: &mut Seen,
) -> Outcome<tenfold_proto::v1::ScanResponse> {
    let began = Instant::now();
    let response = ask!(
        lab,
        bench,
        scan,
        ScanRequest {
            bench: bench.to_owned(),
            barcode: barcode.to_owned()
        }
    );
    seen.scans.push(began.elapsed());
    response
}

/// The robot takes racks whole; in the first, one tip is blocked.
async fn robot_bench(mut lab: Lab, racks: Vec<Rack>, bar: ProgressBar) -> Outcome<Seen> {
    let mut seen = Seen::default();
    let bench = "robot".to_owned();
    for (number, rack) in racks.iter().enumerate() {
        plan_and_confirm(&mut lab, &bench, &rack.name, number == 0, &mut seen).await?;
        if number == 0 {
            // The tube whose transfer failed waits again: the rack goes through once more.
            plan_and_confirm(&mut lab, &bench, &rack.name, false, &mut seen).await?;
        }
        bar.inc(rack.tubes.len() as u64);
    }
    Ok(seen)
}

async fn plan_and_confirm(
    lab: &mut Lab,
    bench: &str,
    rack: &str,
    blocked: bool,
    seen: &mut Seen,
) -> Outcome {
    let plan = ask!(
        lab,
        bench,
        plan_rack,
        PlanRackRequest {
            bench: bench.to_owned(),
            rack: rack.to_owned()
        }
    )?;
    let mut failed = Vec::new();
    if blocked && let Some(tube) = plan.tubes.get(11) {
        failed.push(TubePerformed {
            tube: tube.tube.clone(),
            failed: Some("tip blocked".to_owned()),
        });
        seen.dirty.push(format!(
            "{}: robot's tip blocked at {} of {rack}",
            lab.id, tube.position
        ));
    }
    ask!(
        lab,
        bench,
        confirm_rack,
        ConfirmRackRequest {
            bench: bench.to_owned(),
            rack: rack.to_owned(),
            tubes: failed,
            rest_done: true,
        }
    )?;
    Ok(())
}

/// A pool of the day's own tubes is spilled: its members are pooled again from what is left in them.
async fn spill(lab: &mut Lab, bar: &ProgressBar, seen: &mut Seen) -> Outcome {
    let pools = look!(
        lab,
        list_open_pools,
        ListOpenPoolsRequest {
            bench: "b1".to_owned()
        }
    )?;
    let own = |member: &PoolMemberView| lab.owns(&member.barcode);
    let Some(pool) = pools
        .pools
        .into_iter()
        .find(|pool| pool.members.len() > 1 && pool.members.iter().all(own))
    else {
        return Ok(());
    };
    let voided = ask!(
        lab,
        "tech-1",
        void_pool,
        VoidPoolRequest {
            pool: pool.pool.clone(),
            reason: "spilled".to_owned()
        }
    )?;
    seen.dirty.push(format!(
        "{}: pool {} spilled, its {} tubes pooled again",
        lab.id,
        pool.pool,
        voided.tubes.len()
    ));
    for member in &pool.members {
        scan(lab, "b1", &member.barcode, seen).await?;
    }
    ask!(
        lab,
        "b1",
        confirm_transfer,
        ConfirmTransferRequest {
            bench: "b1".to_owned(),
            failed: None
        }
    )?;
    bar.tick();
    Ok(())
}

/// The day ends: every open pool with a tube of the day is sealed by hand. One that only has others is left alone: a
/// robot that an earlier day planned a rack for may never have confirmed it, and such a pool cannot be closed.
async fn close_all(lab: &mut Lab) -> Outcome {
    let pools = look!(
        lab,
        list_open_pools,
        ListOpenPoolsRequest {
            bench: String::new()
        }
    )?;
    for pool in pools.pools {
        if !pool.members.iter().any(|member| lab.owns(&member.barcode)) {
            continue;
        }
        ask!(
            lab,
            "tech-1",
            close_pool,
            ClosePoolRequest { pool: pool.pool }
        )?;
    }
    Ok(())
}
