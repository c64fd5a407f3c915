//! Ids in Stripe's form: a prefix that names the type, then random letters and digits.

use rand::RngExt as _;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new id: `prefix`, then `length` random letters and digits.
pub(crate) fn new(prefix: &str, length: usize) -> String {
    let mut rng = rand::rng();
    let mut id = String::with_capacity(prefix.len() + length);
    id.push_str(prefix);
    id.extend((0..length).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])));
    id
}

/// A new id for an object of this kind, as long as Stripe's.
pub(crate) fn for_kind(kind: crate::objects::Kind) -> String {
    use crate::objects::Kind;
    match kind {
        Kind::Customer => new("cus_", 14),
        Kind::Product => new("prod_", 14),
        Kind::Price => new("price_1", 23),
        Kind::CheckoutSession => new("cs_test_a1", 58),
        Kind::Subscription => new("sub_1", 23),
        Kind::Invoice => new("in_1", 23),
        Kind::InvoicePayment => new("inpay_1", 23),
        Kind::PaymentMethod => new("pm_1", 23),
        Kind::PaymentIntent => new("pi_3", 23),
        Kind::Charge => new("ch_3", 23),
        Kind::Event => new("evt_1", 23),
        Kind::WebhookEndpoint => new("we_1", 23),
        Kind::Coupon => new("", 8),
        Kind::Discount => new("di_1", 23),
        Kind::Dispute => new("du_1", 23),
        Kind::InvoiceItem => new("ii_1", 23),
        Kind::PortalConfiguration => new("bpc_1", 23),
        Kind::PortalSession => new("bps_1", 23),
        Kind::PromotionCode => new("promo_1", 23),
        Kind::Refund => new("re_3", 23),
        Kind::SetupIntent => new("seti_1", 23),
        Kind::TaxId => new("txi_1", 23),
        Kind::TestClock => new("clock_1", 23),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_has_its_prefix_and_length() {
        let id = super::new("cus_", 14);
        assert!(id.starts_with("cus_"));
        assert_eq!(id.len(), 18);
        assert_ne!(id, super::new("cus_", 14));
    }
}
