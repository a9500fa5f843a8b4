//! The tests that the macros make.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{Check, Course, DriverUnderTest, Failure, Limits, Options, Verdict, run};

/// Why a test of a contract fails.
pub enum ContractError {
    /// The kit's own course does not fit: a fault of the kit.
    Course(String),
    /// A promise was broken. The picture, if there is one, was written to the path.
    Promise(Box<Failure>, Option<String>),
    /// Something could not be tried, and the options do not allow that.
    Incomplete(Vec<String>),
}

impl fmt::Debug for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Course(why) => write!(f, "the course does not fit: {why}"),
            Self::Promise(failure, picture) => {
                write!(f, "{failure}")?;
                picture.iter().try_for_each(|path| write!(f, "\npicture: {path}"))
            }
            Self::Incomplete(what) => write!(
                f,
                "INCOMPLETE, which is no pass; could not be tried: {}.\nTo accept that, set `may_be_incomplete`.",
                what.join(", ")
            ),
        }
    }
}

/// Plays one check on the kit's course: what a test of [`driver_contract!`](crate::driver_contract) does.
///
/// # Errors
/// [`ContractError`], whose debug form is meant to be read.
pub fn play<D: DriverUnderTest>(
    check: Check,
    make: impl FnOnce(&Course) -> D,
    limits: &Limits,
    options: Options,
) -> Result<(), ContractError> {
    let course = Course::standard().map_err(ContractError::Course)?;
    let mut driver = make(&course);
    let options = options.with_environment();
    match run(check, &mut driver, &course, limits, options).verdict {
        Verdict::Pass => Ok(()),
        Verdict::Fail(failure) => {
            let folder = pictures();
            let picture = match failure.write_svg(&folder) {
                Ok(path) => path.map(|path| path.display().to_string()),
                Err(error) => Some(format!("not written to {}: {error}", folder.display())),
            };
            Err(ContractError::Promise(failure, picture))
        }
        Verdict::Incomplete(_) if options.may_be_incomplete => Ok(()),
        Verdict::Incomplete(what) => Err(ContractError::Incomplete(what.into_iter().collect())),
    }
}

/// `contract` in the target folder, where the tests are run from.
fn pictures() -> PathBuf {
    let program = std::env::current_exe().ok();
    let target = program.as_deref().and_then(|program| program.ancestors().nth(3));
    target.unwrap_or_else(|| Path::new("target")).join("contract")
}

/// Makes a module of tests, one for each [`Check`](crate::contract::Check), that hold a driver to its contract.
///
/// The first argument makes a [`DriverUnderTest`](crate::contract::DriverUnderTest) for a
/// [`Course`](crate::contract::Course), the second is what the driver declares, the third, which can be left out, says how
/// much is tried. A failure is told in a screenful and drawn into the folder `contract` of the target folder.
///
/// ```
/// use sheepdog_testkit::{contract::{Course, Limits, Options, Simulated}, driver_contract};
///
/// driver_contract!(
///     |course: &Course| Simulated::new(course).unwrap(),
///     Limits::SIMULATED,
///     Options { cases: 10, ..Options::STANDARD }
/// );
/// ```
#[macro_export]
macro_rules! driver_contract {
    ($make:expr, $limits:expr $(,)?) => {
        $crate::driver_contract!($make, $limits, $crate::contract::Options::STANDARD);
    };
    ($make:expr, $limits:expr, $options:expr $(,)?) => {
        $crate::driver_contract!(
            @tests $make, $limits, $options;
            Threshold t1_confidence_threshold,
            Rules t1_every_rule_from_outside,
            Kernel t1_interlock_decides_as_a_plain_one,
            Cases t1_random_cases,
            Singles t2_every_fault_in_every_state,
            Pairs t2_pairs_of_faults,
            Triples t2_three_faults_at_once,
            Evidence t3_every_action_has_its_rule,
            Replay t3_what_was_recorded_replays,
            Tampering t3_tampering_is_found,
        );
    };
    (@tests $make:expr, $limits:expr, $options:expr; $($check:ident $name:ident,)*) => {
        mod driver_contract {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $name() -> Result<(), $crate::contract::ContractError> {
                    $crate::contract::play($crate::contract::Check::$check, $make, &$limits, $options)
                }
            )*
        }
    };
}

/// Makes a module of tests, one for each [`SiteCheck`](crate::contract::SiteCheck), that hold a site to its contract.
///
/// The first argument is the name of the module, the second the path of a file in any format that can be imported, the third,
/// which can be left out, says what drives there.
///
/// ```
/// use sheepdog_testkit::{contract::SiteTerms, site_contract};
///
/// site_contract!(ward, concat!(env!("CARGO_MANIFEST_DIR"), "/../../sites/ward.toml"), SiteTerms::STANDARD);
/// ```
#[macro_export]
macro_rules! site_contract {
    ($module:ident, $path:expr $(,)?) => {
        $crate::site_contract!($module, $path, $crate::contract::SiteTerms::STANDARD);
    };
    ($module:ident, $path:expr, $terms:expr $(,)?) => {
        $crate::site_contract!(
            @tests $module, $path, $terms;
            Reads the_file_is_read,
            Compiles it_makes_a_site,
            Lints no_lint_finds_an_error,
            Reaches every_station_is_reached,
            Claims claims_keep_robots_apart,
            Deliveries deliveries_are_done,
        );
    };
    (@tests $module:ident, $path:expr, $terms:expr; $($check:ident $name:ident,)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;
            $(
                #[test]
                fn $name() -> Result<(), $crate::contract::SiteFailure> {
                    let check = $crate::contract::SiteCheck::$check;
                    $crate::contract::check_site(check, ::std::path::Path::new(&$path), &$terms)
                }
            )*
        }
    };
}
