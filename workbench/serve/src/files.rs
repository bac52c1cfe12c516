//! Handlers for folders and files of the store, and for runs as zips.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::download::{FileBody, ZipBody, ZipEntry};
use crate::error_page::{ErrorPage, html};
use crate::runs::{Archive, StorePath};
use crate::site::{Site, run_blocking};
use crate::url::{href, parse_path};
use crate::views::{FolderEntry, FolderPage};
use pages::text::marked;

/// Policy of files, which may have any content: a browser may only show them.
const FILE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// Policy of reports, which contain a script: it can neither load anything nor read other pages of
/// this site.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
                             script-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                             sandbox allow-scripts allow-downloads allow-popups";

/// Folders of a run that are nested deeper are left out of its zip.
const MAX_DEPTH: usize = 16;

/// Responds with a folder's page or a file.
pub(super) async fn show(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, ErrorPage> {
    run_blocking(move || show_path(&site, &uri)).await
}

fn show_path(site: &Site, uri: &Uri) -> Result<Response, ErrorPage> {
    let (store_path, path) = resolve(site, uri, "/run/")?;
    let not_found = || ErrorPage::not_found(&store_path.to_string());
    let found = fs::metadata(&path).map_err(|_| not_found())?;
    if found.is_dir() {
        if !uri.path().ends_with('/') {
            // Relative links of a page need the slash at the end.
            return Ok(
                Redirect::permanent(&format!("{}/", href("/run/", &store_path))).into_response(),
            );
        }
        let entries = list_folder(&site.archive, &path, &store_path);
        let page = FolderPage::new(&site.archive, &store_path, entries);
        return html(&page).map(IntoResponse::into_response);
    }
    if uri.path().ends_with('/') {
        return Err(not_found());
    }
    let opened = site.archive.open_file(&path);
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
    let (store_path, path) = resolve(&site, uri, "/zip/")?;
    if site.archive.run(&store_path).is_none() {
        return Err(ErrorPage::not_found(&store_path.to_string()));
    }
    let name = entry_name(&store_path.names().join("-"));
    let mut entries = Vec::new();
    collect_files(&path, &name, MAX_DEPTH, &mut entries);
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

/// The path that a URL names in the store and on disk, symbolic links followed.
fn resolve(site: &Site, uri: &Uri, prefix: &str) -> Result<(StorePath, PathBuf), ErrorPage> {
    let path = uri.path().strip_prefix(prefix).unwrap_or_default();
    let store_path = parse_path(path.strip_suffix('/').unwrap_or(path))?;
    let path = site.archive.find(&store_path);
    let path = path.ok_or_else(|| ErrorPage::not_found(&store_path.to_string()))?;
    Ok((store_path, path))
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

/// Lists a folder by name, folders first.
fn list_folder(archive: &Archive, path: &Path, store_path: &StorePath) -> Vec<FolderEntry> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let entries = entries.map(|entry| {
        let name = entry.file_name();
        let inner = name.to_str().and_then(|name| store_path.join(name));
        // The target of a symbolic link is shown if it is in the store; of other links only the
        // name.
        let inner = inner.and_then(|inner| Some((archive.find(&inner)?, inner)));
        let found = match &inner {
            Some((path, _)) => fs::metadata(path),
            None => entry.metadata(),
        };
        let is_folder = found.as_ref().is_ok_and(fs::Metadata::is_dir);
        let slash = if is_folder { "/" } else { "" };
        FolderEntry {
            name: format!("{}{slash}", marked(&name.to_string_lossy())),
            link: inner.map(|(_, inner)| format!("{}{slash}", href("/run/", &inner))),
            is_folder,
            size: found
                .ok()
                .filter(fs::Metadata::is_file)
                .map_or_else(String::new, |found| format_size(found.len())),
        }
    });
    let mut entries: Vec<FolderEntry> = entries.collect();
    entries.sort_by(|a, b| (!a.is_folder, &a.name).cmp(&(!b.is_folder, &b.name)));
    entries
}

/// Collects the files below a folder, in order; symbolic links are skipped, since they may lead
/// anywhere.
fn collect_files(folder: &Path, name: &str, depth: usize, entries: &mut Vec<ZipEntry>) {
    let mut inner: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    inner.sort_by_key(fs::DirEntry::file_name);
    let mut taken = BTreeSet::new();
    for entry in inner {
        let Ok(found) = entry.metadata() else {
            continue;
        };
        let base = entry_name(&entry.file_name().to_string_lossy());
        let name = format!("{name}/{}", unique_name(&mut taken, &base));
        if found.is_file() {
            entries.push(ZipEntry {
                name,
                path: entry.path(),
            });
        } else if found.is_dir() && depth > 0 {
            collect_files(&entry.path(), &name, depth - 1, entries);
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
