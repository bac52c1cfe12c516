//! The hosts of a run: their nodes, and the round trip between the bench and each of them, which is
//! part of every latency that is measured.

use std::time::Duration;

use serde_json::{Value, json};

use crate::budget::{Budget, Metric};

/// Round trips to a host.
#[derive(Debug, Clone, Default)]
pub struct RoundTrips {
    /// Those before the run began.
    start: Vec<Duration>,
    during: Vec<Duration>,
    has_begun: bool,
}

impl RoundTrips {
    /// Adds a measured round trip.
    pub fn add(&mut self, took: Duration) {
        if self.has_begun {
            self.during.push(took);
        } else {
            self.start.push(took);
        }
    }

    /// From now on they are during the run.
    pub fn begin(&mut self) {
        self.has_begun = true;
    }
}

/// A host of a run.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// The names of its nodes.
    pub nodes: Vec<String>,
    /// What was measured; nothing if the host does not answer.
    pub round_trips: RoundTrips,
}

/// The hosts of a run; none if the nodes are on the bench's own.
#[derive(Debug, Clone, Default)]
pub struct Hosts {
    /// Each of them.
    pub list: Vec<Host>,
    /// That round trips are long for what is measured, if they are.
    pub warning: Option<String>,
}

impl Host {
    /// The median before the run, in milliseconds.
    pub fn at_start(&self) -> Option<f64> {
        median(&self.round_trips.start)
    }

    /// The median during the run, in milliseconds.
    pub fn during(&self) -> Option<f64> {
        median(&self.round_trips.during)
    }

    /// The longest during the run, in milliseconds.
    pub fn longest(&self) -> Option<f64> {
        self.round_trips.during.iter().max().map(|it| ms(*it))
    }

    /// Its name and the median before the run: `a 0.40 ms`.
    pub fn line(&self) -> String {
        format!("{} {}", self.name, show(self.at_start()))
    }

    /// For machines: times in milliseconds.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "nodes": self.nodes,
            "round-trip-ms": {
                "start": self.at_start(),
                "median": self.during(),
                "max": self.longest(),
            },
        })
    }

    /// The cells of a table, in the order of [`COLUMNS`].
    pub fn cells(&self) -> [String; 5] {
        [
            self.name.clone(),
            self.nodes.join(", "),
            show(self.at_start()),
            show(self.during()),
            show(self.longest()),
        ]
    }
}

/// The headings of a table of hosts.
pub const COLUMNS: [&str; 5] = [
    "host",
    "nodes",
    "round trip at the start",
    "median during the run",
    "longest",
];

/// A round trip for a person.
fn show(ms: Option<f64>) -> String {
    match ms {
        Some(ms) if ms < 10.0 => format!("{ms:.2} ms"),
        Some(ms) => format!("{ms:.0} ms"),
        None => "unknown".to_owned(),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(times: &[Duration]) -> Option<f64> {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).map(|it| ms(*it))
}

impl Hosts {
    /// The hosts, with a warning if there are some whose round trip is more than a tenth of the latency that was asked for, in
    /// milliseconds, or of a budget for a latency.
    pub fn new(list: Vec<Host>, latency: u32, budgets: &[Budget]) -> Self {
        let budgets = budgets.iter().filter_map(|budget| {
            let unit = match budget.metric {
                Metric::MedianLatency | Metric::MaxLatency => 1.0,
                Metric::RealtimeLag => 1000.0,
                Metric::MessagesPerOp | Metric::NotOk => return None,
            };
            let bound = budget.official.or(budget.ours)?;
            Some((bound.limit() * unit, "the budget of"))
        });
        let asked = (latency > 0).then_some((f64::from(latency), "the latency of"));
        let limits = asked.into_iter().chain(budgets);
        let strictest = limits.min_by(|one, other| one.0.total_cmp(&other.0));
        let warning = strictest.and_then(|(limit, what)| {
            let taken = |host: &Host| host.during().or(host.at_start());
            let is_long = |host: &&Host| taken(host).is_some_and(|it| it > limit / 10.0);
            let names: Vec<&str> = list.iter().filter(is_long).map(|it| &*it.name).collect();
            let longest = list.iter().filter_map(taken).max_by(f64::total_cmp);
            (!names.is_empty()).then(|| {
                format!(
                    "the round trip to {} takes {}, more than a tenth of {what} {limit} ms: latencies \
                     are longer by about as much",
                    names.join(", "),
                    show(longest)
                )
            })
        });
        Hosts { list, warning }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Bound;

    fn host(start: &[u64], during: &[u64]) -> Host {
        let times = |times: &[u64]| times.iter().map(|it| Duration::from_millis(*it)).collect();
        Host {
            name: "a".to_owned(),
            nodes: vec!["n0".to_owned(), "n3".to_owned()],
            round_trips: RoundTrips {
                start: times(start),
                during: times(during),
                has_begun: true,
            },
        }
    }

    #[test]
    fn a_host_has_medians_and_a_maximum() {
        let cells = host(&[3, 1, 20], &[4, 15]).cells();
        assert_eq!(cells, ["a", "n0, n3", "3.00 ms", "15 ms", "15 ms"]);
        let unknown = host(&[], &[]);
        assert_eq!(unknown.cells()[2..], ["unknown"; 3]);
        assert_eq!(unknown.to_json()["round-trip-ms"]["start"], Value::Null);
    }

    #[test]
    fn a_round_trip_of_more_than_a_tenth_is_warned_of() {
        let lag = Budget {
            metric: Metric::RealtimeLag,
            official: None,
            ours: Some(Bound::AtMost(0.3)),
        };
        let warning = |latency, budgets: &[Budget]| {
            let mut hosts = [host(&[11], &[]), host(&[1], &[31]), host(&[], &[])];
            hosts[1].name = "b".to_owned();
            let hosts = Hosts::new(hosts.into(), latency, budgets);
            hosts.warning.unwrap_or_default()
        };
        assert_eq!(warning(0, &[]), "");
        assert_eq!(warning(400, &[]), "");
        assert!(warning(100, &[]).starts_with("the round trip to a, b takes 31 ms, more than"));
        assert!(warning(200, &[]).starts_with("the round trip to b takes 31 ms"));
        assert!(warning(400, &[lag]).contains("more than a tenth of the budget of 300 ms"));
    }
}
