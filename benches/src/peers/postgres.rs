//! PostgreSQL, as a laboratory system on it would do the same work; and as an expert in it would.
//!
//! Both are driven by `pgbench`, PostgreSQL's own load generator, over a Unix socket with prepared statements: no client of
//! ours stands in the way. *One by one*: one transaction a sample over eight connections, each the bench of a technician, all
//! statements of a sample in one function, so one round trip. *Sets*: registrations lie in a table as ours lie in the inbox;
//! 2,000 samples a transaction in set-based SQL, each connection with pools of its own, so that none waits for another's lock.
//!
//! Tuned: `fsync` off, because the broker beside it does not wait for the disk either (both survive a killed process, not a
//! lost machine); 1 GB of shared buffers, 4 GB of WAL before a checkpoint, no autovacuum during a run, minimal WAL, no
//! `full_page_writes`, no indexes but the keys and the one that finds the open pool; primary keys refuse duplicates.

use crate::bed::Bed;
use crate::figure::{Contestant, Took};
use crate::tubes::POOL;
use anyhow::{Context as _, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Connections.
const CLIENTS: usize = 8;

/// Samples of a transaction of the expert's.
const SET: usize = 2_000;

/// Longest time until it takes connections.
const READY_MAX: Duration = Duration::from_secs(60);

const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=on",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=1GB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "autovacuum=off",
    "work_mem=64MB",
    "jit=off",
];

const SCHEMA: &str = "
DROP TABLE IF EXISTS inbox, sample, pool, assignment, progress;
DROP SEQUENCE IF EXISTS tube;
CREATE SEQUENCE tube CACHE 1000;
CREATE TABLE inbox (bench int, id bigint, barcode text, subject text, collected_at timestamptz, PRIMARY KEY (bench, id));
CREATE TABLE sample (barcode text PRIMARY KEY, bench int, subject text, collected_at timestamptz, registered_at timestamptz);
CREATE TABLE pool (id bigserial PRIMARY KEY, bench int, members int, sealed_at timestamptz);
CREATE UNIQUE INDEX open_pool ON pool (bench) WHERE sealed_at IS NULL;
CREATE TABLE assignment (barcode text PRIMARY KEY, pool bigint, slot int);
CREATE TABLE progress (bench int PRIMARY KEY, next bigint);

CREATE OR REPLACE FUNCTION pool_one(b int, code text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE p bigint; m int;
BEGIN
  INSERT INTO sample VALUES (code, b, 'p-' || code, now(), now());
  UPDATE pool SET members = members + 1, sealed_at = CASE WHEN members = 9 THEN now() END
    WHERE bench = b AND sealed_at IS NULL RETURNING id, members INTO p, m;
  IF NOT FOUND THEN
    INSERT INTO pool (bench, members) VALUES (b, 1) RETURNING id, members INTO p, m;
  END IF;
  INSERT INTO assignment VALUES (code, p, m);
  RETURN m;
END $$;

CREATE OR REPLACE FUNCTION pool_set(b int, n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE f bigint; base bigint;
BEGIN
  UPDATE progress SET next = next + n WHERE bench = b RETURNING next - n INTO f;
  INSERT INTO sample SELECT barcode, b, subject, collected_at, now() FROM inbox
    WHERE bench = b AND id >= f AND id < f + n;
  base := b * 100000000::bigint + f / 10;
  INSERT INTO pool SELECT base + g, b, 10, now() FROM generate_series(0, n / 10 - 1) g;
  INSERT INTO assignment SELECT barcode, base + (id - f) / 10, (id - f) % 10 + 1 FROM inbox
    WHERE bench = b AND id >= f AND id < f + n;
  RETURN f;
END $$;
";

struct Postgres {
    server: Server,
    sets: bool,
    /// Transactions of each connection.
    transactions: usize,
}

/// One transaction a sample.
///
/// # Errors
/// PostgreSQL cannot be started.
pub fn one_by_one(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    let transactions = usize::try_from(bed.size.seconds)? * 500;
    Ok(Box::new(Postgres {
        server: Server::start()?,
        sets: false,
        transactions,
    }))
}

/// The expert's: 2,000 samples a transaction.
///
/// # Errors
/// PostgreSQL cannot be started.
pub fn sets(bed: &Arc<Bed>) -> anyhow::Result<Box<dyn Contestant>> {
    let transactions = usize::try_from(bed.size.seconds)?.div_ceil(3) * 5;
    Ok(Box::new(Postgres {
        server: Server::start()?,
        sets: true,
        transactions,
    }))
}

impl Contestant for Postgres {
    fn run(&mut self) -> anyhow::Result<Took> {
        self.server.sql(SCHEMA)?;
        let calls = CLIENTS * self.transactions;
        let (samples, script) = if self.sets {
            let each = self.transactions * SET;
            self.server.sql(&format!(
                "INSERT INTO progress SELECT b, 0 FROM generate_series(0, {last}) b;
                 INSERT INTO inbox SELECT b, i, 'B' || b || 'N' || i, 'p-' || b || '-' || i, now()
                   FROM generate_series(0, {last}) b, generate_series(0, {each} - 1) i;
                 ANALYZE inbox; CHECKPOINT;",
                last = CLIENTS - 1,
            ))?;
            (calls * SET, format!("SELECT pool_set(:client_id, {SET});"))
        } else {
            (
                calls,
                "SELECT pool_one(:client_id, 'B' || nextval('tube'));".to_owned(),
            )
        };
        let per_second = self.server.pgbench(&script, self.transactions)?;
        let counted = self
            .server
            .sql("SELECT count(*) FROM assignment; SELECT count(*) FROM pool WHERE members = 10")?;
        let counted: Vec<usize> = counted
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        let pools = CLIENTS * (samples / CLIENTS / POOL);
        ensure!(
            counted == [samples, pools],
            "{counted:?} assignments and full pools, not {samples} and {pools}"
        );
        let rate = per_second * samples as f64 / calls as f64;
        Ok(Took {
            values: vec![Some(rate), None],
            note: format!("{samples} samples a run; tables counted and right"),
        })
    }
}

/// A server of its own, gone when this is dropped.
struct Server {
    programs: PathBuf,
    folder: TempDir,
    /// Who runs it: PostgreSQL refuses to run as root.
    user: Option<&'static str>,
    child: Option<Child>,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-postgres-")
            .tempdir()?;
        let programs = programs()?;
        let user = if is_root() { Some(somebody()?) } else { None };
        let mut server = Self {
            programs,
            folder,
            user,
            child: None,
        };
        if let Some(user) = user {
            let place = server.folder.path().to_string_lossy().into_owned();
            said(Command::new("chown").args([user, &place]))?;
        }
        let (data, socket) = (server.path("data"), server.path(""));
        let init = [
            "-D",
            &data,
            "-U",
            "bench",
            "-A",
            "trust",
            "--no-locale",
            "-E",
            "UTF8",
            "--no-sync",
        ];
        said(server.command("initdb").args(init))?;
        let mut command = server.command("postgres");
        command.args(["-D", &data, "-k", &socket]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let log = std::fs::File::create(server.folder.path().join("log"))?;
        let child = command
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("postgres cannot be started")?;
        server.child = Some(child);
        let began = Instant::now();
        while let Err(error) = server.sql("SELECT 1") {
            let log = std::fs::read_to_string(server.folder.path().join("log")).unwrap_or_default();
            ensure!(
                began.elapsed() < READY_MAX,
                "postgres is not ready: {error:#}\n{log}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(server)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn command(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = match self.user {
            None => Command::new(path),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args([
                    "--reuid",
                    user,
                    "--regid",
                    user_group(user),
                    "--clear-groups",
                    "--pdeathsig",
                    "INT",
                ]);
                command.arg(path);
                command
            }
        };
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        command
    }

    fn sql(&self, text: &str) -> anyhow::Result<String> {
        let socket = self.path("");
        let arguments = [
            "-h",
            &socket,
            "-U",
            "bench",
            "-d",
            "postgres",
            "-qAtX",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            text,
        ];
        said(self.command("psql").args(arguments))
    }

    /// Transactions a second, without the time of connecting.
    fn pgbench(&self, script: &str, transactions: usize) -> anyhow::Result<f64> {
        let file = self.path("script.sql");
        std::fs::write(&file, script)?;
        let (socket, clients, each) =
            (self.path(""), CLIENTS.to_string(), transactions.to_string());
        let arguments = [
            "-h", &socket, "-U", "bench", "-n", "-M", "prepared", "-c", &clients, "-j", "1", "-t",
            &each, "-f", &file, "postgres",
        ];
        let told = said(self.command("pgbench").args(arguments))?;
        let rate = told.lines().find_map(|line| {
            line.strip_prefix("tps = ")?
                .split_whitespace()
                .next()?
                .parse()
                .ok()
        });
        rate.with_context(|| format!("pgbench told no rate: {told}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Its own way to end at once, with all its processes.
            let data = self.path("data");
            let _ = said(
                self.command("pg_ctl")
                    .args(["stop", "-D", &data, "-m", "immediate"]),
            );
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Where the system's packages put the newest PostgreSQL's programs.
fn programs() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_string_lossy().parse::<u32>().ok()?,
                entry.path(),
            ))
        })
        .max();
    let folder = match newest {
        Some((_, path)) => path.join("bin"),
        None => {
            let told = said(Command::new("pg_config").arg("--bindir"));
            let told = told
                .context("PostgreSQL is not installed: `scripts/need build bench` installs it")?;
            PathBuf::from(told.trim())
        }
    };
    for program in ["initdb", "postgres", "psql", "pgbench", "pg_ctl"] {
        let path = folder.join(program);
        ensure!(
            path.exists(),
            "{} is missing: `scripts/need build bench` installs it",
            path.display()
        );
    }
    Ok(folder)
}

fn is_root() -> bool {
    said(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn somebody() -> anyhow::Result<&'static str> {
    let there = |user: &str| said(Command::new("id").args(["-u", user])).is_ok();
    ["postgres", "nobody"]
        .into_iter()
        .find(|user| there(user))
        .context("no user to run PostgreSQL as")
}

fn user_group(user: &str) -> &'static str {
    if user == "postgres" {
        "postgres"
    } else if Path::new("/etc/debian_version").exists() {
        "nogroup"
    } else {
        "nobody"
    }
}

/// What a program printed; its complaint is the error.
fn said(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{name} cannot be run"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
