//! How much of the machine simulations use.

use clap::Args;
use rayon::ThreadPoolBuilder;

/// How much of the machine is used.
#[derive(Args)]
pub(super) struct Jobs {
    /// How many runs go on at the same time; as many as there are cores otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
}

impl Jobs {
    /// Holds from now on.
    ///
    /// # Errors
    /// When there are no threads to be had.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        if let Some(jobs) = self.jobs {
            let pool = ThreadPoolBuilder::new().num_threads(jobs.into());
            pool.build_global()?;
        }
        Ok(())
    }
}
