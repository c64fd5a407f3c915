import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { test as base } from "@playwright/test";
import { newEmail } from "./person.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
export const BINARY = process.env.STACK_BIN ?? join(ROOT, "target/debug/local-stack");

/** Building caches and seeding takes a moment on a busy machine; more than this is a failure. */
const READY_WITHIN_MS = 60_000;

/**
 * Starts the whole local stack on free ports with data of its own.
 * @param {string} plans what is on offer
 * @returns {Promise<{ site: string, api: string, stripe: string, sign_in: string, stop: () => Promise<void> }>}
 */
async function startStack(plans) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: run cargo build --workspace first`);
  const data = await mkdtemp(join(tmpdir(), "tollgate-browser-"));
  const { PATH, HOME, RUST_LOG, STRIPE_RECORD } = process.env;
  const env = Object.fromEntries(Object.entries({ PATH, HOME, RUST_LOG, STRIPE_RECORD }).filter(([, value]) => value));
  const child = spawn(BINARY, ["--port", "0", "--data", data, "--plans", plans], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output = (output + chunk).slice(-20_000)));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  const ready = join(data, "stack.json");
  while (!existsSync(ready)) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`The local stack did not start.\n${output}`);
    }
    await wait(50);
  }
  return { ...JSON.parse(await readFile(ready, "utf8")), stop };
}

/** Tests of the whole local stack: one for each worker, with `offered` on offer, and a new `email` for each test. */
export const test = base.extend({
  offered: ["tests/plans.toml", { option: true, scope: "worker" }],
  stack: [async ({ offered }, use) => {
    const stack = await startStack(offered);
    await use(stack);
    await stack.stop();
  }, { scope: "worker", timeout: 90_000 }],
  baseURL: async ({ stack }, use) => use(stack.site),
  email: async ({}, use) => use(newEmail()),
  /** One of the plans on offer. */
  plan: async ({ stack, request }, use) => {
    const { plans } = await (await request.get(`${stack.api}/config`)).json();
    await use(plans.find(({ key }) => key === "starter-monthly"));
  },
});
