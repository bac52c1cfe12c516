//! The pages: the list of runs, a folder, and two runs compared.

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
use crate::runs::{RunStatus, Store, StorePath};
use crate::site::{Site, run_blocking};
use crate::url::{encode, href, parse_path};
use pages::text::marked;

use comparison::ComparePage;
use row::Row;

/// Runs on one page of the list.
const RUNS_PER_PAGE: usize = 100;

/// Workloads that the list can be filtered by.
const MAX_WORKLOADS: usize = 1_000;

/// Query of the list: filters and a page number, all optional.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    workload: String,
    #[serde(default)]
    verdict: String,
    page: Option<usize>,
}

/// Query of the comparison: the path of each run that is ticked in the list, as `run`.
pub(super) type CompareQuery = Vec<(String, String)>;

#[derive(Template)]
#[template(path = "runs.html")]
struct RunsPage {
    workloads: Vec<FilterOption>,
    verdicts: Vec<FilterOption>,
    summary: String,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

/// A value that the list can be filtered by.
struct FilterOption {
    name: String,
    selected: bool,
}

/// A folder, which may be that of a run.
#[derive(Template)]
#[template(path = "folder.html")]
pub(super) struct FolderPage {
    title: String,
    parent: Option<String>,
    run: Option<Row>,
    command: Option<String>,
    entries: Vec<FolderEntry>,
    /// Number of entries that are not listed.
    omitted: usize,
}

/// A file or folder in a folder.
pub(super) struct FolderEntry {
    /// Its name, with control characters replaced.
    pub(super) name: String,
    /// Its URL; none if its name is not UTF-8 or leads out of the store.
    pub(super) link: Option<String>,
    pub(super) is_folder: bool,
    /// The file's size with its unit.
    pub(super) size: String,
}

/// Responds with the list of runs that match the query.
pub(super) async fn runs(
    State(site): State<Arc<Site>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Html<String>, ErrorPage> {
    let Query(query) = query.map_err(ErrorPage::invalid_query)?;
    run_blocking(move || render_list(&site, &query)).await
}

fn render_list(site: &Site, query: &ListQuery) -> Result<Html<String>, ErrorPage> {
    let verdict = match query.verdict.as_str() {
        "" => None,
        name => Some(verdict(name)?),
    };
    let store = site.open_store()?;
    let mut runs = store.run_folders();
    let all = runs.len();
    let workloads: BTreeSet<String> = runs.iter().map(|run| marked(run.parent())).collect();
    runs.retain(|run| {
        let is_workload = query.workload.is_empty() || marked(run.parent()) == query.workload;
        is_workload && verdict.is_none_or(|it| it == store.results(&run.path.to_path()).0)
    });
    let found = runs.len();
    let last = found.div_ceil(RUNS_PER_PAGE).max(1);
    let page = query.page.unwrap_or(1).clamp(1, last);
    let first = (page - 1) * RUNS_PER_PAGE;
    let shown = runs.into_iter().skip(first).take(RUNS_PER_PAGE);
    let rows: Vec<Row> = shown.map(|run| Row::new(&store.read(run))).collect();
    html(&RunsPage {
        summary: summary(all, found, first, rows.len()),
        workloads: workloads
            .into_iter()
            .take(MAX_WORKLOADS)
            .map(|name| FilterOption::new(name, &query.workload))
            .collect(),
        verdicts: RunStatus::ALL
            .map(|it| FilterOption::new(it.name().to_owned(), &query.verdict))
            .into(),
        rows,
        previous: (page > 1).then(|| query.page_url(page - 1)),
        next: (page < last).then(|| query.page_url(page + 1)),
    })
}

/// Responds with two runs side by side.
pub(super) async fn compare(
    State(site): State<Arc<Site>>,
    query: Result<Query<CompareQuery>, QueryRejection>,
) -> Result<Html<String>, ErrorPage> {
    let Query(query) = query.map_err(ErrorPage::invalid_query)?;
    run_blocking(move || render_comparison(&site, &query)).await
}

fn render_comparison(site: &Site, query: &CompareQuery) -> Result<Html<String>, ErrorPage> {
    let ticked = query.iter().filter(|(name, _)| name == "run");
    let ticked: Vec<&str> = ticked.map(|(_, path)| path.as_str()).collect();
    let [one, two] = ticked[..] else {
        let text = format!("Tick two runs in the list; {} are ticked.", ticked.len());
        let status = StatusCode::BAD_REQUEST;
        return Err(ErrorPage::new(status, "Two runs are needed", text));
    };
    let store = site.open_store()?;
    let run = |name: &str| {
        // A plus in a query is decoded to a space; an encoded path contains no spaces.
        let path = parse_path(&name.replace(' ', "+"))?;
        let run = store.run(&path);
        run.ok_or_else(|| ErrorPage::not_found(name))
    };
    let mut runs = [run(one)?, run(two)?];
    runs.sort_by(|a, b| a.folder.order().cmp(&b.folder.order()));
    let [earlier, later] = &runs;
    html(&ComparePage::new(&store, earlier, later))
}

fn verdict(name: &str) -> Result<RunStatus, ErrorPage> {
    let found = RunStatus::ALL.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| {
        let known = RunStatus::ALL.map(RunStatus::name).join(", ");
        let text = format!("Verdicts are: {known}.");
        ErrorPage::new(StatusCode::BAD_REQUEST, "Unknown verdict", text)
    })
}

fn summary(all: usize, found: usize, first: usize, here: usize) -> String {
    let runs = |count: usize| match count {
        1 => "1 run".to_owned(),
        count => format!("{count} runs"),
    };
    match (all, found) {
        (0, _) => "There are no runs yet: `workbench test` and `workbench challenge` save theirs \
                   here."
            .to_owned(),
        (_, 0) => format!("No run matches; the store has {}.", runs(all)),
        (_, found) if here < found => {
            format!("{} to {} of {}", first + 1, first + here, runs(found))
        }
        (_, found) => runs(found),
    }
}

impl FilterOption {
    fn new(name: String, selected: &str) -> Self {
        FilterOption {
            selected: name == selected,
            name,
        }
    }
}

impl ListQuery {
    fn page_url(&self, page: usize) -> String {
        let encoded = |text: &String| encode(text).replace('+', "%2B");
        let [workload, verdict] = [&self.workload, &self.verdict].map(encoded);
        format!("/?workload={workload}&verdict={verdict}&page={page}")
    }
}

impl FolderPage {
    pub(super) fn new(
        store: &Store<'_>,
        path: &StorePath,
        entries: Vec<FolderEntry>,
        omitted: usize,
    ) -> Self {
        let run = store.run(path);
        FolderPage {
            title: marked(&path.to_string()),
            parent: path
                .parent()
                .filter(|parent| !parent.names().is_empty())
                .map(|parent| format!("{}/", href("/run/", &parent))),
            command: run
                .as_ref()
                .and_then(|run| run.option("command"))
                .map(marked),
            run: run.as_ref().map(Row::new),
            entries,
            omitted,
        }
    }
}
