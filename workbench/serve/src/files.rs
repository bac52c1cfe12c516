//! Folders and files of the store, and runs as zips.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};

use crate::download::{Entry, Whole, Zip};
use crate::error_page::{ErrorPage, html};
use crate::runs::{Archive, StorePath};
use crate::site::{Site, aside};
use crate::url::{link, parse_path};
use crate::views::{Item, RunPage};
use pages::text::marked;

/// What a browser may do with a file: nothing but show it. It may have any content.
const LOOK: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

/// … and with the report of a run, whose script is part of it: it can neither load anything nor
/// read other pages of ours.
const REPORT: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; \
                      sandbox allow-scripts allow-downloads allow-popups";

/// How deep folders of a run may be nested.
const DEPTH: usize = 16;

/// A folder's page, or a file.
pub(super) async fn show(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, ErrorPage> {
    aside(move || look(&site, &uri)).await
}

fn look(site: &Site, uri: &Uri) -> Result<Response, ErrorPage> {
    let (store_path, path) = find(site, uri, "/run/")?;
    let nothing = || ErrorPage::not_found(&store_path.to_string());
    let found = fs::metadata(&path).map_err(|_| nothing())?;
    if found.is_dir() {
        if !uri.path().ends_with('/') {
            // What a page in it links to is beside it.
            return Ok(
                Redirect::permanent(&format!("{}/", link("/run/", &store_path))).into_response(),
            );
        }
        let items = items(&site.archive, &path, &store_path);
        let page = RunPage::new(&site.archive, &store_path, items);
        return html(&page).map(IntoResponse::into_response);
    }
    if uri.path().ends_with('/') {
        return Err(nothing());
    }
    let opened = site.archive.file(&path);
    let opened = opened.map_err(|error| ErrorPage::unreadable(&store_path, &error))?;
    let (file, length) = opened.ok_or_else(nothing)?;
    let name = store_path.names().last().map_or("", String::as_str);
    let (kind, policy) = kind(name);
    let mut response = Body::new(Whole::new(file, length)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let policy = HeaderValue::from_static(policy);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// A run with all its files, as a zip.
pub(super) async fn zip(State(site): State<Arc<Site>>, uri: Uri) -> Result<Response, ErrorPage> {
    aside(move || pack(site, &uri)).await
}

fn pack(site: Arc<Site>, uri: &Uri) -> Result<Response, ErrorPage> {
    let (store_path, path) = find(&site, uri, "/zip/")?;
    if site.archive.run(&store_path).is_none() {
        return Err(ErrorPage::not_found(&store_path.to_string()));
    }
    let name = entry_name(&store_path.names().join("-"));
    let mut entries = Vec::new();
    collect(&path, &name, DEPTH, &mut entries);
    let mut response = Body::new(Zip::new(site, entries)).into_response();
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("application/zip");
    headers.insert(header::CONTENT_TYPE, kind);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
    let name: String = name.chars().filter(|c| is_plain(*c)).collect();
    let attachment = format!("attachment; filename=\"{name}.zip\"");
    if let Ok(attachment) = attachment.parse() {
        headers.insert(header::CONTENT_DISPOSITION, attachment);
    }
    Ok(response)
}

/// What a URL asks for, and where it is, links followed.
fn find(site: &Site, uri: &Uri, prefix: &str) -> Result<(StorePath, PathBuf), ErrorPage> {
    let path = uri.path().strip_prefix(prefix).unwrap_or_default();
    let store_path = parse_path(path.strip_suffix('/').unwrap_or(path))?;
    let path = site.archive.find(&store_path);
    let path = path.ok_or_else(|| ErrorPage::not_found(&store_path.to_string()))?;
    Ok((store_path, path))
}

/// So many bytes, for a person.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// What is in a folder: folders first, by name.
fn items(archive: &Archive, path: &Path, store_path: &StorePath) -> Vec<Item> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let items = entries.map(|entry| {
        let name = entry.file_name();
        let inner = name.to_str().and_then(|name| store_path.join(name));
        // Of what a link leads to, if that is in the store; of any other only its name is told.
        let inner = inner.and_then(|inner| Some((archive.find(&inner)?, inner)));
        let found = match &inner {
            Some((path, _)) => fs::metadata(path),
            None => entry.metadata(),
        };
        let is_folder = found.as_ref().is_ok_and(fs::Metadata::is_dir);
        let slash = if is_folder { "/" } else { "" };
        Item {
            name: format!("{}{slash}", marked(&name.to_string_lossy())),
            link: inner.map(|(_, inner)| format!("{}{slash}", link("/run/", &inner))),
            is_folder,
            size: found
                .ok()
                .filter(fs::Metadata::is_file)
                .map_or_else(String::new, |found| size(found.len())),
        }
    });
    let mut items: Vec<Item> = items.collect();
    items.sort_by(|a, b| (!a.is_folder, &a.name).cmp(&(!b.is_folder, &b.name)));
    items
}

/// The files below a folder, in order; links are left out, since they may lead anywhere.
fn collect(folder: &Path, name: &str, depth: usize, entries: &mut Vec<Entry>) {
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
        let plain = entry_name(&entry.file_name().to_string_lossy());
        let name = format!("{name}/{}", unlike(&mut taken, &plain));
        if found.is_file() {
            entries.push(Entry {
                name,
                path: entry.path(),
            });
        } else if found.is_dir() && depth > 0 {
            collect(&entry.path(), &name, depth - 1, entries);
        }
    }
}

/// A name as part of a zip, where it must not become a path on the system that opens it.
fn entry_name(name: &str) -> String {
    marked(name).replace(['\\', ':'], "_")
}

/// This name, or else one like it, that none in a folder has: several may have become the same.
fn unlike(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut unlike = name.to_owned();
    let mut copy = 1;
    while !taken.insert(unlike.clone()) {
        copy += 1;
        unlike = format!("{name}~{copy}");
    }
    unlike
}

/// What a file is to a browser, and what that may do with it.
fn kind(name: &str) -> (&'static str, &'static str) {
    if name == "report.html" {
        return ("text/html; charset=utf-8", REPORT);
    }
    let kind = match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "json" | "jsonl" | "edn" | "txt" | "log" | "csv" => "text/plain; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    };
    (kind, LOOK)
}
