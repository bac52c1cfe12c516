//! `workbench new`: writes a node that passes echo, to start from. The files are in `workbench/new`.

use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::again::{bench, bench_challenge};
use super::{code, misuse, print_command, print_line};
use crate::text::shell_word;

/// Arguments of `new`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The folder of the node: a new or an empty one.
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The language of the node.
    #[arg(long, value_enum, value_name = LANGUAGES, hide_possible_values = true)]
    language: Language,
}

/// The values of `--language`, as the error shows them if there is none.
const LANGUAGES: &str = "go|python|javascript|rust|java|c";

#[derive(Clone, Copy, ValueEnum)]
enum Language {
    Go,
    Python,
    Javascript,
    Rust,
    Java,
    C,
}

/// What is written for a language.
struct Template {
    /// Names and texts. Those that begin with `#!` are executable.
    files: &'static [(&'static str, &'static str)],
    /// Builds the node; `DIR` is its folder.
    build: Option<&'static str>,
    /// The node's program: one of the files, or what the build makes, without `.exe`.
    program: &'static str,
}

macro_rules! file {
    ($folder:literal, $name:literal) => {
        (
            $name,
            include_str!(concat!("../../new/", $folder, "/", $name)),
        )
    };
}

impl Language {
    fn template(self) -> Template {
        match self {
            Language::Go => Template {
                files: &[file!("go", "go.mod"), file!("go", "main.go")],
                build: Some("(cd DIR && go build)"),
                program: "node",
            },
            Language::Python => Template {
                files: &[file!("python", "node.py")],
                build: None,
                program: "node.py",
            },
            Language::Javascript => Template {
                files: &[file!("javascript", "node.mjs")],
                build: None,
                program: "node.mjs",
            },
            Language::Rust => Template {
                files: &[file!("rust", "Cargo.toml"), file!("rust", "src/main.rs")],
                build: Some(
                    "cargo build --release --manifest-path DIR/Cargo.toml --target-dir DIR/target",
                ),
                program: "target/release/node",
            },
            Language::Java => Template {
                files: &[
                    file!("java", "Node.java"),
                    file!("java", "Json.java"),
                    file!("java", "node"),
                ],
                build: Some("javac -d DIR/classes DIR/Node.java DIR/Json.java"),
                program: "node",
            },
            Language::C => Template {
                files: &[
                    file!("c", "node.c"),
                    file!("c", "json.c"),
                    file!("c", "json.h"),
                ],
                build: Some("cc -O2 -Wall -Wextra -o DIR/node DIR/node.c DIR/json.c"),
                program: "node",
            },
        }
    }
}

/// Writes the node, and prints the next two commands; returns the exit status.
///
/// # Errors
/// When the folder is not empty, or cannot be written to.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let folder = &arguments.folder;
    require_empty(folder)?;
    let template = arguments.language.template();
    for (name, text) in template.files {
        let file = folder.join(name);
        write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let names: Vec<&str> = template.files.iter().map(|(name, _)| *name).collect();
    print_line(format_args!(
        "wrote to {}: {}; next:",
        folder.display(),
        names.join(", ")
    ));
    for command in next_commands(folder, &template) {
        print_command(command);
    }
    Ok(code::VALID)
}

fn require_empty(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    let first = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next(),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(misuse(format_args!("{shown} is a file: name a folder")));
        }
        Err(error) => Some(Err(error)),
    };
    match first.transpose() {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(misuse(format_args!(
            "{shown} is not empty: name a new folder, so that nothing is overwritten"
        ))),
        Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().expect("it is in the node's folder"))?;
    create(path, text.starts_with("#!"))?.write_all(text.as_bytes())
}

#[cfg(unix)]
fn create(path: &Path, is_executable: bool) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mode = if is_executable { 0o777 } else { 0o666 };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path, _: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// The build, if there is one, and the first challenge; otherwise the requests of the second one.
fn next_commands(folder: &Path, template: &Template) -> [String; 2] {
    // A command would take the path for a flag.
    let is_like_flag = folder.to_string_lossy().starts_with('-');
    let folder = if is_like_flag {
        &Path::new(".").join(folder)
    } else {
        folder
    };
    let quoted = |path: &Path| shell_word(&path.to_string_lossy());
    let build = template.build.map(|build| {
        let word = |word: &str| match word.strip_prefix("DIR") {
            Some("") => quoted(folder),
            Some(file) => quoted(&folder.join(file.trim_start_matches('/'))),
            None => word.to_owned(),
        };
        build.split(' ').map(word).collect::<Vec<_>>().join(" ")
    });
    let is_script = template
        .files
        .iter()
        .any(|(name, _)| *name == template.program);
    let suffix = if is_script { "" } else { EXE_SUFFIX };
    let program = folder.join(format!("{}{suffix}", template.program));
    let challenge = format!(
        "{} echo --bin {}",
        bench_challenge().join(" "),
        quoted(&program)
    );
    match build {
        Some(build) => [build, challenge],
        None => [challenge, format!("{} doc unique-ids", bench().join(" "))],
    }
}
