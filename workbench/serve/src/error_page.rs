//! Why a request gets no page, as a page; and how pages are written.

use std::fmt::Display;
use std::io;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::runs::StorePath;
use pages::text::marked;

/// Why there is nothing to be seen.
#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    status: StatusCode,
    title: String,
    text: String,
}

/// A page as text.
pub(super) fn html(page: &impl Template) -> Result<Html<String>, ErrorPage> {
    let written = page.render().map(Html);
    written.map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ErrorPage::new(status, "This page cannot be written", error)
    })
}

impl ErrorPage {
    pub(super) fn new(status: StatusCode, title: &str, text: impl Display) -> Self {
        ErrorPage {
            status,
            title: title.to_owned(),
            text: text.to_string(),
        }
    }

    /// There is nothing of this name.
    pub(super) fn not_found(name: &str) -> Self {
        let text = format!("{} is not in the store.", marked(name));
        ErrorPage::new(StatusCode::NOT_FOUND, "There is nothing there", text)
    }

    /// What was asked for is the name of nothing that could be in the store.
    pub(super) fn invalid_path() -> Self {
        let text = "A run is named by its workload and its start, with a slash between them, and a \
                    file by the way to it from there.";
        ErrorPage::new(
            StatusCode::BAD_REQUEST,
            "This is no path in the store",
            text,
        )
    }

    pub(super) fn unreadable(path: &StorePath, error: &io::Error) -> Self {
        let text = format!("{}: {error}.", marked(&path.to_string()));
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ErrorPage::new(status, "This file cannot be read", text)
    }

    // By value, as `map_err` has it.
    #[expect(clippy::needless_pass_by_value)]
    pub(super) fn invalid_query(error: QueryRejection) -> Self {
        let status = StatusCode::BAD_REQUEST;
        ErrorPage::new(
            status,
            "This query cannot be read",
            marked(&error.body_text()),
        )
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let page = self.render().unwrap_or_default();
        (self.status, Html(page)).into_response()
    }
}
