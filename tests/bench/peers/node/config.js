// `GET /api/config`: what the page needs to know before anyone has signed in.
import { json, serveApi } from "./api.js";
import { catalogue, mode } from "./table.js";

const { APP, SIGN_IN_CLIENT_ID, SIGN_IN_URL, STRIPE_PUBLISHABLE_KEY } = process.env;
const sign_in = { url: SIGN_IN_URL, client_id: SIGN_IN_CLIENT_ID, scope: `openid email ${APP}/billing` };

serveApi(async () => {
  const { plans } = await catalogue();
  return json({ publishable_key: STRIPE_PUBLISHABLE_KEY, mode, sign_in, plans: plans.map(view) }, "public, max-age=60");
});

function view({ key, name, description, marketing_features, feature_names: features, amount, currency, other_amounts, tax_behavior, interval, interval_count, trial_days }) {
  return { key, name, description, marketing_features, features, amount, currency, other_amounts, tax_behavior, interval, interval_count, trial_days };
}
