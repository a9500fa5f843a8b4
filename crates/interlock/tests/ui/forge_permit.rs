//! A permit is no type that others can name, let alone make.
use sheepdog_interlock::{Config, ConfigError, ValidConfig};

fn permit(config: Config) -> Result<ValidConfig, ConfigError> {
    let _: Option<sheepdog_interlock::permit::Permit<'static>> = None;
    config.validate()
}

fn main() {
    let _ = permit;
}
