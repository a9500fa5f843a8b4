//! The type of a command can be named, to receive one.
use sheepdog_interlock::{Config, ConfigError, ValidConfig};

fn permit(config: Config) -> Result<ValidConfig, ConfigError> {
    let _: Option<sheepdog_interlock::Bounded<'static>> = None;
    config.validate()
}

fn main() {
    let _ = permit;
}
