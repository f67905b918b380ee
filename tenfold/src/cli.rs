//! What can be typed.

use crate::client;
use crate::connect::Session;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use clap::{Args, CommandFactory, Parser, Subcommand};
use std::path::PathBuf;
use tenfold_service_shell::config::{Config, ENV_FILE, Override, key_value};
use tenfold_service_shell::process::RunArgs;

const EXAMPLES: &str = "\
A first day:
  tenfold run                                   all three services, data in ./data
  tenfold policy apply policy.toml              what this lab does (tenfold policy show --default > policy.toml)
  tenfold register registrations.csv            samples become known
  tenfold receive --lab lab-1 AB12345678        tubes arrive
  tenfold scan --lab lab-1 --bench b1 AB12345678
  tenfold sla                                   what is late, and where it is stuck

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 no answer (the same again is safe with --request-id).
With --json every command prints JSON, and errors as JSON on standard error.";

const RUN_EXAMPLES: &str = "\
Examples:
  tenfold run                                     data in ./data, gRPC on 127.0.0.1:7070
  tenfold run --data lab-data --log-format json
  tenfold topics create --kafka 127.0.0.1:9092 && tenfold run --kafka 127.0.0.1:9092

Several processes, each one service: tenfold-intake, tenfold-pooling, tenfold-results, with the same flags.
It can be killed at any time: what was acknowledged is in the log, and goes on from there.";

const AUDIT_EXAMPLES: &str = "\
Examples:
  tenfold audit --data data                       an embedded log; stop what runs on it first
  tenfold audit --kafka 127.0.0.1:9092            a live system
  tenfold audit --data data --ledger client.jsonl with what clients were answered

Exit codes: 0 nothing found, 1 something found, 2 the log could not be read.";

/// Tenfold: the pipeline a city's pooled nucleic-acid testing runs on.
#[derive(Parser)]
#[command(version, about, after_help = EXAMPLES, max_term_width = 120)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
pub struct Global {
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// Settings file; `tenfold config` prints the defaults, with their explanation
    #[arg(long, global = true, value_name = "FILE", env = ENV_FILE)]
    pub config: Option<PathBuf>,
    /// Change one setting, such as `lanes.intake=4`; may be given several times
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<Override>,
    /// Address of the services, if not that of the settings, such as http://127.0.0.1:7070
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Who calls: a pseudonym, never a name
    #[arg(long, global = true, default_value = "cli", value_name = "NAME")]
    pub actor: String,
    /// Id of an earlier try of the same command, so that it is not done twice
    #[arg(long, global = true, value_name = "ID")]
    pub request_id: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run all three services in this process, until Ctrl-C
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Serve the bench console for services that run in other processes, until Ctrl-C
    #[command(after_help = crate::console::EXAMPLES)]
    Console(crate::console::Console),
    /// The log's topics
    #[command(subcommand)]
    Topics(Topics),
    /// Register samples: one, or a file of them
    Register(client::register::Register),
    /// Receive tubes: one by one, or a rack
    Receive(client::pooling::tube::Receive),
    /// Scan a tube at a bench, confirm or take back
    Scan(client::pooling::scan::Scan),
    /// Tubes one by one
    #[command(subcommand)]
    Tube(client::pooling::tube::Tube),
    /// Pools
    #[command(subcommand)]
    Pool(client::pooling::pool::Pool),
    /// Plates
    #[command(subcommand)]
    Plate(client::pooling::plate::Plate),
    /// What waits in the lab
    Work(client::pooling::tube::Work),
    /// Hand in files of instruments' runs
    ImportRun(client::run_files::ImportRun),
    /// Read files of instruments' runs without handing them in
    ReadRun(client::run_files::ReadRun),
    /// Give out the file of a run, as it was handed in
    RunFile(client::run_files::RunFile),
    /// One barcode, from registration to report
    Sample(client::sample::Sample),
    /// Why a result is what it is: from the instrument's file to the accepted report
    Explain(client::explain::Explain),
    /// Labels of pool tubes and plates: for a label printer, or to look at
    #[command(subcommand)]
    Labels(client::labels::Labels),
    /// What a liquid handler shall pipette: Tecan, Hamilton, Opentrons
    #[command(subcommand)]
    Worklist(client::worklist::Worklists),
    /// A robot's log confirms what its worklist planned
    ConfirmWorklist(client::worklist::ConfirmWorklist),
    /// What an instrument's program is told about a plate
    SampleSheet(client::worklist::Sheet),
    /// Where the time goes, what is late, where it is stuck
    Sla(client::sla::Sla),
    /// Reports as a receiver gets them
    #[command(subcommand)]
    Reports(client::results::Reports),
    /// Retests and re-collections, by deadline
    Orders(client::results::Orders),
    /// What waits for a person: rejected reports, quarantined runs
    #[command(subcommand)]
    Review(client::results::Review),
    /// The lab's policy: sites, classes, pools, Ct rules, receivers
    #[command(subcommand)]
    Policy(client::policy::Policy),
    /// What the services run and how their lanes are
    Status,
    /// Inputs that nobody could decide: look, put back, discard
    #[command(subcommand)]
    DeadLetters(client::dead_letters::DeadLetters),
    /// Read the whole log, and prove or refute that nothing was lost or done twice
    #[command(after_help = AUDIT_EXAMPLES)]
    Audit(crate::audit::Audit),
    /// Compare each lane's cache with what its journal makes
    Digest(crate::digest::Digest),
    /// Copies of lanes' state, that a machine without its caches goes on from
    #[command(subcommand, after_help = crate::snapshots::EXAMPLES)]
    Snapshots(crate::snapshots::Snapshots),
    /// Older records of journals and inboxes, that the log need not keep
    #[command(subcommand, after_help = crate::heads::EXAMPLES)]
    Heads(crate::heads::Heads),
    /// Copy the embedded log into a folder, also while it is in use
    Backup(crate::archive::Backup),
    /// Put a backup into a data folder that has no log
    Restore(crate::archive::Restore),
    /// Copy the embedded log of a lab that moves into a file; what runs on it must be stopped
    Export(crate::archive::Export),
    /// Put a lab that moves into Kafka
    Import(crate::archive::Import),
    /// What a city needs: tubes, plates, instruments, machines; and what breaks first
    #[command(after_help = crate::capacity::EXAMPLES)]
    Capacity(crate::capacity::Capacity),
    /// Play one day of a lab, then keep serving
    Demo(crate::demo::Demo),
    /// Print all settings with their defaults and explanation
    Config {
        /// The settings as they are in force here, instead of the defaults
        #[arg(long)]
        effective: bool,
    },
    /// Print a completion script: tenfold completion bash > /etc/bash_completion.d/tenfold
    Completion {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Topics.
#[derive(Subcommand)]
enum Topics {
    /// Create the topics and lanes that are missing; the same again changes nothing
    Create(RunArgs),
}

impl Global {
    /// The settings, with what the flags change.
    pub fn config(&self, more: &[Override]) -> Outcome<Config> {
        let mut flags = Vec::new();
        if let Some(server) = &self.server {
            for service in ["intake", "pooling", "results"] {
                flags.push((format!("client.{service}"), server.clone()));
            }
        }
        flags.extend_from_slice(more);
        flags.extend_from_slice(&self.set);
        Ok(Config::load(self.config.as_deref(), &flags)?)
    }

    fn session(&self, more: &[Override]) -> Outcome<Session> {
        let config = self.config(more)?;
        Ok(Session::new(
            config,
            self.actor.clone(),
            self.request_id.clone(),
        ))
    }
}

/// Does what was typed.
pub fn dispatch(cli: Cli) -> Outcome {
    let output = Output::new(cli.global.json);
    let global = &cli.global;
    match cli.command {
        Command::Config { effective: false } => {
            output.value_or_text(tenfold_service_shell::config::DEFAULTS);
            Ok(())
        }
        Command::Config { effective: true } => {
            let config = global.config(&[])?;
            let text = toml::to_string(&config).map_err(|e| Failure::Usage(e.to_string()))?;
            output.value_or_text(&text);
            Ok(())
        }
        Command::Completion { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "tenfold",
                &mut std::io::stdout(),
            );
            Ok(())
        }
        Command::Demo(args) => {
            let config = global.config(&args.run_args().overrides("all"))?;
            let elsewhere = global.server.is_some();
            crate::demo::run(&args, config, global.actor.clone(), elsewhere, output)
        }
        Command::Capacity(args) => crate::capacity::run(&args, output),
        Command::Audit(args) => {
            let config = global.config(&args.log.overrides())?;
            crate::audit::run(&args, &config, output)
        }
        Command::Digest(args) => {
            let config = global.config(&args.log.overrides())?;
            crate::digest::run(&args, &config, output)
        }
        Command::Snapshots(command) => {
            let config = global.config(&command.overrides())?;
            crate::snapshots::run(&command, &config, output)
        }
        Command::Heads(command) => {
            let config = global.config(&command.overrides())?;
            crate::heads::run(&command, &config, output)
        }
        Command::Backup(args) => {
            let more = crate::archive::of_data(args.data.as_ref());
            talk_with(global, &more, |s| crate::archive::backup(s, output, args))
        }
        Command::Export(args) => {
            let more = crate::archive::of_data(args.data.as_ref());
            crate::archive::export(&global.session(&more)?, output, &args)
        }
        Command::Restore(args) => {
            let more = crate::archive::of_data(args.data.as_ref());
            crate::archive::restore(&args, &global.config(&more)?, output)
        }
        Command::Import(args) => {
            crate::archive::import(&args, &global.config(&args.overrides())?, output)
        }
        Command::Run(args) => crate::run::run(global.config(&args.overrides("all"))?),
        Command::Console(args) => crate::console::run(global.config(&args.overrides())?),
        Command::Topics(Topics::Create(args)) => {
            let created = crate::run::create_topics(&global.config(&args.overrides("all"))?)?;
            output.value(&serde_json::json!({ "first_records_written": created }));
            Ok(())
        }
        Command::Register(args) => talk(global, |s| client::register::run(s, output, args)),
        Command::Receive(args) => talk(global, |s| client::pooling::tube::receive(s, output, args)),
        Command::Scan(args) => talk(global, |s| client::pooling::scan::run(s, output, args)),
        Command::Tube(command) => talk(global, |s| client::pooling::tube::tube(s, output, command)),
        Command::Pool(command) => talk(global, |s| client::pooling::pool::run(s, output, command)),
        Command::Plate(command) => {
            talk(global, |s| client::pooling::plate::run(s, output, command))
        }
        Command::Work(args) => talk(global, |s| client::pooling::tube::work(s, output, args)),
        Command::ImportRun(args) => {
            talk(global, |s| client::run_files::import_run(s, output, args))
        }
        Command::ReadRun(args) => client::run_files::read_run(output, &args),
        Command::RunFile(args) => talk(global, |s| client::run_files::run_file(s, output, args)),
        Command::Sample(args) => talk(global, |s| client::sample::run(s, output, args)),
        Command::Explain(args) => talk(global, |s| client::explain::run(s, output, args)),
        Command::Labels(command) => talk(global, |s| client::labels::run(s, output, command)),
        Command::Worklist(command) => {
            talk(global, |s| client::worklist::worklist(s, output, command))
        }
        Command::ConfirmWorklist(args) => {
            talk(global, |s| client::worklist::confirm(s, output, args))
        }
        Command::SampleSheet(args) => talk(global, |s| client::worklist::sheet(s, output, args)),
        Command::Sla(args) => talk(global, |s| client::sla::run(s, output, args)),
        Command::Reports(command) => talk(global, |s| client::results::reports(s, output, command)),
        Command::Orders(args) => talk(global, |s| client::results::orders(s, output, args)),
        Command::Review(command) => talk(global, |s| client::results::review(s, output, command)),
        Command::Policy(command) => talk(global, |s| client::policy::run(s, output, command)),
        Command::DeadLetters(command) => {
            talk(global, |s| client::dead_letters::run(s, output, command))
        }
        Command::Status => talk(global, |s| client::status::run(s, output)),
    }
}

/// Runs one client command on a small runtime of its own.
fn talk<F, R>(global: &Global, command: F) -> Outcome
where
    F: FnOnce(Session) -> R,
    R: Future<Output = Outcome>,
{
    talk_with(global, &[], command)
}

fn talk_with<F, R>(global: &Global, more: &[Override], command: F) -> Outcome
where
    F: FnOnce(Session) -> R,
    R: Future<Output = Outcome>,
{
    let session = global.session(more)?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(command(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_setting_from_a_flag_wins_and_the_server_names_all_three() {
        let cli = Cli::parse_from([
            "tenfold",
            "status",
            "--server",
            "http://127.0.0.1:1",
            "--set",
            "lanes.intake=3",
        ]);
        let config = cli.global.config(&[]).expect("settings");
        assert_eq!(config.client.pooling, "http://127.0.0.1:1");
        assert_eq!(config.lanes.intake, 3);
    }
}
