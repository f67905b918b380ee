//! A crowd at the door: connections that come and go, say nothing, speak slowly, or leave calls half open. The
//! bounds hold, memory stays flat, and a caller who behaves is served all the while.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tenfold_proto::v1::GetStatusRequest;
use tenfold_proto::v1::operations_client::OperationsClient;
use tenfold_tests::process::{Served, program};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

/// Attempts, unless `TENFOLD_CONNECTIONS` says otherwise.
const ATTEMPTS: usize = 2_000;
/// Of them at once: more than there are seats.
const AT_ONCE: usize = 400;
/// Seats of the process under test.
const SEATS: usize = 200;
/// Seats whose guests were told to leave, and the ones that behave.
const SLACK: f64 = 70.0;
/// How long one of the crowd stays, if it is let.
const STAY: Duration = Duration::from_secs(2);
/// Calls that one connection leaves half open.
const HALF_OPEN: u32 = 40;
/// Memory that the crowd may cost, in KiB.
const GROWTH_MAX: u64 = 300 * 1_024;
/// How long a good caller may have to try.
const PATIENCE: Duration = Duration::from_secs(60);

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// From one of many addresses of this machine: one has too few ports for a large crowd.
async fn connect(to: SocketAddr, n: usize) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if cfg!(target_os = "linux") {
        let host = u8::try_from(2 + n % 16).unwrap_or(2);
        socket.bind(SocketAddr::new(
            IpAddr::V4(Ipv4Addr::new(127, 0, 0, host)),
            0,
        ))?;
    }
    socket.connect(to).await
}

/// The head of a call, in frames of HTTP/2; its message never comes.
fn half_a_call(stream: u32) -> Vec<u8> {
    let literal = |index: u8, value: &str| -> Vec<u8> {
        let mut field = if index < 15 {
            vec![index]
        } else {
            vec![15, index - 15]
        };
        field.push(u8::try_from(value.len()).expect("short"));
        field.extend(value.as_bytes());
        field
    };
    // POST, http, and names of HPACK's static table: path, authority, content type.
    let mut block = vec![0x83, 0x86];
    block.extend(literal(4, "/tenfold.v1.Operations/GetStatus"));
    block.extend(literal(1, "crowd"));
    block.extend(literal(31, "application/grpc"));
    let length = u32::try_from(block.len()).expect("short").to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([1, 4]);
    frame.extend(stream.to_be_bytes());
    frame.extend(block);
    frame
}

/// One of the crowd. Whatever becomes of it is right.
async fn attempt(to: SocketAddr, n: usize) -> std::io::Result<()> {
    let mut stream = connect(to, n).await?;
    match n % 4 {
        // Comes and goes.
        0 => return Ok(()),
        // Says nothing.
        1 => {}
        // Speaks slowly.
        2 => {
            for byte in PREFACE {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(STAY / 40).await;
            }
        }
        // Leaves calls half open, reads no answer, and goes without a word.
        _ => {
            stream.write_all(PREFACE).await?;
            for call in 0..HALF_OPEN {
                stream.write_all(&half_a_call(2 * call + 1)).await?;
            }
            tokio::time::sleep(STAY / 2).await;
            return Ok(());
        }
    }
    let mut heard = [0; 64];
    let stay = tokio::time::timeout(STAY, async {
        while stream.read(&mut heard).await.is_ok_and(|read| read > 0) {}
    });
    let _ = stay.await;
    Ok(())
}

fn metric(process: &Served, name: &str) -> f64 {
    let page = process.page("/metrics").unwrap_or_default();
    let start = format!("{name}{{door=\"grpc\"}} ");
    page.lines()
        .find_map(|line| line.strip_prefix(&start)?.parse().ok())
        .unwrap_or_default()
}

/// What callers who behave saw.
#[derive(Default)]
struct Seen {
    served: AtomicU64,
    retried: AtomicU64,
    slowest_ms: AtomicU64,
}

/// Calls until the crowd is gone, over one connection or a new one each time; each call is tried until served.
async fn behaves(address: String, anew: bool, over: Arc<AtomicBool>, seen: Arc<Seen>) {
    let mut client = None;
    while !over.load(Relaxed) {
        let began = Instant::now();
        loop {
            if client.is_none() {
                client = OperationsClient::connect(address.clone()).await.ok();
            }
            let served = match &mut client {
                Some(client) => client.get_status(GetStatusRequest {}).await.is_ok(),
                None => false,
            };
            if served {
                break;
            }
            client = None;
            seen.retried.fetch_add(1, Relaxed);
            assert!(began.elapsed() < PATIENCE, "not served for {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        seen.served.fetch_add(1, Relaxed);
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        seen.slowest_ms.fetch_max(took, Relaxed);
        if anew {
            client = None;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

#[test]
fn a_crowd_that_says_nothing_keeps_out_nobody_who_does() {
    let _alone = crate::alone();
    let folder = crate::folder();
    let attempts = std::env::var("TENFOLD_CONNECTIONS")
        .ok()
        .and_then(|many| many.parse().ok())
        .unwrap_or(ATTEMPTS);
    let mut process = Served::new(
        "tenfold",
        program("tenfold"),
        &[
            "run",
            "--data",
            "data",
            "--set",
            &format!("grpc.connections_max={SEATS}"),
            "--set",
            "grpc.greeting_ms_max=1000",
        ],
        folder.path(),
    );
    process.start();
    process.wait_ready();
    let to: SocketAddr = process
        .address()
        .trim_start_matches("http://")
        .parse()
        .expect("an address");
    let before = process.memory_kib();
    let over = Arc::new(AtomicBool::new(false));
    let [standing, newcomer] = [Arc::new(Seen::default()), Arc::new(Seen::default())];
    let runtime = crate::runtime();
    let callers = [(false, &standing), (true, &newcomer)].map(|(anew, seen)| {
        let (address, over, seen) = (process.address(), Arc::clone(&over), Arc::clone(seen));
        runtime.spawn(behaves(address, anew, over, seen))
    });

    let began = Instant::now();
    let crowd = runtime.spawn(async move {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        for n in 0..attempts {
            let place = Arc::clone(&places).acquire_owned().await.expect("open");
            tokio::spawn(async move {
                let _ = attempt(to, n).await;
                drop(place);
            });
        }
        let all = u32::try_from(AT_ONCE).expect("few");
        let _ = places.acquire_many(all).await;
    });
    let (mut most_open, mut most_kib) = (0.0_f64, 0);
    while !crowd.is_finished() {
        most_open = most_open.max(metric(&process, "tenfold_connections_count"));
        most_kib = most_kib.max(process.memory_kib().unwrap_or(0));
        std::thread::sleep(Duration::from_millis(100));
    }
    let took = began.elapsed();
    over.store(true, Relaxed);
    for caller in callers {
        runtime.block_on(caller).expect("every call was served");
    }
    let grown = most_kib.saturating_sub(before.unwrap_or(most_kib));
    let counted = ["refused", "dropped"]
        .map(|what| metric(&process, &format!("tenfold_connections_{what}_total")));
    println!(
        "  {attempts} attempts in {:.1} s: at most {most_open} open, {} refused, {} dropped; memory {} + {} MiB at most",
        took.as_secs_f64(),
        counted[0],
        counted[1],
        before.unwrap_or(0) / 1_024,
        grown / 1_024,
    );
    for (who, seen) in [("one connection", &standing), ("a new one each", &newcomer)] {
        println!(
            "  behaves, {who}: {} served, {} tries in vain, the slowest after {} ms",
            seen.served.load(Relaxed),
            seen.retried.load(Relaxed),
            seen.slowest_ms.load(Relaxed)
        );
        assert!(seen.served.load(Relaxed) > 0);
    }
    assert!(
        most_open <= SEATS as f64 + SLACK,
        "{most_open} connections are open"
    );
    assert!(counted[1] > 0.0, "nobody was told to leave");
    assert!(grown < GROWTH_MAX, "the crowd cost {grown} KiB");
    let until = Instant::now() + PATIENCE;
    while metric(&process, "tenfold_connections_count") > 0.0 {
        assert!(Instant::now() < until, "somebody stays for ever");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(process.complaints(), [] as [String; 0]);
}
