//! Over a real ssh. `tests/hosts/testbed.sh` makes hosts of namespaces of this machine, where it can.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Bench, SCRIPTED, assert_output};
use crate::live::bench::{node, python, text};

/// Hosts a, b and c.
struct Bed(TempDir);

impl Bed {
    /// Makes hosts; none where that is impossible, which is said.
    fn up(options: &str) -> Option<Self> {
        python()?;
        let bed = Bed(TempDir::new().unwrap());
        let options: Vec<&str> = options.split_whitespace().collect();
        let output = bed.script("up", &options).output().unwrap();
        let text = text(&output);
        match output.status.code() {
            Some(0) => Some(bed),
            Some(3) => {
                // Not by `eprintln`, whose output is shown only if a test fails.
                let _ = writeln!(io::stderr(), "skipped a test of ssh: {text}");
                None
            }
            _ => panic!("{text}"),
        }
    }

    fn script(&self, command: &str, arguments: &[&str]) -> Command {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts/testbed.sh");
        let mut bash = Command::new("bash");
        bash.arg(script)
            .arg(command)
            .arg(self.0.path())
            .args(arguments);
        bash
    }

    #[track_caller]
    fn run(&self, command: &str, arguments: &[&str]) -> String {
        let output = self.script(command, arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The flags that start nodes on all hosts.
    fn flags(&self) -> String {
        let config = self.file("ssh_config");
        format!("--hosts a,b,c --launch 'ssh -F {}'", config.display())
    }

    /// Files and processes on all hosts: those of the bench or of nodes only.
    fn leftovers(&self) -> Vec<String> {
        let list = "ls -A /tmp; ps -e -o args= | grep -v -e '^ps' -e '^sh -c ls' -e '^grep' \
                    -e '[s]shd' -e '^/.*unshare' || true";
        let on = |host: &str| {
            let found = self.run("exec", &[host, "sh", "-c", list]);
            let found = found.lines().map(|line| format!("{host}: {line}"));
            found.collect::<Vec<String>>()
        };
        ["a", "b", "c"].into_iter().flat_map(on).collect()
    }

    /// Waits until nothing is left, at most so long.
    #[track_caller]
    fn assert_clean_within(&self, seconds: u64) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        loop {
            let left = self.leftovers();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "left behind: {left:#?}");
            thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = self.script("down", &[]).output();
    }
}

#[test]
fn nodes_on_hosts_survive_faults_and_nothing_is_left_there() {
    let Some(bed) = Bed::up("") else { return };
    let bench = Bench::new();
    let beside = node(SCRIPTED);
    let flags = format!(
        "{} --copy {} --node-count 7 --nemesis kill,pause,partition --nemesis-interval 0.4 \
         --time-limit 3",
        bed.flags(),
        beside.display()
    );
    // A node with a child that would outlive it.
    bench.check("parent.sh", &flags, 0, &["round trips: a ", "valid"]);
    bed.assert_clean_within(0);
    let test: Value = serde_json::from_str(&bench.read("test.json")).unwrap();
    let hosts = test["hosts"].as_array().unwrap();
    assert_eq!(hosts[1]["name"], "b");
    assert_eq!(hosts[1]["nodes"], serde_json::json!(["n1", "n4"]));
    for host in hosts {
        let ms = host["round-trip-ms"]["median"].as_f64().unwrap();
        assert!((0.01..1000.0).contains(&ms), "{host}");
    }
    assert!(
        bench
            .read("report.html")
            .contains("round trip at the start")
    );
    assert!(bench.read("history.txt").contains("start-kill"));
    assert!(bench.read("node-logs/n6.log").contains("child "));

    // What a node says before it dies, and the signal, arrive as if it were here.
    let dying = format!(
        "{} --node-count 3 -- 'n2:say bye' 'n2:exit 7' ok",
        bed.flags()
    );
    bench.check(SCRIPTED, &dying, 255, &["exit status: 7", "bye"]);
    bed.assert_clean_within(0);
}

#[test]
fn servers_that_allow_few_sessions_get_more_connections() {
    for sessions in [1, 2, 4] {
        let Some(bed) = Bed::up(&format!("--max-sessions {sessions}")) else {
            return;
        };
        let faults = "--node-count 9 --nemesis kill --nemesis-interval 0.4 --time-limit 2";
        let flags = format!("{} {faults}", bed.flags());
        Bench::new().check(SCRIPTED, &flags, 0, &["valid"]);
        bed.assert_clean_within(0);
    }
}

#[test]
fn a_host_that_cannot_be_used_is_named_before_the_load_starts() {
    let Some(bed) = Bed::up("") else { return };
    let bench = Bench::new();
    let config = bed.file("ssh_config");
    let config = config.display();
    let folder = bench.folder.path();
    let other_key = folder.join("other-key");
    let mut keygen = Command::new("ssh-keygen");
    keygen
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&other_key);
    assert!(keygen.status().unwrap().success());
    let options = format!("-F {config} -o UserKnownHostsFile=/dev/null");
    let text = fs::read_to_string(bed.file("ssh_config")).unwrap();
    let other_config = folder.join("config");
    let key = |file: &Path| format!("IdentityFile \"{}\"", file.display());
    let other_text = text.replace(&key(&bed.file("key")), &key(&other_key));
    assert_ne!(other_text, text);
    fs::write(&other_config, other_text).unwrap();
    let key = format!("-F {}", other_config.display());
    for (ssh, hosts, reasons) in [
        (
            "-F none",
            "nowhere.invalid",
            ["host nowhere.invalid cannot be used", "resolve"],
        ),
        (
            &*format!("-F {config} -p 9"),
            "a,b,c",
            ["Connection refused", " a true"],
        ),
        (
            &*options,
            "a",
            ["Host key verification failed", "connect once by hand"],
        ),
        (
            &*key,
            "b",
            ["host b cannot be used: ", "check the user and the key"],
        ),
    ] {
        let flags = format!("--hosts {hosts} --launch 'ssh {ssh}'");
        let store = folder.join("store");
        bench.check(SCRIPTED, &flags, 255, &reasons);
        assert!(!store.exists(), "a run was begun: {ssh}");
    }

    let write = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::write(&file, bytes).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        file
    };
    let mut elf = fs::read(std::env::current_exe().unwrap()).unwrap();
    let loader = b"/lib64/ld-linux";
    let place = elf
        .windows(loader.len())
        .position(|it| it == loader)
        .unwrap();
    elf[place..place + loader.len()].copy_from_slice(b"/lib64/ld-other");
    let without_loader = write("other-loader", &elf);
    elf[18] = if cfg!(target_arch = "x86_64") {
        183
    } else {
        62
    };
    let foreign = write("foreign", &elf);
    let script = write("script", b"#!/usr/bin/env nolanguage\n");
    for (bin, more, reason) in [
        (&foreign, "", "was built for "),
        (
            &without_loader,
            "",
            "which the host does not have: link it statically",
        ),
        (
            &script,
            "",
            "names the interpreter nolanguage, which the host does not have",
        ),
        (&folder.join("nothing"), "", "there is no program"),
        (&folder.join("nothing"), "--no-copy", "it has no program"),
    ] {
        let output = bench
            .command(bin, &format!("{} {more}", bed.flags()))
            .output()
            .unwrap();
        assert_output(&output, 255, &[reason]);
    }
    bed.assert_clean_within(0);
}

#[test]
fn nothing_is_left_on_hosts_when_the_bench_dies_or_a_connection() {
    let Some(bed) = Bed::up("") else { return };
    let start = |bench: &Bench, seconds: u32| {
        let flags = format!(
            "{} --copy {} --node-count 3 --time-limit {seconds} --log-net-recv",
            bed.flags(),
            node(SCRIPTED).display()
        );
        let mut command = bench.command(&node("parent.sh"), &flags);
        command.env("TMPDIR", bench_tmp(&bed));
        let command = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // Until all three nodes reply, each has its child.
        let deadline = Instant::now() + Duration::from_secs(30);
        while !replies(bench) {
            assert!(
                Instant::now() < deadline,
                "no nodes: {:#?}",
                bed.leftovers()
            );
            thread::sleep(Duration::from_millis(100));
        }
        let left = bed.leftovers();
        assert_eq!(
            left.iter().filter(|it| it.ends_with(": sleep 30")).count(),
            3,
            "{left:#?}"
        );
        child
    };
    let mut killed = start(&Bench::new(), 60);
    killed.kill().unwrap();
    killed.wait().unwrap();
    bed.assert_clean_within(5);
    let here: Vec<_> = fs::read_dir(bench_tmp(&bed)).unwrap().collect();
    assert!(here.is_empty(), "{here:?}");

    // In the middle of a run, and so late that the run would end before the silence is long enough.
    for seconds in [60, 6] {
        let bench = Bench::new();
        let cut = start(&bench, seconds);
        bed.run("cut", &["b"]);
        let output = cut.wait_with_output().unwrap();
        assert_output(&output, 255, &[]);
        let log = bench.read("jepsen.log");
        assert!(log.contains("the run was aborted: "), "{log}");
        assert!(log.contains("host b"), "{log}");
        bed.run("mend", &["b"]);
        bed.assert_clean_within(20);
    }
}

/// Whether a client has received a reply in the newest run.
fn replies(bench: &Bench) -> bool {
    let runs = fs::read_dir(bench.folder.path().join("store/echo"));
    let runs = runs.into_iter().flatten().flatten().map(|it| it.path());
    let logs = runs.filter(|it| it.file_name().unwrap() != "latest").max();
    let log = logs.and_then(|run| fs::read_to_string(run.join("jepsen.log")).ok());
    log.is_some_and(|log| log.contains("\"echo_ok\""))
}

/// The bench's folder for temporary files.
fn bench_tmp(bed: &Bed) -> PathBuf {
    let folder = bed.file("t");
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_long_round_trip_is_measured_and_warned_of() {
    let Some(bed) = Bed::up("--delay 10") else {
        return;
    };
    let bench = Bench::new();
    let flags = format!("{} --node-count 3 --latency 150", bed.flags());
    let warning = "warning: the round trip to a, b, c takes ";
    bench.check(
        SCRIPTED,
        &flags,
        0,
        &[warning, "a tenth of the latency of 150 ms", "valid"],
    );
    assert!(
        bench
            .read("report.html")
            .contains("Warning: the round trip to a, b, c takes")
    );
    let test: Value = serde_json::from_str(&bench.read("test.json")).unwrap();
    for host in test["hosts"].as_array().unwrap() {
        for when in ["start", "median"] {
            let ms = host["round-trip-ms"][when].as_f64().unwrap();
            assert!((20.0..150.0).contains(&ms), "{host}");
        }
    }
    let flags = format!("{} --node-count 3 --latency 3000", bed.flags());
    let output = bench.check(SCRIPTED, &flags, 0, &["valid"]);
    assert!(!text(&output).contains("warning"), "{}", text(&output));
}
