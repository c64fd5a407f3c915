use std::path::{Path, PathBuf};

use anyhow::Result;
use reqwest::Method;
use stack_tests::Stack;

/// Every file of the page that is for everybody, or for members: the path that a browser asks for, and where it is.
pub(crate) fn files(members: bool) -> Result<Vec<(String, PathBuf)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
    let (mut files, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root)?.display();
            files.push((format!("/{name}"), path));
        }
    }
    files.retain(|(path, _)| path.starts_with("/members/") == members);
    files.sort();
    Ok(files)
}

pub(crate) fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        // Nothing has it.
        _ => "unknown",
    }
}

#[tokio::test]
async fn every_file_of_the_page_is_there_as_what_it_is() -> Result<()> {
    let stack = Stack::start().await?;
    for (path, file) in files(false)? {
        let answer = stack.page(Method::GET, &path).await?;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(
            answer.headers()["content-type"],
            content_type(&path),
            "{path}"
        );
        // Nothing has its version in its name, so a browser must ask whether there is a newer one.
        let caching = answer.headers()["cache-control"].to_str()?;
        let asks = caching == "no-cache" || caching.contains("max-age=0");
        assert!(asks, "{path}: {caching}");
        assert_eq!(answer.bytes().await?, std::fs::read(&file)?, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn the_root_is_the_page_and_what_is_missing_is_not_found() -> Result<()> {
    let stack = Stack::start().await?;
    let root = stack.page(Method::GET, "/").await?;
    let index = stack.page(Method::GET, "/index.html").await?;
    assert_eq!(root.bytes().await?, index.bytes().await?);
    for path in ["/nothing.html", "/js/", "/js/nothing.js"] {
        let answer = stack.page(Method::GET, path).await?;
        assert_eq!(answer.status(), 404, "{path}");
    }
    let head = stack.page(Method::HEAD, "/index.html").await?;
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-type"], "text/html; charset=utf-8");
    let post = stack.page(Method::POST, "/").await?;
    assert!(post.status().is_client_error(), "{}", post.status());
    Ok(())
}

#[tokio::test]
async fn page_and_api_have_the_headers_that_protect_the_page() -> Result<()> {
    let stack = Stack::start().await?;
    let sign_in = &stack.addresses.sign_in;
    for path in [
        "/",
        "/js/home.js",
        "/api/config",
        "/api/subscription",
        "/nothing",
    ] {
        let answer = stack.page(Method::GET, path).await?;
        let header = |name: &str| answer.headers()[name].to_str().unwrap_or_default();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'self'",
            &format!("connect-src 'self' {sign_in}"),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: no {part} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(
            header("referrer-policy"),
            "strict-origin-when-cross-origin",
            "{path}"
        );
        // A local stack has no TLS.
        if stack.is_deployed() {
            let hsts = header("strict-transport-security");
            assert_eq!(hsts, "max-age=63072000", "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_page_learns_what_it_needs_from_config() -> Result<()> {
    let stack = Stack::start().await?;
    let config = stack.get("/config", None).await?;
    assert_eq!(config.status, 200);
    assert_eq!(config.headers["cache-control"], "public, max-age=60");
    assert_eq!(config.body["mode"], "test");
    assert_eq!(
        config.body["sign_in"]["url"],
        stack.addresses.sign_in.as_str()
    );
    assert_eq!(
        config.body["sign_in"]["scope"],
        "openid email tollgate/billing"
    );
    let plans = config.body["plans"].as_array().cloned().unwrap_or_default();
    for (key, name, amount) in [
        ("starter-monthly", "Starter", 900),
        ("pro-monthly", "Pro", 2_900),
    ] {
        let plan = plans.iter().find(|plan| plan["key"] == key);
        let plan = plan.unwrap_or_else(|| panic!("no {key} in {plans:#?}"));
        assert_eq!(
            (&plan["name"], &plan["amount"]),
            (&name.into(), &amount.into())
        );
    }
    Ok(())
}
