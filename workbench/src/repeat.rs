//! Compares runs of the same seed.

use history::History;
use simulator::run::Record;

/// Runs a simulation again, `runs` times in all with the first one, until a run has another history
/// or there is none, as the user interrupts it. Returns how it differs. `on_run` is called after
/// each, with how many there are.
pub fn first_difference(
    first: &Record,
    runs: u32,
    again: impl Fn() -> Option<Record>,
    mut on_run: impl FnMut(u32),
) -> Option<String> {
    let expected = lines(&first.history);
    let mut others = (2..=runs).map_while(|number| Some((number, again()?)));
    others.find_map(|(number, record)| {
        on_run(number);
        let found = lines(&record.history);
        let longest = expected.len().max(found.len());
        let differs = |index: &usize| expected.get(*index) != found.get(*index);
        let line = (0..longest).find(differs)?;
        let shown = |lines: &[String]| {
            let line = lines.get(line).map(String::as_str);
            line.unwrap_or("nothing").to_owned()
        };
        Some(format!(
            "run {number} of the same seed has another history, from line {} of history.jsonl on:\n    \
             first: {}\n    then:  {}",
            line + 1,
            shown(&expected),
            shown(&found)
        ))
    })
}

/// A history as the lines of `history.jsonl`.
fn lines(history: &History) -> Vec<String> {
    let mut bytes = Vec::new();
    // Writing into memory does not fail.
    let _ = history.write_json_lines(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use simulator::options::Options;
    use simulator::run::Settings;
    use simulator::simulation::{Host, in_process, simulate};
    use simulator::workload::{Name, workload};

    use super::*;
    use shared::Engine;

    fn run(seed: u64) -> Record {
        let options = Options::default();
        let workload = workload(Name::Echo, &options);
        let settings = Settings {
            time_limit: std::time::Duration::from_secs(2),
            ..options.settings(&*workload, seed).unwrap()
        };
        let engine = |seed| -> Box<dyn Host> { Box::new(Engine::new(seed, |_, _| echo::Echo)) };
        simulate(&settings, workload, &in_process(engine))
    }

    #[test]
    fn the_first_run_that_differs_is_found() {
        assert_eq!(first_difference(&run(1), 5, || Some(run(1)), |_| {}), None);
        let seeds = Cell::new(0);
        let again = || {
            seeds.set(seeds.get() + 1);
            Some(run(if seeds.get() < 3 { 1 } else { 2 }))
        };
        let difference = first_difference(&run(1), 5, again, |_| {}).unwrap();
        assert!(
            difference.starts_with("run 4 of the same seed"),
            "{difference}"
        );
    }
}
