//! Services, told as transcripts: in `transcripts/service` each file is one scenario, a line
//! `n0> lin-kv {"type": …}` for every request and below it what came back. With `REWRITE=1` in the
//! environment the files are rewritten instead of compared; the difference is then for a person to
//! read.

use std::fs;
use std::path::Path;

use serde_json::value::RawValue;
use workbench::dice::dice;
use workbench::service::Services;

/// The transcript as it should read. Comments, blank lines and the seed stay as they are, requests
/// are followed by their answers, and everything else is an answer of yesterday.
fn replay(transcript: &str) -> String {
    let mut services = None;
    let mut replayed = String::new();
    let mut say = |line: &str| {
        replayed.push_str(line);
        replayed.push('\n');
    };
    for line in transcript.lines() {
        if line.is_empty() || line.starts_with('#') {
            say(line);
        } else if let Some(seed) = line.strip_prefix("seed ") {
            services = Some(Services::new(dice(seed.parse().expect("a number"))));
            say(line);
        } else if let Some((src, request)) = line.split_once("> ") {
            let services = services.as_mut().expect("the seed comes first");
            let (service, body) = request.split_once(' ').expect("a service and a body");
            let body = RawValue::from_string(body.to_owned()).expect("a body of JSON");
            say(line);
            match services.handle(service, src, &body) {
                Ok(answer) => say(answer.get()),
                Err(unanswered) => say(&format!("no answer: {unanswered}")),
            }
        }
    }
    replayed
}

#[test]
fn services_answer_as_their_transcripts_tell() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/service");
    let rewrite = std::env::var_os("REWRITE").is_some();
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let told = fs::read_to_string(&file).unwrap();
        let replayed = replay(&told);
        if rewrite {
            fs::write(&file, replayed).unwrap();
        } else {
            let hint = "REWRITE=1 cargo test --package workbench --test service_transcripts";
            assert!(
                told == replayed,
                "{}\nnow reads\n{replayed}\n{hint}",
                file.display()
            );
        }
    }
}
