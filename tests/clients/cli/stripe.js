import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SECRET_KEY, startStandIn } from "../support/stand-in.js";

const CLI = fileURLToPath(new URL("../node_modules/.bin/stripe", import.meta.url));

/**
 * A stand-in, and the Stripe CLI pointed at it. The CLI has a home of its own, and nothing outside this machine is
 * within its reach: `trigger` would ask GitHub for its newest version.
 * @param {import("node:test").TestContext} t
 */
export async function startWithCli(t) {
  const standIn = await startStandIn(t);
  const home = await mkdtemp(join(tmpdir(), "stripe-cli-"));
  t.after(() => rm(home, { recursive: true, force: true }));
  const nowhere = "http://127.0.0.1:9";
  const env = {
    PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, HTTP_PROXY: nowhere, HTTPS_PROXY: nowhere, NO_PROXY: "127.0.0.1,localhost",
    STRIPE_CLI_TELEMETRY_OPTOUT: "1",
  };

  /**
   * Runs the CLI to its end: its exit code and its output.
   * @returns {Promise<{ code: number, output: string, stdout: string }>}
   */
  const run = (words, key = SECRET_KEY) => new Promise((resolve) => {
    const all = [...words, "--api-base", standIn.url, "--api-key", key, "--color", "off"];
    execFile(CLI, all, { env, cwd: home, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: `${stdout}${stderr}`, stdout });
    });
  });

  /** Runs the CLI, which has to succeed and to answer with an object. */
  const ask = async (...words) => {
    const { code, output, stdout } = await run(words);
    if (code !== 0) throw new Error(`stripe ${words.join(" ")} ended with ${code}:\n${output}`);
    // Before it deletes, it says so.
    return JSON.parse(stdout.slice(stdout.indexOf("{")));
  };

  return { stripe: standIn.stripe, home, run, ask };
}
