//! Starts of a notebook over its earlier journals, and writes whose answers are late, lost or errors.
//! A request to the service and its answer take 200 ms.

use std::time::Duration;

use shared::{read_flags, with_flags};
use simulator::latency::Latency;
use simulator::testing::{Conditions, TestCluster};

use super::notebook::Notebook;

const READ: &str = r#"{"type":"read","msg_id":1}"#;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

struct Bench(TestCluster<Notebook>);

impl Bench {
    /// No node runs yet.
    fn new(flags: &[&str]) -> Self {
        let flags = read_flags("notebook", &[&["--durable"], flags].concat()).unwrap();
        let reliable = Conditions::reliable(Latency::constant(100));
        Bench(TestCluster::new(
            1,
            reliable,
            with_flags(flags, Notebook::boot),
        ))
    }

    /// The node n0, alone, with an empty journal before, is ready.
    fn ready(flags: &[&str]) -> Self {
        let mut bench = Bench::new(flags);
        bench.0.start_among("n0", &["n0".to_owned()]);
        bench.0.advance(ms(1000));
        assert_eq!(bench.known(), r#""known":[]"#);
        bench.0.sent.clear();
        bench
    }

    /// Starts n0 beside n1, which does not run.
    fn start(&mut self) {
        self.0.start_among("n0", &["n0", "n1"].map(str::to_owned));
    }

    /// Writes a batch of an earlier incarnation.
    fn write(&mut self, batch: &str, items: &str) {
        let value = format!(r#"{{"boot":5,"items":{items}}}"#);
        let write =
            format!(r#"{{"type":"write","msg_id":1,"key":"notes/{batch}","value":{value}}}"#);
        self.0.deliver("n0", "lin-kv", &write);
    }

    fn note(&mut self, number: u64) {
        let note = format!(r#"{{"type":"note","msg_id":{number},"number":{number}}}"#);
        self.0.deliver("c1", "n0", &note);
    }

    /// When n0 sent messages to this receiver since the last call, in milliseconds.
    fn sent(&mut self, dest: &str) -> Vec<u128> {
        let sent = std::mem::take(&mut self.0.sent);
        let sent = sent.iter().filter(|it| it.src == "n0" && it.dest == dest);
        sent.map(|it| it.at.as_millis()).collect()
    }

    /// What n0 answers to a read at once.
    fn known(&mut self) -> String {
        let answer = self.0.ask("n0", READ);
        answer[answer.find("\"known\"").unwrap()..answer.len() - 1].to_owned()
    }
}

#[test]
fn a_start_over_an_earlier_journal_recovers_all_journals_before_it_serves() {
    let mut bench = Bench::new(&[]);
    bench.write("n0/0", "[]");
    for (index, items) in ["[]", "[1,2]", "[3]", "[4]"].iter().enumerate() {
        bench.write(&format!("n1/{index}"), items);
    }
    bench.write("n0/1", "[7]");
    bench.start();
    bench.0.deliver("c2", "n0", READ);
    // A read of its own first batch, then three reads of the other journal one after the other.
    bench.0.advance(ms(799));
    assert_eq!(bench.sent("c2"), [0; 0]);
    bench.0.advance(ms(1));
    assert_eq!(bench.sent("c2"), [800]);
    assert_eq!(
        bench.known(),
        r#""known":[["n0",7],["n1",1],["n1",2],["n1",3],["n1",4]]"#
    );
}

#[test]
fn a_first_start_does_not_read_the_other_journals() {
    let mut bench = Bench::new(&[]);
    bench.write("n1/0", "[1]");
    bench.start();
    bench.0.advance(ms(400));
    assert_eq!(bench.known(), r#""known":[]"#);
}

#[test]
fn a_fence_whose_index_a_late_write_took_is_written_after_it() {
    let mut bench = Bench::new(&[]);
    bench.start();
    // The node has read that there is no batch.
    bench.0.advance(ms(250));
    bench.write("n0/0", "[8]");
    bench.note(9);
    bench.0.advance(ms(3000));
    assert_eq!(bench.known(), r#""known":[["n0",8],["n0",9]]"#);
}

#[test]
fn a_write_whose_answer_is_lost_is_repeated_and_takes_effect_once() {
    let mut bench = Bench::new(&[]);
    bench.start();
    bench.0.advance(ms(250));
    bench.0.cut_one_way("lin-kv", "n0");
    bench.0.advance(ms(800));
    bench.0.heal();
    bench.sent("lin-kv");
    bench.note(4);
    // The fence again, the read that finds it, and the note's batch, which is confirmed.
    bench.0.advance(ms(600));
    assert_eq!(bench.sent("lin-kv"), [1200, 1400, 1600]);
    bench.0.cut_one_way("lin-kv", "n0");
    bench.0.advance(ms(1000));
    bench.0.heal();
    bench.0.advance(ms(1000));
    // Its second attempt finds that it is written, which needs no read.
    assert_eq!(bench.sent("c1"), [2800]);
    assert_eq!(bench.known(), r#""known":[["n0",4]]"#);
}

#[test]
fn a_request_without_an_answer_is_repeated_at_once_with_a_timeout_that_doubles_up_to_8_s() {
    let mut bench = Bench::ready(&[]);
    bench.0.cut_one_way("lin-kv", "n0");
    bench.note(1);
    bench.0.advance(ms(25_000));
    assert_eq!(
        bench.sent("lin-kv"),
        [1000, 2000, 4000, 8000, 16_000, 24_000]
    );
    assert_eq!(bench.0.logs, []);
}

#[test]
fn a_request_with_an_error_for_an_answer_is_repeated_after_a_delay() {
    let mut bench = Bench::ready(&[]);
    bench.0.cut_one_way("lin-kv", "n0");
    bench.note(1);
    let (_, id) = bench
        .0
        .sent
        .last()
        .unwrap()
        .body
        .split_once("\"msg_id\":")
        .unwrap();
    let id = id.split(',').next().unwrap();
    let error = format!(r#"{{"type":"error","code":11,"text":"busy","in_reply_to":{id}}}"#);
    bench.0.deliver("lin-kv", "n0", &error);
    bench.0.heal();
    bench.0.advance(ms(2500));
    assert_eq!(bench.sent("lin-kv"), [1000, 3000]);
    let (_, log) = &bench.0.logs[0];
    assert_eq!(
        log,
        "the journal retries a request: temporarily-unavailable: busy"
    );
    assert_eq!(bench.known(), r#""known":[["n0",1]]"#);
}

#[test]
fn notes_within_a_window_are_written_together_when_it_ends() {
    let mut bench = Bench::ready(&["--journal-window=500"]);
    for number in 1..=4 {
        bench.note(number);
        bench.0.advance(ms(200));
    }
    bench.0.advance(ms(1000));
    assert_eq!(bench.sent("c1"), [1700, 1700, 1700, 2300]);
}

#[test]
fn as_many_writes_are_in_flight_as_the_depth_and_the_fence_has_as_many_batches() {
    let mut bench = Bench::new(&["--depth=3"]);
    bench.start();
    bench.0.advance(ms(1000));
    // A read and three batches, one after the other.
    assert_eq!(bench.sent("lin-kv"), [0, 200, 400, 600]);
    (1..=5).for_each(|number| bench.note(number));
    assert_eq!(bench.sent("lin-kv"), [1000; 3]);
    bench.0.advance(ms(1000));
    assert_eq!(bench.sent("lin-kv"), [1200]);
}
