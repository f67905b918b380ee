//! A lab for the page to work in: `tenfold run` as a process, the policy of the example, and registered tubes.

use std::net::SocketAddr;
use std::path::Path;
use tempfile::TempDir;
use tenfold_proto::v1;
use tenfold_tests::process::{Served, free_address, program, run};
use tokio::runtime::Runtime;
use v1::pooling_client::PoolingClient;

/// Most tubes that are received at once: a rack of them.
const RACK: usize = 96;

/// The lab.
pub const LAB: &str = "lab-1";

/// A lab's services, their console, and registered tubes.
pub struct Floor {
    pub services: Served,
    console: SocketAddr,
    folder: TempDir,
    runtime: Runtime,
}

impl Floor {
    /// Starts everything; nothing is registered yet.
    pub fn open() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tenfold-console-")
            .tempdir()
            .expect("a folder");
        let console = free_address();
        let mut services = Served::new(
            "tenfold",
            program("tenfold"),
            &["run", "--data", "data", "--console", &console.to_string()],
            folder.path(),
        );
        services.start();
        services.wait_ready();
        let floor = Self {
            services,
            console,
            folder,
            runtime: Runtime::new().expect("a runtime"),
        };
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/policy.toml");
        floor.tenfold(&["policy", "apply", &policy.to_string_lossy()]);
        floor
    }

    /// The page of a bench.
    pub fn page(&self, bench: &str, screen: &str) -> String {
        format!("http://{}/?lab={LAB}&bench={bench}#{screen}", self.console)
    }

    /// A command of `tenfold`, which must succeed.
    pub fn tenfold(&self, arguments: &[&str]) -> String {
        let address = self.services.address();
        let mut all = vec!["--server", &address];
        all.extend(arguments);
        let (status, printed, told) = run(&program("tenfold"), &all);
        assert!(status.success(), "{arguments:?}: {told}");
        printed
    }

    /// Registers tubes of one person each; answers their barcodes.
    pub fn register(&self, series: &str, count: usize, class: &str) -> Vec<String> {
        let now = stamp();
        let barcodes: Vec<String> = (0..count).map(|n| format!("{series}{n:06}")).collect();
        let mut file = String::from(
            "barcode,site,kind,specimen_type,sampling_class,subjects,collected_at,transport_box\n",
        );
        for barcode in &barcodes {
            file += &format!("{barcode},s-01,person,np-swab,{class},p-{barcode},{now},BOX-1\n");
        }
        let path = self.folder.path().join(format!("{series}.csv"));
        std::fs::write(&path, file).expect("a file");
        self.tenfold(&["register", &path.to_string_lossy()]);
        barcodes
    }

    /// Receives tubes by the command line, until the lab knows them all.
    pub fn receive(&self, barcodes: &[String]) {
        for part in barcodes.chunks(RACK) {
            let mut arguments = vec!["receive", "--lab", LAB];
            arguments.extend(part.iter().map(String::as_str));
            self.tenfold(&arguments);
        }
    }

    /// A file of the lab; answers where it is.
    pub fn keep(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_string_lossy().into_owned()
    }

    /// A plate, asked past the console.
    pub fn plate(&self, plate: &str) -> v1::PlateView {
        let address = self.services.address();
        self.runtime.block_on(async {
            let mut pooling = PoolingClient::connect(address).await.expect("pooling");
            let request = v1::GetPlateRequest {
                lab: LAB.to_owned(),
                plate: plate.to_owned(),
            };
            let plate = pooling.get_plate(request).await;
            plate.expect("a plate").into_inner()
        })
    }

    /// A pool, asked past the console.
    pub fn pool(&self, number: usize) -> Option<v1::PoolView> {
        let address = self.services.address();
        self.runtime.block_on(async {
            let mut pooling = PoolingClient::connect(address).await.expect("pooling");
            let request = v1::GetPoolRequest {
                lab: LAB.to_owned(),
                pool: format!("{LAB}/P{number}"),
            };
            pooling
                .get_pool(request)
                .await
                .ok()
                .map(tonic::Response::into_inner)
        })
    }

    /// Barcodes in the order of pools and slots.
    pub fn pooled(&self) -> Vec<String> {
        let pools = (1..).map_while(|number| self.pool(number));
        pools
            .flat_map(|mut pool| {
                pool.members.sort_by_key(|member| member.slot);
                pool.members
            })
            .map(|member| member.barcode)
            .collect()
    }
}

/// Now, as registrations write it.
fn stamp() -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .expect("a clock");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
