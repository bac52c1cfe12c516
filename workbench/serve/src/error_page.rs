//! Error responses as pages, and the rendering of pages.

use std::fmt::Display;
use std::io;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::runs::StorePath;
use pages::text::marked;

/// An error response: its status, a title and an explanation.
#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage {
    status: StatusCode,
    title: String,
    text: String,
}

/// Renders a page.
pub(super) fn html(page: &impl Template) -> Result<Html<String>, ErrorPage> {
    let rendered = page.render().map(Html);
    rendered.map_err(|error| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ErrorPage::new(
            status,
            "Internal error: the page could not be rendered",
            error,
        )
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

    /// Nothing in the store has this name.
    pub(super) fn not_found(name: &str) -> Self {
        let text = format!("{} is not in the store.", marked(name));
        ErrorPage::new(StatusCode::NOT_FOUND, "Not found", text)
    }

    /// The request's path cannot name anything in a store.
    pub(super) fn invalid_path() -> Self {
        let text = "A run's path is its workload, a slash and its start time; the path of a file \
                    continues from there.";
        ErrorPage::new(StatusCode::BAD_REQUEST, "Invalid path", text)
    }

    pub(super) fn unreadable_file(path: &StorePath, error: &io::Error) -> Self {
        let text = format!("{}: {error}.", marked(&path.to_string()));
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        ErrorPage::new(status, "The file cannot be read", text)
    }

    // By value, for `map_err`.
    #[expect(clippy::needless_pass_by_value)]
    pub(super) fn invalid_query(error: QueryRejection) -> Self {
        let status = StatusCode::BAD_REQUEST;
        ErrorPage::new(status, "Invalid query", marked(&error.body_text()))
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        let page = self.render().unwrap_or_default();
        (self.status, Html(page)).into_response()
    }
}
