//! The program that runs within the guest; see `fairway_tests_vm::runner`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fairway_tests_vm::runner::main()
}
