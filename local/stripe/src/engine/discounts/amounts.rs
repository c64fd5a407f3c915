//! What discounts take off.

use serde_json::Value;

use crate::objects::{Kind, discount};
use crate::store::{Error, Transaction};

/// An amount that discounts may be taken off.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// In minor units.
    pub(crate) amount: i64,
    pub(crate) product: Option<&'a str>,
}

/// What the discounts with these ids take off each of `lines`: (discount, minor units). Each takes its part of what the
/// ones before it left. One that has ended takes nothing off.
pub(crate) fn lines_off(
    tx: &Transaction<'_>,
    discounts: &[String],
    lines: &[Line<'_>],
    currency: &str,
) -> Result<Vec<Vec<(String, i64)>>, Error> {
    let mut left: Vec<i64> = lines.iter().map(|line| line.amount.max(0)).collect();
    let mut off = vec![Vec::new(); lines.len()];
    for id in discounts {
        let Some(record) = tx.get(Kind::Discount, id)? else {
            continue;
        };
        if discount::ended(&record.body, tx.now()) {
            continue;
        }
        let products = record.private["products"].as_array();
        let covered: Vec<i64> = lines
            .iter()
            .zip(&left)
            .map(|(line, &left)| match products {
                Some(products) if !products.iter().any(|it| it.as_str() == line.product) => 0,
                _ => left,
            })
            .collect();
        let total = off_total(&record.private["coupon"], covered.iter().sum(), currency);
        for (index, share) in shares(total, &covered).into_iter().enumerate() {
            left[index] -= share;
            if share > 0 {
                off[index].push((id.clone(), share));
            }
        }
    }
    Ok(off)
}

/// What a coupon takes off `total`.
fn off_total(coupon: &Value, total: i64, currency: &str) -> i64 {
    if let Some(amount) = coupon["amount_off"].as_i64() {
        return if coupon["currency"] == currency {
            amount.min(total)
        } else {
            0
        };
    }
    // In parts of a million, so that 33.3333 % stays exact.
    #[expect(clippy::cast_possible_truncation, reason = "at most 1,000,000")]
    let parts = (coupon["percent_off"].as_f64().unwrap_or_default() * 10_000.0).round() as i64;
    let rounded = (i128::from(total) * i128::from(parts) + 500_000) / 1_000_000;
    i64::try_from(rounded).unwrap_or(total)
}

/// Splits `total` in proportion to `weights`, whose sum it does not exceed. The shares add up to it.
fn shares(total: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let (mut weight_so_far, mut given) = (0_i128, 0_i64);
    weights
        .iter()
        .map(|&weight| {
            weight_so_far += i128::from(weight);
            let so_far = i64::try_from(i128::from(total) * weight_so_far / sum).unwrap_or(total);
            let share = so_far - given;
            given = so_far;
            share
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_are_in_proportion_and_add_up() {
        assert_eq!(shares(10, &[1, 1, 1]), [3, 3, 4]);
        assert_eq!(shares(1000, &[2900, 0, 100]), [966, 0, 34]);
        assert_eq!(shares(3, &[1, 1, 1]), [1, 1, 1]);
        assert_eq!(shares(0, &[0, 0]), [0, 0]);
    }

    #[test]
    fn a_percentage_is_rounded_half_up_and_an_amount_never_takes_off_more_than_there_is() {
        let percent = |percent: f64| json!({ "percent_off": percent, "amount_off": null });
        assert_eq!(off_total(&percent(25.0), 2900, "usd"), 725);
        assert_eq!(off_total(&percent(12.5), 2900, "usd"), 363);
        assert_eq!(off_total(&percent(33.3333), 1_000_000, "usd"), 333_333);
        assert_eq!(off_total(&percent(100.0), 2901, "usd"), 2901);
        let amount = json!({ "percent_off": null, "amount_off": 500, "currency": "usd" });
        assert_eq!(off_total(&amount, 2900, "usd"), 500);
        assert_eq!(off_total(&amount, 300, "usd"), 300);
        assert_eq!(off_total(&amount, 2900, "eur"), 0);
    }
}
