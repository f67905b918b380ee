use super::*;

fn load(file: &str, flags: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("tenfold.toml");
    std::fs::write(&path, file).expect("a file");
    let flags: Vec<Override> = flags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    Config::read(Some(&path), None, &flags)
}

#[test]
fn the_commented_defaults_are_whole_and_right() {
    let config = Config::read(None, None, &[]).expect("the defaults");
    assert_eq!(config.log.kind, LogKind::Embedded);
    assert!(config.listen.all.grpc.ip().is_loopback());
    // A key without a comment above it (or above its section's first key) is not documented.
    let mut commented = false;
    for line in DEFAULTS.lines() {
        if line.starts_with('#') {
            commented = true;
        } else if line.starts_with('[') {
            commented = false;
        } else if line.contains('=') {
            assert!(commented, "{line:?} has no comment above it");
        }
    }
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "[lanes]\nintake = 4\npooling = 2\n";
    let config = load(file, &[("lanes.pooling", "3"), ("log.kind", "kafka")]).expect("settings");
    assert_eq!(config.lanes.intake, 4);
    assert_eq!(config.lanes.pooling, 3);
    assert_eq!(config.lanes.results, 8);
    assert_eq!(config.log.kind, LogKind::Kafka);
}

#[test]
fn lanes_get_as_many_threads_as_the_machine_has_cores_unless_it_is_said() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = |set: &str, service, services| {
        load("", &[("instance.workers", set)]).map(|c| c.instance.workers(service, services))
    };
    let shared = (cores / 3).clamp(1, 16);
    for (service, services, want) in [
        ("intake", 1, cores.min(16)),
        ("intake", 3, shared),
        ("pooling", 3, cores.min(16)),
        ("results", 3, cores.min(16)),
    ] {
        let own = workers("0", service, services).expect("the default");
        assert_eq!(own, want, "{service}, one of {services}");
        assert_eq!(workers("3", service, services).expect("settings"), 3);
    }
    let errors = workers("17", "pooling", 1).expect_err("too many").0;
    assert_eq!(errors, ["instance.workers = 17 is not 0 to 16"]);
}

#[test]
fn only_intake_stands_back_and_as_far_as_is_said() {
    let config = load("", &[]).expect("the default");
    let of = |service| config.instance.niceness(service);
    assert_eq!((of("intake"), of("pooling"), of("results")), (10, 0, 0));
    let config = load("", &[("instance.intake_niceness", "0")]).expect("settings");
    assert_eq!(config.instance.niceness("intake"), 0);
    let errors = load("", &[("instance.intake_niceness", "20")]).expect_err("too far");
    assert_eq!(errors.0, ["instance.intake_niceness = 20 is not 0 to 19"]);
}

#[test]
fn small_records_may_be_told_never_to_wait_and_are_no_larger_than_a_record() {
    let small = |set: &str| {
        let set = [("lanes.small_record_bytes", set)];
        load("", &set).map(|c| c.lanes.small_record_bytes)
    };
    assert_eq!(small("0").expect("settings"), 0);
    let default = load("", &[]).expect("defaults").lanes.small_record_bytes;
    assert_eq!(
        default as usize,
        tenfold_runtime::limits::Limits::default().small_record_bytes,
        "what the scenarios and the simulation take for the default"
    );
    let errors = small("262145").expect_err("too large").0;
    assert_eq!(
        errors,
        ["lanes.small_record_bytes = 262145 is not 0 to 262144"]
    );
}

#[test]
fn messages_that_nobody_waits_for_gather_as_the_engine_says_unless_told_otherwise() {
    let gather = |set: &[(&str, &str)]| load("", set).map(|c| c.lanes.messages_gather_ms);
    assert_eq!(
        u128::from(gather(&[]).expect("defaults")),
        tenfold_runtime::limits::Limits::default()
            .relay_gather
            .as_millis(),
        "what the scenarios and the simulation take for the default"
    );
    assert_eq!(
        gather(&[("lanes.messages_gather_ms", "0")]).expect("settings"),
        0
    );
    let errors = gather(&[("lanes.messages_gather_ms", "10001")]).expect_err("too long");
    assert_eq!(
        errors.0,
        ["lanes.messages_gather_ms = 10001 is not 0 to 10000"]
    );
}

#[test]
fn answers_are_known_for_three_days_unless_told_otherwise_and_never_only_for_minutes() {
    let kept = |set: &[(&str, &str)]| load("", set).map(|c| c.lanes.answers_kept());
    assert_eq!(
        kept(&[]).expect("defaults"),
        tenfold_runtime::limits::Limits::default().outcome_kept,
        "what the scenarios and the simulation take for the default"
    );
    let errors = kept(&[("lanes.answers_kept_minutes", "9")]).expect_err("too short");
    assert_eq!(
        errors.0,
        ["lanes.answers_kept_minutes = 9 is not 10 to 43200"]
    );
}

#[test]
fn rows_gather_for_the_cache_as_the_engine_says_unless_told_otherwise() {
    let gather = |set: &[(&str, &str)]| {
        let config = load("", set)?;
        Ok::<_, ConfigErrors>((config.cache.gather_ms, config.cache.gather_rows))
    };
    let engine = tenfold_runtime::limits::Limits::default();
    let (ms, rows) = gather(&[]).expect("defaults");
    assert_eq!(u128::from(ms), engine.gather.as_millis());
    assert_eq!(rows as usize, engine.gather_rows_max);
    let none = gather(&[("cache.gather_ms", "0")]).expect("each record on its own");
    assert_eq!(none.0, 0);
    let errors = gather(&[("cache.gather_rows", "0")])
        .expect_err("nothing")
        .0;
    assert_eq!(errors, ["cache.gather_rows = 0 is not 1 to 1000000"]);
}

#[test]
fn what_is_wrong_on_the_command_line_is_told_as_it_was_typed() {
    let said = |key: &str, value: &str| load("", &[(key, value)]).expect_err(key).0.join("; ");
    assert_eq!(
        said("console.lissen", "127.0.0.1:1"),
        "there is no setting console.lissen (--set): did you mean console.listen?"
    );
    assert_eq!(
        said("lanes.intake", "many"),
        "invalid type: found string \"many\", expected u32 for key \"lanes.intake\" in --set"
    );
}

#[test]
fn an_unknown_key_is_an_error_that_offers_the_nearest_one_and_names_its_source() {
    let errors = load("[log]\nbroker = \"a:1\"\n[grcp]\ndrain_ms_max = 5\n", &[])
        .expect_err("unknown keys")
        .0;
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors
            .iter()
            .any(|e| e.contains("log.broker") && e.contains("did you mean log.brokers?"))
    );
    assert!(
        errors.iter().any(|e| e.contains("grpc.drain_ms_max")),
        "{errors:?}"
    );
    assert!(
        errors.iter().all(|e| e.contains("tenfold.toml")),
        "{errors:?}"
    );
}

#[test]
fn every_problem_is_told_not_only_the_first() {
    let errors = load(
        "[lanes]\nintake = 0\n[grpc]\ncall_ms_max = 1\n[listen.all]\ngrpc = \"0.0.0.0:7070\"\n",
        &[],
    )
    .expect_err("three problems")
    .0;
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn an_address_beyond_this_machine_needs_to_be_meant() {
    let file = "[listen]\nbeyond_this_machine = true\n[listen.all]\ngrpc = \"0.0.0.0:7070\"\n";
    assert!(load(file, &[]).is_ok());
}

#[test]
fn a_value_of_the_wrong_type_names_its_key() {
    let errors = load("[lanes]\nintake = \"many\"\n", &[])
        .expect_err("a type")
        .0;
    assert!(errors[0].contains("lanes.intake"), "{errors:?}");
}

#[test]
fn snapshots_are_beside_the_cache_on_one_machine_and_where_they_are_told_to_be_on_several() {
    let url = |flags: &[(&str, &str)]| load("", flags).expect("settings").snapshots_url();
    let auto = url(&[("cache.dir", "/data/cache")]);
    assert_eq!(auto.as_deref(), Some("file:///data/snapshots"));
    let relative = url(&[]).expect("a folder");
    assert!(relative.starts_with("file:///"), "{relative}");
    assert_eq!(url(&[("log.kind", "kafka")]), None);
    assert_eq!(url(&[("snapshots.url", "off")]), None);
    let shared = [("log.kind", "kafka"), ("snapshots.url", "s3://lab/tenfold")];
    assert_eq!(url(&shared).as_deref(), Some("s3://lab/tenfold"));
    let errors = load("", &[("snapshots.url", "data/snapshots")]).expect_err("no url");
    assert!(errors.0[0].contains("snapshots.url"), "{errors:?}");
}

#[test]
fn heads_are_in_the_log_until_a_store_is_named_and_then_two_snapshots_are_needed() {
    let with = |flags: &[(&str, &str)]| load("", flags).expect("settings");
    assert_eq!(with(&[]).heads_url(), None);
    let url = ("heads.url", "file:///mnt/heads");
    let named = with(&[url]);
    assert_eq!(named.heads_url(), Some("file:///mnt/heads"));
    assert_eq!(named.heads_problem(), None);
    let says = |flags: &[(&str, &str)]| with(flags).heads_problem().expect("a problem");
    assert!(says(&[url, ("log.kind", "kafka")]).contains("snapshots.url none"));
    assert!(says(&[url, ("snapshots.keep", "1")]).contains("snapshots.keep = 1"));
    assert_eq!(with(&[("snapshots.keep", "1")]).heads_problem(), None);
    let errors = load("", &[("heads.url", "heads")]).expect_err("no url");
    assert!(errors.0[0].contains("heads.url"), "{errors:?}");
}

/// Set in the process that the next test starts of itself, to have an environment of its own.
const IN_CHILD: &str = "TENFOLD_LANES__INTAKE";

#[test]
fn the_environment_wins_over_the_file() {
    if std::env::var_os(IN_CHILD).is_none() {
        let child = std::process::Command::new(std::env::current_exe().expect("this test"))
            .args([
                "--exact",
                "config::tests::the_environment_wins_over_the_file",
            ])
            .env(IN_CHILD, "5")
            .env(ENV_FILE, "ignored.toml")
            .env("TENFOLD_LISTEN__ALL__GRPC", "127.0.0.1:1")
            .output()
            .expect("a process");
        assert!(
            child.status.success(),
            "{}",
            String::from_utf8_lossy(&child.stdout)
        );
        assert!(String::from_utf8_lossy(&child.stdout).contains("1 passed"));
        return;
    }
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("tenfold.toml");
    std::fs::write(&path, "[lanes]\nintake = 4\npooling = 2\n").expect("a file");
    let config = Config::load(Some(&path), &[]).expect("settings");
    assert_eq!(config.lanes.intake, 5);
    assert_eq!(config.lanes.pooling, 2);
    assert_eq!(config.listen.all.grpc.port(), 1);
}
