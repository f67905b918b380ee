//! Stories of a lab's results, told on the test driver.

mod anything;
mod corrections;
mod hints;
mod hostile;
mod lab;
mod mixups;
mod pools;
mod quadrants;
mod receivers;
mod runs;
mod things;
