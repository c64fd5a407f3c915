import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Stripe from "stripe";

const BINARY = process.env.LOCAL_STRIPE_BIN ?? fileURLToPath(new URL("../../../target/debug/local-stripe", import.meta.url));

export const SECRET_KEY = "sk_test_local";

/** Starting takes some 50 ms; more than this is a failure. */
const READY_WITHIN_MS = 20_000;

/**
 * Starts a stand-in of the test's own on a free port, and ends it with the test.
 * @param {import("node:test").TestContext} t
 */
export async function startStandIn(t) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run cargo build -p local-stripe first`);
  const child = spawn(BINARY, ["--port", "0", "--secret-key", SECRET_KEY], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  t.after(async () => {
    child.kill("SIGTERM");
    await ended;
  });
  const port = await portOf(child);
  return new StandIn(port);
}

/** A running stand-in, and official clients for it. */
class StandIn {
  constructor(port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    /** The client as most people set it up, without what would reach out or hide a fault. */
    this.stripe = this.client();
  }

  /**
   * @param {import("stripe").Stripe.StripeConfig} [config]
   * @param {string} [key]
   */
  client(config = {}, key = SECRET_KEY) {
    return new Stripe(key, {
      host: "127.0.0.1", port: this.port, protocol: "http", maxNetworkRetries: 0, timeout: 20_000, telemetry: false, ...config,
    });
  }

  /** Asks the knobs for a fault of the next requests that match. */
  async fault(fault) {
    const response = await fetch(`${this.url}/_local/faults`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fault),
    });
    if (!response.ok) throw new Error(`The fault was not accepted: ${await response.text()}`);
  }
}

/** The port that the stand-in says it listens on. */
function portOf(child) {
  return new Promise((resolve, reject) => {
    let output = "";
    const fail = (why) => reject(new Error(`The stand-in did not start: ${why}\n${output}`));
    const timer = setTimeout(() => fail("it said nothing"), READY_WITHIN_MS);
    const read = (chunk) => {
      output += chunk;
      const found = /http:\/\/localhost:(\d+)\n/.exec(output);
      if (!found) return;
      clearTimeout(timer);
      resolve(Number(found[1]));
    };
    child.stdout.on("data", read);
    child.stderr.on("data", (chunk) => process.stderr.write(chunk));
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code) => {
      clearTimeout(timer);
      fail(`it ended with ${code}`);
    });
  });
}
