//! Commands that repeat something, in the words of whoever will type them.

use super::command_line;

/// Flags that are not repeated, and whether they take a value: how something is to be told, and to
/// whom, is for whoever repeats it to decide anew.
const DROPPED: [(&str, bool); 6] = [
    ("--seed", true),
    ("--quiet", false),
    ("-q", false),
    ("--json", false),
    ("--junit", true),
    ("--color", true),
];

/// How this bench is started: through cargo in a checkout, and by its own name elsewhere.
pub(super) fn bench() -> Vec<String> {
    // Cargo says to what it runs where the package is.
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() {
        vec!["cargo".to_owned(), "workbench".to_owned()]
    } else {
        vec!["workbench".to_owned()]
    }
}

/// How this bench is told to run a challenge.
pub(super) fn bench_challenge() -> Vec<String> {
    let bench = bench();
    match bench.len() {
        1 => [bench, vec!["challenge".to_owned()]].concat(),
        _ => vec!["cargo".to_owned(), "challenge".to_owned()],
    }
}

/// This very command, with a seed that was drawn for it.
pub(super) fn own_command(seed: Option<u64>) -> String {
    let words = std::env::args_os();
    repetition(words.map(|it| it.to_string_lossy().into_owned()), seed)
}

fn repetition(words: impl Iterator<Item = String>, seed: Option<u64>) -> String {
    let mut words = words.peekable();
    let mut own = Vec::new();
    // The seed takes the place of another one.
    let is_due = |flag: &&(&str, bool)| flag.0 != "--seed" || seed.is_some();
    while let Some(word) = words.next_if(|word| word != "--").map(without_quiet) {
        let name = word.split('=').next().unwrap_or_default();
        match DROPPED
            .iter()
            .filter(is_due)
            .find(|(flag, _)| *flag == name)
        {
            Some((_, true)) if !word.contains('=') => drop(words.next()),
            Some(_) => {}
            None => own.push(word),
        }
    }
    own.extend(
        seed.iter()
            .flat_map(|seed| ["--seed".to_owned(), seed.to_string()]),
    );
    own.extend(words);
    command_line(&own)
}

/// A word without a wish for quiet that stands in it together with other flags: `-qw`.
fn without_quiet(word: String) -> String {
    match word.strip_prefix("-q") {
        Some(rest) if !rest.trim_start_matches('q').is_empty() => {
            format!("-{}", rest.trim_start_matches('q'))
        }
        Some(_) => "-q".to_owned(),
        None => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_repeated_with_its_seed_and_without_what_is_said_of_it() {
        for (typed, repeated) in [
            ("wb test -w echo", "wb test -w echo --seed 7"),
            ("wb test --junit F -q --rate 2", "wb test --rate 2 --seed 7"),
            ("wb --color=never test --json", "wb test --seed 7"),
            ("wb test -qw echo -qq", "wb test -w echo --seed 7"),
            ("wb test --seed 5 --rate 2", "wb test --rate 2 --seed 7"),
            (
                "wb test --seed=5 -- --seed 6",
                "wb test --seed 7 -- --seed 6",
            ),
            ("wb test -- --junit x", "wb test --seed 7 -- --junit x"),
        ] {
            let words = typed.split(' ').map(str::to_owned);
            assert_eq!(repetition(words, Some(7)), repeated);
        }
        let words = ["wb", "sweep", "--seed", "5"].map(str::to_owned);
        assert_eq!(repetition(words.into_iter(), None), "wb sweep --seed 5");
    }
}
