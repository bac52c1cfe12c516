//! Checkers: how long they take to judge long histories.
//!
//! `cargo bench -p workbench --bench checkers -- --requests 100000 --runs 5`
//!
//! The histories are valid, so that nothing ends the search early. `--requests` sets how many
//! operations the largest one has.

#[expect(dead_code, reason = "no other process takes part")]
mod common;
#[path = "common/kafka_history.rs"]
mod kafka_history;
#[path = "common/plain_history.rs"]
mod plain_history;
#[path = "common/txn_history.rs"]
mod txn_history;

use std::hint::black_box;
use std::time::Instant;

use anyhow::ensure;
use checkers::{
    Assumptions, CheckerResult as _, Models, Validity, WorkloadResult, counter, echo, kafka,
    lin_kv, list_append, rw_register, set_full, unique_ids,
};
use history::History;

use common::{Figures, Flags, grouped, median};
use kafka_history::kafka_history;
use plain_history::{Subject, plain_history};
use txn_history::{Objects, Store};

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::wanted() else {
        return Ok(());
    };
    let mut figures = Figures::new(&flags);
    add_plain(&flags, &mut figures)?;
    add_registers(&flags, &mut figures)?;
    add_lists(&flags, &mut figures)?;
    add_logs(&flags, &mut figures)?;
    figures.print();
    Ok(())
}

/// Measures the judgement of one history, in milliseconds.
fn add(
    flags: &Flags,
    figures: &mut Figures,
    what: &str,
    aim: &str,
    judge: impl Fn() -> WorkloadResult,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..flags.runs {
        let start = Instant::now();
        let verdict = judge();
        black_box(verdict.to_edn());
        times.push(start.elapsed().as_secs_f64() * 1e3);
        ensure!(
            verdict.validity() == Validity::Valid,
            "{what}: {:?}",
            verdict.sentences()
        );
    }
    figures.add(what, [Some(median(times)), None], 0, aim);
    Ok(())
}

/// Everything that is no transaction and no log.
fn add_plain(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    type Judge = fn(&History) -> WorkloadResult;
    let judges: [(&str, Subject, Judge); 5] = [
        ("echoes", Subject::Echo, |history| echo(history).into()),
        ("ids", Subject::Ids, |history| unique_ids(history).into()),
        ("operations on a set", Subject::Set, |history| {
            set_full(history, "broadcast").into()
        }),
        ("operations on a counter", Subject::Counter, |history| {
            counter(history).into()
        }),
        (
            "operations on one linearizable register",
            Subject::Register,
            |history| lin_kv(history).into(),
        ),
    ];
    let most = flags.requests(100_000);
    for (what, subject, judge) in judges {
        for count in [most.div_ceil(100), most.div_ceil(10), most] {
            let history = plain_history(subject, count);
            let many = grouped(count as f64, 0);
            let aim = if count == 100_000 { "< 1000" } else { "" };
            add(flags, figures, &format!("{many} {what}, ms"), aim, || {
                judge(&history)
            })?;
        }
    }
    Ok(())
}

/// Transactions on registers: as the workload draws them, and all on one key.
fn add_registers(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    let most = flags.requests(100_000);
    for count in [most.div_ceil(100), most.div_ceil(10), most] {
        for (keys, writes) in [(10, 16), (1, usize::MAX)] {
            let store = Store::new(Objects::Registers, keys, writes);
            let history = store.history(count)?;
            let told = if keys == 1 { ", one hot key" } else { "" };
            let aim = if count == 100_000 { "< 2000" } else { "" };
            let what = format!("{} transactions{told}", grouped(count as f64, 0));
            add_transactions(flags, figures, &what, aim, &history, |history, models| {
                rw_register(history, models, Assumptions::default()).into()
            })?;
        }
    }
    Ok(())
}

/// Transactions on lists: as the workload draws them, and all on one key, whose lists make the
/// history about as long as the square of the number of transactions.
fn add_lists(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    let most = flags.requests(100_000);
    for count in [most.div_ceil(100), most.div_ceil(10), most] {
        let history = Store::new(Objects::Lists, 10, 16).history(count)?;
        let aim = if count == 100_000 { "< 1000" } else { "" };
        let what = format!("{} transactions on lists", grouped(count as f64, 0));
        add_transactions(flags, figures, &what, aim, &history, |history, models| {
            list_append(history, models).into()
        })?;
    }
    let count = most.div_ceil(20);
    let history = Store::new(Objects::Lists, 1, usize::MAX).history(count)?;
    let bytes: usize = history.ops.iter().map(|op| op.value.json().len()).sum();
    let (count, megabytes) = (grouped(count as f64, 0), grouped(bytes as f64 / 1e6, 0));
    let what = format!("{count} transactions on lists, one hot key, {megabytes} MB");
    add_transactions(flags, figures, &what, "", &history, |history, models| {
        list_append(history, models).into()
    })
}

/// Holds a history to a strong model and to a weak one.
fn add_transactions(
    flags: &Flags,
    figures: &mut Figures,
    what: &str,
    aim: &str,
    history: &History,
    judge: fn(&History, &Models) -> WorkloadResult,
) -> anyhow::Result<()> {
    for model in ["strict-serializable", "read-committed"] {
        let models = model.parse()?;
        let what = format!("{what}: {model}, ms");
        add(flags, figures, &what, aim, || judge(history, &models))?;
    }
    Ok(())
}

/// Logs: as the workload uses them, and with offsets that lie as far apart as they can.
fn add_logs(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    const FAR: u64 = (1 << 53) / 16;
    let most = flags.requests(100_000);
    for (count, stride) in [
        (most.div_ceil(100), 1),
        (most.div_ceil(10), 1),
        (most, 1),
        (most, FAR),
    ] {
        let history = kafka_history(count, stride);
        let told = if stride == FAR { ", sparse" } else { "" };
        let many = grouped(count as f64, 0);
        let aim = if count == 100_000 { "< 1000" } else { "" };
        let what = format!("{many} operations on logs{told}, ms");
        add(flags, figures, &what, aim, || kafka(&history).into())?;
    }
    Ok(())
}
