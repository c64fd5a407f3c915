//! C's `pow`, within the binary. AWS's client calls it once, for retries that adapt, which are never on here; for that call alone each function would load the
//! system's whole mathematics library, 0.3 MB of its memory.

/// Takes the place of the one that a shared library would bring.
#[expect(
    unsafe_code,
    reason = "an exported name must not be taken by something else: this does what the name stands for"
)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
