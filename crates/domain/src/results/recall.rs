//! A filed sample's rows, made again from the events of the time in which it was at hand.
//!
//! Events are narrowed to what they say of one tube (and of the plates and suspect pools that it was on and in), and
//! folded by the same fold into tables of their own. What is asked of those tables is answered as it would have been
//! answered on the day before the sample was filed.

use super::delivery::cargo_ref;
use super::event::{CargoRef, Event, LabNumber, TimerRef};
use super::evolve;
use super::state::{Delivery, PoolRef, Receiver};
use crate::ids::{OrderId, TubeId};
use crate::policy::fold_activation;
use crate::tables::{MemoryTables, Read, ReadExt};
use crate::time::Timestamp;

/// One tube's rows in the making.
pub struct Recall {
    tube: TubeId,
    tables: MemoryTables,
    plates: Vec<LabNumber>,
    pools: Vec<PoolRef>,
    orders: Vec<OrderId>,
}

impl Recall {
    /// Of a tube, under the policy in force now: what is pointed out about a plate goes by that.
    #[must_use]
    pub fn of(tube: TubeId, policy: Option<(u32, &str)>) -> Self {
        let mut tables = MemoryTables::default();
        if let Some((version, content)) = policy {
            fold_activation(&mut tables, content, version);
        }
        Self {
            tube,
            tables,
            plates: Vec::new(),
            pools: Vec::new(),
            orders: Vec::new(),
        }
    }

    /// It was found: a plate with it was loaded.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        !self.plates.is_empty()
    }

    /// Takes the next event of the lane's journal.
    ///
    /// # Errors
    /// What in it contradicts what was taken: the events are not those of this tube's lane, from its beginning on.
    pub fn take(&mut self, event: Event, at: Timestamp) -> Result<(), String> {
        match self.narrow(event) {
            Some(event) => evolve(&mut self.tables, &event, at),
            None => Ok(()),
        }
    }

    /// That was all: a filed sample waits for nobody, so what went to receivers was accepted, if only afterwards.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn finish(&mut self, at: Timestamp) -> Result<(), String> {
        for ((no, _), delivery) in self.tables.all::<Delivery>() {
            let receiver: Option<Receiver> = self.tables.get(&no);
            let cargo = cargo_ref(&self.tables, &delivery.cargo);
            if let (Some(receiver), Some(cargo)) = (receiver, cargo) {
                let accepted = Event::DeliveriesAccepted {
                    receiver: receiver.id,
                    cargo: vec![cargo],
                };
                evolve(&mut self.tables, &accepted, at)?;
            }
        }
        Ok(())
    }

    /// The tables, to ask.
    #[must_use]
    pub const fn tables(&self) -> &dyn Read {
        &self.tables
    }

    /// What an event says of the tube; `None` = nothing.
    fn narrow(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::PlateLoaded { number, plate } => {
                let mut members = plate.wells.iter().flat_map(|well| &well.members);
                if !members.any(|member| member.tube == self.tube) {
                    return None;
                }
                self.plates.push(LabNumber::new(plate.lab.clone(), number));
                Some(Event::PlateLoaded { number, plate })
            }
            Event::PlateVoided { ref plate, .. } => self.plates.contains(plate).then_some(event),
            Event::MemberAmended { ref tube, .. } => (*tube == self.tube).then_some(event),
            Event::RunImported { ref run, plate, .. } => {
                let of = LabNumber::new(run.lab.clone(), plate);
                self.plates.contains(&of).then_some(event)
            }
            Event::PoolSuspected {
                ref pool,
                ref plate,
                ..
            } => {
                // Pools on its plates may be pointed out beside it, whoever is in them.
                if !self.plates.contains(plate) {
                    return None;
                }
                self.pools.push(pool.clone());
                Some(event)
            }
            Event::PoolClosed { ref pool, .. } | Event::AlertLate { ref pool } => {
                self.pools.contains(pool).then_some(event)
            }
            Event::OrdersPlaced { lab, mut orders } => {
                orders.retain(|order| order.tube == self.tube);
                let ids = orders.iter().map(|o| OrderId::new(lab.clone(), o.number));
                self.orders.extend(ids);
                (!orders.is_empty()).then_some(Event::OrdersPlaced { lab, orders })
            }
            Event::OrdersEnded { mut orders, end } => {
                orders.retain(|order| self.orders.contains(order));
                (!orders.is_empty()).then_some(Event::OrdersEnded { orders, end })
            }
            Event::RecollectionRegistered { ref order, .. }
            | Event::RecollectionFound { ref order, .. }
            | Event::OrderLate { ref order } => self.orders.contains(order).then_some(event),
            Event::ReleaseSuppressed { tubes, finding } => self
                .own(tubes)
                .map(|tubes| Event::ReleaseSuppressed { tubes, finding }),
            Event::ReportsIssued {
                verdict,
                receivers,
                mut reports,
            } => {
                reports.retain(|report| report.tube == self.tube);
                (!reports.is_empty()).then_some(Event::ReportsIssued {
                    verdict,
                    receivers,
                    reports,
                })
            }
            Event::DeliveriesSent { receiver, cargo } => self
                .cargo(cargo)
                .map(|cargo| Event::DeliveriesSent { receiver, cargo }),
            Event::DeliveriesAccepted { receiver, cargo } => self
                .cargo(cargo)
                .map(|cargo| Event::DeliveriesAccepted { receiver, cargo }),
            Event::DeliveryStuck { ref cargo, .. } | Event::DeliveryRequeued { ref cargo, .. } => {
                self.is_ours(cargo).then_some(event)
            }
            Event::SpecimensClosed { tubes } => self
                .own(tubes)
                .map(|tubes| Event::SpecimensClosed { tubes }),
            Event::AtRisk { tubes } => self.own(tubes).map(|tubes| Event::AtRisk { tubes }),
            Event::Late { tubes } => self.own(tubes).map(|tubes| Event::Late { tubes }),
            Event::TimerDone {
                timer: TimerRef::Order(ref order),
                ..
            } => self.orders.contains(order).then_some(event),
            Event::TimerDone {
                timer: TimerRef::Alert(ref pool),
                ..
            } => self.pools.contains(pool).then_some(event),
            Event::PolicyActivated { .. }
            | Event::RunParked { .. }
            | Event::RunUnparked { .. }
            | Event::ReleasePaused { .. }
            | Event::SpecimensFiled { .. }
            | Event::CardsDropped { .. }
            | Event::WorkOpened { .. }
            | Event::WorkResolved { .. }
            | Event::CheckAdded { .. }
            | Event::TimerDone { .. } => None,
        }
    }

    fn own(&self, mut tubes: Vec<TubeId>) -> Option<Vec<TubeId>> {
        tubes.retain(|tube| *tube == self.tube);
        (!tubes.is_empty()).then_some(tubes)
    }

    fn is_ours(&self, cargo: &CargoRef) -> bool {
        match cargo {
            CargoRef::Report { tube, .. } => *tube == self.tube,
            CargoRef::Alert(pool) => self.pools.contains(pool),
        }
    }

    fn cargo(&self, mut cargo: Vec<CargoRef>) -> Option<Vec<CargoRef>> {
        cargo.retain(|cargo| self.is_ours(cargo));
        (!cargo.is_empty()).then_some(cargo)
    }
}
