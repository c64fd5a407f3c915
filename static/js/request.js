import { Problem } from "./problem.js";

/** API Gateway gives up after 30 seconds, so nothing comes after that. */
const PATIENCE_MS = 31_000;

/**
 * Fetches JSON. Whatever goes wrong is thrown as a `Problem`.
 * @param {string} url
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
export async function requestJson(url, init) {
  let response;
  let text;
  try {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    response = await fetch(url, { ...init, signal: init?.signal ? AbortSignal.any([init.signal, patience]) : patience });
    text = await response.text();
  } catch (cause) {
    throw new Problem(unreachedCode(cause), { cause });
  }
  const body = parsed(text);
  if (!response.ok) throw Problem.fromResponse(response, body);
  if (!body) throw new Problem("unexpected", { status: response.status });
  return body;
}

/** @param {unknown} cause */
function unreachedCode(cause) {
  if (!navigator.onLine) return "offline";
  return cause instanceof DOMException && cause.name === "TimeoutError" ? "timed_out" : "unreachable";
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
