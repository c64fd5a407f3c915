//! Fuzzes [`verify`]. The input's lines are: our time, how long ago the body was signed and a number that arranges the header;
//! the endpoint's secrets; a header as a stranger sends it; and from there on the body.
#![no_main]

use billing::Timestamp;
use libfuzzer_sys::fuzz_target;
use payments::WebhookSecrets;
use payments::webhook::{InvalidSignature, verify};
use ring::hmac;
use webhook_fuzz::Choices;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(4, |&byte| byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default());
    let (numbers, secrets, header) = (line(), line(), line());
    let body = lines.next().unwrap_or_default();
    let mut numbers = numbers.split(' ').map(|it| it.parse().unwrap_or(0));
    let mut number = || numbers.next().unwrap_or(0);
    let endpoint = Endpoint {
        now: number(),
        secrets: &secrets,
    };
    let age = number();
    let choices = Choices(number().unsigned_abs());

    // What a stranger sends,
    let verdict = endpoint.verify(&header, body);
    if verdict.is_ok() {
        endpoint.refuses_another_body(&header, body, choices);
    }
    // and what Stripe sends.
    let signed_at = endpoint.now.saturating_sub(age);
    let Some(signed) = endpoint.sign(signed_at, body, &header, choices) else {
        assert_eq!(verdict, Err(InvalidSignature::NoSecret));
        return;
    };
    let verdict = endpoint.verify(&signed, body);
    if endpoint.is_fresh(signed_at) {
        assert_eq!(verdict, Ok(()), "{signed:?}");
        endpoint.refuses_another_body(&signed, body, choices);
    } else {
        assert_eq!(verdict, Err(InvalidSignature::Stale), "{signed:?}");
    }
});

/// Where bodies are delivered.
struct Endpoint<'a> {
    now: Timestamp,
    secrets: &'a str,
}

impl Endpoint<'_> {
    /// The verdict on a body, having made sure that it is not too kind.
    fn verify(&self, header: &str, body: &[u8]) -> Result<(), InvalidSignature> {
        let none = verify(Some(header), body, &WebhookSecrets::default(), self.now);
        assert_eq!(none, Err(InvalidSignature::NoSecret));
        let secrets = WebhookSecrets::parse(self.secrets);
        let verdict = verify(Some(header), body, &secrets, self.now);
        assert!(
            verdict.is_err() || self.has_signed(header, body),
            "{header:?} is forged"
        );
        verdict
    }

    fn refuses_another_body(&self, header: &str, body: &[u8], mut choices: Choices) {
        let mut body = body.to_vec();
        let bit = choices.pick(body.len() * 8 + 1);
        match body.get_mut(bit / 8) {
            Some(byte) => *byte ^= 1 << (bit % 8),
            None => body.push(0),
        }
        let verdict = self.verify(header, &body);
        // The body that the header was signed for may be one bit away from the one that came.
        let expected = Err(InvalidSignature::Mismatch);
        assert!(verdict == expected || self.has_signed(header, &body));
    }

    /// Whether the header has, anywhere, a time of now and the signature of one of our secrets over it.
    fn has_signed(&self, header: &str, body: &[u8]) -> bool {
        let header = header.to_ascii_lowercase();
        let words = header.split(|c: char| c == ',' || c == '=' || c.is_whitespace());
        let mut times = words.filter(|word| word.parse().is_ok_and(|time| self.is_fresh(time)));
        times.any(|time| {
            self.secrets()
                .any(|secret| header.contains(&signature(secret, time, body)))
        })
    }

    /// A header as Stripe makes it, among the parts of another one; `None` without a secret.
    fn sign(
        &self,
        at: Timestamp,
        body: &[u8],
        other: &str,
        mut choices: Choices,
    ) -> Option<String> {
        let secrets: Vec<&str> = self.secrets().collect();
        let secret = secrets.get(choices.pick(secrets.len()))?;
        let is_time = |part: &str| part.split('=').next().is_some_and(|it| it.trim() == "t");
        let mut parts: Vec<String> = other
            .split(',')
            .filter(|part| !is_time(part))
            .map(str::to_owned)
            .collect();
        let at = at.to_string();
        for (scheme, value) in [("v1", signature(secret, &at, body)), ("t", at)] {
            let mut space = || " ".repeat(choices.pick(3));
            let part = [&space(), scheme, &space(), "=", &space(), &value, &space()].concat();
            parts.insert(choices.pick(parts.len() + 1), part);
        }
        Some(parts.join(","))
    }

    fn is_fresh(&self, time: Timestamp) -> bool {
        (i128::from(self.now) - i128::from(time)).abs() <= 300
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let listed = self.secrets.split(',').map(str::trim);
        listed.filter(|secret| secret.starts_with("whsec_") && *secret != "whsec_")
    }
}

fn signature(secret: &str, time: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [time.as_bytes(), b".", body].concat();
    hex::encode(hmac::sign(&key, &signed))
}
