//! Names that somebody got almost right.

/// How much alike two names must be for one to be taken for the other; as much as for clap, which
/// looks after names of flags and commands.
const ALIKE: f64 = 0.7;

/// What is said of a name that nothing has: the one that was meant, perhaps, and all that there
/// are.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let meant = nearest(name, known).map(|it| format!(": did you mean {it}?"));
    let meant = meant.unwrap_or_else(|| ";".to_owned());
    format!(
        "there is no {kind} {name:?}{meant} there are {}",
        known.join(", ")
    )
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let alike = known.iter().map(|it| (strsim::jaro(name, it), *it));
    let alike = alike.filter(|(alike, _)| *alike > ALIKE);
    let nearest = alike.max_by(|one, other| one.0.total_cmp(&other.0));
    nearest.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_almost_right_suggests_the_right_one() {
        let known = ["partition", "loss", "pause", "kill"];
        for (name, meant) in [
            ("partiton", Some("partition")),
            ("los", Some("loss")),
            ("kil", Some("kill")),
            ("tango", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        let said = unknown("fault", "partiton", &known);
        assert!(said.contains("did you mean partition? there are partition, loss"));
        assert!(unknown("fault", "x", &known).contains("\"x\"; there are partition"));
    }
}
