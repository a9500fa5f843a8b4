//! Settings that were checked.
use sheepdog_interlock::{Config, ConfigError, Interlock};

fn build(config: Config) -> Result<Interlock<1, 8>, ConfigError> {
    Ok(Interlock::new(config.validate()?))
}

fn main() {
    let _ = build;
}
