//! Shared by the benchmarks: flags, a child process behind two pipes, the main loop of the minimal
//! program that ours is compared with, and the table of figures.
//!
//! Machines differ and are busy, so a figure is the median of several runs, with ours and the minimal
//! program's alternating, and the ratio of the two is what counts.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Parser;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use workbench::solutions::Solution;

/// Four times the capacity of a pipe on Linux.
const CHUNK: usize = 256 * 1024;

/// The first request: the program is the only node.
pub const INIT: &str = concat!(
    r#"{"id":0,"src":"c0","dest":"n0","body":"#,
    r#"{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}"#,
    "\n"
);

/// Measures and prints a table; no figure makes it fail.
#[derive(Parser)]
pub struct Flags {
    /// Requests per run, instead of the benchmark's default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests: Option<u32>,

    /// Runs per figure; the table shows medians
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// Run as the minimal program, which answers requests from stdin on stdout
    #[arg(long, hide = true)]
    pub minimal: bool,

    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Flags {
    /// The flags, unless this is a `cargo test` that starts benchmarks too: then nothing is measured,
    /// with any arguments.
    pub fn requested() -> Option<Self> {
        let is_requested = std::env::args().any(|it| it == "--bench" || it == "--minimal");
        if !is_requested {
            println!("nothing is measured: run `cargo bench -p workbench`");
        }
        is_requested.then(Flags::parse)
    }

    /// Requests per run.
    pub fn requests(&self, default: usize) -> usize {
        self.requests.map_or(default, |requests| requests as usize)
    }
}

/// A program that can be started.
pub struct Program {
    path: PathBuf,
    arguments: &'static [&'static str],
}

/// A solution of ours and the minimal program, in this order.
pub fn programs(ours: Solution) -> anyhow::Result<[Program; 2]> {
    Ok([
        Program {
            path: ours.build()?,
            arguments: &[],
        },
        Program {
            path: std::env::current_exe()?,
            arguments: &["--minimal"],
        },
    ])
}

/// A child process behind two pipes. It ends when its stdin does.
pub struct Process {
    pub child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    chunk: Vec<u8>,
}

impl Program {
    /// Starts the program and initializes it.
    pub fn start(&self) -> anyhow::Result<Process> {
        let mut child = Command::new(&self.path)
            .args(self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", self.path.display()))?;
        let mut process = Process {
            stdin: child.stdin.take().context("no stdin")?,
            stdout: child.stdout.take().context("no stdout")?,
            child,
            chunk: vec![0; CHUNK],
        };
        process.round_trip(INIT)?;
        Ok(process)
    }
}

impl Process {
    /// Writes a line, waits for the answer, and returns the time it took.
    pub fn round_trip(&mut self, line: &str) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.stdin.write_all(line.as_bytes())?;
        loop {
            let read = self.stdout.read(&mut self.chunk)?;
            ensure!(read > 0, "the program ended without an answer");
            if self.chunk[read - 1] == b'\n' {
                return Ok(start.elapsed());
            }
        }
    }

    /// Writes requests without waiting for answers, sleeps, and reads this many answers. The process
    /// goes on. Returns the number of bytes read.
    pub fn exchange(
        &mut self,
        requests: &[u8],
        answers: usize,
        sleep: Duration,
    ) -> anyhow::Result<usize> {
        thread::scope(|scope| {
            let writer = scope.spawn(|| self.stdin.write_all(requests));
            thread::sleep(sleep);
            let (mut lines, mut bytes) = (0, 0);
            while lines < answers {
                let read = self.stdout.read(&mut self.chunk)?;
                ensure!(
                    read > 0,
                    "the program ended with {} answers missing",
                    answers - lines
                );
                lines += count_lines(&self.chunk[..read]);
                bytes += read;
            }
            let written = writer.join();
            written
                .expect("the writer does not panic")
                .context("cannot write requests")?;
            Ok(bytes)
        })
    }

    /// Writes the last requests, closes stdin, sleeps, and reads until the process ends. Returns the
    /// number of answers.
    pub fn end(self, requests: &[u8], sleep: Duration) -> anyhow::Result<usize> {
        let Process {
            mut child,
            mut stdin,
            mut stdout,
            mut chunk,
        } = self;
        let lines = thread::scope(|scope| {
            let writer = scope.spawn(move || stdin.write_all(requests));
            thread::sleep(sleep);
            let mut lines = 0;
            loop {
                let read = stdout.read(&mut chunk)?;
                if read == 0 {
                    break;
                }
                lines += count_lines(&chunk[..read]);
            }
            let written = writer.join();
            written
                .expect("the writer does not panic")
                .context("cannot write requests")?;
            anyhow::Ok(lines)
        })?;
        let status = child.wait()?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(lines)
    }
}

/// Counts line ends. Chunks of 255 are counted in a `u8`, which the compiler vectorizes, so that the
/// reader is never the bottleneck.
fn count_lines(bytes: &[u8]) -> usize {
    let count = |chunk: &[u8]| chunk.iter().map(|b| u8::from(*b == b'\n')).sum::<u8>();
    bytes
        .chunks(255)
        .map(|chunk| usize::from(count(chunk)))
        .sum()
}

/// The minimal program's main loop: reads and answers lines, and writes when all lines in its buffer
/// are answered.
pub fn serve<F>(mut answer: F) -> anyhow::Result<()>
where
    F: FnMut(&[u8], &mut Vec<u8>) -> anyhow::Result<()>,
{
    let mut input = BufReader::with_capacity(CHUNK / 4, std::io::stdin().lock());
    let mut output = std::io::stdout().lock();
    let (mut line, mut answers) = (Vec::new(), Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        answer(&line, &mut answers)?;
        line.clear();
        if answers.len() >= CHUNK || !input.buffer().contains(&b'\n') {
            output.write_all(&answers)?;
            output.flush()?;
            answers.clear();
        }
    }
    Ok(())
}

/// Measures both programs alternately, `runs` times each.
pub fn alternate<T>(
    runs: u32,
    programs: &[Program; 2],
    mut measure: impl FnMut(&Program) -> anyhow::Result<T>,
) -> anyhow::Result<[Vec<T>; 2]> {
    let mut measured = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (program, measured) in programs.iter().zip(&mut measured) {
            measured.push(measure(program)?);
        }
    }
    Ok(measured)
}

/// The median; of an even number of figures the lower one of the two in the middle.
///
/// # Panics
/// When there are no figures.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[(figures.len() - 1) / 2]
}

/// A table of figures: ours, the minimal program's, and our targets.
pub struct Figures(Table);

impl Figures {
    /// An empty table.
    pub fn new(flags: &Flags) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let runs = format!("medians of {} runs", flags.runs);
        table.set_header([&runs, "ours", "minimal", "ratio", "target"]);
        Figures(table)
    }

    /// Adds a row. A figure that is not known is shown as a dash.
    pub fn add(
        &mut self,
        what: &str,
        [ours, minimal]: [Option<f64>; 2],
        decimals: usize,
        target: &str,
    ) {
        let format = |figure: Option<f64>| figure.map(|it| group_thousands(it, decimals));
        let ratio = ours.zip(minimal).map(|(ours, minimal)| ours / minimal);
        let ratio = ratio.filter(|ratio| ratio.is_finite());
        let cells = [
            format(ours),
            format(minimal),
            ratio.map(|it| format!("{it:.2}")),
        ];
        let [ours, minimal, ratio] = cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
        self.0.add_row([what, &ours, &minimal, &ratio, target]);
    }

    /// Prints the table.
    pub fn print(mut self) {
        for column in [1, 2, 3] {
            if let Some(column) = self.0.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        println!("{}", self.0.trim_fmt());
    }
}

/// Formats a number with commas between groups of thousands.
pub fn group_thousands(number: f64, decimals: usize) -> String {
    let plain = format!("{number:.decimals$}");
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut text = String::new();
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}
