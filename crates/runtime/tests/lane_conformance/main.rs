//! The lane protocol over every log: real instances with threads, two or three would-be owners, and a
//! log that loses, delays, doubles and misreports on demand.
//!
//! `suite` holds the scenarios that any log must stand; `embedded` and `kafka` run them there, and
//! `damage` adds those that need a log which can be broken on purpose, `early`, `loading`, `anew`, `gather`, `large` and `snapshots` those that need
//! lanes whose every step is in the test's hand.

mod anew;
mod answers;
mod bed;
mod by_hand;
mod damage;
mod early;
mod faulty;
mod gather;
mod inbox_turns;
mod large;
mod ledger;
mod letters;
mod loading;
mod moving;
mod on_logs;
mod poison;
mod relay;
mod small;
mod snapshots;
mod standby;
mod suite;
mod workers;
