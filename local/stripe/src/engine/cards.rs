//! Stripe's test cards. <https://docs.stripe.com/testing>

/// What a card number does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Card {
    /// Every charge succeeds.
    Succeeds,
    /// It can be kept, but every charge fails.
    FailsLater,
    /// It is declined at once.
    Declined(Decline),
    /// A test card of Stripe's that this stand-in cannot play yet.
    Unsupported(&'static str),
}

/// Why a card is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decline {
    Generic,
    InsufficientFunds,
    ExpiredCard,
    IncorrectCvc,
    ProcessingError,
    /// A number that is not a test card's.
    NotATestCard,
}

impl Decline {
    /// Stripe's message to the buyer.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Generic => "Your card was declined.",
            Self::InsufficientFunds => "Your card has insufficient funds.",
            Self::ExpiredCard => "Your card has expired.",
            Self::IncorrectCvc => "Your card's security code is incorrect.",
            Self::ProcessingError => {
                "An error occurred while processing your card. Try again in a little bit."
            }
            Self::NotATestCard => {
                "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing."
            }
        }
    }
}

const SUCCEEDS: &[&str] = &[
    "4242424242424242",
    "4000056655665556",
    "5555555555554444",
    "2223003122003222",
    "5200828282828210",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
];
const AUTHENTICATION: &str =
    "This card asks for authentication (3-D Secure), which is not supported by this stand-in yet.";
const DISPUTE: &str =
    "This card disputes its charges, which is not supported by this stand-in yet.";

/// What a valid card number does.
pub(crate) fn find(number: &str) -> Card {
    match number {
        _ if SUCCEEDS.contains(&number) => Card::Succeeds,
        "4000000000000341" => Card::FailsLater,
        "4000000000000002" => Card::Declined(Decline::Generic),
        "4000000000009995" => Card::Declined(Decline::InsufficientFunds),
        "4000000000000069" => Card::Declined(Decline::ExpiredCard),
        "4000000000000127" => Card::Declined(Decline::IncorrectCvc),
        "4000000000000119" => Card::Declined(Decline::ProcessingError),
        "4000002500003155" | "4000002760003184" | "4000008260003178" | "4000000000003220"
        | "4000000000003063" => Card::Unsupported(AUTHENTICATION),
        "4000000000000259" | "4000000000002685" => Card::Unsupported(DISPUTE),
        _ => Card::Declined(Decline::NotATestCard),
    }
}

/// The network that a number belongs to, by its first digits.
pub(crate) fn brand(number: &str) -> &'static str {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| number.starts_with(prefix));
    if starts(&["34", "37"]) {
        "amex"
    } else if starts(&["4"]) {
        "visa"
    } else if starts(&[
        "51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27",
    ]) {
        "mastercard"
    } else if starts(&["6011", "64", "65"]) {
        "discover"
    } else if starts(&["30", "36", "38", "39"]) {
        "diners"
    } else if starts(&["35"]) {
        "jcb"
    } else if starts(&["62"]) {
        "unionpay"
    } else {
        "unknown"
    }
}

/// How many digits the code on a card of this brand has.
pub(crate) fn cvc_length(brand: &str) -> usize {
    if brand == "amex" { 4 } else { 3 }
}

/// Whether the check digit is right (Luhn's).
pub(crate) fn check_digit_is_right(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(index, byte)| {
            let digit = u32::from(byte - b'0') * if index % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_card_is_a_valid_number_of_a_known_network() {
        for number in SUCCEEDS {
            assert!(check_digit_is_right(number), "{number}");
            assert_ne!(brand(number), "unknown", "{number}");
        }
        assert!(!check_digit_is_right("4242424242424241"));
    }

    #[test]
    fn a_card_that_is_no_test_card_is_declined() {
        assert_eq!(
            find("4111111111111111"),
            Card::Declined(Decline::NotATestCard)
        );
    }
}
