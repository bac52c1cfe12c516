//! The flags of a test as words that a command line could hold.

use std::collections::BTreeMap;
use std::fmt;

use clap::Parser;

use super::TestFlags;

/// Flags with their values, each once: `--node-count 5 --rate 10`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words(BTreeMap<String, String>);

#[derive(Parser)]
#[command(no_binary_name = true, args_override_self = true)]
struct Line {
    #[command(flatten)]
    flags: TestFlags,
}

impl Words {
    /// Takes words apart; those that come later count. All flags of a test take a value.
    ///
    /// # Errors
    /// When a value has no flag, or a flag no value.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut read = Words::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let name = match word {
                "-w" => "--workload",
                "-n" => "--node",
                word => word,
            };
            match name.split_once('=') {
                _ if !name.starts_with("--") => return Err(format!("{word:?} is not a flag")),
                Some((name, value)) => read.set(name, value),
                None => {
                    let value = words.next();
                    read.set(name, value.ok_or_else(|| format!("{word} needs a value"))?);
                }
            }
        }
        Ok(read)
    }

    /// Gives a flag a value.
    pub fn set(&mut self, flag: &str, value: impl fmt::Display) {
        self.0.insert(flag.to_owned(), value.to_string());
    }

    /// Takes a flag away.
    pub fn remove(&mut self, flag: &str) {
        self.0.remove(flag);
    }

    /// A flag's value.
    pub fn value(&self, flag: &str) -> Option<&str> {
        self.0.get(flag).map(String::as_str)
    }

    /// These words and others, which count where both name a flag.
    pub fn and(&self, others: &Words) -> Words {
        let both = self.0.iter().chain(&others.0);
        Words(
            both.map(|(flag, value)| (flag.clone(), value.clone()))
                .collect(),
        )
    }

    /// Those that stand in others with other values or not at all.
    pub fn beyond(&self, others: &Words) -> Words {
        let own = self
            .0
            .iter()
            .filter(|(flag, value)| others.0.get(*flag) != Some(value));
        Words(
            own.map(|(flag, value)| (flag.clone(), value.clone()))
                .collect(),
        )
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One by one, for a command line.
    pub fn list(&self) -> Vec<String> {
        let words = self
            .0
            .iter()
            .flat_map(|(flag, value)| [flag.clone(), value.clone()]);
        words.collect()
    }

    /// What they say; flags that are not there have their usual values.
    ///
    /// # Errors
    /// When a flag is unknown, or its value is none that it takes.
    pub fn flags(&self) -> Result<TestFlags, clap::Error> {
        Line::try_parse_from(self.list()).map(|line| line.flags)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Words {
        Words::read(text.split(' ')).unwrap()
    }

    #[test]
    fn later_words_count_and_short_names_are_the_same_flags() {
        let both = words("-w echo --rate=7").and(&words("--rate 8 --node-count 3"));
        assert_eq!(both.to_string(), "--node-count 3 --rate 8 --workload echo");
        let flags = both.flags().unwrap();
        assert_eq!((flags.rate, flags.node_count), (8.0, Some(3)));
        assert_eq!(
            both.beyond(&words("-w echo --rate 8")),
            words("--node-count 3")
        );
    }

    #[test]
    fn what_is_no_flag_is_refused() {
        assert!(Words::read(["echo"]).is_err());
        assert!(Words::read(["--rate"]).is_err());
        assert!(words("--rte 7").flags().is_err());
        assert!(words("--rate seven").flags().is_err());
    }
}
