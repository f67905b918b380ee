//! `tenfold run`: all three services in one process.

use crate::failure::{Failure, Outcome};
use tenfold_intake::service::IntakeService;
use tenfold_pooling::PoolingService;
use tenfold_results::ResultsService;
use tenfold_runtime::instance::{SERVICES, Tables};
use tenfold_service_shell::config::Config;
use tenfold_service_shell::process::Process;
use tenfold_service_shell::service::Service as _;
use tenfold_service_shell::{program, stores, topics};

/// Serves until told to stop.
pub fn run(config: Config) -> Outcome {
    let addresses = config.listen.all;
    program::run(config, addresses, &tables(), add_all)
        .map_err(|error| Failure::Unavailable(format!("{error:#}")))
}

/// The tables of the three services.
pub fn tables() -> [Tables; 3] {
    [
        Tables::of(&IntakeService.processor()),
        Tables::of(&PoolingService.processor()),
        Tables::of(&ResultsService.processor()),
    ]
}

/// Adds the three services to a process, and the bench console in front of them.
pub fn add_all(process: &mut Process) -> anyhow::Result<()> {
    process.shared_by(SERVICES.len());
    process.add(&IntakeService)?;
    process.add(&PoolingService)?;
    process.add(&ResultsService)?;
    crate::console::add(process)
}

/// `tenfold topics create`: makes what is missing in the log.
pub fn create_topics(config: &Config) -> Outcome<u32> {
    let log = stores::open_log(config)
        .map_err(|error| Failure::Unavailable(format!("{error:#}")))?
        .log;
    topics::create(log.as_ref(), &config.lanes).map_err(Failure::Wrong)
}
