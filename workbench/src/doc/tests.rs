//! The documentation agrees with what clients send and accept.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use shared::NodeId;

use super::page::{MAX_WIDTH, raw};
use super::*;
use history::Kind;
use history::fields::Fields;
use simulator::rng::seeded;
use simulator::rpc::ClientRequest;
use simulator::workload::{FinalStep, Step, Turn, Workload};

fn rpcs() -> impl Iterator<Item = &'static Rpc> {
    let workloads = Name::ALL.into_iter();
    let sent = workloads.flat_map(|name| make(name).requests());
    let served = SERVICES.iter().flat_map(|service| service.requests);
    sent.chain(served).chain([&INIT])
}

fn make(name: Name) -> Box<dyn Workload> {
    workload::workload(name, &Options::default())
}

/// Asserts that a question has its documented form.
fn check(question: &ClientRequest) {
    let ClientRequest { rpc, arguments, .. } = question;
    for (name, value) in arguments {
        let field = rpc.arguments.iter().find(|field| field.name == *name);
        let field = field.unwrap_or_else(|| panic!("{name} is not documented: {rpc:?}"));
        assert!(
            field.field_type.accepts(value.get()),
            "{name} is {value}: {rpc:?}"
        );
    }
    let is_present = |name: &&str| arguments.iter().any(|(it, _)| *it == *name);
    let needed = rpc.arguments.iter().filter(|field| !field.is_optional);
    let missing: Vec<&str> = needed
        .map(|it| it.name)
        .filter(|it| !is_present(it))
        .collect();
    assert!(missing.is_empty(), "{missing:?} are missing: {rpc:?}");
}

/// The types of all requests in many operations. Each request is checked, and gets the example in
/// the documentation as its reply.
fn requests_in_practice(workload: &mut dyn Workload) -> BTreeSet<&'static str> {
    let nodes = ["n1", "n2", "n3"].map(NodeId::from);
    let mut requests = BTreeSet::new();
    if let Some(question) = workload.set_up(&nodes) {
        check(&question);
        requests.insert(question.rpc.request);
    }
    let mut rng = seeded(1);
    let mut session = workload.session();
    for count in 0..2000 {
        let turn = Turn {
            worker: count % 6,
            workers: 6,
            nodes: 3,
            at: Duration::from_millis(10) * u32::try_from(count).unwrap(),
        };
        let invocation = match workload.next_final(turn, &mut rng) {
            FinalStep::Invoke(invocation) if count % 2 == 0 => invocation,
            _ => workload.next(turn, &mut rng),
        };
        assert!(workload.operations().contains(&invocation.f));
        let mut step = session.begin(&invocation);
        while let Step::Send(question) = step {
            check(&question);
            requests.insert(question.rpc.request);
            let body = raw(&question.rpc.example_response());
            let reply = question.rpc.read(body.get()).unwrap();
            step = session.on_reply(&invocation, &reply);
        }
        let Step::Done(completion) = step else {
            continue;
        };
        assert_ne!(completion.kind, Kind::Fail, "{:?}", completion.value);
    }
    requests
}

#[test]
fn exactly_the_requests_of_clients_are_documented() {
    for name in Name::ALL {
        let workload = &mut *make(name);
        let listed: BTreeSet<&str> = workload.requests().iter().map(|it| it.request).collect();
        assert_eq!(
            requests_in_practice(workload),
            listed,
            "{}",
            workload.name()
        );
        let text = Part::Workload(name).text();
        for rpc in workload.requests() {
            for part in [rpc.request, rpc.response] {
                assert!(
                    text.contains(&format!("\"type\":\"{part}\"")),
                    "{part}: {text}"
                );
            }
        }
    }
}

#[test]
fn examples_have_the_documented_form() {
    for rpc in rpcs() {
        let _: Value = serde_json::from_str(&rpc.example_request()).unwrap();
        let request = raw(&rpc.example_request());
        let request = Fields::of(request.get()).unwrap();
        for field in rpc.arguments {
            let value = request.get(field.name).unwrap();
            assert!(
                field.field_type.accepts(value),
                "{field:?} of {}",
                rpc.request
            );
        }
        let response = raw(&rpc.example_response());
        let _: Value = serde_json::from_str(response.get()).unwrap();
        rpc.read(response.get())
            .unwrap_or_else(|why| panic!("{why}: {response}"));
    }
}

#[test]
fn every_line_fits_a_terminal() {
    for part in Part::all() {
        let text = part.text();
        let long = text.lines().find(|line| line.chars().count() > MAX_WIDTH);
        assert_eq!(long, None, "{}", part.name());
        assert!(!text.contains("\n\n\n") && !text.contains(".."), "{text}");
        assert!(everything().contains(&text));
    }
}

#[test]
fn all_errors_and_services_are_documented() {
    let errors = Part::Errors.text();
    for code in ErrorCode::all() {
        let number = u64::from(code);
        let row = |line: &&str| line.trim_start().starts_with(&format!("{number} "));
        let row = errors.lines().find(row).unwrap();
        assert!(
            row.contains(code.name()) && row.ends_with(code.meaning()),
            "{row}"
        );
        assert_eq!(row.contains(" yes "), code.is_definite(), "{row}");
    }
    let services = Part::Services.text();
    for service in &SERVICES {
        assert!(services.contains(&format!("\n## {}\n", service.name)));
    }
}
