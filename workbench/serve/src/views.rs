//! The pages: what a person sees of the runs, of one, and of two.

mod comparison;
mod row;

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Html;
use serde::Deserialize;

use crate::error_page::{ErrorPage, html};
use crate::runs::{Archive, RunStatus, StorePath};
use crate::site::{Site, aside};
use crate::url::{encoded, link, parse_path};
use pages::text::marked;

use comparison::ComparePage;
use row::Row;

/// How many runs a page shows.
const PER_PAGE: usize = 100;

/// A query that may say which runs are to be listed.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    workload: String,
    #[serde(default)]
    verdict: String,
    page: Option<usize>,
}

/// A query that says which runs are to be compared.
#[derive(Deserialize)]
pub(super) struct Pair {
    #[serde(default)]
    a: String,
    #[serde(default)]
    b: String,
}

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    workloads: Vec<Choice>,
    verdicts: Vec<Choice>,
    summary: String,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

/// Something that the list can be filtered by.
struct Choice {
    name: String,
    chosen: bool,
}

/// A folder; of a run perhaps.
#[derive(Template)]
#[template(path = "run.html")]
pub(super) struct RunPage {
    title: String,
    parent: Option<String>,
    run: Option<Row>,
    command: Option<String>,
    items: Vec<Item>,
}

/// Something in a folder.
pub(super) struct Item {
    /// Its name, fit to be shown.
    pub(super) name: String,
    /// What leads there; nothing if its name cannot be written so.
    pub(super) link: Option<String>,
    /// Whether it is a folder.
    pub(super) is_folder: bool,
    /// How long the file is, for a person.
    pub(super) size: String,
}

/// All runs that are asked for.
pub(super) async fn runs(
    State(site): State<Arc<Site>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Html<String>, ErrorPage> {
    let Query(wanted) = wanted.map_err(ErrorPage::invalid_query)?;
    aside(move || list(&site, &wanted)).await
}

fn list(site: &Site, wanted: &Wanted) -> Result<Html<String>, ErrorPage> {
    let verdict = match wanted.verdict.as_str() {
        "" => None,
        name => Some(verdict(name)?),
    };
    let mut runs = site.archive.runs();
    let workloads: BTreeSet<String> = runs.iter().map(|run| marked(&run.workload)).collect();
    let all = runs.len();
    runs.retain(|run| {
        let is_workload = wanted.workload.is_empty() || marked(&run.workload) == wanted.workload;
        is_workload && verdict.is_none_or(|it| it == run.status)
    });
    let last = runs.len().div_ceil(PER_PAGE).max(1);
    let page = wanted.page.unwrap_or(1).clamp(1, last);
    let first = (page - 1) * PER_PAGE;
    let rows: Vec<Row> = runs
        .iter()
        .skip(first)
        .take(PER_PAGE)
        .map(Row::new)
        .collect();
    let turn = |page: usize| wanted.link(page);
    html(&RunsPage {
        summary: summary(all, runs.len(), first, rows.len()),
        workloads: workloads
            .into_iter()
            .map(|name| Choice::new(name, &wanted.workload))
            .collect(),
        verdicts: RunStatus::ALL
            .map(|it| Choice::new(it.name().to_owned(), &wanted.verdict))
            .into(),
        rows,
        previous: (page > 1).then(|| turn(page - 1)),
        next: (page < last).then(|| turn(page + 1)),
    })
}

/// Two runs side by side.
pub(super) async fn compare(
    State(site): State<Arc<Site>>,
    pair: Result<Query<Pair>, QueryRejection>,
) -> Result<Html<String>, ErrorPage> {
    let Query(pair) = pair.map_err(ErrorPage::invalid_query)?;
    aside(move || side_by_side(&site, &pair)).await
}

fn side_by_side(site: &Site, pair: &Pair) -> Result<Html<String>, ErrorPage> {
    let run = |name: &str| {
        if name.is_empty() {
            let text = "Choose a first and a second run in the list.";
            let status = StatusCode::BAD_REQUEST;
            return Err(ErrorPage::new(status, "Which runs?", text));
        }
        // Where a query has a plus it means a space, of which there are none in a URL.
        let path = parse_path(&name.replace(' ', "+"))?;
        let run = site.archive.run(&path);
        run.ok_or_else(|| ErrorPage::not_found(name))
    };
    html(&ComparePage::new(
        &site.archive,
        &run(&pair.a)?,
        &run(&pair.b)?,
    ))
}

fn verdict(name: &str) -> Result<RunStatus, ErrorPage> {
    let found = RunStatus::ALL.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| {
        let known = RunStatus::ALL.map(RunStatus::name).join(", ");
        let text = format!("A run is one of: {known}.");
        ErrorPage::new(StatusCode::BAD_REQUEST, "There is no such verdict", text)
    })
}

fn summary(all: usize, found: usize, first: usize, here: usize) -> String {
    let of_all = |count: usize| match count {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    match (all, found) {
        (0, _) => "There are no runs yet: `workbench test` and `workbench challenge` keep theirs \
                   here."
            .to_owned(),
        (_, 0) => format!("None of {} is one of these.", of_all(all)),
        (_, found) if here < found => {
            format!("{} to {} of {}", first + 1, first + here, of_all(found))
        }
        (_, found) => of_all(found),
    }
}

impl Choice {
    fn new(name: String, chosen: &str) -> Self {
        Choice {
            chosen: name == chosen,
            name,
        }
    }
}

impl Wanted {
    fn link(&self, page: usize) -> String {
        let encoded = |text: &String| encoded(text).replace('+', "%2B");
        let [workload, verdict] = [&self.workload, &self.verdict].map(encoded);
        format!("/?workload={workload}&verdict={verdict}&page={page}")
    }
}

impl RunPage {
    pub(super) fn new(archive: &Archive, path: &StorePath, items: Vec<Item>) -> Self {
        let run = archive.run(path);
        RunPage {
            title: marked(&path.to_string()),
            parent: path
                .parent()
                .filter(|parent| !parent.names().is_empty())
                .map(|parent| format!("{}/", link("/run/", &parent))),
            command: run
                .as_ref()
                .and_then(|run| run.option("command"))
                .map(marked),
            run: run.as_ref().map(Row::new),
            items,
        }
    }
}
