//! Message counts, and errors of a checker.

use history::edn::{compact, get};

use super::*;

fn net(invocations: usize) -> NetResult {
    NetResult {
        clients: MessageCount {
            sent: 7,
            received: 5,
        },
        servers: MessageCount {
            sent: 6,
            received: 4,
        },
        invocations,
    }
}

#[test]
fn messages_are_counted_by_class_and_per_operation() {
    let results = net(4).to_edn();
    let found = |path: [&str; 2]| get(&results, &path).map(compact);
    let check = |class, counts: [&str; 3], ratio: Option<&str>| {
        let expected = counts.map(|it| Some(it.to_owned()));
        let names = ["send-count", "recv-count", "msg-count"];
        assert_eq!(names.map(|name| found([class, name])), expected, "{class}");
        assert_eq!(found([class, "msgs-per-op"]).as_deref(), ratio, "{class}");
    };
    check("all", ["13", "9", "13"], Some("3.25"));
    check("clients", ["7", "5", "7"], None);
    check("servers", ["6", "4", "6"], Some("1.5"));
    assert_eq!(net(4).messages_per_op(), Some(1.5));
    assert_eq!(net(0).messages_per_op(), None);
    let without = net(0).to_edn();
    assert_eq!(get(&without, &["all", "msgs-per-op"]), None);
}

#[test]
fn an_error_may_make_the_whole_verdict_void() {
    let [partial, void] = [Unjudged::new("why"), Unjudged::void("why")];
    assert_eq!([partial.is_void, void.is_void], [false, true]);
    assert_eq!([partial.to_string(), void.to_string()], ["why", "why"]);
}
