"""Runs the tests, all or those that `-k` names. What happens goes to standard output, and the last line counts."""

import sys
import unittest
from pathlib import Path


def main() -> int:
    program = unittest.main(
        module=None,
        argv=[sys.argv[0], "discover", "--start-directory", str(Path(__file__).parent), *sys.argv[1:]],
        testRunner=unittest.TextTestRunner(stream=sys.stdout, verbosity=2),
        exit=False,
    )
    result = program.result
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped) + len(result.expectedFailures)
    passed = max(result.testsRun - failed - skipped, 0)
    print(f"python: {passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
