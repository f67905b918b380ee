//! Stories of a lane.

mod arriving;
mod changing;
mod filing;
mod registering;
mod waiting;

fn reason<T: std::fmt::Debug>(result: Result<T, crate::Rejection>) -> String {
    result.expect_err("refused").reason
}
