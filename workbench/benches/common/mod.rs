//! What the benchmarks share: their flags, a program at the far end of two pipes, the loop of the
//! smallest program worth a comparison, and the table that all figures end in.
//!
//! Machines differ and are busy, so a figure is the median of several runs, ours and the smallest
//! program's in turn, and what counts is the ratio of the two.

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

/// As much as a pipe holds on Linux, four times over.
const CHUNK: usize = 256 * 1024;

/// What a program is told first: it is the only node.
pub const INIT: &str = concat!(
    r#"{"id":0,"src":"c0","dest":"n0","body":"#,
    r#"{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}"#,
    "\n"
);

/// Measures, prints a table, and holds nothing back: no figure makes it fail.
#[derive(Parser)]
pub struct Flags {
    /// How many requests a run consists of, in place of the benchmark's own number
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    requests: Option<u32>,

    /// How often each figure is taken; the table shows medians
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,

    /// Be the smallest program that answers on stdout what is asked on stdin
    #[arg(long, hide = true)]
    pub minimal: bool,

    /// Said by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

impl Flags {
    /// What was asked for. `cargo test`, which starts benchmarks too if told to, asks for nothing,
    /// whatever words it passes on.
    pub fn wanted() -> Option<Self> {
        let is_wanted = std::env::args().any(|word| word == "--bench" || word == "--minimal");
        if !is_wanted {
            println!("nothing is measured: this is for `cargo bench -p workbench`");
        }
        is_wanted.then(Flags::parse)
    }

    /// How many requests a run consists of.
    pub fn requests(&self, usual: usize) -> usize {
        self.requests.map_or(usual, |requests| requests as usize)
    }
}

/// A program that can be started.
pub struct Program {
    path: PathBuf,
    arguments: &'static [&'static str],
}

/// A solution of ours and the smallest program, in this order.
pub fn contenders(ours: Solution) -> anyhow::Result<[Program; 2]> {
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

/// A process at the far end of two pipes. It ends when its stdin does.
pub struct Process {
    /// As the system knows it.
    pub child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    chunk: Vec<u8>,
}

impl Program {
    /// Starts it and has it answer `init`.
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
        process.ask(INIT)?;
        Ok(process)
    }
}

impl Process {
    /// Writes one line and waits for one; how long that took.
    pub fn ask(&mut self, line: &str) -> anyhow::Result<Duration> {
        let start = Instant::now();
        self.stdin.write_all(line.as_bytes())?;
        loop {
            let read = self.stdout.read(&mut self.chunk)?;
            ensure!(read > 0, "the program ended and owes an answer");
            if self.chunk[read - 1] == b'\n' {
                return Ok(start.elapsed());
            }
        }
    }

    /// Writes requests without waiting for answers, reads that many after having slept a while, and
    /// leaves the process running; how many bytes were read.
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
                    "the program ended and owes {} answers",
                    answers - lines
                );
                lines += count_lines(&self.chunk[..read]);
                bytes += read;
            }
            let written = writer.join();
            written
                .expect("the writer has no reason to panic")
                .context("cannot write requests")?;
            Ok(bytes)
        })
    }

    /// Writes last requests, if any, closes the pipe behind them, and begins to read after having
    /// slept a while: how many answers came before the process ended.
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
                .expect("the writer has no reason to panic")
                .context("cannot write requests")?;
            anyhow::Ok(lines)
        })?;
        let status = child.wait()?;
        ensure!(status.success(), "the program ended with {status}");
        Ok(lines)
    }
}

/// How many lines end here. Chunks of 255 are counted in single bytes, sixteen or more at a time,
/// so that a reader of this speed holds nobody up.
fn count_lines(bytes: &[u8]) -> usize {
    let count = |chunk: &[u8]| chunk.iter().map(|b| u8::from(*b == b'\n')).sum::<u8>();
    bytes
        .chunks(255)
        .map(|chunk| usize::from(count(chunk)))
        .sum()
}

/// The loop of the smallest program: reads a line, answers it, and writes once all lines that were
/// read are answered.
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

/// Does something to both contenders in turn, as often as `runs` says; what came of each.
pub fn in_turn<T>(
    runs: u32,
    contenders: &[Program; 2],
    mut measure: impl FnMut(&Program) -> anyhow::Result<T>,
) -> anyhow::Result<[Vec<T>; 2]> {
    let mut measured = [Vec::new(), Vec::new()];
    for _ in 0..runs {
        for (program, measured) in contenders.iter().zip(&mut measured) {
            measured.push(measure(program)?);
        }
    }
    Ok(measured)
}

/// The middle one, the lower one of two.
///
/// # Panics
/// When there is none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures[(figures.len() - 1) / 2]
}

/// A table of figures: ours, those of the smallest program, and what we aim at.
pub struct Figures(Table);

impl Figures {
    /// An empty one.
    pub fn new(flags: &Flags) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let runs = format!("medians of {} runs", flags.runs);
        table.set_header([&runs, "ours", "minimal", "ratio", "aim"]);
        Figures(table)
    }

    /// Adds a row. Figures have as many decimals as asked for; one that is not known is a dash.
    pub fn add(
        &mut self,
        what: &str,
        [ours, minimal]: [Option<f64>; 2],
        decimals: usize,
        aim: &str,
    ) {
        let show = |figure: Option<f64>| figure.map(|figure| grouped(figure, decimals));
        let ratio = ours.zip(minimal).map(|(ours, minimal)| ours / minimal);
        let ratio = ratio.filter(|ratio| ratio.is_finite());
        let cells = [
            show(ours),
            show(minimal),
            ratio.map(|it| format!("{it:.2}")),
        ];
        let [ours, minimal, ratio] = cells.map(|cell| cell.unwrap_or_else(|| "–".to_owned()));
        self.0.add_row([what, &ours, &minimal, &ratio, aim]);
    }

    /// Shows it to a person.
    pub fn print(mut self) {
        for column in [1, 2, 3] {
            if let Some(column) = self.0.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        println!("{}", self.0.trim_fmt());
    }
}

/// A number with its thousands apart.
pub fn grouped(number: f64, decimals: usize) -> String {
    let plain = format!("{number:.decimals$}");
    let (whole, fraction) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut told = String::new();
    for (place, digit) in whole.char_indices() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    told + fraction
}
