//! Transcripts of services: each file in `transcripts/service` is one scenario, with a command
//! `n0 lin-kv {"type": …}` for each request, followed by the answer.

use simulator::rng::seeded;
use simulator::service::Services;
use simulator::testing::transcript;

#[test]
fn services_answer_as_in_their_transcripts() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts/service");
    transcript::check(folder, || {
        let mut services = None;
        move |command: &str| {
            let (src, request) = command.split_once(' ').expect("a sender and a request");
            if src == "seed" {
                services = Some(Services::new(seeded(request.parse().expect("a number"))));
                return String::new();
            }
            let services = services.as_mut().expect("the seed comes first");
            let (service, body) = request.split_once(' ').expect("a service and a body");
            match services.handle(service, src, body) {
                Ok(answer) => answer.get().to_owned(),
                Err(unanswered) => format!("no answer: {unanswered}"),
            }
        }
    });
}
