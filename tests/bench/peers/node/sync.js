// The one operation that makes the table equal to Stripe, as crates/sync does it.
import { subscriptionsOf } from "./payments.js";
import { catalogue, takeTicket, writeSnapshot } from "./table.js";

/** How long a catalogue that was read is relied on, in milliseconds. */
const MAX_AGE = 600_000;

/** Makes the user's snapshot equal to what Stripe says of their customer. */
export async function sync(stripe, user, customer, at) {
  const { ticket, readsCharges, unconfirmed } = await takeTicket(user, customer);
  if (readsCharges || unconfirmed) throw new Error("no part of the comparison");
  const subscriptions = await subscriptionsOf(stripe, customer);
  subscriptions.sort((a, b) => (a.id < b.id ? -1 : 1));
  const bought = new Set(subscriptions.flatMap(({ items }) => items.map(({ price }) => price.product)));
  const products = (await catalogueFor(bought)).products.filter(({ id }) => bought.has(id));
  await writeSnapshot(user, customer, ticket, { subscriptions, products }, at);
  return "synced";
}

let cached;

/** A catalogue that has these products: the one that was read last, if it does. */
async function catalogueFor(products) {
  const knowsAll = () => [...products].every((product) => cached.products.some(({ id }) => id === product));
  if (cached && performance.now() - cached.readAt < MAX_AGE && knowsAll()) return cached;
  cached = { ...(await catalogue()), readAt: performance.now() };
  if (!knowsAll()) throw new Error("no part of the comparison");
  return cached;
}
