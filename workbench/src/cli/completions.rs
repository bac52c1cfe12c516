//! `workbench completions`.

use clap::Args;
use clap_complete::Shell;

use super::{code, print};

/// What `completions` takes.
#[derive(Args)]
pub(super) struct Arguments {
    /// The shell that is to complete what is typed.
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Prints the shell's script; the exit status.
///
/// # Errors
/// When stdout cannot be written.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    print(script(arguments.shell))?;
    Ok(code::VALID)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut super::offered(), "workbench", &mut script);
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
            let knows = |words: [&str; 2]| words.iter().all(|word| script.contains(word));
            assert!(knows(["storm", "nemesis-interval"]), "{shell}");
            // A flag of `test` alone.
            let offers = script.lines().filter(|line| line.contains("nodes-file"));
            assert!(offers.count() <= 2, "{shell}");
            // The scripts of the others name no values, or those of flags alone.
            if matches!(shell, Shell::Bash | Shell::Zsh) {
                assert!(knows(["broadcast-3d", "txn-rw-register"]), "{shell}");
            }
        }
    }
}
