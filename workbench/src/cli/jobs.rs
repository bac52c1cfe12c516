//! How many simulations run at the same time.

use clap::Args;
use rayon::ThreadPoolBuilder;

/// How many runs go on at the same time.
#[derive(Args)]
pub(super) struct Jobs {
    /// How many runs go on at the same time; by default one for each core.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl Jobs {
    /// Sets the number of threads for the rest of the process.
    ///
    /// # Errors
    /// When the threads cannot be started.
    pub(super) fn apply(&self) -> anyhow::Result<()> {
        if let Some(jobs) = self.jobs {
            let pool = ThreadPoolBuilder::new().num_threads(jobs.into());
            pool.build_global()?;
        }
        Ok(())
    }
}
