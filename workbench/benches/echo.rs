//! Echo, against the smallest program that answers the same requests: a reader, a parser, a writer.
//!
//! `cargo bench -p workbench --bench echo -- --requests 1000000 --runs 5`
//!
//! The smallest program is this one, started again. It knows two types of messages, their fields by
//! heart, and no errors, timers or calls: what a solution costs more than that is the price of
//! `shared`.

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

use common::{Figures, Flags, INIT, Process, Program, contenders, grouped, in_turn, median, serve};
use memory::peak_memory;

/// How many requests there are at most when what matters is not their number.
const FEW: usize = 100_000;

/// How often a lone request is sent and waited for.
const PINGS: usize = 20_000;

/// How long nobody reads, until all pipes are full.
const STALL: Duration = Duration::from_millis(500);

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::wanted() else {
        return Ok(());
    };
    if flags.minimal {
        return serve(answer);
    }
    let count = flags.requests(1_000_000);
    let programs = contenders(Solution::Echo)?;
    let mut figures = Figures::new(&flags);
    add_answers_at_end(&programs, count.min(FEW), &mut figures)?;
    add_throughput(&flags, &programs, count, &mut figures)?;
    add_latency(&flags, &programs, &mut figures)?;
    add_memory(&programs, count.min(FEW), &mut figures)?;
    add_memory(&programs, 2 * count, &mut figures)?;
    add_engine(&flags, &requests(count.min(FEW)), &mut figures)?;
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
        writeln!(lines, "{line}").expect("a string takes everything");
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

/// All that the smallest program does with a line.
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

/// What was read is answered, though the input has ended. Comes first: if it does not hold, the
/// others would wait for ever.
fn add_answers_at_end(
    programs: &[Program; 2],
    count: usize,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let lines = requests(count);
    let [ours, minimal] = in_turn(1, programs, |program| {
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
    let measured = in_turn(flags.runs, programs, |program| {
        let mut process = program.start()?;
        let before = cpu_time(&process);
        let start = Instant::now();
        process.exchange(lines.as_bytes(), count, Duration::ZERO)?;
        let took = start.elapsed();
        let cpu = cpu_time(&process)
            .zip(before)
            .map(|(after, before)| after - before);
        let more = process.end(&[], Duration::ZERO)?;
        ensure!(more == 0, "{more} answers that nobody asked for");
        Ok((took, cpu))
    })?;
    let rates = measured.each_ref().map(|runs| {
        let rates = runs
            .iter()
            .map(|(took, _)| count as f64 / took.as_secs_f64());
        Some(median(rates))
    });
    figures.add("requests/s through pipes", rates, 0, "ratio ≥ 0.6");
    let cpu = measured.map(|runs| {
        let times: Option<Vec<Duration>> = runs.into_iter().map(|(_, cpu)| cpu).collect();
        let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
        times.map(|times| median(times.into_iter().map(each)))
    });
    figures.add("CPU time a request, µs", cpu, 2, "≤ 1");
    Ok(())
}

fn add_latency(
    flags: &Flags,
    programs: &[Program; 2],
    figures: &mut Figures,
) -> anyhow::Result<()> {
    let lines = requests(PINGS);
    let measured = in_turn(flags.runs, programs, |program| {
        let mut process = program.start()?;
        let times: Result<Vec<_>, _> = lines
            .split_inclusive('\n')
            .map(|line| process.ask(line))
            .collect();
        let mut times = times?;
        times.sort_unstable();
        let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e6;
        Ok((at(0.5), at(0.99)))
    })?;
    let middles = measured
        .each_ref()
        .map(|runs| Some(median(runs.iter().map(|run| run.0))));
    let slows = measured.map(|runs| Some(median(runs.iter().map(|run| run.1))));
    figures.add("lone request, p50, µs", middles, 1, "ratio ≤ 1.5");
    figures.add("lone request, p99, µs", slows, 1, "");
    Ok(())
}

/// Memory, if the answers are read late and all pipes are full meanwhile.
fn add_memory(programs: &[Program; 2], count: usize, figures: &mut Figures) -> anyhow::Result<()> {
    let lines = requests(count);
    let [ours, minimal] = in_turn(1, programs, |program| {
        let mut process = program.start()?;
        process.exchange(lines.as_bytes(), count, STALL)?;
        Ok(peak_memory(process.child.id()))
    })?;
    let what = format!("peak memory, {} waiting, MiB", grouped(count as f64, 0));
    figures.add(&what, [ours[0], minimal[0]], 1, "< 10");
    Ok(())
}

/// The engine and the node without pipes, in nanoseconds a request.
fn add_engine(flags: &Flags, lines: &str, figures: &mut Figures) -> anyhow::Result<()> {
    /// As much as the runtime reads at a time.
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
        let complaints = &outbox.log;
        ensure!(complaints.is_empty(), "the node complains: {complaints:?}");
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
    let each = |time: Duration| time.as_secs_f64() * 1e9 / count;
    let times = [ours, minimal].map(|times| Some(median(times.into_iter().map(each))));
    figures.add("without pipes, a request, ns", times, 0, "");
    Ok(())
}

/// What the process has used so far of the system's processors; not known but on Linux.
fn cpu_time(process: &Process) -> Option<Duration> {
    /// Linux counts these in hundredths of a second, whatever the kernel was built with.
    const TICK: Duration = Duration::from_millis(10);
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.child.id())).ok()?;
    // The second field is the program's name in brackets, which may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(TICK * (user + system))
}
