//! `lean-copilot bench`: a file per benchmark.

use clap::Subcommand;

mod cancel;
mod policy;
mod proxy;
mod soak;
mod suggest;
mod train;
mod verify;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to measure.
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Time from a goal to the policy's candidates.
    Policy(policy::Args),
    /// What the proxy adds to a message's way, against the same server without it.
    Proxy(proxy::Args),
    /// A long day of an editor through `serve`: memory, open files and threads at its end.
    Soak(soak::Args),
    /// Time from a cursor move to the first verified suggestion, cold and warm; idle memory.
    Suggest(suggest::Args),
    /// Tokens a second of the trainer, beside PyTorch.
    Train(train::Args),
    /// Candidates verified per second, against one edit per candidate in the same warm Lean.
    Verify(verify::Args),
}

/// Runs the benchmark.
pub fn bench(args: Args, context: super::Context) -> anyhow::Result<()> {
    match args.bench {
        Bench::Policy(a) => policy::policy(a, context),
        Bench::Proxy(a) => proxy::proxy(&a),
        Bench::Soak(a) => soak::soak(&a, &context),
        Bench::Suggest(a) => suggest::suggest(&a, &context),
        Bench::Train(a) => train::train(&a, &context),
        Bench::Verify(a) => verify::verify(&a, &context),
    }
}
