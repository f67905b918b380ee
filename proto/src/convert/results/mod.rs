//! Events and calls of results: [`parts`] (names, groups, enums), [`run`] (runs and their files),
//! [`journal`] (events), [`calls`] (commands and views).

pub mod calls;
pub mod hints;
pub mod journal;
pub mod parts;
pub mod run;
