//! Connections that speak, and connections that do not.

use super::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LONG: Duration = Duration::from_secs(60);

async fn door(seats: usize, within: Duration) -> (Door, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let greeting = Greeting { bytes: 5, within };
    (Door::new(listener, "test", seats, greeting), address)
}

/// A connection that was let in, at both ends.
async fn comes(door: &mut Door, address: SocketAddr) -> (TcpStream, Guest) {
    let outside = TcpStream::connect(address).await.expect("a connection");
    let (inside, _) = door.next().await;
    (outside, inside)
}

async fn greets(outside: &mut TcpStream, inside: &mut Guest) {
    outside.write_all(b"hello").await.expect("sent");
    let mut heard = [0; 5];
    inside.read_exact(&mut heard).await.expect("heard");
    assert_eq!(&heard, b"hello");
}

/// Reads until the connection ends; why it did.
async fn ends(inside: &mut Guest) -> String {
    let mut heard = [0; 8];
    let read = async {
        loop {
            match inside.read(&mut heard).await {
                Ok(0) => return "closed".to_owned(),
                Ok(_) => {}
                Err(error) => return error.to_string(),
            }
        }
    };
    tokio::time::timeout(LONG, read).await.expect("it ends")
}

fn open(door: &Door) -> usize {
    door.seats.lock().open
}

#[tokio::test]
async fn who_says_nothing_or_too_little_in_time_must_leave() {
    let (mut door, address) = door(9, Duration::from_millis(50)).await;
    let (_silent, mut inside) = comes(&mut door, address).await;
    assert_eq!(ends(&mut inside).await, "it did not greet in time");
    assert_eq!(ends(&mut inside).await, "it was told to leave");
    let (mut slow, mut inside) = comes(&mut door, address).await;
    slow.write_all(b"hell").await.expect("sent");
    assert_eq!(ends(&mut inside).await, "it did not greet in time");
    drop(inside);
    assert_eq!(open(&door), 1);
}

#[tokio::test]
async fn who_has_greeted_may_be_silent() {
    let (mut door, address) = door(9, Duration::from_secs(5)).await;
    let (mut outside, mut inside) = comes(&mut door, address).await;
    greets(&mut outside, &mut inside).await;
    tokio::time::sleep(Duration::from_millis(5_200)).await;
    greets(&mut outside, &mut inside).await;
    drop(outside);
    assert_eq!(ends(&mut inside).await, "closed");
}

#[tokio::test]
async fn when_all_seats_are_taken_the_one_that_was_silent_longest_makes_room() {
    let (mut door, address) = door(3, LONG).await;
    let (mut good, mut good_inside) = comes(&mut door, address).await;
    greets(&mut good, &mut good_inside).await;
    let (_first, mut first_inside) = comes(&mut door, address).await;
    let (_second, mut second_inside) = comes(&mut door, address).await;
    let (mut third, mut third_inside) = comes(&mut door, address).await;
    assert_eq!(ends(&mut first_inside).await, "it made room for another");
    drop(first_inside);
    assert_eq!(open(&door), 3);
    greets(&mut third, &mut third_inside).await;
    greets(&mut good, &mut good_inside).await;
    let (_fourth, _fourth_inside) = comes(&mut door, address).await;
    assert_eq!(ends(&mut second_inside).await, "it made room for another");
}

#[tokio::test]
async fn when_all_have_greeted_a_newcomer_is_refused_until_one_goes() {
    let (mut door, address) = door(2, LONG).await;
    let mut guests = Vec::new();
    for _ in 0..2 {
        let (mut outside, mut inside) = comes(&mut door, address).await;
        greets(&mut outside, &mut inside).await;
        guests.push((outside, inside));
    }
    let mut refused = TcpStream::connect(address).await.expect("a connection");
    let waiting = tokio::spawn(async move {
        let next = door.next().await;
        (next, door)
    });
    let mut nothing = [0; 1];
    let read = tokio::time::timeout(LONG, refused.read(&mut nothing)).await;
    assert!(matches!(read.expect("an end"), Ok(0) | Err(_)));
    for (outside, inside) in &mut guests {
        greets(outside, inside).await;
    }
    guests.pop();
    let _welcome = TcpStream::connect(address).await.expect("a connection");
    let (_, door) = tokio::time::timeout(LONG, waiting)
        .await
        .expect("let in")
        .expect("no panic");
    assert!(open(&door) <= 2);
}
