use super::History;

const SAMPLE: &str = r##"{:index 0, :time 5, :type :info, :process :nemesis, :f :start-partition, :value :one}
{:index 1, :time 6, :type :info, :process :nemesis, :f :start-partition, :value [:isolated {"n0" #{"n1" "n2"}, "n1" #{}}]}
{:index 2, :time 7, :type :invoke, :process 0, :f :echo, :value "Please echo 5"}
{:index 3, :time 7, :type :ok, :process 0, :f :echo, :value {:type "echo_ok", :echo {"a" [1]}, :in_reply_to 1}}
{:index 4, :time 8, :type :invoke, :process 1, :f :read, :value nil, :final? true}
{:index 5, :time 8, :type :fail, :process 1, :f :read, :value nil, :error :net-timeout, :final? true}
{:index 6, :time 8, :type :invoke, :process 1, :f :read, :value nil}
{:index 7, :time 9, :type :fail, :process 1, :f :read, :value [1 2.0 "x"], :error [:temporarily-unavailable "busy"]}
{:index 8, :time 9, :type :invoke, :process 1, :f :read, :value nil}
{:index 9, :time 9, :type :info, :process 1, :f :read, :value 18446744073709551615N, :exception {:cause "a \"b\"", :via [{:type malformed-response, :message "a \"b\""}]}, :error "indeterminate: a \"b\""}
{:index 10, :time 9, :type :invoke, :process 2, :f :txn, :value [[:r 1 nil] [:append 2 [3 "r"]]]}
{:index 11, :time 9, :type :ok, :process 2, :f :txn, :value [[:r 1 nil] [:append 2 [3 "r"]]]}
{:index 12, :time 9, :type :invoke, :process 2, :f :poll, :value [[:poll]], :poll-ms 1000}
{:index 13, :time 9, :type :ok, :process 2, :f :poll, :value [[:poll {"8" [[0 1]]}]]}
{:index 14, :time 9, :type :info, :process :nemesis, :f :stop-partition, :value nil}
{:index 15, :time 9, :type :invoke, :process 3, :f :add, :value 1}
{:index 16, :time 9, :type :info, :process 3, :f :add, :value 1, :exception {:cause "late", :via [{:type net-timeout, :message "late"}]}, :error "indeterminate: late"}
{:index 17, :time 9, :type :invoke, :process 3, :f :assign, :value ["8"], :seek-to-beginning? true}
{:index 18, :time 9, :type :ok, :process 3, :f :assign, :value ["8"], :error :timeout}
{:index 20, :time 9, :type :invoke, :process 3, :f :assign, :value ["8" "9"], :unseen {8 {:polled -1, :sent 3}, 9 {:polled 2, :sent 4}}}
{:index 25, :time 9, :type :info, :process :nemesis, :f :start-kill, :value [:killed #{"n1"}]}
{:index 26, :time 9, :type :info, :process :nemesis, :f :start-skew, :value [:skewed {"n0" {:ahead-ms 70, :pace 1.05}}]}
{:index 27, :time 9, :type :info, :process :nemesis, :f :odd, :value [:b {:a 1/2, "a" \x}]}
{:index 28, :time 9, :type :invoke, :process 4, :f :write, :value (:k #{1 nil} 2/3 1.50M ##NaN #inst "2026" {"#set" 1} {1 [:x sym]})}
"##;

#[test]
fn a_history_reads_back_byte_for_byte() {
    let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
    let mut out = Vec::new();
    history.write_edn(&mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), SAMPLE);
}

#[test]
fn keywords_and_sets_become_strings_and_arrays() {
    let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
    let check = |index: usize, json: &str| assert_eq!(history.ops[index].value.json(), json);
    check(0, r#""one""#);
    check(1, r#"["isolated",{"n0":["n1","n2"],"n1":[]}]"#);
    check(3, r#"{"echo":{"a":[1]},"in_reply_to":1,"type":"echo_ok"}"#);
    check(9, "18446744073709551615");
    check(10, r#"[["r",1,null],["append",2,[3,"r"]]]"#);
    check(14, "null");
}

#[test]
fn both_notations_preserve_a_history() {
    let history = History::read_edn(SAMPLE.as_bytes()).unwrap();
    let mut json = Vec::new();
    history.write_json_lines(&mut json).unwrap();
    let mut edn = Vec::new();
    History::read_json(&*json)
        .unwrap()
        .write_edn(&mut edn)
        .unwrap();
    assert_eq!(String::from_utf8(edn).unwrap(), SAMPLE);
}

#[test]
fn a_malformed_line_is_reported_with_its_position() {
    let check = |from: &str, to: &str, expected: &str| {
        let malformed = SAMPLE.replacen(from, to, 1);
        let error = format!("{:#}", History::read_edn(malformed.as_bytes()).unwrap_err());
        assert!(error.contains(expected), "{error}");
    };
    check(
        ":index 2,",
        ":index 1,",
        "line 3, column 1: expected an index of at least 2, as indices must increase, found 1",
    );
    check(
        ":process 0",
        ":process -1",
        "line 3, column 1: expected an integer of 0 or more, or :nemesis, as :process, found -1",
    );
    check(
        ":process 0",
        ":process me",
        "line 3, column 1: expected an integer of 0 or more, or :nemesis, as :process, found me",
    );
    check(
        ":type :fail",
        ":type :failed",
        "line 6, column 1: expected :invoke, :ok, :fail or :info as :type, found :failed",
    );
    check(
        ":f :read, ",
        "",
        "line 5, column 1: missing field :f of the operation",
    );
    check(
        ":f :read",
        ":f 5",
        "line 5, column 1: expected a keyword or a string as :f, found 5",
    );
    check(
        "}\n",
        "\n",
        "line 25, column 1: expected a value, or } for the { at line 1, column 1, found the end",
    );
    check(
        "one}",
        "one)",
        "line 1, column 85: expected a value, or } for the { at line 1, column 1, found \")\"",
    );
    check(
        "{:index 0",
        "5 {:index 0",
        "line 1, column 1: expected an operation, as {:type :invoke, …}, found 5",
    );
    check(
        ":time 5",
        ":time 99999999999999999999",
        "line 1, column 1: expected an integer of 0 or more as :time, found 9",
    );
    check(
        ":type :fail, :process 1",
        ":type :invoke, :process 1",
        "line 6, column 1: process 1 invokes an operation (index 5) before its last one (index 4)",
    );
    check(
        ":type :ok, :process 0",
        ":type :ok, :process 7",
        "line 4, column 1: process 7 completes an operation (index 3) that it never invoked",
    );
    check(
        ":type :invoke, :process 2, :f :poll",
        ":type :ok, :process 2, :f :poll",
        "line 13, column 1: process 2 completes an operation (index 12) that it has not invoked",
    );
}

#[test]
fn results_are_not_a_history() {
    let results = SAMPLE.lines().filter(|line| !line.contains(":invoke"));
    let results: String = results.collect();
    let error = History::read_edn(results.as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("no invocations: these are results"),
        "{error}"
    );
}

#[test]
fn a_list_or_a_vector_of_operations_is_a_history() {
    for (open, close) in [("[", "]"), ("; by hand\n(", ") #_ {}\n")] {
        let history = History::read_edn(format!("{open}{SAMPLE}{close}").as_bytes()).unwrap();
        let mut out = Vec::new();
        history.write_edn(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), SAMPLE);
    }
    let check = |edn: &str, expected: &str| {
        let error = format!("{:#}", History::read_edn(edn.as_bytes()).unwrap_err());
        assert!(error.contains(expected), "{error}");
    };
    check(
        "[] {}",
        "line 1, column 4: expected the end after the list of all operations, found another value",
    );
    check(
        "[",
        "line 1, column 2: expected an operation or ], found the end of the input",
    );
    check(
        "[)",
        "line 1, column 2: expected an operation or ], found \")\"",
    );
}

#[test]
fn missing_times_follow_the_order() {
    let edn = "{:type :invoke :process 0 :f :read} {:type :ok :process 0 :f :read}";
    let history = History::read_edn(edn.as_bytes()).unwrap();
    let numbers: Vec<_> = history.ops.iter().map(|op| (op.index, op.time)).collect();
    assert_eq!(numbers, [(0, 0), (1, 1)]);
}

#[test]
fn unknown_keys_unknown_errors_and_record_tags_are_accepted() {
    let line = r#"#jepsen.history.Op{:index 0, :time 1, :type :invoke, :process 3, :f :assign,
        :value ["9"], :seek-to-beginning? true, :error {:no 1}}"#;
    let history = History::read_edn(line.replace('\n', " ").as_bytes()).unwrap();
    let error = format!("{:?}", history.ops[0].error);
    assert_eq!(
        error,
        r##"Some(Other { value: {"#map":[[{"#keyword":"no"},1]]} })"##
    );
}
