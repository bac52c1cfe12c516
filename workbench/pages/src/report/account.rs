//! What is told of a test to those who were not there: servers that run it, and people who look
//! there later. Whatever was run, this is what JUnit and GitHub are told of it.

use std::time::Duration;

use super::figures::Figure;

/// What came of a challenge, a test, a history or a campaign.
#[derive(Debug, Clone)]
pub struct Account {
    /// What it was: the name of a challenge or a workload.
    pub name: String,
    /// What came of it, in a few words.
    pub verdict: String,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// The seed or the seeds; nothing where there is none.
    pub seed: String,
    /// The command that does it again.
    pub command: String,
    /// How long it took.
    pub took: Duration,
    /// What a person in the terminal reads of it.
    pub told: String,
    /// All that had to hold, one by one.
    pub cases: Vec<Case>,
}

/// Something that had to hold.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, such as `history`.
    pub name: String,
    /// How long it took, where that is known.
    pub took: Duration,
    /// What came of it.
    pub fate: Fate,
}

/// What came of something that had to hold.
#[derive(Debug, Clone)]
pub enum Fate {
    /// It does.
    Held,
    /// It does not, or nobody can say.
    Failed(Evidence),
    /// The run broke off before anything could be said.
    Broken(Evidence),
}

/// What shows that something does not hold.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// One line.
    pub message: String,
    /// Everything else.
    pub body: String,
}

impl Account {
    /// Of something that ended before there was anything to tell but this error.
    pub fn broken(name: &str, command: String, error: &str) -> Self {
        let evidence = Evidence {
            message: error.to_owned(),
            body: format!("again: {command}"),
        };
        Account {
            name: name.to_owned(),
            verdict: "broke off".to_owned(),
            figures: Vec::new(),
            seed: String::new(),
            command,
            took: Duration::ZERO,
            told: format!("error: {error}"),
            cases: vec![Case::new("run", Fate::Broken(evidence))],
        }
    }

    /// Whether everything held.
    pub fn holds(&self) -> bool {
        let mut cases = self.cases.iter();
        cases.all(|case| matches!(case.fate, Fate::Held))
    }

    /// What did not hold, with the evidence.
    pub fn failures(&self) -> impl Iterator<Item = (&Case, &Evidence)> {
        self.cases.iter().filter_map(|case| match &case.fate {
            Fate::Held => None,
            Fate::Failed(evidence) | Fate::Broken(evidence) => Some((case, evidence)),
        })
    }
}

impl Case {
    /// One whose time nobody took.
    pub fn new(name: impl Into<String>, fate: Fate) -> Self {
        Case {
            name: name.into(),
            took: Duration::ZERO,
            fate,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::figures::tests::slow;
    use super::*;

    /// One that failed, and all of whose words are this text.
    pub(crate) fn failed(text: &str) -> Account {
        let evidence = Evidence {
            message: text.to_owned(),
            body: text.to_owned(),
        };
        Account {
            name: text.to_owned(),
            verdict: text.to_owned(),
            figures: slow().budgets,
            seed: "7".to_owned(),
            command: text.to_owned(),
            took: Duration::from_secs(3),
            told: text.to_owned(),
            cases: vec![
                Case::new("good", Fate::Held),
                Case::new(text, Fate::Failed(evidence.clone())),
                Case::new(text, Fate::Broken(evidence)),
            ],
        }
    }

    #[test]
    fn what_broke_off_or_failed_does_not_hold() {
        let broken = Account::broken("echo", "again".to_owned(), "no such node");
        assert!(!broken.holds());
        let failed = failed("x");
        assert!(!failed.holds());
        assert_eq!(failed.failures().count(), 2);
    }
}
