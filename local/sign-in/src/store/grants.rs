//! Grants: one sign-in at one client, with its chain of refresh tokens. The id is the tokens' `origin_jti`.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Store;
use crate::random;

/// One sign-in at one client.
pub(crate) struct Grant {
    pub id: String,
    pub sub: String,
    pub client_id: String,
    pub scope: String,
    pub auth_time: i64,
}

impl Store {
    /// Stores a grant; the answer is its first refresh token. Rotation does not extend the chain's end, as in Cognito.
    pub(crate) fn add_grant(&self, grant: &Grant, expires_at: i64) -> anyhow::Result<String> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        transaction.execute(
            "INSERT INTO grants (id, sub, client_id, scope, auth_time, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![grant.id, grant.sub, grant.client_id, grant.scope, grant.auth_time, expires_at],
        )?;
        let token = add_refresh_token(&transaction, &grant.id)?;
        transaction.commit()?;
        Ok(token)
    }

    /// Trades a refresh token for the next one. A used one that comes again after the grace, in seconds, kills the chain: one of
    /// the two who showed it has stolen it.
    pub(crate) fn rotate(
        &self,
        token: &str,
        client_id: &str,
        now: i64,
        grace: i64,
    ) -> anyhow::Result<Option<(Grant, String)>> {
        let fingerprint = random::fingerprint(token);
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let found = transaction
            .query_row(
                "SELECT g.id, g.sub, g.client_id, g.scope, g.auth_time, t.used_at
                 FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id
                 WHERE t.fingerprint = ?1 AND g.client_id = ?2 AND g.expires_at > ?3 AND NOT g.revoked",
                params![fingerprint, client_id, now],
                |row| Ok((grant(row)?, row.get::<_, Option<i64>>(5)?)),
            )
            .optional()?;
        let Some((grant, used_at)) = found else {
            return Ok(None);
        };
        if used_at.is_some_and(|used_at| now - used_at >= grace) {
            transaction.execute("UPDATE grants SET revoked = 1 WHERE id = ?1", [&grant.id])?;
            transaction.commit()?;
            return Ok(None);
        }
        transaction.execute(
            "UPDATE refresh_tokens SET used_at = coalesce(used_at, ?2) WHERE fingerprint = ?1",
            params![fingerprint, now],
        )?;
        let next = add_refresh_token(&transaction, &grant.id)?;
        transaction.commit()?;
        Ok(Some((grant, next)))
    }

    /// Revokes the chain that a refresh token belongs to, if it is this client's.
    pub(crate) fn revoke(&self, token: &str, client_id: &str) -> anyhow::Result<()> {
        self.lock().execute(
            "UPDATE grants SET revoked = 1
             WHERE client_id = ?2 AND id = (SELECT grant_id FROM refresh_tokens WHERE fingerprint = ?1)",
            params![random::fingerprint(token), client_id],
        )?;
        Ok(())
    }

    /// Whether tokens of this grant are still good.
    pub(crate) fn grant_is_live(&self, id: &str) -> anyhow::Result<bool> {
        let connection = self.lock();
        let live = connection
            .prepare("SELECT 1 FROM grants WHERE id = ?1 AND NOT revoked")?
            .exists([id])?;
        Ok(live)
    }
}

fn add_refresh_token(connection: &Connection, grant: &str) -> anyhow::Result<String> {
    let token = random::secret()?;
    connection.execute(
        "INSERT INTO refresh_tokens (fingerprint, grant_id) VALUES (?1, ?2)",
        [&random::fingerprint(&token), grant],
    )?;
    Ok(token)
}

fn grant(row: &Row<'_>) -> rusqlite::Result<Grant> {
    Ok(Grant {
        id: row.get(0)?,
        sub: row.get(1)?,
        client_id: row.get(2)?,
        scope: row.get(3)?,
        auth_time: row.get(4)?,
    })
}
