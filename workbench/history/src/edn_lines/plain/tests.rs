use super::operation;
use crate::builder::Draft;
use crate::edn::{Position, Reader};

const USUAL: [&str; 9] = [
    r#"{:index 10, :time 398426, :type :invoke, :process 2, :f :txn, :value [[:r 8 nil]]}"#,
    r#"{:process 7, :type :ok, :f :txn, :value [[:r -9 [1 2]] ["append" 4 "x"]], :index 1}"#,
    r#"{:type :fail :process 0 :f :cas :value [0 [2 0]] :error [:precondition-failed "not 2"]}"#,
    r#"{:type :info, :process 1, :f :write, :value [0 -4], :error :net-timeout}"#,
    r#"{:type :info, :process :nemesis, :f :stop-partition, :value nil}"#,
    r#"{:type :ok, :process 3, :f :read, :value [true false "a [b" [] [[]]], :final? true}"#,
    r#"{:type :ok, :process 3, :f :poll, :value [[:poll 1] [2 3]]}"#,
    r#"{:type :ok, :process 3, :f :read}"#,
    r#"{:index 999999999999999999, :type :ok, :process 3, :f :add, :value 5}"#,
];

/// The operation as text, and the position after it.
type Read = Option<(String, Position)>;

fn read_plain(text: &str) -> Read {
    let mut reader = Reader::new(text.as_bytes());
    let draft = reader.take_buffered_value(|bytes| operation(bytes, &mut Vec::new()));
    Some((format!("{:?}", draft.unwrap()?), reader.position()))
}

fn read_as_edn(text: &str) -> Read {
    let mut reader = Reader::new(text.as_bytes());
    let draft = Draft::from_edn(reader.next().ok()??).ok()?;
    Some((format!("{draft:?}"), reader.position()))
}

#[test]
fn usual_operations_are_read_as_the_reader_of_all_edn_does() {
    for text in USUAL {
        assert!(read_plain(text).is_some(), "{text}");
        assert_eq!(read_plain(text), read_as_edn(text), "{text}");
    }
}

#[test]
fn what_is_not_usual_is_left_to_the_reader_of_all_edn() {
    let check = |from: &str, to: &str| {
        let text = USUAL[0].replacen(from, to, 1);
        assert_eq!(read_plain(&text), None, "{text}");
    };
    check(":process 2", ":process 2, :process 2");
    check(":f :txn", ":f :read");
    check(":process 2", ":process :nemesis");
    check("8 nil", "8 :x");
    check("[[:r 8 nil]]", "[:r 8 nil]");
    check("8 nil", "08 nil");
    check("8 nil", "-0 nil");
    check("8 nil", "8.5 nil");
    check("8 nil", "\"\\n\" nil");
    check("8 nil", "\"é\" nil");
    check("8 nil", "8\n nil");
    check("8 nil", "1234567890123456789 nil");
    check("}", "");
    check("[[:r 8 nil]]", &("[".repeat(17) + &"]".repeat(17)));
}

/// Every change of one byte leads to the same operation or is left to the other reader.
#[test]
fn changed_operations_are_read_as_the_reader_of_all_edn_does() {
    const BYTES: &str = "0-1:,;# \n[](){}\"\\nrt/^~'.eNM";
    for text in USUAL {
        for at in 0..text.len() {
            let (before, rest) = text.split_at(at);
            let mut changed = vec![before.to_owned(), before.to_owned() + &rest[1..]];
            for byte in BYTES.chars() {
                changed.push(format!("{before}{byte}{rest}"));
                changed.push(format!("{before}{byte}{}", &rest[1..]));
            }
            for text in changed {
                let plain = read_plain(&text);
                assert!(plain.is_none() || plain == read_as_edn(&text), "{text}");
            }
        }
    }
}
