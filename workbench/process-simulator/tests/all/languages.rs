//! Nodes in several languages: builds them, and starts them in simulations.

use std::path::PathBuf;

use process_simulator::{Program, Threads, factory};
use simulator::simulation::Factory;

use crate::support::{built, compile, has, run, sources};

/// A node's program and its arguments.
pub struct Node {
    path: PathBuf,
    arguments: Vec<String>,
}

impl Node {
    /// Starts it as every node of a simulation.
    pub fn factory(&self, threads: Threads) -> Factory {
        let program = Program {
            path: self.path.clone(),
            arguments: self.arguments.iter().map(Into::into).collect(),
            folder: std::env::temp_dir(),
        };
        factory(program, threads)
    }
}

pub fn program(path: PathBuf, arguments: &[&str]) -> Node {
    Node {
        path,
        arguments: arguments.iter().map(|&it| it.to_owned()).collect(),
    }
}

/// A script that names its interpreter, unless that is missing.
pub fn script(file: &str, interpreter: &str) -> Option<Node> {
    has(interpreter).then(|| program(sources().join(file), &[]))
}

fn which(tool: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join(tool));
    programs.find(|it| it.is_file()).unwrap()
}

pub fn c(file: &str) -> Option<Node> {
    has("cc").then(|| program(compile(&sources().join(file)), &[]))
}

pub fn go(file: &str) -> Option<Node> {
    has("go").then(|| {
        let file = sources().join(file);
        let output = built()
            .join(file.file_name().unwrap())
            .with_extension("go-program");
        let words = [
            "build",
            "-o",
            output.to_str().unwrap(),
            file.to_str().unwrap(),
        ];
        run("go", &words);
        program(output, &[])
    })
}

pub fn java(folder: &str, class: &str) -> Option<Node> {
    has("javac").then(|| {
        let file = sources().join(folder).join(format!("{class}.java"));
        let folder = built().to_str().unwrap();
        run("javac", &["-d", folder, file.to_str().unwrap()]);
        program(which("java"), &["-cp", folder, class])
    })
}

pub fn erlang(file: &str) -> Option<Node> {
    has("erlc").then(|| {
        let file = sources().join(file);
        let folder = built().to_str().unwrap();
        run("erlc", &["-o", folder, file.to_str().unwrap()]);
        program(
            which("erl"),
            &["-noshell", "-pa", folder, "-s", "node", "main"],
        )
    })
}
