//! Settings that nobody has checked.
use sheepdog_interlock::{Config, ConfigError, Interlock, ValidConfig};

fn build(config: Config) -> Result<Interlock<1, 8>, ConfigError> {
    Ok(Interlock::new(ValidConfig(config)))
}

fn main() {
    let _ = build;
}
