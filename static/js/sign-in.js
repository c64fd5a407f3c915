import { leaveFor } from "./leave.js";
import { endMembership } from "./membership.js";
import { challengeOf, randomText } from "./pkce.js";
import { Problem } from "./problem.js";
import { requestJson } from "./request.js";

/**
 * What the person asked for before they had to sign in.
 * @typedef {{ subscribe?: string, path?: string }} Intent `subscribe` is a plan's key, `path` a page of ours
 */

const PENDING = "tollgate.sign-in";
const SESSION = "tollgate.session";

/**
 * Amazon Cognito's managed login as a public client: authorization code with PKCE.
 * The access token lives in memory only. The refresh token is in sessionStorage, since it has to survive the trip to
 * Stripe; it works once, and every refresh brings the next one.
 * https://docs.aws.amazon.com/cognito/latest/developerguide/federation-endpoints.html
 */
export class SignIn {
  #settings;
  #accessToken = "";
  #renewAt = 0;
  /** @type {Promise<string> | null} */
  #refreshing = null;

  /** The email address to show, once it is known. */
  email = "";

  /** @param {{ url: string, client_id: string, scope: string }} settings */
  constructor(settings) {
    this.#settings = settings;
  }

  /** Whether this tab has a session; it may turn out to have ended. */
  static get hasSession() {
    return sessionStorage.getItem(SESSION) !== null;
  }

  /** Leaves for the sign-in page. @param {Intent} [intent] */
  signIn(intent) {
    return this.#leave("/oauth2/authorize", intent);
  }

  /** Leaves for the sign-up page. @param {Intent} [intent] */
  signUp(intent) {
    return this.#leave("/signup", intent);
  }

  /**
   * Finishes a sign-in when this page load is its callback.
   * @returns {Promise<Intent | null>} what was asked for before; `null` when this is no callback
   */
  async finish() {
    const query = new URLSearchParams(location.search);
    if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
    history.replaceState(null, "", location.pathname);
    const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
    sessionStorage.removeItem(PENDING);
    if (!pending || pending.state !== query.get("state")) {
      if (SignIn.hasSession) return null;
      throw new Problem("sign_in_stale");
    }
    if (query.has("error")) {
      throw new Problem(query.get("error") === "access_denied" ? "sign_in_canceled" : "sign_in_failed");
    }
    const tokens = await this.#askForTokens({
      grant_type: "authorization_code",
      code: query.get("code") ?? "",
      code_verifier: pending.verifier,
      redirect_uri: `${location.origin}/`,
    }).catch((error) => {
      throw error.status === 400 ? new Problem("sign_in_stale", { cause: error }) : error;
    });
    const claims = claimsOf(tokens.id_token);
    if (claims.nonce !== pending.nonce || claims.aud !== this.#settings.client_id) throw new Problem("sign_in_failed");
    this.#keep(tokens);
    return pending.intent;
  }

  /**
   * A token for the API. Many callers share one refresh.
   * @param {{ renew?: boolean }} [options] `renew` after the API refused the last one
   * @returns {Promise<string>} fails with `signed_out` when the session has ended
   */
  async accessToken({ renew = false } = {}) {
    if (!renew && Date.now() < this.#renewAt) return this.#accessToken;
    this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  /** Forgets the session, here and at the sign-in service, and leaves for its sign-out page. */
  async signOut() {
    const { url, client_id } = this.#settings;
    await this.end();
    return leaveFor(`${url}/logout?${new URLSearchParams({ client_id, logout_uri: `${location.origin}/` })}`);
  }

  /** Forgets the session, here and at the sign-in service, and stays. The members' pages are closed, too. */
  async end() {
    const token = sessionStorage.getItem(SESSION);
    this.forget();
    await Promise.all([endMembership(), token && this.#revoke(token)]);
  }

  /** @param {string} token */
  async #revoke(token) {
    const { url, client_id } = this.#settings;
    // Best effort: a person who wants to leave is not kept by a failing network. It goes on after this page has been left.
    const signal = AbortSignal.timeout(5000);
    await fetch(`${url}/oauth2/revoke`, { method: "POST", body: new URLSearchParams({ token, client_id }), signal, keepalive: true }).catch(() => {});
  }

  /** Forgets the session in this tab only. */
  forget() {
    sessionStorage.removeItem(SESSION);
    this.#accessToken = this.email = "";
    this.#renewAt = 0;
  }

  /**
   * @param {string} path
   * @param {Intent} [intent]
   */
  async #leave(path, intent = {}) {
    const verifier = randomText();
    const pending = { state: randomText(), nonce: randomText(), verifier, intent };
    const parameters = new URLSearchParams({
      response_type: "code",
      client_id: this.#settings.client_id,
      redirect_uri: `${location.origin}/`,
      scope: this.#settings.scope,
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await challengeOf(verifier),
      code_challenge_method: "S256",
    });
    sessionStorage.setItem(PENDING, JSON.stringify(pending));
    return leaveFor(`${this.#settings.url}${path}?${parameters}`);
  }

  async #refresh() {
    const refresh_token = sessionStorage.getItem(SESSION);
    if (!refresh_token) throw new Problem("signed_out");
    let tokens;
    try {
      tokens = await this.#askForTokens({ grant_type: "refresh_token", refresh_token });
    } catch (error) {
      // 400 is invalid_grant: expired, revoked, or used already, as by a duplicate of this tab.
      if (!(error instanceof Problem) || error.status !== 400) throw error;
      this.forget();
      throw new Problem("signed_out", { cause: error });
    }
    // Signed out meanwhile: what has come would bring the session back.
    if (sessionStorage.getItem(SESSION) !== refresh_token) {
      await this.#revoke(tokens.refresh_token ?? refresh_token);
      throw new Problem("signed_out");
    }
    this.#keep(tokens);
    return this.#accessToken;
  }

  /** @param {Record<string, string>} parameters */
  #askForTokens(parameters) {
    const body = new URLSearchParams({ client_id: this.#settings.client_id, ...parameters });
    return requestJson(`${this.#settings.url}/oauth2/token`, { method: "POST", body });
  }

  /** @param {{ access_token: string, expires_in: number, refresh_token?: string, id_token?: string }} tokens */
  #keep({ access_token, expires_in, refresh_token, id_token }) {
    if (refresh_token) sessionStorage.setItem(SESSION, refresh_token);
    if (id_token) this.email = claimsOf(id_token).email ?? "";
    this.#accessToken = access_token;
    this.#renewAt = Date.now() + (expires_in - Math.min(60, expires_in / 2)) * 1000;
  }
}

/**
 * An ID token's claims. It came straight from the token endpoint over TLS, so its signature need not be checked
 * (OpenID Connect Core 3.1.3.7).
 * @param {string} token
 */
function claimsOf(token) {
  try {
    const payload = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(payload, (character) => character.charCodeAt(0))));
  } catch (cause) {
    throw new Problem("sign_in_failed", { cause });
  }
}
