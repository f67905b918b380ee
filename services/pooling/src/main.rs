//! Pooling as a process of its own.

use std::process::ExitCode;
use tenfold_pooling::PoolingService;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    tenfold_service_shell::program::main(&PoolingService)
}
