//! The end of a node's process, told from what it wrote to stderr: the error and its place in the
//! program, in the formats of the languages that nodes are mostly written in.

use simulator::incident::{Exit, Incident};
use simulator::network::{Delivery, DeliveryStatus};

use super::{AnomalyKind, ENDED_NODES, Scene, Story};

/// Maximum length of an error, in characters.
const MAX_ERROR: usize = 200;

const MEANING: &str = "A node may not end before the test does.";

/// The story of a run that was aborted, unless no node has ended.
pub(super) fn tell(scene: &Scene<'_>) -> Option<Story> {
    let crashed = crashes(scene);
    let (incident, exit) = *crashed.iter().min_by_key(|(incident, _)| incident.at)?;
    let (node, at) = (&incident.node, incident.at.as_secs_f64());
    let meanwhile = scene.meanwhile(Some(node.as_str()), at);
    let error = error(&exit.stderr).map(|it| scene.short_to(&it, MAX_ERROR));
    let headline = match error {
        Some(error) => format!("{node} ended at {at:.3} s{meanwhile}: {error}"),
        None => {
            let status = &exit.status;
            let last = exit.stderr.iter().rfind(|line| !line.trim().is_empty());
            let why = exit.why.as_ref().or(last);
            let why = why.map_or_else(
                || "it wrote nothing to stderr".to_owned(),
                |it| scene.short(it.trim()),
            );
            format!("{node} ended at {at:.3} s ({status}){meanwhile}: {why}")
        }
    };
    let last = last_message(scene, incident);
    let reason = last.map(|message| {
        let (from, sent) = (&message.src, scene.sent(message));
        let body = scene.short_to(&message.body, 200);
        format!("the last message that it received, sent by {from} at {sent:.3} s: {body}")
    });
    Some(Story {
        headline,
        reason,
        kinds: vec![AnomalyKind::new(crashed.len(), ENDED_NODES, MEANING)],
    })
}

/// The nodes that ended by themselves.
pub(crate) fn crashes<'a>(scene: &Scene<'a>) -> Vec<(&'a Incident, &'a Exit)> {
    let incidents = scene.record.incidents.iter();
    incidents
        .filter_map(|it| Some((it, it.exit.as_ref()?)))
        .collect()
}

/// The last message that arrived at a node before it ended.
fn last_message<'a>(scene: &Scene<'a>, incident: &Incident) -> Option<&'a Delivery> {
    let trace = scene
        .record
        .trace
        .as_ref()
        .filter(|it| it.left_out() == 0)?;
    let arrived = trace.deliveries().iter().filter_map(|it| match it.status {
        DeliveryStatus::Arrived(at) if it.dest == incident.node => Some((at, it)),
        _ => None,
    });
    arrived.max_by_key(|(at, _)| *at).map(|(_, it)| it)
}

/// The error in a stack trace and its place: `KeyError: 'offsets' (line 88 of node.py)`.
fn error(stderr: &[String]) -> Option<String> {
    let lines: Vec<&str> = stderr.iter().map(String::as_str).collect();
    let found = [python, go, rust, java, ruby, node]
        .iter()
        .find_map(|read| read(&lines));
    let (error, place) = found?;
    Some(match place {
        Some((file, line)) => {
            let file = file.rsplit(['/', '\\']).next().unwrap_or(file);
            format!("{error} (line {line} of {file})")
        }
        None => error.to_owned(),
    })
}

/// An error, and the file and the line where it occurred.
type Found<'a> = (&'a str, Option<(&'a str, &'a str)>);

/// `  File "node.py", line 88, in handle`; the error is the first line after the last frame that is not
/// indented.
fn python<'a>(lines: &[&'a str]) -> Option<Found<'a>> {
    let start = lines.iter().rposition(|it| {
        it.trim_start()
            .starts_with("Traceback (most recent call last)")
    })?;
    let place = |line: &&'a str| {
        let (file, rest) = line
            .trim_start()
            .strip_prefix("File \"")?
            .split_once("\", line ")?;
        Some((file, rest.split(',').next()?))
    };
    let frames = || lines[start..].iter().enumerate();
    // Frames of the language's own library say less than the last one of the program.
    let is_library = |file: &str| file.contains("/lib/python") || file.starts_with('<');
    let last = frames().rfind(|(_, it)| place(it).is_some())?.0;
    let own = frames()
        .filter_map(|(_, it)| place(it))
        .rfind(|(file, _)| !is_library(file));
    let rest = lines[start + last + 1..].iter();
    let error = rest
        .copied()
        .find(|it| !it.starts_with(' ') && !it.is_empty())?;
    Some((error, own))
}

/// `panic: …` or `fatal error: …`, then frames; the place is the first one in the package main.
fn go<'a>(lines: &[&'a str]) -> Option<Found<'a>> {
    let is_error = |it: &&&str| it.starts_with("panic: ") || it.starts_with("fatal error: ");
    let start = lines.iter().position(|it| is_error(&it))?;
    let frames = lines[start..].windows(2);
    let own = frames
        .filter(|it| it[0].starts_with("main."))
        .find_map(|it| colons(it[1].trim()));
    Some((lines[start], own))
}

/// `thread 'main' panicked at src/main.rs:12:5:`, then the message.
fn rust<'a>(lines: &[&'a str]) -> Option<Found<'a>> {
    let start = lines
        .iter()
        .position(|it| it.starts_with("thread '") && it.contains(" panicked at "))?;
    let (_, place) = lines[start].split_once(" panicked at ")?;
    Some((lines.get(start + 1)?, colons(place)))
}

/// `Exception in thread "main" java.lang.…: message`, then `at Node.main(Node.java:12)`; the place is the
/// first one outside the language's library.
fn java<'a>(lines: &[&'a str]) -> Option<Found<'a>> {
    let start = lines
        .iter()
        .position(|it| it.starts_with("Exception in thread "))?;
    let error = lines[start].splitn(3, '"').nth(2)?.trim();
    let frames = lines[start..].iter().map(|it| it.trim_start());
    let own = frames.filter(|it| it.starts_with("at ") && !it.starts_with("at java."));
    let mut places = own.filter_map(|it| colons(it.rsplit_once('(')?.1.strip_suffix(')')?));
    Some((error, places.next()))
}

/// `node.rb:12:in 'handle': message (NoMethodError)`.
fn ruby<'a>(lines: &[&'a str]) -> Option<Found<'a>> {
    let line = lines
        .iter()
        .find(|it| it.contains(".rb:") && it.contains(":in "))?;
    let (place, rest) = line.split_once(":in ")?;
    let (_, error) = rest.split_once(": ")?;
    Some((error, colons(place)))
}

/// `/path/node.js:88`, the line of source, and later `TypeError: message`, then frames.
fn node<'a>(lines: &[&'a str]) -> Option<Found<'a>> {
    let is_frame = |it: &str| it.trim_start().starts_with("at ");
    let first_frame = lines.iter().position(|it| is_frame(it))?;
    let error = lines[..first_frame]
        .iter()
        .rfind(|it| it.contains("Error"))?;
    let frames = lines[first_frame..]
        .iter()
        .filter(|it| is_frame(it) && !it.contains("node:"));
    let place = |it: &&'a str| {
        let place = it.trim_start().strip_prefix("at ")?;
        let place = place
            .rsplit_once('(')
            .map_or(place, |(_, it)| it.trim_end_matches(')'));
        colons(place.strip_prefix("file://").unwrap_or(place))
    };
    Some((error.trim(), frames.filter_map(place).next()))
}

/// File and line of `file:12`, `file:12:5` or `file:12 +0x1b`.
fn colons(text: &str) -> Option<(&str, &str)> {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let text = text
        .split_once(" +")
        .map_or(text, |(place, _)| place)
        .trim_end_matches(':');
    let (head, last) = text.rsplit_once(':')?;
    match head.rsplit_once(':') {
        Some((file, line)) if is_number(line) && is_number(last) => Some((file, line)),
        _ => is_number(last).then_some((head, last)),
    }
}

#[cfg(test)]
mod tests {
    use super::error;

    #[track_caller]
    fn check(stderr: &str, expected: Option<&str>) {
        let lines: Vec<String> = stderr.lines().map(str::to_owned).collect();
        assert_eq!(error(&lines).as_deref(), expected);
    }

    #[test]
    fn a_stack_trace_of_python_ends_in_the_error() {
        let trace = "starting\nTraceback (most recent call last):\n  File \"/home/me/node.py\", line 88, in \
                     handle\n    self.offsets[key]\n    ~~~^^\n  File \"/usr/lib/python3.12/json/__init__.py\", \
                     line 3, in loads\nKeyError: 'offsets'";
        check(trace, Some("KeyError: 'offsets' (line 88 of node.py)"));
        check("Traceback (most recent call last):", None);
    }

    #[test]
    fn a_panic_of_go_is_in_the_first_function_of_the_program() {
        let trace = "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nruntime.mapassign()\n\
                     \t/usr/lib/go/map.go:3 +0x1\nmain.handle(...)\n\t/home/me/main.go:88 +0x1b\nmain.main()\n\
                     \t/home/me/main.go:12 +0x9\nexit status 2";
        check(
            trace,
            Some("panic: assignment to entry in nil map (line 88 of main.go)"),
        );
    }

    #[test]
    fn a_panic_of_rust_has_its_message_on_the_next_line() {
        let panic = "\nthread 'main' (12) panicked at src/main.rs:12:5:\nno entry found for key\nnote: run with";
        check(panic, Some("no entry found for key (line 12 of main.rs)"));
    }

    #[test]
    fn an_exception_of_java_is_outside_the_library() {
        let trace = "Exception in thread \"main\" java.lang.NullPointerException: x is null\n\tat \
                     java.base/java.util.Map.get(Map.java:3)\n\tat Node.main(Node.java:88)";
        check(
            trace,
            Some("java.lang.NullPointerException: x is null (line 88 of Node.java)"),
        );
    }

    #[test]
    fn an_error_of_ruby_or_javascript_names_its_line() {
        let ruby = "node.rb:88:in 'Node#handle': undefined method '+' for nil (NoMethodError)\n\tfrom node.rb:9:in";
        check(
            ruby,
            Some("undefined method '+' for nil (NoMethodError) (line 88 of node.rb)"),
        );
        let js = "/home/me/node.js:88\n    x.y.z\n      ^\n\nTypeError: Cannot read properties of undefined\n    at \
                  handle (/home/me/node.js:88:9)\n    at node:internal/main:1:1\n\nNode.js v22.1.0";
        check(
            js,
            Some("TypeError: Cannot read properties of undefined (line 88 of node.js)"),
        );
    }

    #[test]
    fn other_output_is_not_taken_for_a_stack_trace() {
        check("", None);
        check("no such file: settings.toml", None);
        check("panic: ", Some("panic: "));
        check("thread 'x' panicked at ", None);
        check("Exception in thread \"", None);
        check(".rb::in :", None);
        check("at (\nError", None);
    }
}
