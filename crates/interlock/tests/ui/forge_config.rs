//! Settings that nobody has checked.
use sheepdog_interlock::{Config, ConfigDigest, ConfigError, Interlock, Restart, ValidConfig};

fn build(config: Config, digest: ConfigDigest) -> Result<Interlock<1, 8>, ConfigError> {
    Ok(Interlock::new(ValidConfig { config, digest }, digest, Restart::First))
}

fn main() {
    let _ = build;
}
