//! `static/`: from this function's layer to the buckets that CloudFront reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use https_client::HttpsClient;

use crate::bucket::Bucket;
use crate::{ProvisionError, signed};

/// Folders of a layer that Lambda gives a meaning to: <https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html>. Whose would they be?
const LAMBDAS: [&str; 3] = ["bin", "extensions", "lib"];

/// A browser asks each time whether its copy is current; CloudFront keeps its own until the next deployment invalidates it.
const CACHE_CONTROL: &str = "max-age=0, s-maxage=31536000, must-revalidate";

/// What begins so is not for everybody, and goes where nothing else is.
const MEMBERS: &str = "members/";

/// Where the page is, and where it goes.
pub(crate) struct Page {
    /// The folder of its files.
    pub files: PathBuf,
    pub bucket: String,
    /// The bucket of what is below `members/`.
    pub members_bucket: String,
    pub distribution: String,
}

impl Page {
    /// Uploads all files, deletes what was ours and is gone, and has CloudFront forget what it keeps.
    pub(crate) async fn publish(
        &self,
        http: &HttpsClient,
        reference: &str,
    ) -> Result<(), ProvisionError> {
        let files = files(&self.files)?;
        if !files.contains("index.html") {
            let shown = self.files.display();
            return Err(ProvisionError::Page(format!(
                "there is no index.html in {shown}: is the layer with static/ missing?"
            )));
        }
        let (members, everybodys): (Vec<&String>, Vec<&String>) =
            files.iter().partition(|it| it.starts_with(MEMBERS));
        self.fill(http, &self.members_bucket, &members).await?;
        self.fill(http, &self.bucket, &everybodys).await?;
        tracing::info!(files = files.len(), "page published");
        signed::invalidate(http, &self.distribution, reference).await
    }

    /// Uploads these files to a bucket and deletes what was ours there and is none of them.
    async fn fill(
        &self,
        http: &HttpsClient,
        bucket: &str,
        files: &[&String],
    ) -> Result<(), ProvisionError> {
        let bucket = Bucket::open(http.clone(), bucket)?;
        let there = bucket.keys().await?;
        // What a page refers to before the page itself.
        let (pages, parts): (Vec<&String>, Vec<&String>) =
            files.iter().copied().partition(|it| it.ends_with(".html"));
        for key in parts.into_iter().chain(pages) {
            let content = fs::read(self.files.join(key))
                .map_err(|error| ProvisionError::Page(format!("{key}: {error}")))?;
            bucket
                .put(key, &content_type(key), CACHE_CONTROL, Bytes::from(content))
                .await?;
        }
        for key in there.iter().filter(|key| !files.contains(key)) {
            // What cannot be looked at is not ours, and nothing to wait for.
            if bucket.is_ours(key).await.unwrap_or(false) {
                bucket.delete(key).await?;
            }
        }
        Ok(())
    }

    /// Deletes what is ours, so that the buckets can be deleted. What somebody else put there is theirs to move.
    pub(crate) async fn withdraw(&self, http: &HttpsClient) -> Result<(), ProvisionError> {
        for bucket in [&self.bucket, &self.members_bucket] {
            withdraw(http, bucket).await?;
        }
        Ok(())
    }
}

async fn withdraw(http: &HttpsClient, name: &str) -> Result<(), ProvisionError> {
    let bucket = Bucket::open(http.clone(), name)?;
    let mut foreign = Vec::new();
    for key in bucket.keys().await? {
        if bucket.is_ours(&key).await? {
            bucket.delete(&key).await?;
        } else {
            foreign.push(key);
        }
    }
    match foreign.first() {
        None => Ok(()),
        Some(first) => Err(ProvisionError::Bucket {
            bucket: name.to_owned(),
            problem: format!(
                "holds {} that we did not put there (the first is {first}); move or delete what is in it, then delete the stack again",
                if foreign.len() == 1 {
                    "a file".to_owned()
                } else {
                    format!("{} files", foreign.len())
                }
            ),
        }),
    }
}

/// The files below a folder, by their paths with slashes.
fn files(root: &Path) -> Result<BTreeSet<String>, ProvisionError> {
    let mut files = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let wrong = |error: std::io::Error| {
            ProvisionError::Page(format!("{}: {error}", root.join(&folder).display()))
        };
        for entry in fs::read_dir(root.join(&folder)).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let name = entry.file_name();
            let is_shown = |name: &&str| !name.starts_with('.') || *name == ".well-known";
            let Some(name) = name.to_str().filter(is_shown) else {
                continue;
            };
            let path = folder.join(name);
            if entry.file_type().map_err(wrong)?.is_dir() {
                if folder.as_os_str().is_empty() && LAMBDAS.contains(&name) {
                    return Err(ProvisionError::Page(format!(
                        "{name}/ has a meaning for Lambda at the top of a layer: call the folder otherwise, and give this function no other layer"
                    )));
                }
                folders.push(path);
            } else {
                files.insert(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(files)
}

/// As the local stack serves it.
fn content_type(key: &str) -> String {
    let mime = mime_guess::from_path(key).first_or_octet_stream();
    match mime.type_().as_str() {
        "text" => format!("{mime}; charset=utf-8"),
        _ => mime.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_found_and_has_a_type() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static");
        let files = files(&root).unwrap();
        assert!(
            files.contains("index.html") && files.contains("js/home.js"),
            "{files:?}"
        );
        let unknown = "application/octet-stream";
        assert!(
            files.iter().all(|it| content_type(it) != unknown),
            "{files:?}"
        );
        for (key, expected) in [
            ("index.html", "text/html; charset=utf-8"),
            ("js/home.js", "text/javascript; charset=utf-8"),
            ("css/base.css", "text/css; charset=utf-8"),
            (".well-known/association", unknown),
        ] {
            assert_eq!(content_type(key), expected);
        }
    }

    #[test]
    fn what_is_hidden_is_not_the_page_and_what_lambda_would_take_is_refused() {
        let root = std::env::temp_dir().join(format!("provision-page-{}", std::process::id()));
        let make = |file: &str| {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        for file in ["index.html", ".git/config", ".well-known/a", "js/lib/a.js"] {
            make(file);
        }
        let found: Vec<String> = files(&root).unwrap().into_iter().collect();
        make("lib/b.js");
        let refused = files(&root).unwrap_err().to_string();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [".well-known/a", "index.html", "js/lib/a.js"]);
        assert!(refused.contains("lib/ has a meaning"), "{refused}");
    }
}
