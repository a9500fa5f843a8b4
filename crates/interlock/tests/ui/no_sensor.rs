//! An interlock that sees nothing.
use sheepdog_interlock::{Config, ConfigDigest, ConfigError, Interlock, Restart};

fn build(config: Config, digest: ConfigDigest) -> Result<Interlock<0, 8>, ConfigError> {
    Ok(Interlock::new(config.validate()?, digest, Restart::First))
}

fn main() {
    let _ = build(Config::SIMULATED, ConfigDigest([0; 32]));
}
