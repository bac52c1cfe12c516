use super::{Reader, read};
use crate::edn::{Edn, compact, float, text};

#[test]
fn text_that_is_not_one_value_is_rejected_with_a_position() {
    let check = |edn: &str, expected: &str| {
        let error = read(edn).unwrap_err().to_string();
        assert!(error.contains(expected), "{edn}: {error}");
    };
    check(
        "",
        "line 1, column 1: expected a value, found the end of the text",
    );
    check(
        "{:a [1 2}",
        "line 1, column 9: expected a value, or ] for the [ at line 1, column 5, found \"}\"",
    );
    check(
        "[1\n (2\n",
        "line 3, column 1: expected a value, or ) for the ( at line 2, column 2, found the end",
    );
    check("{:a}", "the key :a twice or without a value");
    check(
        "{:a 1 :a 2}",
        "expected each key once, found a map with the key :a twice",
    );
    check("#{1 1N}", "an element twice");
    check(
        "1 2",
        "line 1, column 2: expected the end of the text, found another value",
    );
    check("]", "column 1: expected a value, found \"]\"");
    check(
        "é\"\\q\"",
        "line 1, column 3: expected an escape such as \\n, \\\" or \\u00e9, found \\q",
    );
    check(
        "\"abc",
        "expected the closing quote of the string at line 1, column 2, found the end",
    );
    check("\"\\ud800\"", "half of a surrogate pair");
    check("\"\\400\"", "expected octal digits up to \\377");
    check("1x", "expected a number, found \"1x\"");
    check("09", "a number");
    check("::a", "a keyword");
    check("##Nan", "##NaN or ##Inf");
    check("#\"a\"", "expected a tag, a set or ##NaN");
    check("#<Object>", "expected a tag, a set or ##NaN");
    check("#_", "the value that #_ discards");
    check("\\newlines", "a character");
    check(&"[".repeat(100_000), "nested");
    check(&"#a ".repeat(100_000), "nested");
    let error = Reader::new(&b"\"\xff\""[..])
        .next()
        .unwrap_err()
        .to_string();
    assert!(error.contains("UTF-8"), "{error}");
}

#[test]
fn all_kinds_of_numbers_are_read() {
    let check = |edn: &str, printed: &str| assert_eq!(compact(&read(edn).unwrap()), printed);
    check(
        "[0 -0 +7 -7 5N 007 0x1F -0xff 2r101 36rZz]",
        "[0 0 7 -7 5 7 31 -255 5 1295]",
    );
    check(
        "[9223372036854775808 -9223372036854775808N]",
        "[9223372036854775808N -9223372036854775808]",
    );
    check("[1.5 1. 1e3 -2.5E-3]", "[1.5 1.0 1000.0 -0.0025]");
    check("[1.5M 1.50M 3M 1e2M 2/3 6/3]", "[1.5M 1.50M 3M 1E2M 2/3 2]");
    check("[##NaN ##Inf ##-Inf]", "[##NaN ##Inf ##-Inf]");
}

#[test]
fn characters_and_escapes_are_read() {
    let read_char = |edn: &str| read(edn).unwrap();
    for (edn, character) in [
        ("\\a", 'a'),
        ("\\newline", '\n'),
        ("\\space", ' '),
        ("\\u00e9", 'é'),
        ("\\o101", 'A'),
        ("\\(", '('),
        ("\\\\", '\\'),
        ("\\é", 'é'),
        ("\\u", 'u'),
        ("\\,", ','),
    ] {
        assert_eq!(read_char(edn), Edn::Char(character), "{edn}");
    }
    let string = r#""\u00e9\101\t\b\f\n\\\"\ud83d\ude00""#;
    assert_eq!(read(string).unwrap(), text("éA\t\u{8}\u{c}\n\\\"😀"));
    assert_eq!(
        compact(&read("[\\( 1 \\) \\a]").unwrap()),
        "[\\( 1 \\) \\a]"
    );
}

#[test]
fn comments_discards_metadata_tags_and_namespaces_are_read() {
    let check = |edn: &str, printed: &str| assert_eq!(compact(&read(edn).unwrap()), printed);
    check("[1 ; one ]\n 2]", "[1 2]");
    check("[1 #_ 2 #_(3 [4]) #_ #_ 5 6 7]", "[1 7]");
    check("^{:a 1} [^String x]", "[x]");
    check(
        "#jepsen.history.Op{:index 3}",
        "#jepsen.history.Op {:index 3}",
    );
    check("#inst \"2026\"", "#inst \"2026\"");
    check("#object[a.B 0x1f \"x\"]", "#object [a.B 31 \"x\"]");
    check(
        "#:n{:a 1, :_/b 2, :m/c 3, \"d\" 4}",
        "{:b 2, :m/c 3, :n/a 1, \"d\" 4}",
    );
    check("\u{feff}\r\n[1]\r\n", "[1]");
    check("[a'b a#b :a.b/c? /]", "[a'b a#b :a.b/c? /]");
}

#[test]
fn values_of_a_stream_are_read_with_their_positions() {
    let mut reader = Reader::new(&b"1 2\n  {:a\n 3}\n;end"[..]);
    let mut values = Vec::new();
    while let Some(value) = reader.next().unwrap() {
        values.push((compact(&value), reader.start().line, reader.start().column));
    }
    let expected = [("1", 1, 1), ("2", 1, 3), ("{:a 3}", 2, 3)];
    assert_eq!(
        values,
        expected.map(|(value, line, column)| (value.to_owned(), line, column))
    );
}

#[test]
fn doubles_equal_themselves() {
    assert_eq!(read("##NaN").unwrap(), float(f64::NAN));
    assert_ne!(read("0.0").unwrap(), read("-0.0").unwrap());
    assert_eq!(read("-0.0").unwrap().canonical(), read("0.0").unwrap());
    assert_eq!(
        read("(1 [2.0M])").unwrap().canonical(),
        read("[1 (2M)]").unwrap().canonical()
    );
    assert_ne!(
        read("1").unwrap().canonical(),
        read("1.0").unwrap().canonical()
    );
}
