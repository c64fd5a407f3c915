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
    "webhook-secret",
];
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

    /// The webhook's signing secret, made once and kept.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn webhook_secret(&self) -> Result<String> {
        let path = self.file("webhook-secret");
        if let Ok(secret) = fs::read_to_string(&path)
            && secret.starts_with("whsec_")
        {
            return Ok(secret);
        }
        let secret = format!("whsec_{}", hex::encode(rand::random::<[u8; 24]>()));
        self.replace("webhook-secret", secret.as_bytes())?;
        Ok(secret)
    }

    /// Writes `stack.json`: the stack is ready.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_addresses(&self, addresses: &Addresses) -> Result<()> {
        self.replace(
            STACK_JSON,
            serde_json::to_string_pretty(addresses)?.as_bytes(),
        )
    }

    /// Removes `stack.json`.
    pub fn remove_addresses(&self) {
        // Most of the time it is not there.
        let _ = fs::remove_file(self.file(STACK_JSON));
    }

    /// At once: a reader sees the whole file or none.
    fn replace(&self, name: &str, content: &[u8]) -> Result<()> {
        let write = || {
            let new = self.file(&format!("{name}.new"));
            // For this user only: the webhook's secret is one.
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(new, self.file(name))
        };
        write().with_context(|| format!("cannot write {}", self.file(name).display()))
    }
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
        let secret = data.webhook_secret().unwrap();
        assert_eq!(data.webhook_secret().unwrap(), secret);
        data.reset().unwrap();
        assert_ne!(data.webhook_secret().unwrap(), secret);
        assert!(folder.path().join("precious.txt").exists());
    }
}
