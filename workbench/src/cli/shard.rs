//! The part of a campaign that a machine runs: as given, or by the variables in which whatever runs
//! arrays of jobs numbers them.

use std::env;
use std::fmt;

/// How the jobs of an array are numbered.
struct System {
    /// The variable with the number of the job.
    index: &'static str,
    /// The number of the first job.
    first: u64,
    /// The variable with the number of all jobs.
    count: Option<&'static str>,
}

/// Slurm's arrays may begin anywhere and have steps.
const SLURM: &str = "SLURM_ARRAY_TASK_ID";

/// All systems: the first whose index is set counts. Slurm's jobs inherit the variables of a CI job that
/// submits them, so it comes before CI; a pod of Kubernetes inherits nothing, and what else is set there
/// was set inside of it, so it comes last.
const SYSTEMS: [System; 6] = [
    System::new("WORKBENCH_SHARD_INDEX", 0, Some("WORKBENCH_SHARD_COUNT")),
    System::new(SLURM, 0, Some("SLURM_ARRAY_TASK_COUNT")),
    System::new("CI_NODE_INDEX", 1, Some("CI_NODE_TOTAL")),
    System::new(
        "BUILDKITE_PARALLEL_JOB",
        0,
        Some("BUILDKITE_PARALLEL_JOB_COUNT"),
    ),
    System::new("CIRCLE_NODE_INDEX", 0, Some("CIRCLE_NODE_TOTAL")),
    System::new("JOB_COMPLETION_INDEX", 0, None),
];

/// A part of a campaign's seeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    /// Counted from 1.
    pub(super) part: u64,
    /// The number of parts.
    pub(super) of: u64,
    /// The variable that says which part it is, unless the command line does.
    pub(super) by: Option<&'static str>,
}

/// As on the command line: `3/8`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

/// Parses a shard: `K/N`, or `auto` or `auto/N`, which the environment of this process completes.
pub(super) fn parse_shard(text: &str) -> Result<Shard, String> {
    parse(text, |name| {
        Some(env::var_os(name)?.to_string_lossy().into_owned())
    })
}

fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Shard, String> {
    let expected = || "expected K/N with K from 1 to N, such as 3/8; or auto, or auto/N".to_owned();
    if text == "auto" {
        return by_environment(None, &variable);
    }
    let (part, of) = text.split_once('/').ok_or_else(expected)?;
    let of = of.parse().ok().filter(|of| *of > 0).ok_or_else(expected)?;
    if part == "auto" {
        return by_environment(Some(of), &variable);
    }
    let part = part.parse().ok().filter(|part| (1..=of).contains(part));
    let part = part.ok_or_else(expected)?;
    Ok(Shard { part, of, by: None })
}

/// The part that the environment names, of `of` parts if that is given.
fn by_environment(
    of: Option<u64>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Shard, String> {
    for System {
        index,
        first,
        count,
    } in SYSTEMS
    {
        let Some(given) = number(index, variable)? else {
            continue;
        };
        let counted = count
            .map(|name| number(name, variable))
            .transpose()?
            .flatten();
        let of = match (of, counted) {
            (Some(of), Some(counted)) if of != counted => {
                let count = count.unwrap_or_default();
                return Err(format!("{count} is {counted}, so there are not {of} parts"));
            }
            (of, counted) => of.or(counted).ok_or_else(|| {
                format!("{index} says which part this is, but not of how many: give auto/N")
            })?,
        };
        let place = match index {
            SLURM => slurm_place(given, of, variable)?,
            _ => given.checked_sub(first),
        };
        let place = place.filter(|place| *place < of).ok_or_else(|| {
            format!("{index} is {given}, which is none of {of} parts, counted from {first}")
        })?;
        return Ok(Shard {
            part: place + 1,
            of,
            by: Some(index),
        });
    }
    let names = SYSTEMS.map(|it| it.index).join(", ");
    Err(format!(
        "no variable says which part this is: none of {names} is set; give K/N, such as 3/8"
    ))
}

/// The place of a task in a Slurm array, counted from 0; none if it is outside of the array.
///
/// The step of a list such as `1,5,7` is 1, so that it does not lead from its first task to its last.
fn slurm_place(
    task: u64,
    count: u64,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<u64>, String> {
    let [min, max, step] = [
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_STEP",
    ]
    .map(|name| number(name, variable));
    let min = min?.ok_or_else(|| format!("{SLURM} is set, but not SLURM_ARRAY_TASK_MIN"))?;
    // A job that a wrapper has cleaned may lack these.
    let step = step?.unwrap_or(1);
    let max =
        max?.unwrap_or_else(|| min.saturating_add(count.saturating_sub(1).saturating_mul(step)));
    let length = count.saturating_sub(1).checked_mul(step);
    if step == 0 || length != max.checked_sub(min) {
        return Err(format!(
            "{SLURM} is {task}, one of {count} from {min} to {max} without an even step, so its place \
             is unknown: submit a range, such as --array=1-8, or give K/N"
        ));
    }
    let place = task.checked_sub(min).filter(|it| it.is_multiple_of(step));
    Ok(place.map(|it| it / step))
}

/// The number that a variable is set to. An empty one is not set.
fn number(name: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<u64>, String> {
    let text = variable(name).filter(|it| !it.is_empty());
    let number = |text: String| {
        let parsed = text.parse();
        parsed.map_err(|_| format!("{name} is {text:?}, which is no whole number"))
    };
    text.map(number).transpose()
}

impl System {
    const fn new(index: &'static str, first: u64, count: Option<&'static str>) -> Self {
        System {
            index,
            first,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses with these variables, which are separated by spaces.
    fn shard(text: &str, variables: &str) -> Result<String, String> {
        let variable = |name: &str| {
            let set = variables.split(' ').filter_map(|it| it.split_once('='));
            let mut values = set.filter(|(set, _)| *set == name).map(|(_, value)| value);
            values.next().map(str::to_owned)
        };
        parse(text, variable).map(|it| match it.by {
            Some(by) => format!("{it} {by}"),
            None => it.to_string(),
        })
    }

    /// The variables of a task in a Slurm array.
    fn slurm(task: u64, count: u64, min: u64, max: u64, step: u64) -> String {
        let name = "SLURM_ARRAY_TASK";
        format!(
            "{name}_ID={task} {name}_COUNT={count} {name}_MIN={min} {name}_MAX={max} {name}_STEP={step}"
        )
    }

    #[test]
    fn a_shard_is_one_of_several() {
        assert_eq!(shard("3/8", "CI_NODE_INDEX=1").as_deref(), Ok("3/8"));
        for bad in [
            "0/8",
            "9/8",
            "3",
            "3/",
            "/8",
            "0/0",
            "auto/",
            "auto/0",
            "auto/x",
            "automatic",
        ] {
            let error = shard(bad, "JOB_COMPLETION_INDEX=0").unwrap_err();
            assert!(error.contains("expected K/N"), "{bad}: {error}");
        }
    }

    #[test]
    fn each_system_says_which_part_a_job_is() {
        let array = |task| slurm(task, 4, 3, 9, 2);
        for (text, variables, expected) in [
            ("auto", &*array(3), "1/4 SLURM_ARRAY_TASK_ID"),
            ("auto", &array(9), "4/4 SLURM_ARRAY_TASK_ID"),
            ("auto/4", &array(7), "3/4 SLURM_ARRAY_TASK_ID"),
            ("auto", &slurm(5, 1, 5, 5, 1), "1/1 SLURM_ARRAY_TASK_ID"),
            (
                "auto/8",
                "SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_MIN=5",
                "8/8 SLURM_ARRAY_TASK_ID",
            ),
            (
                "auto",
                "CI_NODE_INDEX=8 CI_NODE_TOTAL=8",
                "8/8 CI_NODE_INDEX",
            ),
            (
                "auto",
                "BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=8",
                "1/8 BUILDKITE_PARALLEL_JOB",
            ),
            (
                "auto/8",
                "CIRCLE_NODE_INDEX=7 CIRCLE_NODE_TOTAL=8",
                "8/8 CIRCLE_NODE_INDEX",
            ),
            (
                "auto/8",
                "JOB_COMPLETION_INDEX=0",
                "1/8 JOB_COMPLETION_INDEX",
            ),
            (
                "auto/8",
                "WORKBENCH_SHARD_INDEX=3",
                "4/8 WORKBENCH_SHARD_INDEX",
            ),
            (
                "auto",
                "WORKBENCH_SHARD_INDEX=3 WORKBENCH_SHARD_COUNT=8",
                "4/8 WORKBENCH_SHARD_INDEX",
            ),
        ] {
            assert_eq!(
                shard(text, variables).as_deref(),
                Ok(expected),
                "{variables}"
            );
        }
    }

    #[test]
    fn of_several_systems_the_innermost_counts() {
        let pod = "JOB_COMPLETION_INDEX=1";
        let ci = format!("{pod} CI_NODE_INDEX=3 CI_NODE_TOTAL=8");
        let array = format!("{ci} {}", slurm(5, 8, 1, 8, 1));
        let by_hand = format!("{array} WORKBENCH_SHARD_INDEX=6");
        for (variables, expected) in [
            (pod, "2/8 JOB_COMPLETION_INDEX"),
            (&ci, "3/8 CI_NODE_INDEX"),
            (&array, "5/8 SLURM_ARRAY_TASK_ID"),
            (&by_hand, "7/8 WORKBENCH_SHARD_INDEX"),
            (
                "WORKBENCH_SHARD_INDEX= JOB_COMPLETION_INDEX=7",
                "8/8 JOB_COMPLETION_INDEX",
            ),
        ] {
            assert_eq!(shard("auto/8", variables).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn values_that_name_no_part_are_refused_with_their_variable() {
        let list = "without an even step, so its place is unknown: submit a range";
        for (text, variables, expected) in [
            (
                "auto",
                "",
                "none of WORKBENCH_SHARD_INDEX, SLURM_ARRAY_TASK_ID, CI_NODE_INDEX, ",
            ),
            // GitLab sets it for every job.
            ("auto", "CI_NODE_TOTAL=1", "no variable says"),
            (
                "auto",
                "JOB_COMPLETION_INDEX=3",
                "JOB_COMPLETION_INDEX says which part this is, but not",
            ),
            (
                "auto/3",
                "JOB_COMPLETION_INDEX=3",
                "JOB_COMPLETION_INDEX is 3, which is none of 3 parts",
            ),
            (
                "auto/3",
                "JOB_COMPLETION_INDEX=-1",
                "JOB_COMPLETION_INDEX is \"-1\", which is no",
            ),
            (
                "auto",
                "CI_NODE_INDEX=0 CI_NODE_TOTAL=8",
                "CI_NODE_INDEX is 0, which is none of 8",
            ),
            (
                "auto",
                "CI_NODE_INDEX=9 CI_NODE_TOTAL=8",
                "CI_NODE_INDEX is 9, which is none of 8",
            ),
            (
                "auto",
                "CI_NODE_INDEX=1 CI_NODE_TOTAL=0",
                "which is none of 0 parts",
            ),
            (
                "auto",
                "CI_NODE_INDEX=1 CI_NODE_TOTAL=x",
                "CI_NODE_TOTAL is \"x\"",
            ),
            (
                "auto/4",
                "CI_NODE_INDEX=1 CI_NODE_TOTAL=8",
                "CI_NODE_TOTAL is 8, so there are not 4",
            ),
            // A wrong value does not mean that the next system is asked.
            (
                "auto/4",
                "WORKBENCH_SHARD_INDEX=x CI_NODE_INDEX=1",
                "WORKBENCH_SHARD_INDEX is \"x\"",
            ),
            ("auto", &slurm(5, 3, 1, 7, 1), list),
            ("auto", &slurm(1, 3, 1, 7, 1), list),
            ("auto", &slurm(1, 3, 1, 5, 0), list),
            ("auto", &slurm(1, u64::MAX, 1, 5, 3), list),
            ("auto", &slurm(1, 3, 5, 1, 2), list),
            (
                "auto",
                &slurm(4, 4, 3, 9, 2),
                "SLURM_ARRAY_TASK_ID is 4, which is none of 4",
            ),
            (
                "auto",
                &slurm(1, 4, 3, 9, 2),
                "SLURM_ARRAY_TASK_ID is 1, which is none of 4",
            ),
            (
                "auto",
                &slurm(11, 4, 3, 9, 2),
                "SLURM_ARRAY_TASK_ID is 11, which is none of 4",
            ),
            (
                "auto/8",
                &slurm(4, 1, 4, 4, 1),
                "SLURM_ARRAY_TASK_COUNT is 1, so there are not 8",
            ),
            (
                "auto/8",
                "SLURM_ARRAY_TASK_ID=4",
                "is set, but not SLURM_ARRAY_TASK_MIN",
            ),
        ] {
            let error = shard(text, variables).unwrap_err();
            assert!(error.contains(expected), "{text} {variables}: {error}");
        }
    }
}
