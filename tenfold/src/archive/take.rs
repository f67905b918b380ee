//! Putting an archive where no log is yet.

use super::give::sync_parent;
use super::{Import, Restore, archive_in, bar, open, say};
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use std::io::Read;
use std::path::Path;
use tenfold_runtime::archive::check::LaneSum;
use tenfold_runtime::archive::import;
use tenfold_runtime::log::Log;
use tenfold_runtime::log::embedded::{EmbeddedLog, EmbeddedOptions};
use tenfold_service_shell::config::Config;
use tenfold_service_shell::{stores, topics};

/// Puts a backup into a data folder that has no log.
pub fn restore(args: &Restore, config: &Config, output: Output) -> Outcome {
    let file = archive_in(&args.from)?;
    let (log_dir, cache_dir) = (&config.log.dir, &config.cache.dir);
    for dir in [log_dir, cache_dir] {
        if std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Failure::Usage(format!(
                "{} is not empty: nothing is overwritten; choose another data folder, or move that one away",
                dir.display()
            )));
        }
    }
    let partial = log_dir.with_extension(format!("{}.partial", std::process::id()));
    let taken = into_folder(&file, &partial, config, output);
    let sums = match taken {
        Ok(sums) => sums,
        Err(failure) => {
            drop(std::fs::remove_dir_all(&partial));
            return Err(failure);
        }
    };
    // An empty folder that is there is replaced.
    std::fs::rename(&partial, log_dir)?;
    sync_parent(log_dir)?;
    let bytes = std::fs::metadata(&file)?.len();
    say(
        &sums,
        bytes,
        output,
        "Compared with the archive record by record: `tenfold run` goes on from there.",
    );
    Ok(())
}

fn into_folder(
    file: &Path,
    folder: &Path,
    config: &Config,
    output: Output,
) -> Outcome<Vec<LaneSum>> {
    let opened = || {
        EmbeddedLog::open(folder, EmbeddedOptions::default())
            .map_err(|error| Failure::Unavailable(error.to_string()))
    };
    let sums = into_log(&opened()?, file, config, output)?;
    // Closed and opened again: what counts is what is on the disk.
    import::compare(&opened()?, &|| Ok(Box::new(open(file)?) as Box<dyn Read>))?;
    Ok(sums)
}

/// Puts an archive into Kafka.
pub fn import(args: &Import, config: &Config, output: Output) -> Outcome {
    let file = archive_in(&args.from)?;
    let log = stores::open_log(config)
        .map_err(|error| Failure::Unavailable(format!("{error:#}")))?
        .log;
    let sums = into_log(log.as_ref(), &file, config, output)?;
    if !config.log.dev {
        let problems = log.settings_problems(&topics::plans(&config.lanes));
        if !problems.is_empty() {
            return Err(Failure::Wrong(format!(
                "everything is there, but Kafka does not keep the promises made here:\n  {}",
                problems.join("\n  ")
            )));
        }
    }
    let bytes = std::fs::metadata(&file)?.len();
    say(
        &sums,
        bytes,
        output,
        "Compared with the archive record by record: start the services on Kafka; never again on the old folder.",
    );
    Ok(())
}

fn into_log(log: &dyn Log, file: &Path, config: &Config, output: Output) -> Outcome<Vec<LaneSum>> {
    let bar = bar(output, "writing");
    let open = || Ok(Box::new(open(file)?) as Box<dyn Read>);
    let taken = import::import(
        log,
        &topics::plans(&config.lanes),
        &open,
        &mut |done, of| {
            bar.set_length(of);
            bar.set_position(done);
        },
    );
    bar.finish_and_clear();
    Ok(taken?)
}
