//! Periods of faults in a history.

use history::{History, Kind, Op};

/// Period of a fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Episode {
    /// Start, in seconds since time zero.
    pub(super) from: f64,
    /// End, in seconds since time zero.
    pub(super) to: f64,
    /// Name of the fault: `partition`.
    pub(super) label: String,
}

/// Finds the episodes of a history: each lasts from the entry that reports its start to the entry
/// that reports its end, or to the last entry of the history.
pub(super) fn episodes(history: &History) -> Vec<Episode> {
    let end = history.ops.last().map_or(0.0, Op::seconds);
    let mut open: Vec<Episode> = Vec::new();
    let mut ended = Vec::new();
    let nemesis = history
        .ops
        .iter()
        .filter(|op| op.process.client().is_none());
    for op in nemesis.filter(|op| op.kind == Kind::Info) {
        if let Some(label) = op.f.strip_prefix("start-") {
            if !open.iter().any(|it| it.label == label) {
                open.push(Episode {
                    from: op.seconds(),
                    to: end,
                    label: label.to_owned(),
                });
            }
        } else if let Some(label) = op.f.strip_prefix("stop-")
            && let Some(index) = open.iter().position(|it| it.label == label)
        {
            let mut episode = open.remove(index);
            episode.to = op.seconds();
            ended.push(episode);
        }
    }
    ended.extend(open);
    ended.sort_by(|one, other| one.from.total_cmp(&other.from));
    ended
}

#[cfg(test)]
mod tests {
    use super::{Episode, episodes};
    use history::History;

    #[test]
    fn an_episode_lasts_from_its_first_start_to_its_stop_or_to_the_end() {
        let lines = [
            ("start-partition", 1),
            ("start-partition", 1),
            ("start-kill", 2),
            ("stop-partition", 3),
            ("stop-partition", 3),
            ("stop-loss", 4),
            ("start-kill", 5),
        ];
        let line = |(index, (f, second))| {
            format!(
                r#"{{"index":{index},"time":{second}000000000,"type":"info","process":"nemesis","f":"{f}","value":null}}"#
            )
        };
        let lines: Vec<String> = lines.into_iter().enumerate().map(line).collect();
        let history = History::read_json(lines.join("\n").as_bytes()).unwrap();
        let episode = |from, to, label: &str| Episode {
            from,
            to,
            label: label.to_owned(),
        };
        let expected = [episode(1.0, 3.0, "partition"), episode(2.0, 5.0, "kill")];
        assert_eq!(episodes(&history), expected);
    }
}
