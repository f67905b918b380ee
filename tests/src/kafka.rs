//! A real Kafka for a test: on free ports, in a folder of its own, gone when the test is.

use crate::process::free_address;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Heap of each broker: three of them fit beside a build.
const BROKER_HEAP: &str = "256m";

/// Heap of a broker that is measured.
const MEASURED_HEAP: &str = "1g";
/// Options of the virtual machine as a lab would run it, not for a quick start.
const MEASURED_JVM: &str = "-XX:MaxGCPauseMillis=20";

/// Brokers that run until this is dropped, or the process ends.
pub struct KafkaCluster {
    folder: TempDir,
    ports: String,
    more: String,
    heap: &'static str,
    /// Options of the virtual machine; empty = those of the script.
    jvm: &'static str,
    bootstrap: String,
}

/// A listener besides, whose clients are told other addresses: those of a proxy.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its name, in capitals.
    pub name: String,
    /// For each broker, the port that clients are told.
    pub told: Vec<u16>,
    /// For each broker, the port it listens on.
    pub ports: Vec<u16>,
}

impl KafkaCluster {
    /// Starts 1 to 3 brokers; takes several seconds, and downloads Kafka the first time.
    ///
    /// # Panics
    /// Kafka cannot be started; says what is missing.
    #[must_use]
    pub fn start(brokers: u32) -> Self {
        Self::start_with(brokers, &[], false)
    }

    /// As [`KafkaCluster::start`], with listeners besides. `lasting`: not for a quick start but for hours of work, with
    /// the whole compiler.
    ///
    /// # Panics
    /// As [`KafkaCluster::start`].
    #[must_use]
    pub fn start_with(brokers: u32, more: &[Listener], lasting: bool) -> Self {
        let jvm = if lasting { MEASURED_JVM } else { "" };
        Self::start_as(brokers, more, BROKER_HEAP, jvm)
    }

    /// One broker to measure: with the whole compiler and a larger heap.
    ///
    /// # Panics
    /// As [`KafkaCluster::start`].
    #[must_use]
    pub fn to_measure() -> Self {
        Self::start_as(1, &[], MEASURED_HEAP, MEASURED_JVM)
    }

    fn start_as(brokers: u32, more: &[Listener], heap: &'static str, jvm: &'static str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-kafka-")
            .tempdir()
            .expect("a folder for Kafka");
        let mut cluster = Self {
            folder,
            ports: free_ports(brokers),
            more: more.iter().map(entry).collect::<Vec<_>>().join(" "),
            heap,
            jvm,
            bootstrap: String::new(),
        };
        cluster.bootstrap = cluster.run(&["up", &brokers.to_string()]);
        cluster
    }

    /// One cluster of so many brokers for all tests of this process; it ends with the process.
    ///
    /// # Panics
    /// As [`KafkaCluster::start`].
    #[must_use]
    pub fn shared(brokers: u32) -> &'static Self {
        static ONE: OnceLock<KafkaCluster> = OnceLock::new();
        static MORE: OnceLock<KafkaCluster> = OnceLock::new();
        let place = if brokers == 1 { &ONE } else { &MORE };
        place.get_or_init(|| Self::start(brokers))
    }

    /// `host:port` of each broker, with commas.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// The folder with what they keep.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Kills a broker (kill -9); brokers are numbered from 0.
    pub fn kill(&self, broker: u32) {
        self.run(&["kill", &broker.to_string()]);
    }

    /// Starts a broker again on its old data.
    pub fn start_broker(&self, broker: u32) {
        self.run(&["start", &broker.to_string()]);
    }

    /// Stops a broker from running, as if it hung.
    pub fn pause(&self, broker: u32) {
        self.run(&["pause", &broker.to_string()]);
    }

    /// Lets a broker run again.
    pub fn resume(&self, broker: u32) {
        self.run(&["resume", &broker.to_string()]);
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.script(arguments);
        assert!(
            output.status.success(),
            "Kafka is needed for this test, and `kafka {}` failed:\n{}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn script(&self, arguments: &[&str]) -> Output {
        Command::new(script())
            .args(arguments)
            .env("KAFKA_DIR", self.folder.path())
            .env("KAFKA_PORTS", &self.ports)
            .env("KAFKA_MORE", &self.more)
            .env("KAFKA_HEAP", self.heap)
            .env("KAFKA_JVM", self.jvm)
            .env("KAFKA_OWNER", std::process::id().to_string())
            .output()
            .unwrap_or_else(|error| panic!("{} cannot be run: {error}", script().display()))
    }
}

impl Drop for KafkaCluster {
    fn drop(&mut self) {
        let output = self.script(&["wipe"]);
        if !output.status.success() {
            eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kafka/kafka")
}

/// A listener as the script wants it.
fn entry(listener: &Listener) -> String {
    let pairs = listener.ports.iter().zip(&listener.told);
    let pairs: Vec<String> = pairs.map(|(port, told)| format!("{port}:{told}")).collect();
    format!("{}={}", listener.name, pairs.join(","))
}

/// Two free ports a broker, as the script wants them. A broker takes its ports seconds later, so they must not be of
/// those that the system gives to outgoing connections.
fn free_ports(brokers: u32) -> String {
    (0..brokers)
        .map(|_| format!("{}:{}", free_address().port(), free_address().port()))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where Linux says which ports outgoing connections get.
    const OUTGOING: &str = "/proc/sys/net/ipv4/ip_local_port_range";

    #[test]
    fn no_port_of_a_broker_is_given_to_an_outgoing_connection() {
        let range = std::fs::read_to_string(OUTGOING).expect("the range of outgoing ports");
        let mut ends = range.split_whitespace().map(|end| end.parse::<u16>());
        let (first, last) = (ends.next().unwrap().unwrap(), ends.next().unwrap().unwrap());
        let ports = free_ports(3);
        let ports: Vec<u16> = ports
            .split([' ', ':'])
            .map(|port| port.parse().unwrap())
            .collect();
        assert_eq!(ports.len(), 6);
        for port in ports {
            assert!(!(first..=last).contains(&port), "{port} is in {range}");
        }
    }
}
