//! The flags that vary in a sweep: flags of the run or of its nodes, one or several.

use clap::{Args, Command};

use super::range;
use crate::challenge::{Challenge, SET_BY_CHALLENGE};
use crate::flags::TestFlags;
use history::text::unknown_name;

/// Flags that get the same value at each point.
#[derive(Debug, Clone, PartialEq)]
pub struct Vary {
    /// Their names, as on the command line.
    pub label: String,
    /// Flags of the run, without dashes.
    run: Vec<String>,
    /// Flags of the nodes, without dashes.
    node: Vec<String>,
    /// The values, sorted.
    pub values: Vec<f64>,
}

/// The flags that can vary: those that accept a number.
struct Known {
    run: Vec<String>,
    node: Vec<String>,
}

impl Vary {
    /// Parses `FLAG=VALUES`, or `FLAG,FLAG=VALUES` for several flags, each one of the run or of the
    /// challenge's nodes.
    ///
    /// # Errors
    /// When there is no such flag, or the values are invalid.
    pub fn parse(text: &str, challenge: &Challenge, node_flags: &[String]) -> Result<Self, String> {
        let (names, values) = text
            .split_once('=')
            .ok_or("expected a flag and its values, such as period=0..1000:50")?;
        let known = Known::of(challenge, node_flags);
        let mut vary = Vary {
            label: String::new(),
            run: Vec::new(),
            node: Vec::new(),
            values: Vec::new(),
        };
        let mut labels = Vec::new();
        for name in names.split(',') {
            let name = name.trim();
            let name = name.strip_prefix("--").unwrap_or(name);
            vary.add(name, &known)?;
            labels.push(name);
        }
        vary.label = labels.join("+");
        vary.values = range::parse(values)?;
        Ok(vary)
    }

    fn add(&mut self, name: &str, known: &Known) -> Result<(), String> {
        let is = |it: &String| it == name;
        let varied = if known.run.iter().any(is) {
            &mut self.run
        } else if known.node.iter().any(is) {
            &mut self.node
        } else {
            let all = known.node.iter().chain(&known.run);
            let all: Vec<&str> = all.map(String::as_str).collect();
            return Err(unknown_name("flag", name, &all));
        };
        if varied.iter().any(is) {
            return Err(format!("{name} is given twice"));
        }
        varied.push(name.to_owned());
        Ok(())
    }

    /// The flags of a run, with those that vary at a value.
    pub fn flags(&self, flags: &[String], value: f64) -> Vec<String> {
        let varied = self.run.iter().map(|name| format!("--{name}={value}"));
        flags.iter().cloned().chain(varied).collect()
    }

    /// The nodes' flags, with those that vary at a value.
    pub fn node_flags(&self, flags: &[String], value: f64) -> Vec<String> {
        let with = |flags: Vec<String>, name: &String| with(&flags, name, value);
        self.node.iter().fold(flags.to_vec(), with)
    }
}

impl Known {
    fn of(challenge: &Challenge, node_flags: &[String]) -> Self {
        let base = challenge.trials[0].flags.iter().copied();
        // A flag that refuses 1 takes no numbers, or needs another flag.
        let run_accepts = |name: &String| {
            let flag = format!("--{name}=1");
            let flags = base.clone().chain([flag.as_str()]);
            !SET_BY_CHALLENGE.contains(&name.as_str()) && TestFlags::read(flags).is_ok()
        };
        let node_accepts = |name: &String| {
            let flags = with(node_flags, name, 1.0);
            challenge.solution.factory(&flags).is_ok()
        };
        let mut run = flags(&TestFlags::augment_args(Command::new("test")));
        let mut node = flags(&challenge.solution.command());
        run.retain(run_accepts);
        node.retain(node_accepts);
        Known { run, node }
    }
}

/// The flags of a command line, without dashes.
fn flags(command: &Command) -> Vec<String> {
    let flags = command.get_arguments();
    let names = flags.filter_map(|flag| Some(flag.get_long()?.to_owned()));
    names.collect()
}

/// Flags with one of them set to a value, which replaces an earlier one.
fn with(flags: &[String], name: &str, value: f64) -> Vec<String> {
    let flag = format!("--{name}");
    let mut with = Vec::with_capacity(flags.len() + 1);
    let mut words = flags.iter();
    while let Some(word) = words.next() {
        if *word == flag {
            // Its value is the next word.
            words.next();
        } else if word.split_once('=').is_none_or(|(name, _)| name != flag) {
            with.push(word.clone());
        }
    }
    with.push(format!("{flag}={value}"));
    with
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::challenge::ALL;

    fn parse(challenge: &str, text: &str, node_flags: &[&str]) -> Result<Vary, String> {
        let challenge = ALL.iter().find(|it| it.name == challenge).unwrap();
        let flags: Vec<String> = node_flags.iter().map(ToString::to_string).collect();
        Vary::parse(text, challenge, &flags)
    }

    #[test]
    fn a_flag_is_one_of_the_run_or_of_the_node() {
        #[track_caller]
        fn check(challenge: &str, text: &str, run: &[&str], node: &[&str]) {
            let vary = parse(challenge, text, &[]).unwrap();
            assert_eq!(
                (&vary.run[..], &vary.node[..]),
                (&own(run)[..], &own(node)[..]),
                "{text}"
            );
        }
        fn own(words: &[&str]) -> Vec<String> {
            words.iter().map(ToString::to_string).collect()
        }
        check("broadcast-3d", "--period=7", &[], &["period"]);
        check("broadcast-3d", "node-count=5,25", &["node-count"], &[]);
        check("kafka-5c", "period=0..9:1", &[], &["period"]);
        let both = "rate, fan-out =1,2";
        check("broadcast-3d", both, &["rate"], &["fan-out"]);
        assert!(parse("broadcast-3d", "journal-window=1", &["--durable"]).is_ok());
    }

    #[test]
    fn a_flag_that_cannot_vary_is_refused_and_those_that_can_are_listed() {
        #[track_caller]
        fn check(text: &str, why: &str) {
            let error = parse("broadcast-3d", text, &[]).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
        check("perid=1", "did you mean period?");
        check("window=1", "period, fan-out, slack");
        check("rat=1", "did you mean rate?");
        check("", "expected a flag");
        check("period", "expected a flag");
        check("=1", "there is no flag");
        check("period,=1", "there is no flag");
        check("rate,--rate=1", "rate is given twice");
        check("period,slack,period=1", "period is given twice");
        for fixed in [
            "workload",
            "node",
            "nodes",
            "nodes-file",
            "topology",
            "durable",
            "journal-window",
        ] {
            check(&format!("{fixed}=1"), "there is no flag");
        }
        assert!(parse("echo", "window=1", &[]).is_err());
    }

    #[test]
    fn a_flag_that_varies_replaces_one_that_was_given() {
        let vary = parse("broadcast-3e", "period,slack=0,2.5", &[]).unwrap();
        let flags = ["--period=1000", "--slack", "400", "--fan-out=3"];
        let flags = flags.map(str::to_owned);
        let varied = vary.node_flags(&flags, 50.0);
        assert_eq!(varied, ["--fan-out=3", "--period=50", "--slack=50"]);
        let vary = parse("broadcast-3e", "rate=5", &[]).unwrap();
        let flags = vary.flags(&["--rate".to_owned(), "7".to_owned()], 0.5);
        let flags = TestFlags::read(flags.iter().map(String::as_str)).unwrap();
        assert_eq!(flags.rate, 0.5);
    }
}
