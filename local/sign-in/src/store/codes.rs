//! Authorization codes: spent by their first use, right or wrong.

use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::Store;
use crate::random;

/// What a code stands for.
pub(crate) struct Code {
    pub client_id: String,
    pub redirect_uri: String,
    pub scope: String,
    pub nonce: Option<String>,
    /// PKCE's `code_challenge` (S256).
    pub challenge: String,
    pub sub: String,
    pub auth_time: i64,
}

impl Store {
    /// Stores what a new code stands for; the answer is the code.
    pub(crate) fn issue_code(&self, code: &Code, expires_at: i64) -> anyhow::Result<String> {
        let secret = random::secret()?;
        self.lock().execute(
            "INSERT INTO codes (fingerprint, client_id, redirect_uri, scope, nonce, challenge, sub, auth_time, expires_at, grant_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                random::fingerprint(&secret),
                code.client_id,
                code.redirect_uri,
                code.scope,
                code.nonce,
                code.challenge,
                code.sub,
                code.auth_time,
                expires_at,
                Uuid::new_v4().to_string(),
            ],
        )?;
        Ok(secret)
    }

    /// Spends a code: what it stands for, with the id that its grant is to have. A code that comes a second time was stolen from
    /// one of the two who showed it, so its grant is revoked (RFC 6749, section 4.1.2).
    pub(crate) fn spend_code(
        &self,
        secret: &str,
        now: i64,
    ) -> anyhow::Result<Option<(Code, String)>> {
        let fingerprint = random::fingerprint(secret);
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let found = transaction
            .query_row(
                "SELECT client_id, redirect_uri, scope, nonce, challenge, sub, auth_time, grant_id, used, expires_at
                 FROM codes WHERE fingerprint = ?1",
                [&fingerprint],
                |row| {
                    let code = Code {
                        client_id: row.get(0)?,
                        redirect_uri: row.get(1)?,
                        scope: row.get(2)?,
                        nonce: row.get(3)?,
                        challenge: row.get(4)?,
                        sub: row.get(5)?,
                        auth_time: row.get(6)?,
                    };
                    Ok((code, row.get::<_, String>(7)?, row.get::<_, bool>(8)?, row.get::<_, i64>(9)?))
                },
            )
            .optional()?;
        let Some((code, grant, used, expires_at)) = found else {
            return Ok(None);
        };
        if used {
            transaction.execute("UPDATE grants SET revoked = 1 WHERE id = ?1", [&grant])?;
        } else {
            transaction.execute(
                "UPDATE codes SET used = 1 WHERE fingerprint = ?1",
                [&fingerprint],
            )?;
        }
        transaction.commit()?;
        Ok((!used && now < expires_at).then_some((code, grant)))
    }
}
