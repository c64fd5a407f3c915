// Stripe's secrets, which Secrets Manager holds.
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { clientOptions } from "./aws.js";

const client = new SecretsManagerClient(clientOptions);

/** Stripe's key. */
export async function stripeKey() {
  const { secret_key } = await read(process.env.STRIPE_SECRET_ARN);
  return secret_key;
}

/** What events may be signed with: the current secret and, while they are rotated, the one before it. */
export async function signingSecrets() {
  const { current, previous } = await read(process.env.WEBHOOK_SECRET_ARN);
  return [current, previous].filter(Boolean).map(({ secret }) => secret);
}

async function read(arn) {
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: arn }));
  return JSON.parse(SecretString);
}
