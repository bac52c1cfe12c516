//! Commands that repeat a run, as a user would type them.

use std::ffi::OsStr;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::command_line;

/// Flags that a repeated command omits: how results are printed can be chosen anew, and a password
/// is not for reports.
const OMITTED: [&str; 5] = ["quiet", "json", "junit", "color", "password"];

/// How this bench is started: through cargo in a checkout, and by its own name elsewhere.
pub(super) fn bench() -> Vec<String> {
    // Cargo sets this variable for the programs that it runs.
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() {
        vec!["cargo".to_owned(), "workbench".to_owned()]
    } else {
        vec!["workbench".to_owned()]
    }
}

/// How this bench is started to run a challenge.
pub(super) fn bench_challenge() -> Vec<String> {
    let bench = bench();
    match bench.len() {
        1 => [bench, vec!["challenge".to_owned()]].concat(),
        _ => vec!["cargo".to_owned(), "challenge".to_owned()],
    }
}

/// The command that is being executed.
#[derive(Clone)]
pub(super) struct OwnCommand {
    program: String,
    /// The name of the subcommand.
    pub(super) name: String,
    /// The flags that were given, in their order, each with its id and its words.
    flags: Vec<(String, Vec<String>)>,
    /// The arguments that are not flags.
    arguments: Vec<String>,
}

impl OwnCommand {
    /// The subcommand `command` of this program, with the flags that were given.
    pub(super) fn new(program: &OsStr, command: &Command, matches: &ArgMatches) -> Self {
        let is_given = |arg: &&Arg| {
            let source = matches.value_source(arg.get_id().as_str());
            source == Some(ValueSource::CommandLine)
        };
        let given = command.get_arguments().filter(is_given);
        let (arguments, mut flags): (Vec<&Arg>, Vec<&Arg>) =
            given.partition(|it| it.is_positional());
        let position = |flag: &&Arg| matches.indices_of(flag.get_id().as_str())?.next();
        flags.sort_by_key(position);
        let flags = flags.into_iter();
        let arguments = arguments.into_iter();
        OwnCommand {
            program: program.to_string_lossy().into_owned(),
            name: command.get_name().to_owned(),
            flags: flags
                .map(|flag| (flag.get_id().to_string(), flag_words(flag, matches)))
                .collect(),
            arguments: arguments
                .flat_map(|it| occurrences(it, matches).concat())
                .collect(),
        }
    }

    /// The command with this value of a flag, if there is one, in place of the one that was given.
    #[cfg(feature = "simulate")]
    pub(super) fn with_value(&self, id: &str, value: Option<String>) -> Self {
        let mut own = self.clone();
        let flag = own.flags.iter_mut().find(|flag| flag.0 == id);
        if let Some(((_, words), value)) = flag.zip(value) {
            *words = vec![format!("--{id}"), value];
        }
        own
    }

    /// The flags that were given, of these ids only.
    pub(super) fn flags_of(&self, ids: &[&str]) -> Vec<String> {
        let flags = self.flags.iter().filter(|(id, _)| ids.contains(&&**id));
        flags.flat_map(|(_, words)| words.clone()).collect()
    }

    /// The flags that were given, without those of these ids.
    #[cfg(feature = "simulate")]
    pub(super) fn flags_without(&self, ids: &[&str]) -> Vec<String> {
        let flags = self.flags.iter().filter(|(id, _)| !ids.contains(&&**id));
        flags.flat_map(|(_, words)| words.clone()).collect()
    }

    /// A command that does the same again, with this seed if one is given.
    pub(super) fn repeat(&self, seed: Option<u64>) -> String {
        let is_kept = |id: &str| !OMITTED.contains(&id) && (id != "seed" || seed.is_none());
        let flags = self.flags.iter().filter(|(id, _)| is_kept(id));
        let seed = seed.map(|seed| ["--seed".to_owned(), seed.to_string()]);
        // A node's arguments come last, behind `--`, as do others that begin with a dash.
        let arguments = &self.arguments;
        let are_last = self.name == "test" || arguments.iter().any(|it| it.starts_with('-'));
        let mut words = vec![self.program.clone(), self.name.clone()];
        if !are_last {
            words.extend_from_slice(arguments);
        }
        words.extend(flags.flat_map(|(_, words)| words.iter().cloned()));
        words.extend(seed.into_iter().flatten());
        if are_last && !arguments.is_empty() {
            words.push("--".to_owned());
            words.extend_from_slice(arguments);
        }
        command_line(&words)
    }
}

/// A flag as it can be typed again.
fn flag_words(flag: &Arg, matches: &ArgMatches) -> Vec<String> {
    let name = format!("--{}", flag.get_long().unwrap_or_default());
    if !flag.get_action().takes_values() {
        return vec![name];
    }
    let delimiter = flag
        .get_value_delimiter()
        .map_or(String::new(), String::from);
    let values = occurrences(flag, matches).into_iter();
    values
        .flat_map(|values| crate::flags::flag_words(&name, values.join(&delimiter)))
        .collect()
}

/// The values of each occurrence of an argument.
fn occurrences(arg: &Arg, matches: &ArgMatches) -> Vec<Vec<String>> {
    let lossy = |value: &OsStr| value.to_string_lossy().into_owned();
    let occurrences = matches.get_raw_occurrences(arg.get_id().as_str());
    let occurrences = occurrences.into_iter().flatten();
    occurrences
        .map(|values| values.map(lossy).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, seed: Option<u64>, repeated: &str) {
        let mut line = super::super::help::command();
        let words = shlex::split(typed).unwrap();
        let matches = line.try_get_matches_from_mut(&words).unwrap();
        let (name, given) = matches.subcommand().unwrap();
        let command = line.find_subcommand(name).unwrap();
        let own = OwnCommand::new(OsStr::new(&words[0]), command, given);
        assert_eq!(own.repeat(seed), repeated);
    }

    #[test]
    fn a_command_is_repeated_with_its_seed_and_without_flags_about_output() {
        for (typed, repeated) in [
            ("-w echo --bin x", "--workload echo --bin x --seed 7"),
            ("--junit F -q --bin=x", "--bin x --seed 7"),
            ("--bin x --json --color=never", "--bin x --seed 7"),
            ("-qw echo --bin x", "--workload echo --bin x --seed 7"),
            ("--bin x --no-ssh", "--bin x --no-ssh --seed 7"),
            ("--bin x --seed 5 --rate 2", "--bin x --rate 2 --seed 7"),
            (
                "--bin x -n a --nodes b,e -n d",
                "--bin x --node a --node d --nodes b,e --seed 7",
            ),
            ("--bin x a --seed=5 -- 'b c'", "--bin x --seed 7 -- a 'b c'"),
            ("--bin x -- --seed 6", "--bin x --seed 7 -- --seed 6"),
        ] {
            let [typed, repeated] = [typed, repeated].map(|flags| format!("wb test {flags}"));
            check(&typed, Some(7), &repeated);
        }
        check("wb check - -w echo", None, "wb check --workload echo -- -");
        check(
            "wb challenge --seed 5 echo",
            None,
            "wb challenge echo --seed 5",
        );
        let flags = r"'--node-flags=--a -b '\''c d'\'''";
        let command = format!("wb challenge echo {flags}");
        check(&command, None, &command);
    }
}
