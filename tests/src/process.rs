//! The real programs as processes: started, killed as if the power failed, started again.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// Longest time from starting a process until it is ready.
const READY_MAX: Duration = Duration::from_secs(60);

/// Ports that tests listen on.
const FIRST_PORT: u16 = 21_000;
const PORTS: u16 = 10_000;

/// Lines of a process's log in a failure's message.
const LOG_TAIL: usize = 25;

/// A program of this workspace, beside the test or program that runs.
///
/// # Panics
/// It is not built; says what to build.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("the test's own path");
    let folder = own.parent().expect("target/debug, or deps in it");
    let folder = if folder.ends_with("deps") {
        folder.parent().expect("target/debug")
    } else {
        folder
    };
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is needed for this test: `cargo build --workspace --bins` makes it, `make test` does so first",
        path.display()
    );
    path
}

/// A command that takes no settings from the environment of the test.
#[must_use]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TENFOLD_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A port that nobody listens on: below those that the system gives to outgoing connections, and never the same
/// twice in a process.
///
/// # Panics
/// None is free.
#[must_use]
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % 50).unwrap_or(0) * 200;
    for _ in 0..PORTS {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = FIRST_PORT + (offset + step) % PORTS;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().expect("an address");
        }
    }
    panic!("no port from {FIRST_PORT} on is free");
}

/// A process that serves gRPC and HTTP, and what is needed to start it again as it was.
pub struct Served {
    name: String,
    program: PathBuf,
    arguments: Vec<String>,
    folder: PathBuf,
    grpc: SocketAddr,
    http: SocketAddr,
    child: Option<Child>,
}

impl Served {
    /// Prepares a process: `program` with `arguments`, working in `folder` (its log is `NAME.log` there), on
    /// free ports. Not started yet.
    #[must_use]
    pub fn new(name: &str, program: PathBuf, arguments: &[&str], folder: &Path) -> Self {
        let (grpc, http) = (free_address(), free_address());
        let mut arguments: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
        let wants_console = arguments.iter().any(|argument| argument == "--console");
        if arguments.first().is_some_and(|first| first == "run") && !wants_console {
            // The console's own port is one, and may be taken by another process; a test that wants it says
            // `--console`.
            let none = ["--set".to_owned(), "console.listen=".to_owned()];
            arguments.splice(1..1, none);
        }
        arguments.extend(["--grpc".to_owned(), grpc.to_string()]);
        arguments.extend(["--http".to_owned(), http.to_string()]);
        Self {
            name: name.to_owned(),
            program,
            arguments,
            folder: folder.to_owned(),
            grpc,
            http,
            child: None,
        }
    }

    /// Where it answers gRPC.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts it, and does not wait.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start(&mut self) {
        self.start_with(&[]);
    }

    /// Starts it with these variables, and does not wait.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start_with(&mut self, variables: &[(&str, &str)]) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_file())
            .expect("a log file");
        let child = command(&self.program)
            .args(&self.arguments)
            .current_dir(&self.folder)
            .envs(variables.iter().copied())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{} cannot be started: {error}", self.program.display())
            });
        self.child = Some(child);
    }

    /// Waits until it says that it is ready. Answers how long that took.
    ///
    /// # Panics
    /// It ends, or is not ready in time; with the end of its log.
    pub fn wait_ready(&mut self) -> Duration {
        let began = Instant::now();
        loop {
            if get(self.http, "/readyz").is_some_and(|answer| answer.contains(" 200 ")) {
                return began.elapsed();
            }
            if let Some(status) = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten())
            {
                panic!("{} ended with {status}:\n{}", self.name, self.log_tail());
            }
            assert!(
                began.elapsed() < READY_MAX,
                "{} is not ready after {} s: {}\n{}",
                self.name,
                READY_MAX.as_secs(),
                get(self.http, "/readyz").unwrap_or_default(),
                self.log_tail()
            );
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Kills it with -9: nothing is tidied up.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends it a signal, by name: `STOP`, `CONT`, `TERM`.
    ///
    /// # Panics
    /// The system has no shell.
    pub fn signal(&self, name: &str) {
        if let Some(id) = self.id() {
            // The shell's own: not every machine has a program of that name.
            let sent = Command::new("sh")
                .args(["-c", &format!("kill -{name} {id}")])
                .status();
            assert!(sent.is_ok(), "a shell is needed for this test");
        }
    }

    /// Waits until it ends by itself; answers whether it did in this time.
    pub fn ended_within(&mut self, longest: Duration) -> bool {
        let began = Instant::now();
        while let Some(child) = self.child.as_mut() {
            if child.try_wait().ok().flatten().is_some() {
                self.child = None;
            } else if began.elapsed() > longest {
                return false;
            } else {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        true
    }

    /// A page of its HTTP port, with the status line; `None` = no answer.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<String> {
        get(self.http, path)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder it works in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Bytes of its log so far, and how many lines from this byte on contain each of these texts.
    #[must_use]
    pub fn log_counts<const N: usize>(&self, from: usize, texts: [&str; N]) -> (usize, [usize; N]) {
        let log = std::fs::read(self.log_file()).unwrap_or_default();
        let new = String::from_utf8_lossy(log.get(from..).unwrap_or_default()).into_owned();
        let counts = texts.map(|text| new.lines().filter(|line| line.contains(text)).count());
        (log.len(), counts)
    }

    /// Most memory it ever used, in MiB; `None` where the system does not tell.
    #[must_use]
    pub fn memory_max_mib(&self) -> Option<u64> {
        Some(self.status_kib("VmHWM:")? / 1_024)
    }

    /// Memory it uses now, in KiB; `None` where the system does not tell.
    #[must_use]
    pub fn memory_kib(&self) -> Option<u64> {
        self.status_kib("VmRSS:")
    }

    fn status_kib(&self, name: &str) -> Option<u64> {
        let id = self.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// The end of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL)..].join("\n")
    }

    /// Lines of its log that an operator would look at.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.log_file()).unwrap_or_default();
        log.lines()
            .filter(|line| line.contains("ERROR") || line.contains("panicked"))
            .map(|line| format!("{}: {line}", self.name))
            .collect()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- the end of {}.log:\n{}", self.name, self.log_tail());
        }
    }
}

/// Runs a program to its end; answers its status and what it printed.
///
/// # Panics
/// It cannot be started.
#[must_use]
pub fn run(program: &Path, arguments: &[&str]) -> (ExitStatus, String, String) {
    let output = command(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{} cannot be started: {error}", program.display()));
    (
        output.status,
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// A page, with its status line.
fn get(address: SocketAddr, path: &str) -> Option<String> {
    let limit = Duration::from_secs(2);
    let mut stream = TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}
