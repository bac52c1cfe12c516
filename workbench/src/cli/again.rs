//! This very command, once more.

use super::command_line;

/// What the command line says is to be told how, and to whom: whoever repeats it decides anew.
const MANNERS: [(&str, bool); 5] = [
    ("--quiet", false),
    ("-q", false),
    ("--json", false),
    ("--junit", true),
    ("--color", true),
];

/// This very command, with a seed that was drawn for it.
pub(super) fn own_command(seed: Option<u64>) -> String {
    let words = std::env::args_os();
    repetition(words.map(|it| it.to_string_lossy().into_owned()), seed)
}

fn repetition(words: impl Iterator<Item = String>, seed: Option<u64>) -> String {
    let mut words = words.peekable();
    let mut own = Vec::new();
    while let Some(word) = words.next_if(|word| word != "--") {
        let name = word.split('=').next().unwrap_or_default();
        match MANNERS.iter().find(|(flag, _)| *flag == name) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_repeated_with_its_seed_and_without_what_is_said_of_it() {
        for (typed, repeated) in [
            ("wb test -w echo", "wb test -w echo --seed 7"),
            ("wb test --junit F -q --rate 2", "wb test --rate 2 --seed 7"),
            ("wb --color=never test --json", "wb test --seed 7"),
            ("wb test -- --junit x", "wb test --seed 7 -- --junit x"),
        ] {
            let words = typed.split(' ').map(str::to_owned);
            assert_eq!(repetition(words, Some(7)), repeated);
        }
    }
}
