//! What was found of tables in which no record is ever renamed or removed ([`Read::number_of`](tenfold_domain::tables::Read::number_of)).

use smol_str::SmolStr;
use std::cell::RefCell;
use tenfold_domain::tables::TableId;

/// Most that is remembered; above it, all is forgotten and found again. A lane has few labs.
const KNOWN_MAX: usize = 64;

/// Names and numbers that belong together. Few, so a list is searched.
#[derive(Debug, Default)]
pub struct Known(RefCell<Vec<(TableId, SmolStr, u64)>>);

impl Known {
    /// The number of a name; looked for if it is not known.
    pub fn number_of(
        &self,
        table: TableId,
        name: &str,
        look: impl FnOnce() -> Option<u64>,
    ) -> Option<u64> {
        let known = self
            .0
            .borrow()
            .iter()
            .find_map(|(of, known, number)| (*of == table && known == name).then_some(*number));
        known.or_else(|| {
            let number = look()?;
            self.learn(table, SmolStr::new(name), number);
            Some(number)
        })
    }

    /// The name of a number; looked for if it is not known.
    pub fn name_of(
        &self,
        table: TableId,
        number: u64,
        look: impl FnOnce() -> Option<SmolStr>,
    ) -> Option<SmolStr> {
        let known =
            self.0.borrow().iter().find_map(|(of, name, known)| {
                (*of == table && *known == number).then(|| name.clone())
            });
        known.or_else(|| {
            let name = look()?;
            self.learn(table, name.clone(), number);
            Some(name)
        })
    }

    /// Nothing is known any more: what was found may have been gone back to.
    pub fn forget(&mut self) {
        self.0.get_mut().clear();
    }

    fn learn(&self, table: TableId, name: SmolStr, number: u64) {
        let mut known = self.0.borrow_mut();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.push((table, name, number));
    }
}
