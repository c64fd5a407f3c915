//! Users and their groups.

use rusqlite::{ErrorCode, OptionalExtension, params};
use uuid::Uuid;

use super::Store;

/// A person who signed up. Cognito's `username` is the `sub` too, where the email address is an alias.
pub(crate) struct User {
    pub sub: String,
    pub email: String,
    pub email_verified: bool,
    pub groups: Vec<String>,
}

/// What came of adding a user.
pub(crate) enum NewUser {
    Added { sub: String },
    EmailTaken,
}

/// What came of changing an email address.
pub(crate) enum NewEmail {
    Set,
    EmailTaken,
    NoSuchUser,
}

/// The tables that hold what is a user's, apart from their refresh tokens.
const OF_A_USER: [&str; 6] = [
    "grants",
    "codes",
    "sessions",
    "user_groups",
    "unverified_emails",
    "users",
];

impl Store {
    /// Adds a user. Email addresses differ by more than their case.
    pub(crate) fn add_user(&self, email: &str, password_hash: &str) -> anyhow::Result<NewUser> {
        let sub = Uuid::new_v4().to_string();
        let added = self.lock().execute(
            "INSERT INTO users (sub, email, password_hash) VALUES (?1, ?2, ?3)",
            params![sub, email.to_lowercase(), password_hash],
        );
        match added {
            Ok(_) => Ok(NewUser::Added { sub }),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Ok(NewUser::EmailTaken)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The `sub` and password hash of the user with this email address.
    pub(crate) fn credentials(&self, email: &str) -> anyhow::Result<Option<(String, String)>> {
        let found = self.lock().query_row(
            "SELECT sub, password_hash FROM users WHERE email = ?1",
            [email.to_lowercase()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        );
        Ok(found.optional()?)
    }

    /// The user with exactly this email address, which is kept in lower case.
    pub(crate) fn user_with_email(&self, email: &str) -> anyhow::Result<Option<User>> {
        let sub: Option<String> = self
            .lock()
            .query_row("SELECT sub FROM users WHERE email = ?1", [email], |row| {
                row.get(0)
            })
            .optional()?;
        sub.map_or(Ok(None), |sub| self.user(&sub))
    }

    /// The user with this `sub`.
    pub(crate) fn user(&self, sub: &str) -> anyhow::Result<Option<User>> {
        let connection = self.lock();
        let email = connection
            .query_row("SELECT email FROM users WHERE sub = ?1", [sub], |row| {
                row.get(0)
            })
            .optional()?;
        let Some(email) = email else { return Ok(None) };
        let email_verified = !connection
            .prepare("SELECT 1 FROM unverified_emails WHERE sub = ?1")?
            .exists([sub])?;
        let groups = connection
            .prepare("SELECT name FROM user_groups WHERE sub = ?1 ORDER BY name")?
            .query_map([sub], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        Ok(Some(User {
            sub: sub.to_owned(),
            email,
            email_verified,
            groups,
        }))
    }

    /// Makes `groups` the user's groups; false for an unknown user.
    pub(crate) fn set_groups(&self, sub: &str, groups: &[String]) -> anyhow::Result<bool> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let known = transaction
            .prepare("SELECT 1 FROM users WHERE sub = ?1")?
            .exists([sub])?;
        if known {
            transaction.execute("DELETE FROM user_groups WHERE sub = ?1", [sub])?;
            for group in groups {
                transaction.execute(
                    "INSERT OR IGNORE INTO user_groups (sub, name) VALUES (?1, ?2)",
                    [sub, group],
                )?;
            }
        }
        transaction.commit()?;
        Ok(known)
    }

    /// Gives a user another email address, verified or not.
    pub(crate) fn set_email(
        &self,
        sub: &str,
        email: &str,
        verified: bool,
    ) -> anyhow::Result<NewEmail> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let set = transaction.execute(
            "UPDATE users SET email = ?2 WHERE sub = ?1",
            params![sub, email.to_lowercase()],
        );
        match set {
            Ok(0) => return Ok(NewEmail::NoSuchUser),
            Ok(_) => {}
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                return Ok(NewEmail::EmailTaken);
            }
            Err(error) => return Err(error.into()),
        }
        let note = if verified {
            "DELETE FROM unverified_emails WHERE sub = ?1"
        } else {
            "INSERT OR IGNORE INTO unverified_emails (sub) VALUES (?1)"
        };
        transaction.execute(note, [sub])?;
        transaction.commit()?;
        Ok(NewEmail::Set)
    }

    /// Deletes a user with their sessions, codes and tokens; false for an unknown one. Who signs up with the address anew is somebody else.
    pub(crate) fn delete_user(&self, sub: &str) -> anyhow::Result<bool> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "DELETE FROM refresh_tokens WHERE grant_id IN (SELECT id FROM grants WHERE sub = ?1)",
            [sub],
        )?;
        let mut deleted = 0;
        for table in OF_A_USER {
            let statement = format!("DELETE FROM {table} WHERE sub = ?1");
            deleted = transaction.execute(&statement, [sub])?;
        }
        transaction.commit()?;
        Ok(deleted > 0)
    }
}
