//! What the fuzz targets share.

/// A source of small choices, made from one number.
#[derive(Clone, Copy)]
pub struct Choices(pub u64);

impl Choices {
    /// One of the numbers below `choices`, or 0.
    pub fn pick(&mut self, choices: usize) -> usize {
        let choices = (choices as u64).max(1);
        let choice = self.0 % choices;
        self.0 /= choices;
        choice as usize
    }
}
