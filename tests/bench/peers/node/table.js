// The table in DynamoDB: keys, reads and conditional writes as crates/store makes them.
import {
  ConditionalCheckFailedException, DynamoDBClient, GetItemCommand, PutItemCommand, UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { clientOptions } from "./aws.js";

/** How long an entry of the audit trail is kept, in seconds. */
const KEPT = 30 * 86_400;

const client = new DynamoDBClient(clientOptions);
const TableName = process.env.TABLE_NAME;

/** Of Stripe's two modes, the one that this process works in. */
export const mode = process.env.STRIPE_PUBLISHABLE_KEY.startsWith("pk_live_") ? "live" : "test";

/** The catalogue: what is on offer, and all products that are or were ours. */
export async function catalogue() {
  const item = await get(key(`${mode}#catalogue`, "catalogue"));
  return item ? JSON.parse(item.catalogue.S) : { plans: [], products: [] };
}

/** A user's item. */
export async function userRecord(user) {
  const item = (await get(userKey(user))) ?? {};
  const checkout = item.checkout?.M;
  return {
    customer: item.customer?.S,
    snapshot: item.snapshot ? JSON.parse(item.snapshot.S) : { subscriptions: [], products: [] },
    trialUsed: "trial_used" in item,
    syncedAt: item.synced_at ? Number(item.synced_at.N) : null,
    checkout: checkout && { plan: checkout.plan.S, price: checkout.price.S, session: checkout.session?.S },
  };
}

/** The user whose customer this is. */
export async function userOf(customer) {
  const item = await get(key(`${mode}#customer#${customer}`, "user"));
  return item?.user.S;
}

/** Whether Stripe may be read for this user now: not if it was in the last so many seconds. */
export async function claimSync(user, now, seconds) {
  try {
    await client.send(new UpdateItemCommand({
      TableName,
      Key: userKey(user),
      UpdateExpression: "SET #sync_claimed_at = :now",
      ConditionExpression: "attribute_not_exists(#sync_claimed_at) OR #sync_claimed_at <= :before",
      ExpressionAttributeNames: names("sync_claimed_at"),
      ExpressionAttributeValues: { ":now": number(now), ":before": number(now - seconds) },
    }));
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
  return true;
}

/** Takes the number of a read of Stripe that is about to begin. */
export async function takeTicket(user, customer) {
  const { Attributes } = await client.send(new UpdateItemCommand({
    TableName,
    Key: userKey(user),
    UpdateExpression:
      "ADD #ticket :one SET #reads_charges = if_not_exists(#reads_charges, :charges), #unconfirmed = if_not_exists(#unconfirmed, :false)",
    ConditionExpression: "#customer = :customer",
    ExpressionAttributeNames: names("ticket", "customer", "reads_charges", "unconfirmed"),
    ExpressionAttributeValues: {
      ":one": number(1), ":charges": { BOOL: false }, ":false": { BOOL: false }, ":customer": text(customer),
    },
    ReturnValues: "UPDATED_NEW",
  }));
  return {
    ticket: Attributes.ticket.N,
    readsCharges: Attributes.reads_charges.BOOL,
    unconfirmed: Attributes.unconfirmed.BOOL,
  };
}

/** Stores what the read of this number saw, unless a later one has landed already: what is there then is at least as new. */
export async function writeSnapshot(user, customer, ticket, snapshot, now) {
  const hadTrial = snapshot.subscriptions.some(({ trial_start }) => trial_start !== null);
  try {
    await client.send(new UpdateItemCommand({
      TableName,
      Key: userKey(user),
      UpdateExpression:
        `SET #snapshot = :snapshot, #applied = :ticket, #synced_at = :now, #unconfirmed = :false${hadTrial ? ", #trial_used = :true" : ""}`,
      ConditionExpression: "#customer = :customer AND (attribute_not_exists(#applied) OR #applied < :ticket)",
      ExpressionAttributeNames: names("snapshot", "applied", "synced_at", "customer", "unconfirmed", ...(hadTrial ? ["trial_used"] : [])),
      ExpressionAttributeValues: {
        ":snapshot": text(JSON.stringify(snapshot)), ":ticket": number(ticket), ":now": number(now), ":false": { BOOL: false },
        ":customer": text(customer), ...(hadTrial && { ":true": { BOOL: true } }),
      },
    }));
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** Notes in the audit trail what an event did. */
export async function recordEvent({ id, type, created }, customer, outcome, now) {
  await client.send(new PutItemCommand({
    TableName,
    Item: {
      ...key(`${mode}#customer#${customer}`, `event#${String(created).padStart(10, "0")}#${id}`),
      type: text(type), outcome: text(outcome), received_at: number(now), purge_at: number(now + KEPT),
    },
  }));
}

async function get(Key) {
  const { Item } = await client.send(new GetItemCommand({ TableName, Key, ConsistentRead: true }));
  return Item;
}

function userKey(user) {
  return key(`${mode}#user#${user}`, "customer");
}

function key(pk, sk) {
  return { pk: text(pk), sk: text(sk) };
}

function text(value) {
  return { S: value };
}

function number(value) {
  return { N: String(value) };
}

function names(...all) {
  return Object.fromEntries(all.map((name) => [`#${name}`, name]));
}
