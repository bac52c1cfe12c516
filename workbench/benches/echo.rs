//! Echo, compared with a minimal program for the same requests: a reader, a parser and a writer.
//!
//! `cargo bench -p workbench --bench echo -- --requests 1000000 --runs 5`
//!
//! The minimal program is this one, started again with a flag. It has two types of messages with fixed
//! fields, and no errors, timers or calls: what a solution costs beyond that is the cost of `shared`.

mod common;
#[path = "common/memory.rs"]
mod memory;

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::ensure;
use echo::Echo;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use shared::{Engine, Outbox};
use workbench::solutions::Solution;

use common::{
    Figures, Flags, INIT, Process, Program, alternate, group_thousands, median, programs, serve,
};
use memory::peak_memory;

/// Maximum requests where their number does not matter.
const MAX_FEW: usize = 100_000;

/// Requests that are sent one by one, each after the previous answer.
const LONE_REQUESTS: usize = 20_000;

/// How long answers are not read, so that all pipes fill up.
const STALL: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::requested() else {
        return Ok(());
    };
    if flags.minimal {
        return serve(answer);
    }
    let count = flags.requests(1_000_000);
    let programs = programs(Solution::Echo)?;
    let mut figures = Figures::new(&flags);
    add_answers_at_end(&programs, count.min(MAX_FEW), &mut figures)?;
    add_throughput(&flags, &programs, count, &mut figures)?;
    add_latency(&flags, &programs, &mut figures)?;
    add_memory(&programs, count.min(MAX_FEW), &mut figures)?;
    add_memory(&programs, 2 * count, &mut figures)?;
    add_engine(&flags, &requests(count.min(MAX_FEW)), &mut figures)?;
    figures.print();
    Ok(())
}

/// Requests as Maelstrom sends them.
fn requests(count: usize) -> String {
    let mut lines = String::new();
    for id in 2..count + 2 {
        let text = format!("Please echo {}", id * 7919 % 128);
        let body = format!(r#"{{"echo":"{text}","type":"echo","msg_id":{id}}}"#);
        let line = format!(r#"{{"id":{id},"src":"c1","dest":"n0","body":{body}}}"#);
        writeln!(lines, "{line}").expect("writing to a string does not fail");
    }
    lines
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
    echo: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Answer<'a> {
    src: &'a str,
    dest: &'a str,
    body: AnswerBody<'a>,
}

#[derive(Serialize)]
struct AnswerBody<'a> {
    r#type: &'a str,
    in_reply_to: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<&'a RawValue>,
}

/// The minimal program's answer to a line.
fn answer(line: &[u8], out: &mut Vec<u8>) -> anyhow::Result<()> {
    let Request { src, dest, body } = serde_json::from_str(std::str::from_utf8(line)?)?;
    let is_init = body.r#type == "init";
    let body = AnswerBody {
        r#type: if is_init { "init_ok" } else { "echo_ok" },
        in_reply_to: body.msg_id,
        echo: body.echo,
    };
    serde_json::to_writer(
        &mut *out,
        &Answer {
            src: dest,
            dest: src,
            body,
        },
    )?;
    out.push(b'\n');
    Ok(())
}

/// Answers are complete though the input has ended. This is measured first, as the other measurements
/// would otherwise wait for ever.
fn add_answers_at_end(
    programs: &[Program; 2],
    count: usize,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let lines = requests(count);
    let [ours, minimal] = alternate(1, programs, |program| {
        let answers = program.start()?.end(lines.as_bytes(), STALL)?;
        ensure!(
            answers == count,
            "{answers} of {count} requests were answered"
        );
        Ok(answers as f64)
    })?;
    let answers = [Some(ours[0]), Some(minimal[0])];
    figures.add("answers after the end of input", answers, 0, "all");
    Ok(())
}

fn add_throughput(
    flags: &Flags,
    programs: &[Program; 2],
    count: usize,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let lines = requests(count);
    let measured = alternate(flags.runs, programs, |program| {
        let mut process = program.start()?;
        let before = cpu_time(&process);
        let start = Instant::now();
        process.exchange(lines.as_bytes(), count, Duration::ZERO)?;
        let elapsed = start.elapsed();
        let cpu = cpu_time(&process)
            .zip(before)
            .map(|(after, before)| after - before);
        let extra = process.end(&[], Duration::ZERO)?;
        ensure!(extra == 0, "{extra} answers without a request");
        Ok((elapsed, cpu))
    })?;
    let rates = measured.each_ref().map(|runs| {
        let rates = runs
            .iter()
            .map(|(elapsed, _)| count as f64 / elapsed.as_secs_f64());
        Some(median(rates))
    });
    figures.add("requests/s through pipes", rates, 0, "ratio ≥ 0.6");
    let cpu = measured.map(|runs| {
        let times: Option<Vec<Duration>> = runs.into_iter().map(|(_, cpu)| cpu).collect();
        let per_request = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        times.map(|times| median(times.into_iter().map(per_request)))
    });
    figures.add("CPU time per request, µs", cpu, 2, "≤ 1");
    Ok(())
}

fn add_latency(
    flags: &Flags,
    programs: &[Program; 2],
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let lines = requests(LONE_REQUESTS);
    let measured = alternate(flags.runs, programs, |program| {
        let mut process = program.start()?;
        let times: Result<Vec<_>, _> = lines
            .split_inclusive('\n')
            .map(|line| process.round_trip(line))
            .collect();
        let mut times = times?;
        times.sort_unstable();
        let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6;
        Ok((at(0.5), at(0.99)))
    })?;
    let p50 = measured
        .each_ref()
        .map(|runs| Some(median(runs.iter().map(|run| run.0))));
    let p99 = measured.map(|runs| Some(median(runs.iter().map(|run| run.1))));
    figures.add("lone request, p50, µs", p50, 1, "ratio ≤ 1.5");
    figures.add("lone request, p99, µs", p99, 1, "");
    Ok(())
}

/// Memory while answers are not read and all pipes are full.
fn add_memory(programs: &[Program; 2], count: usize, figures: &mut Figures) -> anyhow::Result<()> {
    let lines = requests(count);
    let [ours, minimal] = alternate(1, programs, |program| {
        let mut process = program.start()?;
        process.exchange(lines.as_bytes(), count, STALL)?;
        Ok(peak_memory(process.child.id()))
    })?;
    let what = format!(
        "peak memory, {} requests pending, MiB",
        group_thousands(count as f64, 0)
    );
    figures.add(&what, [ours[0], minimal[0]], 1, "< 10");
    Ok(())
}

/// The engine and the node without pipes, in nanoseconds per request.
fn add_engine(flags: &Flags, lines: &str, figures: &mut Figures) -> anyhow::Result<()> {
    /// The size of the runtime's reads.
    const BATCH: usize = 64 * 1024;
    let mut engine = Engine::new(1, |_, _| Echo);
    engine.receive(Duration::ZERO, INIT);
    let mut outbox = Outbox::default();
    let mut out = Vec::new();
    let (mut ours, mut minimal) = (Vec::new(), Vec::new());
    for _ in 0..flags.runs {
        let start = Instant::now();
        for line in lines.lines() {
            engine.receive(Duration::ZERO, line);
            if engine.backlog() >= BATCH {
                engine.drain(&mut outbox);
            }
        }
        engine.drain(&mut outbox);
        ours.push(start.elapsed());
        let log = &outbox.log;
        ensure!(log.is_empty(), "the node logs errors: {log:?}");
        let start = Instant::now();
        for line in lines.lines() {
            answer(line.as_bytes(), &mut out)?;
            if out.len() >= BATCH {
                out.clear();
            }
        }
        out.clear();
        minimal.push(start.elapsed());
    }
    let count = lines.lines().count() as f64;
    let per_request = |time: Duration| time.as_secs_f64() * 1e9 / count;
    let times = [ours, minimal].map(|times| Some(median(times.into_iter().map(per_request))));
    figures.add("without pipes, per request, ns", times, 0, "");
    Ok(())
}

/// CPU time that the process has used so far; known only on Linux.
fn cpu_time(process: &Process) -> Option<Duration> {
    /// Linux reports these in hundredths of a second, however the kernel was built.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.child.id())).ok()?;
    // The second field is the program's name in brackets, which may contain any characters.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(TICK * (user + system))
}
