//! What can be wrong with settings, said so that a person can put it right.

use super::sections::{
    ANSWERS_KEPT_MAX, ANSWERS_KEPT_MIN, NICENESS_MAX, SMALL_RECORD_BYTES_MAX, WORKERS_MAX,
};
use super::{Config, ConfigErrors, DEFAULTS, Telemetry, as_dict};
use figment::Figment;
use figment::providers::{Format, Toml};
use figment::value::Dict;
use std::net::SocketAddr;

/// Most lanes of a service: more only cost memory and file handles, never speed, on the largest city there is.
const LANES_MAX: u32 = 1_024;

/// Largest edit distance at which a known key is offered for an unknown one.
const NEAR: usize = 3;

/// Keys that the defaults do not have, each with its source and the nearest known key.
pub(super) fn unknown_keys(given: &Figment) -> Result<Vec<String>, ConfigErrors> {
    let read = |figment: &Figment| -> Result<Dict, ConfigErrors> {
        figment.extract::<Dict>().map_err(|error| {
            ConfigErrors(error.into_iter().map(|error| error.to_string()).collect())
        })
    };
    let known = leaves(&read(&Figment::from(Toml::string(DEFAULTS)))?, "");
    let mut unknown = Vec::new();
    for key in leaves(&read(given)?, "") {
        if known.contains(&key) {
            continue;
        }
        let source = given
            .find_metadata(&key)
            .map(|metadata| match &metadata.source {
                Some(source) => format!(" ({} {source})", metadata.name),
                None => format!(" ({})", metadata.name),
            })
            .unwrap_or_default();
        let hint = nearest(&key, &known).map_or_else(
            || "the file of defaults lists all keys: `tenfold config`".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        unknown.push(format!("there is no setting {key}{source}: {hint}"));
    }
    Ok(unknown)
}

fn leaves(dict: &Dict, prefix: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (name, value) in dict {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match as_dict(value) {
            Some(inner) => keys.extend(leaves(inner, &key)),
            None => keys.push(key),
        }
    }
    keys
}

fn nearest<'a>(key: &str, known: &'a [String]) -> Option<&'a String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    known
        .iter()
        .map(|candidate| {
            // A right key in the wrong section is as near as a misspelt one.
            let whole = distance(key, candidate);
            let name = distance(&last(key), &last(candidate)) + 1;
            (whole.min(name), candidate)
        })
        .filter(|(far, _)| *far <= NEAR)
        .min_by_key(|(far, _)| *far)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let change = diagonal + usize::from(x != *y);
            diagonal = *cell;
            *cell = change.min(diagonal + 1).min(left + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Values out of bounds.
pub(super) fn out_of_bounds(config: &Config) -> Vec<String> {
    let mut problems = Vec::new();
    let mut within = |key: &str, value: u64, least: u64, most: u64| {
        if value < least || value > most {
            problems.push(format!("{key} = {value} is not {least} to {most}"));
        }
    };
    for (key, lanes) in [
        ("lanes.intake", config.lanes.intake),
        ("lanes.pooling", config.lanes.pooling),
        ("lanes.results", config.lanes.results),
    ] {
        within(key, lanes.into(), 1, LANES_MAX.into());
    }
    within(
        "lanes.small_record_bytes",
        config.lanes.small_record_bytes.into(),
        0,
        SMALL_RECORD_BYTES_MAX,
    );
    within(
        "lanes.messages_gather_ms",
        config.lanes.messages_gather_ms.into(),
        0,
        10_000,
    );
    within(
        "lanes.answers_kept_minutes",
        config.lanes.answers_kept_minutes.into(),
        ANSWERS_KEPT_MIN,
        ANSWERS_KEPT_MAX,
    );
    within(
        "instance.workers",
        config.instance.workers.into(),
        0,
        WORKERS_MAX.into(),
    );
    within(
        "instance.intake_niceness",
        config.instance.intake_niceness.into(),
        0,
        NICENESS_MAX.into(),
    );
    within("cache.gather_ms", config.cache.gather_ms.into(), 0, 60_000);
    within(
        "cache.gather_rows",
        config.cache.gather_rows.into(),
        1,
        1_000_000,
    );
    within(
        "cache.memory_mib_max",
        config.cache.memory_mib_max.into(),
        8,
        65_536,
    );
    within(
        "snapshots.every_mib",
        config.snapshots.every_mib.into(),
        1,
        65_536,
    );
    within("snapshots.keep", config.snapshots.keep.into(), 1, 100);
    within("heads.part_kib", config.heads.part_kib.into(), 1, 4_096);
    within(
        "runs.dir_mib_max",
        config.runs.dir_mib_max.into(),
        1,
        16_777_216,
    );
    within(
        "runs.watch_quiet_s",
        config.runs.watch_quiet_s.into(),
        1,
        3_600,
    );
    within("grpc.call_ms_max", config.grpc.call_ms_max, 100, 600_000);
    within("grpc.drain_ms_max", config.grpc.drain_ms_max, 0, 60_000);
    within(
        "grpc.streams_per_connection_max",
        config.grpc.streams_per_connection_max.into(),
        1,
        65_536,
    );
    let grpc = &config.grpc;
    within(
        "grpc.connections_max",
        grpc.connections_max.into(),
        1,
        1_000_000,
    );
    within("grpc.greeting_ms_max", grpc.greeting_ms_max, 10, 600_000);
    within(
        "grpc.keepalive_interval_ms",
        grpc.keepalive_interval_ms,
        100,
        600_000,
    );
    within(
        "grpc.keepalive_timeout_ms",
        grpc.keepalive_timeout_ms,
        100,
        600_000,
    );
    within("budget.scan_ms", config.budget.scan_ms, 1, 60_000);
    within(
        "budget.acknowledgement_ms",
        config.budget.acknowledgement_ms,
        1,
        60_000,
    );
    within("client.timeout_ms", config.client.timeout_ms, 10, 600_000);
    if config.log.brokers.trim().is_empty() {
        problems.push("log.brokers is empty: name one HOST:PORT at least".to_owned());
    }
    if config
        .instance
        .name
        .chars()
        .any(|c| c.is_whitespace() || c == '/')
    {
        problems.push(format!(
            "instance.name = {:?} has a space or a '/'",
            config.instance.name
        ));
    }
    let url = &config.snapshots.url;
    if !matches!(url.as_str(), "auto" | "off") && !is_store(url) {
        problems.push(format!(
            "snapshots.url = {url:?} is none of \"auto\", \"off\", \"file:///FOLDER\" and \"s3://BUCKET/PREFIX\""
        ));
    }
    if let Some(url) = config.heads_url().filter(|url| !is_store(url)) {
        problems.push(format!(
            "heads.url = {url:?} is none of \"off\", \"file:///FOLDER\" and \"s3://BUCKET/PREFIX\""
        ));
    }
    level(&config.telemetry, &mut problems);
    listen(config, &mut problems);
    for (key, address) in [
        ("client.intake", &config.client.intake),
        ("client.pooling", &config.client.pooling),
        ("client.results", &config.client.results),
    ] {
        if !address.starts_with("http://") {
            problems.push(format!("{key} = {address:?} does not begin with http://"));
        }
    }
    problems
}

/// Snapshots that must be kept where the log is trimmed: see `lane/heads.rs` of the engine.
const SNAPSHOTS_KEPT_MIN: u32 = 2;

fn is_store(url: &str) -> bool {
    let known = ["file:///", "s3://"];
    known.iter().any(|known| url.starts_with(known))
}

/// What keeps a process that runs services from putting heads away.
pub fn heads(config: &Config) -> Option<String> {
    config.heads_url()?;
    if config.snapshots_url().is_none() {
        return Some(
            "heads.url names a store, and snapshots.url none: without snapshots nothing is ever put away. Name one, or set heads.url = \"off\"".to_owned(),
        );
    }
    let kept = config.snapshots.keep;
    (kept < SNAPSHOTS_KEPT_MIN).then(|| {
        format!(
            "snapshots.keep = {kept} is too few with heads.url: keep {SNAPSHOTS_KEPT_MIN} at least, so that a lane with one damaged snapshot need not read its head"
        )
    })
}

fn level(telemetry: &Telemetry, problems: &mut Vec<String>) {
    if let Err(error) = telemetry
        .level
        .parse::<tracing_subscriber::filter::EnvFilter>()
    {
        problems.push(format!(
            "telemetry.level = {:?} is no level: {error}",
            telemetry.level
        ));
    }
}

fn listen(config: &Config, problems: &mut Vec<String>) {
    let mut bound = |key: &str, address: SocketAddr| {
        if !address.ip().is_loopback() && !config.listen.beyond_this_machine {
            problems.push(format!(
                "{key} = {address} is beyond this machine, and calls are neither encrypted nor authenticated yet: \
                 use 127.0.0.1, or set listen.beyond_this_machine on a network where everybody may do everything"
            ));
        }
    };
    for (name, addresses) in [
        ("all", config.listen.all),
        ("intake", config.listen.intake),
        ("pooling", config.listen.pooling),
        ("results", config.listen.results),
    ] {
        bound(&format!("listen.{name}.grpc"), addresses.grpc);
        bound(&format!("listen.{name}.http"), addresses.http);
    }
    match config.console.address() {
        Some(address) => bound("console.listen", address),
        None if config.console.listen.is_empty() => {}
        None => problems.push(format!(
            "console.listen = {:?} is not IP:PORT, such as \"127.0.0.1:7078\"; empty = no console",
            config.console.listen
        )),
    }
}
