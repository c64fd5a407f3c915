#!/bin/sh
# Cargo's rustc wrapper: makes our own crates count where they are, for libFuzzer. Where an input leads within other people's crates is not
# what it should look for, nor in the targets themselves. These are the flags of cargo-fuzz, and one that keeps comparisons of texts as
# calls, which libFuzzer listens to.
case " $* " in
    *" --crate-name billing "* | *" --crate-name payments "*)
        exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-max-loads-per-memcmp=0
        ;;
    *) exec "$@" ;;
esac
