//! CloudFront's part: signed cookies, and addresses that are signed in the same way.
//!
//! Written after CloudFront's documents, and with nothing of what signs them:
//! <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-cookies.html>.

use std::collections::BTreeMap;
use std::fmt;

use axum::http::header::{COOKIE, HOST};
use axum::http::{HeaderMap, Uri};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;

/// A SubjectPublicKeyInfo of a key on P-256 up to its point: RFC 5480.
const P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
/// Where an address has one of these, CloudFront looks at no cookie.
const SIGNED_ADDRESS: [&str; 5] = [
    "Expires",
    "Policy",
    "Signature",
    "Key-Pair-Id",
    "Hash-Algorithm",
];

/// What CloudFront verifies with: a point on P-256.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Vec<u8>);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}…)", hex::encode(&self.0[1..5]))
    }
}

impl PublicKey {
    /// Reads PEM. CloudFront takes RSA, too; nobody here makes such a key.
    #[must_use]
    pub fn from_pem(pem: &str) -> Option<Self> {
        let text = pem.trim().strip_prefix("-----BEGIN PUBLIC KEY-----")?;
        let text = text.strip_suffix("-----END PUBLIC KEY-----")?;
        let text: String = text.split_whitespace().collect();
        let info = STANDARD.decode(text).ok()?;
        let point = info.strip_prefix(hex::decode(P256).ok()?.as_slice())?;
        (point.len() == 65).then(|| Self(point.to_vec()))
    }
}

/// A behavior of the distribution that trusts key groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    pattern: String,
    keys: BTreeMap<String, PublicKey>,
}

/// A custom policy.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Policy {
    statement: [Statement; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    resource: String,
    condition: Condition,
}

/// Without `IpAddress`: nobody here has one to ask for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Condition {
    date_less_than: EpochTime,
    date_greater_than: Option<EpochTime>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EpochTime {
    #[serde(rename = "AWS:EpochTime")]
    at: i64,
}

impl Guard {
    /// What matches `pattern` is for who shows a policy that one of these keys has signed.
    #[must_use]
    pub fn new(pattern: &str, keys: BTreeMap<String, PublicKey>) -> Self {
        Self {
            pattern: pattern.to_owned(),
            keys,
        }
    }

    /// Whether it is about this path. Capitals make a difference.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        matches(&self.pattern, path)
    }

    /// Whether who sends this may have what they ask for, at this time in Unix seconds.
    ///
    /// # Errors
    /// Why not, for the log. CloudFront tells it, too; our error page does not.
    pub fn check(&self, uri: &Uri, headers: &HeaderMap, now: i64) -> Result<(), &'static str> {
        let pairs: Vec<(&str, &str)> = uri
            .query()
            .into_iter()
            .flat_map(|query| query.split('&'))
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .collect();
        let is_signed = pairs.iter().any(|(name, _)| SIGNED_ADDRESS.contains(name));
        let cookies = cookies(headers);
        let shown = |name: &str| {
            let cookie = format!("CloudFront-{name}");
            if is_signed {
                pairs.iter().find(|(it, _)| *it == name).map(|it| it.1)
            } else {
                cookies.iter().find(|it| it.0 == cookie).map(|it| it.1)
            }
        };
        let id = shown("Key-Pair-Id").ok_or("no key pair id")?;
        let key = self.keys.get(id).ok_or("a key that is not trusted")?;
        let policy = shown("Policy").and_then(decode).ok_or("no policy")?;
        let signature = shown("Signature").and_then(decode).ok_or("no signature")?;
        // Without it, it would be one over SHA-1, which nobody here makes.
        if shown("Hash-Algorithm") != Some("SHA256") {
            return Err("not signed over SHA-256");
        }
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.0)
            .verify(&policy, &signature)
            .map_err(|_| "a wrong signature")?;
        let policy: Policy = serde_json::from_slice(&policy).map_err(|_| "not a policy")?;
        let [statement] = policy.statement;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let rest: Vec<String> = pairs
            .iter()
            .filter(|(name, _)| !SIGNED_ADDRESS.contains(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let query = if rest.is_empty() { "" } else { "?" };
        let address = format!(
            "http://{}{}{query}{}",
            host.unwrap_or_default(),
            uri.path(),
            rest.join("&")
        );
        if !matches(&statement.resource, &address) {
            return Err("a policy for something else");
        }
        let condition = statement.condition;
        if now >= condition.date_less_than.at {
            return Err("a policy whose time is over");
        }
        if condition.date_greater_than.is_some_and(|it| now <= it.at) {
            return Err("a policy whose time has not come");
        }
        Ok(())
    }
}

fn cookies(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .collect()
}

/// CloudFront's own base64.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.replace('-', "+").replace('_', "=").replace('~', "/");
    STANDARD.decode(text).ok()
}

/// `*` stands for anything, `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else {
        return false;
    };
    let Some(mut rest) = strip(first, text) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let found = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        let found = found.filter_map(|at| strip(part, &rest[at..])).next();
        match found {
            Some(after) => rest = after,
            None => return false,
        }
    }
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.filter_map(|at| strip(last, &rest[at..]))
        .any(str::is_empty)
}

/// What follows in `text` where it begins like this, without a star.
fn strip<'a>(beginning: &str, text: &'a str) -> Option<&'a str> {
    let mut characters = text.chars();
    for expected in beginning.chars() {
        let found = characters.next()?;
        if expected != '?' && expected != found {
            return None;
        }
    }
    Some(characters.as_str())
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    struct Signer(EcdsaKeyPair, SystemRandom);

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random);
            let pair = EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                pkcs8.unwrap().as_ref(),
                &random,
            );
            Self(pair.unwrap(), random)
        }

        fn pem(&self) -> String {
            let info = [
                hex::decode(P256).unwrap(),
                self.0.public_key().as_ref().to_vec(),
            ];
            let text = STANDARD.encode(info.concat());
            format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
        }

        /// Policy, signature and id as values of cookies or of a query.
        fn sign(&self, policy: &str) -> [(&'static str, String); 4] {
            let signature = self.0.sign(&self.1, policy.as_bytes()).unwrap();
            [
                ("Policy", encode(policy.as_bytes())),
                ("Signature", encode(signature.as_ref())),
                ("Key-Pair-Id", "K1".to_owned()),
                ("Hash-Algorithm", "SHA256".to_owned()),
            ]
        }
    }

    fn encode(bytes: &[u8]) -> String {
        let text = STANDARD.encode(bytes);
        text.replace('+', "-").replace('=', "_").replace('/', "~")
    }

    fn policy(resource: &str, until: i64) -> String {
        format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{until}}}}}}}]}}"#
        )
    }

    fn guard(signer: &Signer) -> Guard {
        let key = PublicKey::from_pem(&signer.pem()).unwrap();
        Guard::new("/members/*", BTreeMap::from([("K1".to_owned(), key)]))
    }

    fn check(
        guard: &Guard,
        path: &str,
        cookies: &[(&'static str, String)],
    ) -> Result<(), &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:1".parse().unwrap());
        for (name, value) in cookies {
            let cookie = format!("other=1; CloudFront-{name}={value}");
            headers.append(COOKIE, cookie.parse().unwrap());
        }
        guard.check(&path.parse().unwrap(), &headers, NOW)
    }

    const ALL: &str = "http://localhost:1/members/*";

    #[test]
    fn who_shows_a_policy_that_is_signed_gets_in_until_its_time_is_over() {
        let signer = Signer::new();
        let guard = guard(&signer);
        for (resource, until, path, expected) in [
            (ALL, NOW + 1, "/members/index.html", Ok(())),
            (ALL, NOW + 1, "/members/a/b.html?c=d&e", Ok(())),
            (
                ALL,
                NOW,
                "/members/index.html",
                Err("a policy whose time is over"),
            ),
            (
                "http://localhost:1/members/a/*",
                NOW + 1,
                "/members/index.html",
                Err("a policy for something else"),
            ),
            (
                "http://localhost:2/members/*",
                NOW + 1,
                "/members/index.html",
                Err("a policy for something else"),
            ),
        ] {
            let cookies = signer.sign(&policy(resource, until));
            assert_eq!(check(&guard, path, &cookies), expected, "{resource} {path}");
        }
    }

    #[test]
    fn whatever_is_missing_or_changed_keeps_them_out() {
        let signer = Signer::new();
        let guard = guard(&signer);
        let sound = signer.sign(&policy(ALL, NOW + 1));
        let path = "/members/index.html";
        assert_eq!(check(&guard, path, &sound), Ok(()));
        assert_eq!(check(&guard, path, &[]), Err("no key pair id"));
        for (index, problem) in [
            "no policy",
            "no signature",
            "no key pair id",
            "not signed over SHA-256",
        ]
        .into_iter()
        .enumerate()
        {
            let mut less = sound.to_vec();
            less.remove(index);
            assert_eq!(check(&guard, path, &less), Err(problem));
        }
        let with = |index: usize, value: &str| {
            let mut changed = sound.clone();
            changed[index].1 = value.to_owned();
            check(&guard, path, &changed)
        };
        let longer = encode(policy(ALL, NOW + 1_000).as_bytes());
        assert_eq!(with(0, &longer), Err("a wrong signature"));
        assert_eq!(with(1, &encode(b"signature")), Err("a wrong signature"));
        assert_eq!(with(2, "K2"), Err("a key that is not trusted"));
        assert_eq!(with(3, "SHA1"), Err("not signed over SHA-256"));
        let other = Signer::new().sign(&policy(ALL, NOW + 1));
        assert_eq!(check(&guard, path, &other), Err("a wrong signature"));
        let two = r#"{"Statement":[]}"#;
        assert_eq!(check(&guard, path, &signer.sign(two)), Err("not a policy"));
    }

    #[test]
    fn a_signed_address_is_looked_at_instead_of_cookies() {
        let signer = Signer::new();
        let guard = guard(&signer);
        let query = |pairs: &[(&str, String)]| {
            let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join("&")
        };
        let sound = signer.sign(&policy(ALL, NOW + 1));
        let path = format!("/members/a.html?{}&b=c", query(&sound));
        assert_eq!(check(&guard, &path, &[]), Ok(()));
        let over = signer.sign(&policy(ALL, NOW));
        let path = format!("/members/a.html?{}", query(&over));
        let problem = Err("a policy whose time is over");
        assert_eq!(check(&guard, &path, &sound), problem);
        let path = "/members/a.html?Expires=1800000000";
        assert_eq!(check(&guard, path, &sound), Err("no key pair id"));
    }

    #[test]
    fn stars_and_question_marks_stand_for_something() {
        for (pattern, text, expected) in [
            ("/members/*", "/members/", true),
            ("/members/*", "/members/a/b", true),
            ("/members/*", "/members", false),
            ("/members/*", "/Members/a", false),
            ("/members/*", "/x/members/a", false),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1c2b", false),
            ("*.jpg", "a.jpg.jpg", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_key_on_p256_is_refused() {
        let pem = Signer::new().pem();
        assert!(PublicKey::from_pem(&pem).is_some());
        for wrong in ["", "nonsense", &pem.replace("MFkw", "MIkw"), &pem[..80]] {
            assert!(PublicKey::from_pem(wrong).is_none(), "{wrong}");
        }
    }
}
