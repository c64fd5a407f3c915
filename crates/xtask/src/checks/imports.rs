//! Who must never import whom.

use super::graph::{Graph, Package};

/// Crates that speak to the world outside the process, by name or, with a trailing `*`, by how the name begins.
const IO: [&str; 14] = [
    "async-stripe*",
    "aws-*",
    "axum",
    "dynoxide-rs",
    "hyper*",
    "lambda_*",
    "mio",
    "reqwest",
    "ring",
    "rusqlite",
    "rustls",
    "socket2",
    "tempfile",
    "tokio*",
];

/// What speaks to somebody else's service, by name or by how the name begins, and our one package that may import it.
const HOMES: [(&str, &str); 6] = [
    ("async-stripe*", "payments"),
    ("aws-types", "aws"),
    ("aws-sdk-dynamodb", "store"),
    ("aws-sdk-secretsmanager", "secrets"),
    ("aws-sigv4", "aws"),
    ("rusty-s3", "provision"),
];

/// Other ways to do TLS. Beside ring, aws-lc makes hyper-rustls panic, and it costs 31 ms of CPU at a cold start; the
/// other two bind us to a library of the machine.
const OTHER_TLS: [&str; 4] = ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl-sys"];

/// Every broken rule, each with the chain of imports that breaks it.
pub fn check(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for (index, package) in graph.own() {
        let mut never = |rule: &str, wanted: &dyn Fn(&Package) -> bool| {
            broken.extend(
                graph
                    .path(index, wanted)
                    .map(|path| format!("{rule}: {path}")),
            );
        };
        let name = package.name.as_str();
        if name == "billing" {
            never("the domain does no I/O", &|other| is_any(&other.name, &IO));
            never("the domain imports nothing of ours", &|other| {
                other.folder.is_some()
            });
        }
        if name == "store" {
            never("store and payments do not import each other", &|other| {
                other.name == "payments"
            });
        }
        if name == "payments" {
            never("store and payments do not import each other", &|other| {
                other.name == "store"
            });
        }
        if ships(package) {
            never("what ships does not import local/", &|other| {
                other.is_under("local")
            });
        }
        never("TLS is ring's", &|other| is_any(&other.name, &OTHER_TLS));
        broken.extend(check_direct(graph, package));
    }
    broken
}

/// Rules on what a package names itself, also for its tests where that matters.
fn check_direct(graph: &Graph, package: &Package) -> Vec<String> {
    let mut broken = Vec::new();
    let mut never = |rule: &str, dependency: usize| {
        broken.push(format!(
            "{rule}: {} → {}",
            package.name, graph.packages[dependency].name
        ));
    };
    for &dependency in package.normal.iter().chain(&package.dev) {
        if package.is_under("functions") && graph.packages[dependency].is_under("functions") {
            never("a function does not import a function", dependency);
        }
    }
    for &dependency in &package.normal {
        let other = graph.packages[dependency].name.as_str();
        // What proves the store has a client of its own for it.
        if package.is_under("tests") {
            continue;
        }
        let home = HOMES.iter().find(|(pattern, _)| is_any(other, &[pattern]));
        if let Some((_, home)) = home.filter(|(_, home)| *home != package.name) {
            never(&format!("{other} is for {home} alone"), dependency);
        }
    }
    broken
}

fn ships(package: &Package) -> bool {
    package.is_under("functions") || (package.is_under("crates") && package.name != "xtask")
}

fn is_any(name: &str, patterns: &[&str]) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == *pattern,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Our packages as they should be, on a few of the crates they use.
    fn sound() -> Graph {
        let mut graph = Graph::default();
        for name in [
            "tokio",
            "mio",
            "aws-lc-sys",
            "serde",
            "aws-sdk-dynamodb",
            "async-stripe-core",
        ] {
            graph.add(name, &[]);
        }
        graph.add("crates/billing", &["serde"]);
        graph.add("crates/store", &["billing", "aws-sdk-dynamodb", "tokio"]);
        graph.add(
            "crates/payments",
            &["billing", "async-stripe-core", "tokio"],
        );
        graph.add("crates/sync", &["store", "payments"]);
        graph.add("local/stripe", &["tokio"]);
        graph.add("functions/config", &["store"]);
        graph.add("functions/webhook", &["sync"]);
        graph.add("tests/converge", &["webhook", "config", "stripe"]);
        graph
    }

    fn index(graph: &Graph, name: &str) -> usize {
        graph
            .packages
            .iter()
            .position(|package| package.name == name)
            .unwrap()
    }

    /// What is broken once `from` imports `to`.
    fn importing(from: &str, to: &str) -> Vec<String> {
        let mut graph = sound();
        let to = index(&graph, to);
        let from = index(&graph, from);
        graph.packages[from].normal.push(to);
        check(&graph)
    }

    #[test]
    fn the_intended_graph_breaks_nothing() {
        assert_eq!(check(&sound()), [""; 0]);
        assert_eq!(importing("config", "billing"), [""; 0]);
    }

    #[test]
    fn the_domain_does_no_io_even_through_another_crate() {
        let mut graph = sound();
        graph.add("harmless", &["mio"]);
        let (billing, harmless) = (index(&graph, "billing"), index(&graph, "harmless"));
        graph.packages[billing].normal.push(harmless);
        assert_eq!(
            check(&graph),
            ["the domain does no I/O: billing → harmless → mio"]
        );
    }

    #[test]
    fn store_and_payments_do_not_know_each_other() {
        assert_eq!(
            importing("store", "payments"),
            ["store and payments do not import each other: store → payments"]
        );
        assert_eq!(
            importing("payments", "store"),
            ["store and payments do not import each other: payments → store"]
        );
    }

    #[test]
    fn no_function_imports_a_function_in_its_tests_either() {
        let expected = ["a function does not import a function: webhook → config"];
        assert_eq!(importing("webhook", "config"), expected);

        let mut graph = sound();
        let (webhook, config) = (index(&graph, "webhook"), index(&graph, "config"));
        graph.packages[webhook].dev.push(config);
        assert_eq!(check(&graph), expected);
    }

    #[test]
    fn only_tests_may_use_the_stand_ins() {
        assert_eq!(
            importing("sync", "stripe"),
            [
                "what ships does not import local/: sync → stripe",
                "what ships does not import local/: webhook → sync → stripe"
            ]
        );
        let mut graph = sound();
        let (sync, stripe) = (index(&graph, "sync"), index(&graph, "stripe"));
        graph.packages[sync].dev.push(stripe);
        assert_eq!(check(&graph), [""; 0]);
    }

    #[test]
    fn each_sdk_has_one_home() {
        assert_eq!(
            importing("sync", "aws-sdk-dynamodb"),
            ["aws-sdk-dynamodb is for store alone: sync → aws-sdk-dynamodb"]
        );
        assert_eq!(importing("converge", "aws-sdk-dynamodb"), [""; 0]);
        assert_eq!(
            importing("webhook", "async-stripe-core"),
            ["async-stripe-core is for payments alone: webhook → async-stripe-core"]
        );
    }

    #[test]
    fn a_second_tls_library_is_found_wherever_it_comes_from() {
        assert_eq!(
            importing("tokio", "aws-lc-sys")[0],
            "TLS is ring's: store → tokio → aws-lc-sys"
        );
        assert_eq!(
            importing("stripe", "aws-lc-sys"),
            [
                "TLS is ring's: stripe → aws-lc-sys",
                "TLS is ring's: converge → stripe → aws-lc-sys"
            ]
        );
    }
}
