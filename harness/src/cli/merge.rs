//! `harness merge`: what many machines have done becomes one, whether it was a comparison or a grading.

use super::arguments::MergeArguments;
use super::{compare, grade};
use harness_model::exit_code::ExitCode;

pub(super) fn run(arguments: &MergeArguments) -> ExitCode {
    match &grade::merge::shards_in(&arguments.folders)[..] {
        [] => compare::merge::run(arguments),
        gradings => grade::merge::run(arguments, gradings),
    }
}
