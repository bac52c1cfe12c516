//! Checkers: how long they take on long histories.
//!
//! `cargo bench -p workbench --bench checkers -- --requests 100000 --runs 5`
//!
//! The histories are valid, so that no search ends early. `--requests` sets the number of operations
//! of the largest one.

#[expect(dead_code, reason = "no other process is involved")]
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

use common::{Figures, Flags, group_thousands, median};
use kafka_history::kafka_history;
use plain_history::{Workload, plain_history};
use txn_history::{Objects, Store};

fn main() -> anyhow::Result<()> {
    let Some(flags) = Flags::requested() else {
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

/// Adds the time to check one history, in milliseconds.
fn add(
    flags: &Flags,
    figures: &mut Figures,
    what: &str,
    target: &str,
    check: impl Fn() -> WorkloadResult,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..flags.runs {
        let start = Instant::now();
        let verdict = check();
        black_box(verdict.to_edn());
        times.push(start.elapsed().as_secs_f64() * 1e3);
        ensure!(
            verdict.validity() == Validity::Valid,
            "{what}: {:?}",
            verdict.sentences()
        );
    }
    figures.add(what, [Some(median(times)), None], 0, target);
    Ok(())
}

/// All workloads but transactions and logs.
fn add_plain(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    type Check = fn(&History) -> WorkloadResult;
    let checkers: [(&str, Workload, Check); 5] = [
        ("echoes", Workload::Echo, |history| echo(history).into()),
        ("ids", Workload::Ids, |history| unique_ids(history).into()),
        ("operations on a set", Workload::Set, |history| {
            set_full(history, "broadcast").into()
        }),
        ("operations on a counter", Workload::Counter, |history| {
            counter(history).into()
        }),
        (
            "operations on one linearizable register",
            Workload::Register,
            |history| lin_kv(history).into(),
        ),
    ];
    let max = flags.requests(100_000);
    for (what, workload, check) in checkers {
        for count in [max.div_ceil(100), max.div_ceil(10), max] {
            let history = plain_history(workload, count);
            let many = group_thousands(count as f64, 0);
            let target = if count == 100_000 { "< 1000" } else { "" };
            add(
                flags,
                figures,
                &format!("{many} {what}, ms"),
                target,
                || check(&history),
            )?;
        }
    }
    Ok(())
}

/// Transactions on registers: as the workload generates them, and all on one key.
fn add_registers(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    let max = flags.requests(100_000);
    for count in [max.div_ceil(100), max.div_ceil(10), max] {
        for (keys, writes) in [(10, 16), (1, usize::MAX)] {
            let store = Store::new(Objects::Registers, keys, writes);
            let history = store.history(count)?;
            let variant = if keys == 1 { ", one hot key" } else { "" };
            let target = if count == 100_000 { "< 2000" } else { "" };
            let what = format!("{} transactions{variant}", group_thousands(count as f64, 0));
            add_transactions(
                flags,
                figures,
                &what,
                target,
                &history,
                |history, models| rw_register(history, models, Assumptions::default()).into(),
            )?;
        }
    }
    Ok(())
}

/// Transactions on lists: as the workload generates them, and all on one key, where the history's
/// size grows with the square of the number of transactions.
fn add_lists(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    let max = flags.requests(100_000);
    for count in [max.div_ceil(100), max.div_ceil(10), max] {
        let history = Store::new(Objects::Lists, 10, 16).history(count)?;
        let target = if count == 100_000 { "< 1000" } else { "" };
        let what = format!("{} transactions on lists", group_thousands(count as f64, 0));
        add_transactions(
            flags,
            figures,
            &what,
            target,
            &history,
            |history, models| list_append(history, models).into(),
        )?;
    }
    let count = max.div_ceil(20);
    let history = Store::new(Objects::Lists, 1, usize::MAX).history(count)?;
    let bytes: usize = history.ops.iter().map(|op| op.value.json().len()).sum();
    let (count, megabytes) = (
        group_thousands(count as f64, 0),
        group_thousands(bytes as f64 / 1e6, 0),
    );
    let what = format!("{count} transactions on lists, one hot key, {megabytes} MB");
    add_transactions(flags, figures, &what, "", &history, |history, models| {
        list_append(history, models).into()
    })
}

/// Checks a history against a strong model and a weak one.
fn add_transactions(
    flags: &Flags,
    figures: &mut Figures,
    what: &str,
    target: &str,
    history: &History,
    check: fn(&History, &Models) -> WorkloadResult,
) -> anyhow::Result<()> {
    for model in ["strict-serializable", "read-committed"] {
        let models = model.parse()?;
        let what = format!("{what}: {model}, ms");
        add(flags, figures, &what, target, || check(history, &models))?;
    }
    Ok(())
}

/// Logs: as the workload uses them, and with offsets as far apart as possible.
fn add_logs(flags: &Flags, figures: &mut Figures) -> anyhow::Result<()> {
    const MAX_STRIDE: u64 = (1 << 53) / 16;
    let max = flags.requests(100_000);
    for (count, stride) in [
        (max.div_ceil(100), 1),
        (max.div_ceil(10), 1),
        (max, 1),
        (max, MAX_STRIDE),
    ] {
        let history = kafka_history(count, stride);
        let variant = if stride == MAX_STRIDE { ", sparse" } else { "" };
        let many = group_thousands(count as f64, 0);
        let target = if count == 100_000 { "< 1000" } else { "" };
        let what = format!("{many} operations on logs{variant}, ms");
        add(flags, figures, &what, target, || kafka(&history).into())?;
    }
    Ok(())
}
