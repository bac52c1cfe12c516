//! `workbench completions`.

use clap::Args;
use clap_complete::Shell;

use super::{code, write_stdout};

/// Arguments of `completions`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The shell that will complete commands.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Prints the shell's script; returns the exit status.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    write_stdout(script(arguments.shell))?;
    Ok(code::VALID)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut super::help::visible_command(),
        "workbench",
        &mut script,
    );
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_commands_flags_and_names() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            let has = |words: [&str; 2]| words.iter().all(|word| script.contains(word));
            assert!(has(["storm", "nemesis-interval"]), "{shell}");
            // A flag of `test` alone.
            let lines = script.lines().filter(|line| line.contains("nodes-file"));
            assert!(lines.count() <= 2, "{shell}");
            // The scripts of other shells list no values, or only those of flags.
            if matches!(shell, Shell::Bash | Shell::Zsh) {
                assert!(has(["broadcast-3d", "txn-rw-register"]), "{shell}");
            }
        }
    }
}
