//! Checks the lane protocol: all configurations, then all planted flaws.

use clap::Parser;
use stateright::Model;
use std::io::stdout;
use std::process::ExitCode;
use tenfold_model::configurations::{AnyModel, Size, all};
use tenfold_model::report;

#[derive(Parser)]
#[command(about = "Checks the lane protocol")]
struct Arguments {
    /// Smaller bounds: seconds instead of minutes.
    #[arg(long)]
    small: bool,
    /// Check this configuration alone, and no flaws.
    #[arg(long, value_name = "CONFIGURATION")]
    only: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
    /// Serve a configuration for exploring by hand with a browser.
    #[arg(long, value_name = "CONFIGURATION")]
    explore: Option<String>,
    /// Where to serve it.
    #[arg(long, default_value = "localhost:3000")]
    address: String,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let size = [Size::Full, Size::Small][usize::from(arguments.small)];
    if let Some(name) = &arguments.explore {
        return explore(name, &arguments.address);
    }
    let only = arguments.only.as_deref();
    let report = report::run(size, only, &mut |line| eprintln!("{line}"));
    if arguments.json {
        serde_json::to_writer_pretty(stdout(), &report)?;
    } else {
        report::print(&report, size, &mut stdout())?;
    }
    Ok(ExitCode::from(u8::from(!report.is_good())))
}

fn explore(name: &str, address: &str) -> anyhow::Result<ExitCode> {
    let Some(found) = all(Size::Small).into_iter().find(|c| c.name == name) else {
        let names: Vec<&str> = all(Size::Small).iter().map(|c| c.name).collect();
        anyhow::bail!("no configuration {name:?}; there are: {}", names.join(", "));
    };
    println!("exploring {name} ({}) at http://{address}", found.bound());
    match found.model {
        AnyModel::Lane(model) => drop(model.checker().serve(address)),
        AnyModel::Relay(model) => drop(model.checker().serve(address)),
    }
    Ok(ExitCode::SUCCESS)
}
