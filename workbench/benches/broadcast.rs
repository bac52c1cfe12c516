//! Broadcast: how fast one node learns values and returns all of them, and how fast challenge 3d is
//! simulated.
//!
//! `cargo bench -p workbench --bench broadcast -- --requests 100000 --runs 5`
//!
//! The minimal program takes all values for new, and keeps the text of its answer to the next read.

mod common;

use std::fmt::Write;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use checkers::{CheckerResult as _, Validity};
use serde::Deserialize;
use serde_json::value::RawValue;
use simulator::options::Options;
use simulator::simulation::Factory;
use simulator::simulation::simulate;
use simulator::workload::{Name, workload};
use workbench::challenge::ALL;
use workbench::solutions::Solution;

use common::{Figures, Flags, alternate, group_thousands, median, programs, serve};

/// Read requests, each answered with all values.
const READS: usize = 1_000;

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::requested() else {
        return Ok(());
    };
    if flags.minimal {
        let mut values = Vec::new();
        return serve(|line, out| answer(&mut values, line, out));
    }
    let mut figures = Figures::new(&flags);
    add_one_node(&flags, flags.requests(100_000), &mut figures)?;
    add_simulation(&flags, &mut figures)?;
    figures.print();
    Ok(())
}

#[derive(Deserialize)]
struct Request<'a> {
    src: &'a str,
    dest: &'a str,
    #[serde(borrow)]
    body: RequestBody<'a>,
}

#[derive(Deserialize)]
struct RequestBody<'a> {
    r#type: &'a str,
    msg_id: u64,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

/// The minimal program's answer to a line. `values` are separated by commas.
fn answer(values: &mut Vec<u8>, line: &[u8], out: &mut Vec<u8>) -> anyhow::Result<()> {
    let Request { src, dest, body } = serde_json::from_str(std::str::from_utf8(line)?)?;
    let RequestBody {
        r#type,
        msg_id,
        message,
    } = body;
    write!(
        out,
        r#"{{"src":"{dest}","dest":"{src}","body":{{"type":"{type}_ok","in_reply_to":{msg_id}"#
    )?;
    if let Some(message) = message {
        if !values.is_empty() {
            values.push(b',');
        }
        values.extend_from_slice(message.get().as_bytes());
    }
    if r#type == "read" {
        out.extend_from_slice(b",\"messages\":[");
        out.extend_from_slice(values);
        out.push(b']');
    }
    out.extend_from_slice(b"}}\n");
    Ok(())
}

/// Requests as Maelstrom sends them; `body` gives a body's fields except `msg_id`.
fn requests(count: usize, body: impl Fn(usize) -> String) -> String {
    let mut lines = String::new();
    for i in 0..count {
        let (id, body) = (i + 2, body(i));
        let line =
            format!(r#"{{"id":{id},"src":"c1","dest":"n0","body":{{{body},"msg_id":{id}}}}}"#);
        writeln!(lines, "{line}").expect("writing to a string does not fail");
    }
    lines
}

/// Sends a node values one by one, then reads them all repeatedly.
fn add_one_node(flags: &Flags, count: usize, figures: &mut Figures) -> anyhow::Result<()> {
    let broadcasts = requests(count, |i| format!(r#""type":"broadcast","message":{i}"#));
    let reads = requests(READS, |_| r#""type":"read""#.to_owned());
    let programs = programs(Solution::Broadcast)?;
    let measured = alternate(flags.runs, &programs, |program| {
        let mut process = program.start()?;
        let start = Instant::now();
        process.exchange(broadcasts.as_bytes(), count, Duration::ZERO)?;
        let learn_time = start.elapsed();
        let start = Instant::now();
        let bytes = process.exchange(reads.as_bytes(), READS, Duration::ZERO)?;
        let rate = bytes as f64 / 1e6 / start.elapsed().as_secs_f64();
        ensure!(
            bytes > READS * count,
            "{bytes} bytes of answers are too few for all values"
        );
        let extra = process.end(&[], Duration::ZERO)?;
        ensure!(extra == 0, "{extra} answers without a request");
        Ok((learn_time.as_secs_f64() * 1e3, rate))
    })?;
    let many = group_thousands(count as f64, 0);
    let learn_times = measured
        .each_ref()
        .map(|runs| Some(median(runs.iter().map(|run| run.0))));
    let rates = measured
        .each_ref()
        .map(|runs| Some(median(runs.iter().map(|run| run.1))));
    figures.add(&format!("learning {many} values, ms"), learn_times, 0, "");
    figures.add(&format!("reading {many} values, MB/s"), rates, 0, "≥ 500");
    Ok(())
}

/// Challenge 3d, with 25 nodes and about 2,000 operations, simulated and checked.
fn add_simulation(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    let challenge = ALL
        .iter()
        .find(|challenge| challenge.name == "broadcast-3d");
    let challenge = challenge.context("there is no challenge 3d")?;
    let node_flags: Vec<String> = challenge
        .node_flags
        .iter()
        .map(ToString::to_string)
        .collect();
    let factory = Solution::Broadcast.factory(&node_flags)?;
    let (name, options) = challenge.trials[0].test();
    let mut times = Vec::new();
    for seed in 0..u64::from(flags.runs) {
        let start = Instant::now();
        run_and_check(name, &options, &factory, seed)?;
        times.push(start.elapsed().as_secs_f64());
    }
    let rate = times.len() as f64 / times.iter().sum::<f64>();
    figures.add(
        "3d simulated and checked, ms",
        [Some(median(times) * 1e3), None],
        0,
        "< 1000",
    );
    figures.add(
        "3d simulated and checked, runs/s",
        [Some(rate), None],
        1,
        "",
    );
    Ok(())
}

fn run_and_check(
    name: Name,
    options: &Options,
    factory: &Factory,
    seed: u64,
) -> anyhow::Result<()> {
    let make = || workload(name, options);
    let settings = options.settings(&*make(), seed)?;
    let record = simulate(&settings, make(), factory);
    let verdict = make().check(&record.history);
    ensure!(
        verdict.validity() == Validity::Valid,
        "seed {seed}: {:?}",
        verdict.sentences()
    );
    Ok(())
}
