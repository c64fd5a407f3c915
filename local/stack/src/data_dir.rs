//! The folder that everything local is kept in (`.local`).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// A locked data folder. The lock goes with the process, however it ends.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The addresses of a running stack, as in `stack.json`. None ends with a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addresses {
    /// The page.
    pub site: String,
    /// `{site}/api`.
    pub api: String,
    /// Stripe's API, hosted pages and dashboard; absent where the real Stripe is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripe: Option<String>,
    /// The sign-in.
    pub sign_in: String,
    /// DynamoDB.
    pub dynamodb: String,
}

/// Everything that `--reset` deletes. Nothing else: the folder may be one that somebody chose by mistake.
const OURS: [&str; 5] = [
    "dynamodb",
    "dynamodb-real-stripe",
    "sign-in",
    "stripe",
    WEBHOOK_SECRET,
];
const WEBHOOK_SECRET: &str = "webhook-secret";
const STACK_JSON: &str = "stack.json";

impl DataDir {
    /// Makes the folder if need be and locks it.
    ///
    /// # Errors
    /// If it cannot be made, or another stack uses it.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        fs::create_dir_all(path).with_context(|| format!("cannot make the data folder {shown}"))?;
        let lock =
            File::create(path.join("lock")).with_context(|| format!("cannot write to {shown}"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another stack is running on {shown}; stop it, or choose another folder with --data"
                )
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {shown}"));
            }
        }
        let data = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        // A stack that was killed could not remove it.
        data.remove_addresses();
        Ok(data)
    }

    /// Deletes all that a stack has kept.
    ///
    /// # Errors
    /// If a file cannot be deleted.
    pub fn reset(&self) -> Result<()> {
        for name in OURS {
            for suffix in [
                "",
                ".sqlite",
                ".sqlite-wal",
                ".sqlite-shm",
                ".sqlite-journal",
            ] {
                let path = self.file(&format!("{name}{suffix}"));
                if path.is_file() {
                    fs::remove_file(&path)
                        .with_context(|| format!("cannot delete {}", path.display()))?;
                }
            }
        }
        Ok(())
    }

    /// A file in the folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// What `provision` stored about the webhook's signing secrets, if it has.
    #[must_use]
    pub fn webhook_secret(&self) -> Option<String> {
        fs::read_to_string(self.file(WEBHOOK_SECRET)).ok()
    }

    /// Keeps what it stores from then on.
    pub fn keep_webhook_secret(&self) -> impl Fn(&str) -> Result<()> + Send + Sync + use<> {
        let path = self.file(WEBHOOK_SECRET);
        move |value| replace(&path, value.as_bytes())
    }

    /// Writes `stack.json`: the stack is ready.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_addresses(&self, addresses: &Addresses) -> Result<()> {
        let text = serde_json::to_string_pretty(addresses)?;
        replace(&self.file(STACK_JSON), text.as_bytes())
    }

    /// Removes `stack.json`.
    pub fn remove_addresses(&self) {
        // Most of the time it is not there.
        let _ = fs::remove_file(self.file(STACK_JSON));
    }
}

/// At once: a reader sees the whole file or none.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        let new = path.with_extension("new");
        // For this user only: the webhook's secret is one.
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(new, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

impl Drop for DataDir {
    fn drop(&mut self) {
        self.remove_addresses();
    }
}

#[cfg(test)]
mod tests {
    use super::DataDir;

    #[test]
    fn two_stacks_cannot_share_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("another stack is running on"), "{error}");
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn the_webhook_secret_is_kept_until_reset_and_only_our_files_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("precious.txt"), "").unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        data.keep_webhook_secret()("{}").unwrap();
        assert_eq!(data.webhook_secret().as_deref(), Some("{}"));
        data.reset().unwrap();
        assert_eq!(data.webhook_secret(), None);
        assert!(folder.path().join("precious.txt").exists());
    }
}
