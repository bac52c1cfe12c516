//! What each anomaly means, in one plain sentence.

/// What an anomaly's cases are called, and what it means.
pub(crate) struct Meaning {
    /// What one case is called, and what several are.
    pub(crate) words: [&'static str; 2],
    pub(crate) sentence: &'static str,
}

/// The meaning of an anomaly of logs or transactions.
pub(crate) fn meaning(name: &str) -> Meaning {
    let (one, many, sentence) = match name {
        "lost-write" => (
            "lost message",
            "lost messages",
            "A message was sent and not refused, and polls went past it without it.",
        ),
        "unseen" => (
            "key with unseen messages",
            "keys with unseen messages",
            "Messages were acknowledged, and no poll ever returned them.",
        ),
        "inconsistent-offsets" => (
            "shared offset",
            "shared offsets",
            "Two messages have the same offset in one key.",
        ),
        "duplicate" => (
            "duplicate message",
            "duplicate messages",
            "A message is at more than one offset of its key.",
        ),
        "precommitted-read" => (
            "poll of its own send",
            "polls of their own sends",
            "An operation polled a message that it sent itself and had not finished sending.",
        ),
        "poll-skip" => (
            "skipped poll",
            "skipped polls",
            "A process polled a message and then a later one, without those in between.",
        ),
        "int-poll-skip" => (
            "skip within a poll",
            "skips within polls",
            "One poll returned messages of a key with others missing in between.",
        ),
        "nonmonotonic-poll" => (
            "poll that went back",
            "polls that went back",
            "A process polled a message again, or an earlier one, without an assignment in between.",
        ),
        "int-nonmonotonic-poll" => (
            "poll in the wrong order",
            "polls in the wrong order",
            "One poll returned messages of a key in another order than their offsets.",
        ),
        "nonmonotonic-send" => (
            "send that went back",
            "sends that went back",
            "A process's next message in a key got a lower offset than its last one.",
        ),
        "int-nonmonotonic-send" => (
            "send in the wrong order",
            "sends in the wrong order",
            "One operation's messages in a key got offsets in another order than they were sent.",
        ),
        "int-send-skip" => (
            "skip within a send",
            "skips within sends",
            "Other messages are between those that one operation sent.",
        ),
        "internal" => (
            "internal inconsistency",
            "internal inconsistencies",
            "A transaction read something that contradicts its own earlier reads and writes.",
        ),
        "future-read" => (
            "future read",
            "future reads",
            "A transaction read what it wrote only later.",
        ),
        "duplicate-elements" => (
            "duplicate element",
            "duplicate elements",
            "A list has an element more often than it was appended.",
        ),
        "incompatible-order" => (
            "incompatible order",
            "incompatible orders",
            "Two reads of one list disagree about the order of its elements.",
        ),
        "cyclic-versions" => (
            "cyclic version order",
            "cyclic version orders",
            "The values of one key cannot be put into any order that all transactions agree with.",
        ),
        "dirty-update" => (
            "dirty update",
            "dirty updates",
            "A transaction built on the write of one that was aborted.",
        ),
        "lost-update" => (
            "lost update",
            "lost updates",
            "Transactions read the same version and all replaced it, so only one of their updates is left.",
        ),
        "empty-transaction-graph" => (
            "history without order",
            "histories without order",
            "No transaction precedes another, so nothing could be checked.",
        ),
        "G1a" => (
            "aborted read",
            "aborted reads",
            "A transaction read a write of one that failed.",
        ),
        "G1b" => (
            "intermediate read",
            "intermediate reads",
            "A transaction read a value that another one had not finished writing.",
        ),
        other => return cycle(other),
    };
    Meaning {
        words: [one, many],
        sentence,
    }
}

/// The meaning of a cycle, by the beginning of its name.
fn cycle(name: &str) -> Meaning {
    let meanings = [
        (
            "G0",
            "write cycle",
            "write cycles",
            "A cycle of transactions that overwrite each other's writes.",
        ),
        (
            "G1c",
            "circular flow",
            "circular flows",
            "A cycle of transactions that read or overwrite each other's writes.",
        ),
        (
            "G-single",
            "read skew",
            "read skews",
            "A transaction saw one write of another one and missed a second: a cycle with exactly one read of \
             an old version.",
        ),
        (
            "G-nonadjacent",
            "long fork",
            "long forks",
            "A cycle of transactions with several reads of old versions, no two of them in a row: readers \
             disagree about the order of writes.",
        ),
        (
            "G2",
            "write skew",
            "write skews",
            "A cycle of transactions with reads of old versions: each missed a write that another one had made.",
        ),
    ];
    let is_read = name.starts_with("G-single");
    if is_read && name.ends_with("-realtime") {
        return Meaning {
            words: ["stale read", "stale reads"],
            sentence: "A transaction read an old version, though a newer one had been committed before it \
                       began, or must have been by the order of the others.",
        };
    }
    if is_read && name.ends_with("-process") {
        return Meaning {
            words: ["read back in time", "reads back in time"],
            sentence: "A process read an older version than one that it had seen before, or must have by the order of the others.",
        };
    }
    let known = meanings.iter().find(|it| name.starts_with(it.0));
    let (one, many, sentence) = match known {
        Some((_, one, many, sentence)) => (*one, *many, *sentence),
        None if name.ends_with("-cycle-exists") => (
            "cycle",
            "cycles",
            "There is a cycle of transactions that the model forbids.",
        ),
        None => ("case", "cases", ""),
    };
    Meaning {
        words: [one, many],
        sentence,
    }
}
