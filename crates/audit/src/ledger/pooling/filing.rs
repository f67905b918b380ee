//! Filing: what leaves the state of pooling was filed by results, and is over; a pool or plate goes when nothing on its
//! way is in it.

use super::Pooling;
use super::plates::State;
use crate::finding::Rule;
use crate::ledger::book::Book;
use crate::ledger::ids::{COLLECTION, TubeKey};
use crate::ledger::tubes::Stage;
use tenfold_proto::v1::PoolingTubesFiled;

impl Pooling {
    pub(super) fn filed(&mut self, book: &mut Book<'_>, event: &PoolingTubesFiled) {
        for number in &event.tubes {
            let key = book.labs.key(&event.lab, *number);
            let why = self.may_go(book, key).err();
            let why = why.or_else(|| (!self.gone.insert(key)).then_some("it was filed before"));
            if let Some(why) = why {
                let text = format!("tube {} leaves pooling: {why}", book.labs.tube_id(key));
                book.wrong(Rule::Inv01, text);
            }
        }
        for number in &event.pools {
            let key = book.labs.key(&event.lab, *number);
            // One that nobody goes with is forgotten here when the last has left it.
            let Some(pool) = self.pools.remove(&key) else {
                continue;
            };
            let open = pool.vessel.is_none();
            let somebody = pool.members.iter().find(|member| member.with_it);
            if open || somebody.is_some() {
                let text = format!(
                    "pool {} is filed, and {}",
                    book.labs.pool_id(key),
                    somebody.map_or_else(
                        || "is open".to_owned(),
                        |member| format!("tube {} is in it", book.labs.tube_id(member.tube))
                    )
                );
                book.wrong(Rule::Inv02, text);
            }
        }
        for barcode in &event.plates {
            let number = book.labs.plate(&event.lab, barcode);
            if let Err(why) = self.plate_may_go(book, number) {
                book.wrong(Rule::Inv04, format!("plate {barcode} is filed, and {why}"));
            }
            if let Some(plate) = self.plates.get_mut(&number) {
                plate.wells = Vec::new();
                plate.controls = Vec::new();
            }
        }
    }

    fn may_go(&self, book: &Book<'_>, key: TubeKey) -> Result<(), &'static str> {
        if !book.tubes.has(key) {
            return Err("it was never received");
        }
        if !book.tubes.ends.of(key).is_some_and(|end| end.filed) {
            return Err("results has not filed it");
        }
        let open = |stage: Stage| !stage.is_over();
        if book.tubes.in_full(key).is_some_and(|tube| open(tube.stage)) {
            return Err("it is not over");
        }
        Ok(())
    }

    fn plate_may_go(&self, book: &Book<'_>, number: u32) -> Result<(), String> {
        let Some(plate) = self.plates.get(&number) else {
            return Err("was never started".to_owned());
        };
        if matches!(plate.state, State::Open | State::Sealed) {
            return Err(format!("is {:?}", plate.state));
        }
        for well in plate.wells.iter().filter(|well| !well.lost) {
            let tube = well.content & !COLLECTION;
            let somebody = if well.content & COLLECTION == 0 {
                let pool = self.pools.get(&well.content);
                pool.is_some_and(|pool| pool.members.iter().any(|member| member.with_it))
            } else {
                book.tubes
                    .in_full(tube)
                    .is_some_and(|tube| !tube.stage.is_over())
            };
            if somebody {
                let name = if well.content & COLLECTION == 0 {
                    book.labs.pool_id(well.content)
                } else {
                    book.labs.tube_id(tube)
                };
                return Err(format!("{name} stands on it"));
            }
        }
        Ok(())
    }
}
