//! Limits on connections: slow clients, and many of them.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serve::{Limits, Options, serve};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const LAST_REQUEST: &[u8] = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n";

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_millis(500);

/// Starts a server that ends with the process.
fn start(store: &Path, connections: usize, patience: Duration) -> SocketAddr {
    let options = Options {
        store: store.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: 0,
        limits: Limits {
            connections,
            patience,
        },
    };
    let (sender, address) = channel();
    thread::spawn(move || serve(&options, |address| sender.send(address).unwrap()));
    address.recv().unwrap()
}

/// Connects; no test waits for ever.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG / 60)).unwrap();
    stream
}

/// Sends this, and reads the response until the server closes the connection.
fn exchange(mut stream: TcpStream, request: &[u8]) -> String {
    stream.write_all(request).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

/// Whether the server has closed this connection, on which nothing was received: waits for it.
fn is_closed(mut stream: &TcpStream) -> bool {
    let read = stream.read(&mut [0]);
    read.map_or_else(
        |error| ![WouldBlock, TimedOut].contains(&error.kind()),
        |length| length == 0,
    )
}

#[test]
fn one_connection_too_many_closes_the_one_that_waits_longest() {
    let store = tempfile::tempdir().unwrap();
    let address = start(store.path(), 3, LONG);
    // The first has sent half a head, which does not count; the second a request meanwhile.
    let [mut first, mut second, third] = [connect(address), connect(address), connect(address)];
    first.write_all(b"GET / HT").unwrap();
    second.write_all(REQUEST).unwrap();
    second.read_exact(&mut [0; 9]).unwrap();
    assert!(exchange(connect(address), LAST_REQUEST).starts_with("HTTP/1.0 200"));
    assert!(is_closed(&first));
    // Its place is free again.
    assert!(exchange(connect(address), LAST_REQUEST).starts_with("HTTP/1.0 200"));
    let _fourth = connect(address);
    assert!(exchange(connect(address), LAST_REQUEST).starts_with("HTTP/1.0 200"));
    assert!(is_closed(&third));
    assert!(exchange(second, LAST_REQUEST).ends_with("</html>"));
}

#[test]
fn a_flood_of_idle_connections_keeps_out_no_request() {
    let store = tempfile::tempdir().unwrap();
    let address = start(store.path(), 16, LONG);
    let idle: Vec<TcpStream> = (0..400).map(|_| connect(address)).collect();
    assert!(exchange(connect(address), LAST_REQUEST).contains("<h1>Runs"));
    assert!(idle[..384].iter().all(is_closed));
}

#[test]
fn a_head_that_arrives_byte_by_byte_is_given_up() {
    let store = tempfile::tempdir().unwrap();
    let address = start(store.path(), 16, SHORT);
    let mut stream = connect(address);
    // Each wait for the end is the pause before the next byte.
    stream.set_read_timeout(Some(SHORT / 10)).unwrap();
    let mut head = b"GET / HTTP/1.1\r\nX: "
        .iter()
        .chain(std::iter::repeat_n(&b'x', 2_000));
    while !is_closed(&stream) {
        let byte = *head
            .next()
            .expect("the connection is closed before the head ends");
        if stream.write_all(&[byte]).is_err() {
            break;
        }
    }
}

/// The server closes the file, too: an event of the file system says so.
#[cfg(target_os = "linux")]
#[test]
fn a_client_that_does_not_read_is_given_up() {
    use std::fs::{self, File};
    use std::mem::MaybeUninit;

    use rustix::fs::inotify;

    let store = tempfile::tempdir().unwrap();
    fs::create_dir_all(store.path().join("echo/run/node-logs")).unwrap();
    let path = store.path().join("echo/run/long.txt");
    File::create(&path).unwrap().set_len(10 << 30).unwrap();
    let address = start(store.path(), 16, SHORT);
    let events = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&events, &path, inotify::WatchFlags::CLOSE_NOWRITE).unwrap();
    let mut stream = connect(address);
    stream
        .write_all(b"GET /run/echo/run/long.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    stream.read_exact(&mut [0; 9]).unwrap();
    // Returns once the file is closed.
    let mut buffer = [MaybeUninit::uninit(); 256];
    inotify::Reader::new(&events, &mut buffer).next().unwrap();
    // What was on its way still arrives: little, as a slow client would need long for it.
    let received = std::io::copy(&mut stream, &mut std::io::sink()).unwrap_or_default();
    assert!(received < 2 << 20, "{received} bytes");
}
