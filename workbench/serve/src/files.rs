//! Handlers for folders and files of the store, and for runs as zips.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::download::{FileBody, ZipBody, ZipEntry};
use crate::error_page::{ErrorPage, html};
use crate::runs::{Store, StoreFolder, StorePath};
use crate::site::{Site, run_blocking};
use crate::url::{href, parse_path};
use crate::views::{FolderEntry, FolderPage};
use pages::text::marked;

/// Policy of files, which may have any content: a browser may only show them.
const FILE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                           frame-ancestors 'none'; sandbox";

/// Policy of reports, which contain a script: it can neither load anything nor read other pages of
/// this site.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                             script-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                             frame-ancestors 'none'; sandbox allow-scripts allow-downloads allow-popups";

/// Entries of a folder that are shown.
const MAX_ENTRIES: usize = 2_000;

/// Folders of a run that are nested deeper are left out of its zip.
const MAX_DEPTH: usize = 16;

/// Responds with a folder's page or a file.
pub(super) async fn show(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, ErrorPage> {
    run_blocking(move || show_path(&site, &uri)).await
}

fn show_path(site: &Site, uri: &Uri) -> Result<Response, ErrorPage> {
    let store = site.open_store()?;
    let store_path = requested_path(uri, "/run/")?;
    let path = store_path.to_path();
    let not_found = || ErrorPage::not_found(&store_path.to_string());
    let found = store.folder.metadata(&path).ok().flatten();
    if found.ok_or_else(not_found)?.is_dir() {
        if !uri.path().ends_with('/') {
            // Relative links of a page need the slash at the end.
            return Ok(
                Redirect::permanent(&format!("{}/", href("/run/", &store_path))).into_response(),
            );
        }
        let (entries, omitted) = list_folder(&store, &store_path);
        let page = FolderPage::new(&store, &store_path, entries, omitted);
        return html(&page).map(IntoResponse::into_response);
    }
    if uri.path().ends_with('/') {
        return Err(not_found());
    }
    let opened = store.folder.file(&path);
    let opened = opened.map_err(|error| ErrorPage::unreadable_file(&store_path, &error))?;
    let (file, length) = opened.ok_or_else(not_found)?;
    let name = store_path.names().last().map_or("", String::as_str);
    let (content_type, policy) = content_type(name);
    let mut response = Body::new(FileBody::new(file, length)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let policy = HeaderValue::from_static(policy);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// Responds with a run's files as a zip.
pub(super) async fn zip(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, ErrorPage> {
    run_blocking(move || zip_run(site, &uri)).await
}

fn zip_run(site: Arc<Site>, uri: &Uri) -> Result<Response, ErrorPage> {
    let store_path = requested_path(uri, "/zip/")?;
    let store = site.open_store()?;
    if store.run(&store_path).is_none() {
        return Err(ErrorPage::not_found(&store_path.to_string()));
    }
    let name = entry_name(&store_path.names().join("-"));
    let mut entries = Vec::new();
    collect_files(
        &store.folder,
        &store_path.to_path(),
        &name,
        MAX_DEPTH,
        &mut entries,
    );
    drop(store);
    let mut response = Body::new(ZipBody::new(site, entries)).into_response();
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static("application/zip");
    headers.insert(header::CONTENT_TYPE, content_type);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let name: String = name.chars().filter(|c| is_plain(*c)).collect();
    let attachment = format!("attachment; filename=\"{name}.zip\"");
    if let Ok(attachment) = attachment.parse() {
        headers.insert(header::CONTENT_DISPOSITION, attachment);
    }
    Ok(response)
}

/// The path in the store that a URL names.
fn requested_path(uri: &Uri, prefix: &str) -> Result<StorePath, ErrorPage> {
    let path = uri.path().strip_prefix(prefix).unwrap_or_default();
    parse_path(path.strip_suffix('/').unwrap_or(path))
}

/// Formats a number of bytes with its unit.
fn format_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Lists a folder by name, folders first, and counts the entries that are omitted.
fn list_folder(store: &Store<'_>, path: &StorePath) -> (Vec<FolderEntry>, usize) {
    let folder = path.to_path();
    let entries = store.folder.entries(&folder).ok().flatten();
    let mut entries = entries.unwrap_or_default();
    entries.sort();
    let omitted = entries.len().saturating_sub(MAX_ENTRIES);
    let entries = entries.into_iter().take(MAX_ENTRIES).map(|entry| {
        // The target of a symbolic link is shown if it is in the store; of other links only the
        // name.
        let found = store.folder.metadata(&folder.join(&entry.name));
        let found = found.ok().flatten();
        let inner = entry.name.to_str().and_then(|name| path.join(name));
        let inner = inner.filter(|_| found.is_some());
        let is_folder = found.as_ref().is_some_and(Metadata::is_dir);
        let slash = if is_folder { "/" } else { "" };
        FolderEntry {
            name: format!("{}{slash}", marked(&entry.name.to_string_lossy())),
            link: inner.map(|inner| format!("{}{slash}", href("/run/", &inner))),
            is_folder,
            size: found
                .filter(Metadata::is_file)
                .map_or_else(String::new, |found| format_size(found.len())),
        }
    });
    let mut entries: Vec<FolderEntry> = entries.collect();
    entries.sort_by(|a, b| (!a.is_folder, &a.name).cmp(&(!b.is_folder, &b.name)));
    (entries, omitted)
}

/// Collects the files below a folder, in order; symbolic links are skipped, since they may lead
/// anywhere.
fn collect_files(
    store: &StoreFolder,
    folder: &Path,
    name: &str,
    depth: usize,
    files: &mut Vec<ZipEntry>,
) {
    let mut entries = store.entries(folder).ok().flatten().unwrap_or_default();
    entries.sort();
    let mut taken = BTreeSet::new();
    for entry in entries {
        let base = entry_name(&entry.name.to_string_lossy());
        let name = format!("{name}/{}", unique_name(&mut taken, &base));
        let path = folder.join(&entry.name);
        if entry.is_file {
            files.push(ZipEntry { name, path });
        } else if entry.is_folder && depth > 0 {
            collect_files(store, &path, &name, depth - 1, files);
        }
    }
}

/// A name as part of a zip, without characters that are path separators on some system.
fn entry_name(name: &str) -> String {
    marked(name).replace(['\\', ':'], "_")
}

/// This name, with a number if it is taken: `entry_name` may map several names to one.
fn unique_name(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut unique = name.to_owned();
    let mut copy = 1;
    while !taken.insert(unique.clone()) {
        copy += 1;
        unique = format!("{name}~{copy}");
    }
    unique
}

/// A file's content type and content security policy.
fn content_type(name: &str) -> (&'static str, &'static str) {
    if name == "report.html" {
        return ("text/html; charset=utf-8", REPORT_POLICY);
    }
    let content_type = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "json" | "jsonl" | "edn" | "txt" | "log" | "csv" => "text/plain; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    };
    (content_type, FILE_POLICY)
}
