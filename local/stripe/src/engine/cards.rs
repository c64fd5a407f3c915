//! Stripe's test cards. <https://docs.stripe.com/testing>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What a card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Card {
    /// Every charge succeeds.
    Succeeds,
    /// It can be kept, but every charge fails.
    FailsLater,
    /// It is declined at once, and cannot be kept.
    Declined(Decline),
    /// Asks for 3-D Secure, unless it was set up for later and the buyer is not there.
    AsksUnlessSetUp,
    /// Asks for 3-D Secure only while the buyer is there.
    AsksOnSession,
    /// Asks for 3-D Secure for every payment.
    AsksAlways,
    /// Asks for 3-D Secure for every payment, and is declined after it.
    AsksThenDeclined(Decline),
    /// A charge succeeds and is then disputed.
    Disputed(Complaint),
}

/// What the owner of a card says about a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Complaint {
    Fraudulent,
    ProductNotReceived,
    /// The bank asks first, and takes no money back yet.
    Inquiry,
}

/// Why a card is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decline {
    Generic,
    InsufficientFunds,
    LostCard,
    StolenCard,
    VelocityExceeded,
    ExpiredCard,
    IncorrectCvc,
    ProcessingError,
    Fraudulent,
    DoNotHonor,
    AuthenticationRequired,
    /// A number that is not a test card's.
    NotATestCard,
    /// A test card of Stripe's that this stand-in cannot play.
    Unsupported,
}

impl Decline {
    /// Those that a test can ask for by their `decline_code`.
    const BY_DECLINE_CODE: [Self; 11] = [
        Self::Generic,
        Self::InsufficientFunds,
        Self::LostCard,
        Self::StolenCard,
        Self::VelocityExceeded,
        Self::ExpiredCard,
        Self::IncorrectCvc,
        Self::ProcessingError,
        Self::Fraudulent,
        Self::DoNotHonor,
        Self::AuthenticationRequired,
    ];

    /// The decline with this code.
    pub(crate) fn by_decline_code(code: &str) -> Option<Self> {
        Self::BY_DECLINE_CODE
            .into_iter()
            .find(|decline| decline.decline_code() == code)
    }

    /// Stripe's error code. <https://docs.stripe.com/error-codes>
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::ProcessingError => "processing_error",
            Self::AuthenticationRequired => "authentication_required",
            Self::Generic
            | Self::InsufficientFunds
            | Self::LostCard
            | Self::StolenCard
            | Self::VelocityExceeded
            | Self::Fraudulent
            | Self::DoNotHonor
            | Self::NotATestCard
            | Self::Unsupported => "card_declined",
        }
    }

    /// Why the bank says it declines. <https://docs.stripe.com/declines/codes>
    pub(crate) fn decline_code(self) -> &'static str {
        match self {
            Self::Generic | Self::Unsupported => "generic_decline",
            Self::InsufficientFunds => "insufficient_funds",
            Self::LostCard => "lost_card",
            Self::StolenCard => "stolen_card",
            Self::VelocityExceeded => "card_velocity_exceeded",
            Self::ExpiredCard => "expired_card",
            Self::IncorrectCvc => "incorrect_cvc",
            Self::ProcessingError => "processing_error",
            Self::Fraudulent => "fraudulent",
            Self::DoNotHonor => "do_not_honor",
            Self::AuthenticationRequired => "authentication_required",
            Self::NotATestCard => "test_mode_live_card",
        }
    }

    /// The parameter that the error is about, if it is about one.
    pub(crate) fn param(self) -> Option<&'static str> {
        match self {
            Self::ExpiredCard => Some("exp_month"),
            Self::IncorrectCvc => Some("cvc"),
            _ => None,
        }
    }

    /// Stripe's message to the buyer.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Generic
            | Self::LostCard
            | Self::StolenCard
            | Self::Fraudulent
            | Self::DoNotHonor => "Your card was declined.",
            Self::InsufficientFunds => "Your card has insufficient funds.",
            Self::VelocityExceeded => {
                "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."
            }
            Self::ExpiredCard => "Your card has expired.",
            Self::IncorrectCvc => "Your card's security code is incorrect.",
            Self::ProcessingError => {
                "An error occurred while processing your card. Try again in a little bit."
            }
            Self::AuthenticationRequired => {
                "Your card was declined. This transaction requires authentication."
            }
            Self::NotATestCard => {
                "Your card was declined. Your request was in test mode, but used a non test card. For a list of valid test cards, visit: https://stripe.com/docs/testing."
            }
            Self::Unsupported => {
                "Your card was declined. It is a test card of Stripe's that this local stand-in does not support."
            }
        }
    }
}

impl Card {
    /// What is kept beside a payment method with this card.
    pub(crate) fn private(self) -> Value {
        json!({ "card": self })
    }

    /// The card of a payment method, by what is kept beside it.
    pub(crate) fn of(private: &Value) -> Self {
        Self::deserialize(&private["card"]).unwrap_or(Self::Succeeds)
    }

    /// Whether it asks for 3-D Secure. `set_up`: it was authenticated for later. `off_session`: the buyer is not there.
    pub(crate) fn asks(self, set_up: bool, off_session: bool) -> bool {
        match self {
            Self::AsksUnlessSetUp => !(set_up && off_session),
            Self::AsksOnSession => !off_session,
            Self::AsksAlways | Self::AsksThenDeclined(_) => true,
            Self::Succeeds | Self::FailsLater | Self::Declined(_) | Self::Disputed(_) => false,
        }
    }

    /// Whether it asks for 3-D Secure to be kept for later.
    pub(crate) fn asks_to_be_kept(self) -> bool {
        matches!(
            self,
            Self::AsksUnlessSetUp | Self::AsksAlways | Self::AsksThenDeclined(_)
        )
    }

    /// Why a charge is declined, if it is.
    pub(crate) fn declines(self) -> Option<Decline> {
        match self {
            Self::FailsLater => Some(Decline::Generic),
            Self::Declined(decline) | Self::AsksThenDeclined(decline) => Some(decline),
            _ => None,
        }
    }

    /// Why it cannot be kept, if it cannot.
    pub(crate) fn refuses_to_be_kept(self) -> Option<Decline> {
        match self {
            Self::Declined(decline) => Some(decline),
            _ => None,
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
    // 3-D Secure is supported, but not asked for.
    "4000000000003055",
];

/// What a valid card number does.
pub(crate) fn find(number: &str) -> Card {
    match number {
        _ if SUCCEEDS.contains(&number) => Card::Succeeds,
        "4000000000000341" => Card::FailsLater,
        "4000000000000002" => Card::Declined(Decline::Generic),
        "4000000000009995" => Card::Declined(Decline::InsufficientFunds),
        "4000000000009987" => Card::Declined(Decline::LostCard),
        "4000000000009979" => Card::Declined(Decline::StolenCard),
        "4000000000006975" => Card::Declined(Decline::VelocityExceeded),
        "4000000000000069" => Card::Declined(Decline::ExpiredCard),
        "4000000000000127" => Card::Declined(Decline::IncorrectCvc),
        "4000000000000119" => Card::Declined(Decline::ProcessingError),
        "4100000000000019" => Card::Declined(Decline::Fraudulent),
        "4000002500003155" => Card::AsksUnlessSetUp,
        "4000003800000446" => Card::AsksOnSession,
        "4000002760003184" | "4000000000003220" | "4000000000003063" => Card::AsksAlways,
        "4000008260003178" => Card::AsksThenDeclined(Decline::InsufficientFunds),
        "4000008400001629" => Card::AsksThenDeclined(Decline::Generic),
        "4000000000000259" => Card::Disputed(Complaint::Fraudulent),
        "4000000000002685" => Card::Disputed(Complaint::ProductNotReceived),
        "4000000000001976" => Card::Disputed(Complaint::Inquiry),
        // Refunds that fail or take time, and 3-D Secure that breaks.
        "4000000000007726" | "4000000000005126" | "4000008400001280" | "4000000000003097" => {
            Card::Declined(Decline::Unsupported)
        }
        _ => Card::Declined(Decline::NotATestCard),
    }
}

/// The number behind a name that Stripe keeps ready: `pm_card_visa`, `tok_visa`.
pub(crate) fn ready_made(name: &str) -> Option<&'static str> {
    let name = name
        .strip_prefix("pm_card_")
        .or_else(|| name.strip_prefix("tok_"))?;
    let number = match name.strip_prefix("visa_").unwrap_or(name) {
        "visa" => "4242424242424242",
        "debit" => "4000056655665556",
        "mastercard" => "5555555555554444",
        "mastercard_debit" => "5200828282828210",
        "mastercard_prepaid" => "5105105105105100",
        "amex" => "378282246310005",
        "discover" => "6011111111111117",
        "diners" => "3056930009020004",
        "jcb" => "3566002020360505",
        "unionpay" => "6200000000000005",
        "chargeCustomerFail" => "4000000000000341",
        "chargeDeclined" => "4000000000000002",
        "chargeDeclinedInsufficientFunds" => "4000000000009995",
        "chargeDeclinedLostCard" => "4000000000009987",
        "chargeDeclinedStolenCard" => "4000000000009979",
        "chargeDeclinedVelocityLimitExceeded" => "4000000000006975",
        "chargeDeclinedExpiredCard" => "4000000000000069",
        "chargeDeclinedIncorrectCvc" => "4000000000000127",
        "chargeDeclinedProcessingError" => "4000000000000119",
        "chargeDeclinedFraudulent" | "radarBlock" => "4100000000000019",
        "authenticationRequired" => "4000002760003184",
        "authenticationRequiredOnSetup" => "4000002500003155",
        "authenticationRequiredSetupForOffSession" => "4000003800000446",
        "authenticationRequiredChargeDeclinedInsufficientFunds" => "4000008260003178",
        "threeDSecure2Required" => "4000000000003220",
        "threeDSecureRequired" => "4000000000003063",
        "threeDSecureOptional" => "4000000000003055",
        "threeDSecureRequiredChargeDeclined" => "4000008400001629",
        "createDispute" => "4000000000000259",
        "createDisputeProductNotReceived" => "4000000000002685",
        "createDisputeInquiry" => "4000000000001976",
        _ => return None,
    };
    Some(number)
}

/// What a number is recognized by once it is forgotten: the same for the same number.
pub(crate) fn fingerprint(number: &str) -> String {
    hex::encode(Sha256::digest(number))[..16].to_owned()
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
    fn what_a_card_does_is_read_back_as_it_was_kept() {
        for number in [
            "4242424242424242",
            "4000000000000341",
            "4000000000009995",
            "4000002500003155",
            "4000008260003178",
            "4000000000000259",
        ] {
            let card = find(number);
            assert_eq!(Card::of(&card.private()), card);
        }
    }

    #[test]
    fn what_is_ready_made_is_a_test_card() {
        for name in ["pm_card_visa", "tok_visa", "pm_card_visa_debit", "tok_amex"] {
            assert_eq!(ready_made(name).map(find), Some(Card::Succeeds), "{name}");
        }
        for name in ["pm_card_chargeDeclined", "pm_card_visa_chargeDeclined"] {
            assert_eq!(
                ready_made(name).map(find),
                Some(Card::Declined(Decline::Generic))
            );
        }
        assert_eq!(ready_made("pm_card_nothing"), None);
    }

    #[test]
    fn a_card_that_is_no_test_card_is_declined() {
        assert_eq!(
            find("4111111111111111"),
            Card::Declined(Decline::NotATestCard)
        );
    }
}
