use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Base64 as CloudFront has it: three of its characters mean something in a URL, and others stand in their places.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    text.chars()
        .map(|character| match character {
            '+' => '-',
            '=' => '_',
            '/' => '~',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_gives_a_meaning_to_is_replaced() {
        assert_eq!(encode(&[0xfb, 0xef, 0xff]), "--~~");
        assert_eq!(encode(b"a"), "YQ__");
        assert_eq!(encode(b""), "");
    }
}
