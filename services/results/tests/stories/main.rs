//! Stories of a lab's results, told on the test driver.

mod anything;
mod cards;
mod collections;
mod corrections;
mod filed;
mod filing;
mod hints;
mod hostile;
mod lab;
mod mixups;
mod pools;
mod quadrants;
mod recall;
mod receivers;
mod runs;
mod things;
