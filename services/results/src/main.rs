//! `tenfold-results`: the results service as a program of its own.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    tenfold_service_shell::program::main(&tenfold_results::ResultsService)
}
