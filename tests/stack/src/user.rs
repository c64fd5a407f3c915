/// Somebody who has signed up, and their tokens.
#[derive(Debug, Clone)]
pub struct User {
    /// Who they are.
    pub sub: String,
    /// What they sign in with.
    pub email: String,
    /// What they call the API with.
    pub access_token: String,
    /// What they must not call the API with.
    pub id_token: String,
}

impl User {
    /// The same person with another token: another browser, or another kind of token.
    #[must_use]
    pub fn with_token(&self, access_token: impl Into<String>) -> Self {
        Self {
            access_token: access_token.into(),
            ..self.clone()
        }
    }
}
