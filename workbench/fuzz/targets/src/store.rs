//! The files and names of a run into `serve`: hand-edited, cut, or hostile.

use crate::bytes::Bytes;
use crate::site::{RUN, Site};

const NAMES: [&str; 6] = [
    "summary.json",
    "results.json",
    "results.edn",
    "test.json",
    "plots/latency.svg",
    "report.html",
];

/// The most files of a run.
const MAX_FILES: usize = 4;

/// The first line is the name of a second run's folder. After it, each file begins with the byte that
/// says which one it is and a byte that says how many sixteenths of the rest are its content.
pub(crate) fn drive(input: &[u8]) {
    let mut bytes = Bytes::new(input);
    let name = String::from_utf8_lossy(bytes.line()).replace(['/', '\0'], "");
    let mut files = Vec::new();
    while !bytes.is_empty() && files.len() < MAX_FILES {
        let name = bytes.pick(&NAMES);
        let sixteenths = 1 + bytes.below(16);
        files.push((name, bytes.part(sixteenths, 16)));
    }
    let site = Site::of_run(&files);
    // Where the name is not escaped, it is an element of the page.
    let name = format!("{name}<script>");
    site.write(&format!("echo/{name}"), &files);
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let run = RUN.replace('+', "%2B");
    for path in [
        "/",
        &format!("/run/{RUN}/"),
        &format!("/run/echo/{encoded}/"),
        &format!("/compare?run={run}&run=echo/{encoded}"),
    ] {
        let page = site.get(path);
        let page = String::from_utf8_lossy(&page);
        assert!(!page.contains("<script"), "{path} has a script: {page}");
    }
    site.get(&format!("/zip/{RUN}"));
}
