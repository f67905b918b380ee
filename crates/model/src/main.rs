//! Checks the lane protocol: all configurations, then all planted flaws.

use clap::Parser;
use std::io::stdout;
use std::process::ExitCode;
use tenfold_model::configurations::{AnyModel, Size, all};
use tenfold_model::report;

/// Checks the lane protocol: every run to a stated bound, then every planted flaw.
#[derive(Parser)]
struct Arguments {
    /// Smaller bounds: seconds instead of minutes.
    #[arg(long)]
    small: bool,
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
    let size = if arguments.small {
        Size::Small
    } else {
        Size::Full
    };
    if let Some(name) = &arguments.explore {
        return explore(name, &arguments.address);
    }
    let report = report::run(size, &mut |line| eprintln!("{line}"));
    if arguments.json {
        serde_json::to_writer_pretty(stdout(), &report)?;
    } else {
        report::print(&report, size, &mut stdout())?;
    }
    Ok(ExitCode::from(u8::from(!report.is_good())))
}

fn explore(name: &str, address: &str) -> anyhow::Result<ExitCode> {
    use stateright::Model;
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
